package redissyntax

import (
	"strings"

	"github.com/coordd/coordd/fsm/command"
)

// parseSet reads SET key value [NX | XX | IFEQ value | IFNE value] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL].
func parseSet(database uint8, argv [][]byte) (command.Op, error) {
	op := command.Set{Value: argv[2]}
	var expiry expiryOptions
	for i := 3; i < len(argv); {
		used, err := expiry.take(argv, i, "keepttl")
		if err != nil {
			return nil, err
		}
		if used == 0 {
			if used, err = takeSetOption(&op, argv, i); err != nil {
				return nil, err
			}
		}
		i += used
	}
	var err error
	if op.Expiry, err = expiry.expiry("set", command.ExpiryClear); err != nil {
		return nil, err
	}
	return finishSet(database, argv[1], op)
}

// takeSetOption reads one option of SET that is not about expiry and returns how many arguments it used.
func takeSetOption(op *command.Set, argv [][]byte, i int) (int, error) {
	condition, used := command.Always, 1
	switch lower(argv[i]) {
	case "get":
		op.Reply = command.SetReplyOld
		return 1, nil
	case "nx":
		condition = command.IfAbsent
	case "xx":
		condition = command.IfPresent
	case "ifeq":
		condition, used = command.IfEqual, 2
	case "ifne":
		condition, used = command.IfNotEqual, 2
	default:
		return 0, errSyntax
	}
	if i+used > len(argv) || op.Condition != command.Always && (op.Condition != condition || used == 2) {
		return 0, errSyntax
	}
	op.Condition = condition
	if used == 2 {
		op.Operand = argv[i+1]
	}
	return used, nil
}

// finishSet adds the name and checks the limits.
func finishSet(database uint8, key []byte, op command.Set) (command.Op, error) {
	var err error
	if op.Name, err = name(database, key); err != nil {
		return nil, err
	}
	if err = checkValue(op.Value); err != nil {
		return nil, err
	}
	if err = checkValue(op.Operand); err != nil {
		return nil, err
	}
	return op, nil
}

func parseSetNX(database uint8, argv [][]byte) (command.Op, error) {
	return finishSet(database, argv[1], command.Set{Value: argv[2], Condition: command.IfAbsent, Reply: command.SetReplyInteger})
}

func parseGetSet(database uint8, argv [][]byte) (command.Op, error) {
	return finishSet(database, argv[1], command.Set{Value: argv[2], Reply: command.SetReplyOld})
}

func parseSetEX(database uint8, argv [][]byte) (command.Op, error) {
	return setWithExpiry(database, argv, unitSeconds, "setex")
}

func parsePSetEX(database uint8, argv [][]byte) (command.Op, error) {
	return setWithExpiry(database, argv, unitMilliseconds, "psetex")
}

func setWithExpiry(database uint8, argv [][]byte, in unit, commandName string) (command.Op, error) {
	expiry, err := positiveExpiry(argv[2], in, false, commandName)
	if err != nil {
		return nil, err
	}
	return finishSet(database, argv[1], command.Set{Value: argv[3], Expiry: expiry})
}

func parseGet(database uint8, argv [][]byte) (command.Op, error) {
	// The virtual names that answer tokens carry another name, and with it a value, so they have a limit of their own.
	const maxVirtual = command.MaxNameBytes + command.MaxValueBytes + len(command.FenceIfPrefix) + len("512:")
	key := argv[1]
	if len(key) > command.MaxNameBytes && len(key) <= maxVirtual && isVirtual(key) {
		return command.Get{Name: command.Name{Database: database, Key: string(key)}}, nil
	}
	checked, err := name(database, key)
	if err != nil {
		return nil, err
	}
	return command.Get{Name: checked}, nil
}

func isVirtual(key []byte) bool {
	return hasPrefix(key, command.FencePrefix) || hasPrefix(key, command.FenceIfPrefix)
}

func hasPrefix(key []byte, prefix string) bool {
	return len(key) >= len(prefix) && string(key[:len(prefix)]) == prefix
}

func parseGetDelete(database uint8, argv [][]byte) (command.Op, error) {
	key, err := name(database, argv[1])
	if err != nil {
		return nil, err
	}
	return command.GetDelete{Name: key}, nil
}

func parseGetExpire(database uint8, argv [][]byte) (command.Op, error) {
	var options expiryOptions
	for i := 2; i < len(argv); {
		used, err := options.take(argv, i, "persist")
		if err != nil {
			return nil, err
		}
		if used == 0 {
			return nil, errSyntax
		}
		i += used
	}
	key, err := name(database, argv[1])
	if err != nil {
		return nil, err
	}
	expiry, err := options.expiry("getex", command.ExpiryKeep)
	if err != nil {
		return command.GetRefused{Name: key, Text: strings.TrimPrefix(err.Error(), command.CodeGeneric.Prefix()+" ")}, nil
	}
	return command.GetExpire{Name: key, Expiry: expiry}, nil
}

func parseGetRange(database uint8, argv [][]byte) (command.Op, error) {
	start, err := parseInteger(argv[2])
	if err != nil {
		return nil, err
	}
	end, err := parseInteger(argv[3])
	if err != nil {
		return nil, err
	}
	key, err := name(database, argv[1])
	if err != nil {
		return nil, err
	}
	return command.GetRange{Name: key, Start: start, End: end}, nil
}

func parseLength(database uint8, argv [][]byte) (command.Op, error) {
	key, err := name(database, argv[1])
	if err != nil {
		return nil, err
	}
	return command.Length{Name: key}, nil
}

func parseMultiGet(database uint8, argv [][]byte) (command.Op, error) {
	keys, err := names(database, argv[1:])
	if err != nil {
		return nil, err
	}
	return command.MultiGet{Names: keys}, nil
}

// parseMultiSet makes the parser of MSET or MSETNX.
func parseMultiSet(commandName string, ifAbsent bool) func(uint8, [][]byte) (command.Op, error) {
	return func(database uint8, argv [][]byte) (command.Op, error) {
		arguments := argv[1:]
		if len(arguments)%2 != 0 {
			return nil, errArity(commandName)
		}
		if count := len(arguments) / 2; count > command.MaxNamesPerCommand {
			return nil, errLimit("%d keys in one command are too many; the limit is %d", count, command.MaxNamesPerCommand)
		}
		op := command.MultiSet{Pairs: make([]command.Pair, len(arguments)/2), IfAbsent: ifAbsent}
		for i := range op.Pairs {
			key, err := name(database, arguments[2*i])
			if err != nil {
				return nil, err
			}
			if err = checkValue(arguments[2*i+1]); err != nil {
				return nil, err
			}
			op.Pairs[i] = command.Pair{Name: key, Value: arguments[2*i+1]}
		}
		return op, nil
	}
}
