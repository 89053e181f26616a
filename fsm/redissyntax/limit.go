package redissyntax

import "github.com/coordd/coordd/fsm/command"

// name checks a key against the limit and gives it its database.
func name(database uint8, key []byte) (command.Name, error) {
	if len(key) > command.MaxNameBytes {
		return command.Name{}, errLimit("a key of %d bytes is too long; the limit is %d", len(key), command.MaxNameBytes)
	}
	return command.Name{Database: database, Key: string(key)}, nil
}

// names checks several keys.
func names(database uint8, keys [][]byte) ([]command.Name, error) {
	if len(keys) > command.MaxNamesPerCommand {
		return nil, errLimit("%d keys in one command are too many; the limit is %d", len(keys), command.MaxNamesPerCommand)
	}
	out := make([]command.Name, len(keys))
	for i, key := range keys {
		var err error
		if out[i], err = name(database, key); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// checkValue checks a value, or an operand that is compared with one, against the limit.
func checkValue(value []byte) error {
	if len(value) > command.MaxValueBytes {
		return errLimit("a value of %d bytes is too long; the limit is %d", len(value), command.MaxValueBytes)
	}
	return nil
}

// checkPattern checks a glob, which is as long as a name at most.
func checkPattern(pattern []byte) error {
	if len(pattern) > command.MaxNameBytes {
		return errLimit("a pattern of %d bytes is too long; the limit is %d", len(pattern), command.MaxNameBytes)
	}
	return nil
}

func errLimit(format string, arguments ...any) error {
	return &problem{command.Errorf(command.CodeLimit, format, arguments...)}
}
