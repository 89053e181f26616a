package fsm

import (
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/coordd/coordd/fsm/command"
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

// incrementBy adds a floating-point number. Redis computes in the 80-bit format of its processor, whose significand has 64 bits; math/big gives the same
// everywhere.
func (e *effects) incrementBy(op command.IncrementBy) command.Reply {
	key, record, problem := e.openUnlocked(op.Name)
	if problem != nil {
		return *problem
	}
	present := new(big.Float).SetPrec(64)
	if record.holding == holdingString {
		var ok bool
		if present, ok = longDouble(string(record.value)); !ok {
			return command.Errorf(command.CodeGeneric, "value is not a valid float")
		}
	}
	delta, ok := longDouble(op.Delta)
	if !ok {
		return command.Errorf(command.CodeGeneric, "value is not a valid float")
	}
	if present.IsInf() || delta.IsInf() {
		return command.Errorf(command.CodeGeneric, "increment would produce NaN or Infinity")
	}
	sum := new(big.Float).SetPrec(64).Add(present, delta)
	if sum.MantExp(nil) > longDoubleExponent {
		return command.Errorf(command.CodeGeneric, "increment would produce NaN or Infinity")
	}
	value := formatLongDouble(sum)
	e.putCounter(key, record, value)
	return text(value)
}

// The 80-bit format reaches from 2^-16445 to 2^16384.
const (
	longDoubleExponent = 16384
	smallestExponent   = 16444
)

// longDouble reads a decimal number of bounded size.
func longDouble(text string) (*big.Float, bool) {
	const most = 5 << 10 // the longest number that formatLongDouble makes, and some
	if text == "" || len(text) > most || strings.ContainsAny(text, "_ \t\n\v\f\rpPxX") {
		return nil, false
	}
	unsigned := text
	if text[0] == '+' || text[0] == '-' {
		unsigned = text[1:]
	}
	switch strings.ToLower(unsigned) {
	case "inf", "infinity":
		return new(big.Float).SetPrec(64).SetInf(text[0] == '-'), true
	}
	// The exponent is judged before the number is computed, which would take for ever with a huge one.
	if _, exponent, ok := strings.Cut(strings.ToLower(text), "e"); ok {
		n, err := strconv.Atoi(exponent)
		if err != nil || math.Abs(float64(n)) > 5000 {
			return nil, false
		}
	}
	number, _, err := big.ParseFloat(text, 10, 64, big.ToNearestEven)
	if err != nil || number.MantExp(nil) > longDoubleExponent || number.Sign() != 0 && number.MantExp(nil) < -smallestExponent {
		return nil, false
	}
	return number, true
}

// formatLongDouble writes 17 digits after the point and takes trailing zeros away, as Redis does.
func formatLongDouble(number *big.Float) string {
	text := number.Text('f', 17)
	text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	if text == "-0" {
		return "0"
	}
	return text
}
