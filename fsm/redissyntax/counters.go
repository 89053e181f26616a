package redissyntax

import (
	"math"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/fsm/internal/longdouble"
)

// parseIncrement makes the parser of INCR or DECR.
func parseIncrement(delta int64) func(uint8, [][]byte) (command.Op, error) {
	return func(database uint8, argv [][]byte) (command.Op, error) { return increment(database, argv[1], delta) }
}

func parseIncrementBy(database uint8, argv [][]byte) (command.Op, error) {
	delta, err := parseInteger(argv[2])
	if err != nil {
		return nil, err
	}
	return increment(database, argv[1], delta)
}

func parseDecrementBy(database uint8, argv [][]byte) (command.Op, error) {
	delta, err := parseInteger(argv[2])
	if err != nil {
		return nil, err
	}
	if delta == math.MinInt64 { // it has no positive counterpart
		return nil, problemf("decrement would overflow")
	}
	return increment(database, argv[1], -delta)
}

func increment(database uint8, key []byte, delta int64) (command.Op, error) {
	checked, err := name(database, key)
	if err != nil {
		return nil, err
	}
	return command.Increment{Name: checked, Delta: delta}, nil
}

func parseIncrementByFloat(database uint8, argv [][]byte) (command.Op, error) {
	if _, ok := longdouble.Parse(string(argv[2])); !ok {
		return nil, errNotFloat
	}
	key, err := name(database, argv[1])
	if err != nil {
		return nil, err
	}
	return command.IncrementBy{Name: key, Delta: string(argv[2])}, nil
}
