package fsm

import (
	"strconv"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/fsm/internal/longdouble"
)

// increment adds to the integer that a value spells. A present name keeps its owner, its token and its deadline (safety case S18).
func (e *effects) increment(op command.Increment) command.Reply {
	key, record, problem := e.openUnlocked(op.Name)
	if problem != nil {
		return *problem
	}
	var present int64
	if record.holding == holdingString {
		var ok bool
		if present, ok = strictInteger(string(record.value)); !ok {
			return command.Errorf(command.CodeGeneric, "value is not an integer or out of range")
		}
	}
	sum := present + op.Delta
	if op.Delta > 0 && sum < present || op.Delta < 0 && sum > present {
		return command.Errorf(command.CodeGeneric, "increment or decrement would overflow")
	}
	e.putCounter(key, record, strconv.FormatInt(sum, 10))
	return command.Integer(sum)
}

// putCounter writes the new value: a grant on an absent name, a change in place on a present one.
func (e *effects) putCounter(key nameKey, record nameRecord, value string) {
	if record.holding != holdingString {
		e.setString(key, record, []byte(value), 0)
		return
	}
	record.value = []byte(value)
	e.alterString(key, record)
}

// strictInteger reads an integer in the only spelling Redis takes: no sign but a minus, no leading zeros, no spaces.
func strictInteger(text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == text
}

// incrementBy adds a floating-point number, with the bits that Redis computes on x86-64.
func (e *effects) incrementBy(op command.IncrementBy) command.Reply {
	key, record, problem := e.openUnlocked(op.Name)
	if problem != nil {
		return *problem
	}
	spelled := "0"
	if record.holding == holdingString {
		spelled = string(record.value)
	}
	present, presentOK := longdouble.Parse(spelled)
	delta, deltaOK := longdouble.Parse(op.Delta)
	if !presentOK || !deltaOK {
		return command.Errorf(command.CodeGeneric, "value is not a valid float")
	}
	sum, ok := longdouble.Sum(present, delta)
	if !ok {
		return command.Errorf(command.CodeGeneric, "increment would produce NaN or Infinity")
	}
	value := longdouble.Format(sum)
	e.putCounter(key, record, value)
	return text(value)
}
