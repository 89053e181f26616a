package redissyntax

import "github.com/coordd/coordd/fsm/command"

func parseDelete(database uint8, argv [][]byte) (command.Op, error) {
	keys, err := names(database, argv[1:])
	if err != nil {
		return nil, err
	}
	return command.Delete{Names: keys}, nil
}

// parseDeleteIf reads DELEX key [IFEQ value | IFNE value]. Conditions on digests, which later Redis versions know, are not supported.
func parseDeleteIf(database uint8, argv [][]byte) (command.Op, error) {
	switch len(argv) {
	case 2:
		return deleteIf(database, argv[1], command.Always, nil)
	case 4:
		switch lower(argv[2]) {
		case "ifeq":
			return deleteIf(database, argv[1], command.IfEqual, argv[3])
		case "ifne":
			return deleteIf(database, argv[1], command.IfNotEqual, argv[3])
		}
		return nil, errSyntax
	}
	return nil, errArity("delex")
}

func parseDeleteIfEqual(database uint8, argv [][]byte) (command.Op, error) {
	return deleteIf(database, argv[1], command.IfEqual, argv[2])
}

func deleteIf(database uint8, key []byte, condition command.Condition, operand []byte) (command.Op, error) {
	checked, err := name(database, key)
	if err != nil {
		return nil, err
	}
	if err = checkValue(operand); err != nil {
		return nil, err
	}
	return command.DeleteIf{Name: checked, Condition: condition, Operand: operand}, nil
}

func parseExists(database uint8, argv [][]byte) (command.Op, error) {
	keys, err := names(database, argv[1:])
	if err != nil {
		return nil, err
	}
	return command.Exists{Names: keys}, nil
}

func parseType(database uint8, argv [][]byte) (command.Op, error) {
	key, err := name(database, argv[1])
	if err != nil {
		return nil, err
	}
	return command.Type{Name: key}, nil
}

// parseTimeToLive makes the parser of TTL, PTTL, EXPIRETIME or PEXPIRETIME.
func parseTimeToLive(form command.TimeToLiveForm) func(uint8, [][]byte) (command.Op, error) {
	return func(database uint8, argv [][]byte) (command.Op, error) {
		key, err := name(database, argv[1])
		if err != nil {
			return nil, err
		}
		return command.TimeToLive{Name: key, Form: form}, nil
	}
}

func parsePersist(database uint8, argv [][]byte) (command.Op, error) {
	key, err := name(database, argv[1])
	if err != nil {
		return nil, err
	}
	return command.Persist{Name: key}, nil
}

const defaultScanCount = 10

// parseScan reads SCAN cursor [MATCH pattern] [COUNT n] [TYPE name].
func parseScan(database uint8, argv [][]byte) (command.Op, error) {
	cursor, err := parseCursor(argv[1])
	if err != nil {
		return nil, err
	}
	op := command.Scan{Database: database, Cursor: cursor, Count: defaultScanCount}
	for i := 2; i < len(argv); i += 2 {
		if i+1 == len(argv) {
			return nil, errSyntax
		}
		if err := takeScanOption(&op, lower(argv[i]), argv[i+1]); err != nil {
			return nil, err
		}
	}
	return op, nil
}

func takeScanOption(op *command.Scan, option string, value []byte) error {
	switch option {
	case "count":
		count, err := parseInteger(value)
		if err != nil {
			return err
		}
		if count < 1 {
			return errSyntax
		}
		op.Count = min(count, command.MaxScanCount)
	case "match":
		op.Match = string(value)
		return checkPattern(value)
	case "type":
		op.OfType = lower(value)
		return checkPattern(value)
	default:
		return errSyntax
	}
	return nil
}

func parseKeys(database uint8, argv [][]byte) (command.Op, error) {
	if err := checkPattern(argv[1]); err != nil {
		return nil, err
	}
	return command.Keys{Database: database, Match: string(argv[1])}, nil
}

func parseDatabaseSize(database uint8, _ [][]byte) (command.Op, error) {
	return command.DatabaseSize{Database: database}, nil
}

func parseTime(uint8, [][]byte) (command.Op, error) { return command.Time{}, nil }

// parseFence reads FENCE key [value].
func parseFence(database uint8, argv [][]byte) (command.Op, error) {
	if len(argv) > 3 {
		return nil, errArity("fence")
	}
	key, err := name(database, argv[1])
	if err != nil {
		return nil, err
	}
	op := command.Fence{Name: key}
	if len(argv) == 3 {
		op.HasValue, op.Value = true, argv[2]
		if err := checkValue(op.Value); err != nil {
			return nil, err
		}
	}
	return op, nil
}
