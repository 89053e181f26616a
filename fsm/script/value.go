package script

import "math"

// kind is the type of a value.
type kind byte

const (
	kindNil kind = iota
	kindBoolean
	kindNumber
	kindString
	kindTable
	kindFunction
)

// String is the type's name in Lua.
func (k kind) String() string {
	return [...]string{"nil", "boolean", "number", "string", "table", "function"}[k]
}

// value is one Lua value. number also holds a boolean (0 or 1) and a function (its Builtin).
type value struct {
	kind   kind
	number float64
	text   string
	table  *table
}

func numberOf(n float64) value { return value{kind: kindNumber, number: n} }
func stringOf(s string) value  { return value{kind: kindString, text: s} }
func tableOf(t *table) value   { return value{kind: kindTable, table: t} }

func booleanOf(yes bool) value {
	if yes {
		return value{kind: kindBoolean, number: 1}
	}
	return value{kind: kindBoolean}
}

// truthy is false for nil and false only.
func (v value) truthy() bool {
	return v.kind != kindNil && (v.kind != kindBoolean || v.number != 0)
}

// equals is Lua's raw equality: no coercion, tables by identity.
func (v value) equals(w value) bool {
	if v.kind != w.kind {
		return false
	}
	switch v.kind {
	case kindNumber, kindBoolean, kindFunction:
		return v.number == w.number
	case kindString:
		return v.text == w.text
	case kindTable:
		return v.table == w.table
	}
	return true
}

// toNumber converts as arithmetic does: numbers, and strings that spell one.
func (v value) toNumber() (float64, bool) {
	switch v.kind {
	case kindNumber:
		return v.number, true
	case kindString:
		return parseNumber(v.text)
	}
	return 0, false
}

// toText converts as concatenation does: strings, and numbers with 14 digits.
func (v value) toText() (string, bool) {
	switch v.kind {
	case kindString:
		return v.text, true
	case kindNumber:
		return formatNumber(v.number, 14), true
	}
	return "", false
}

// toInteger truncates toward zero. What no integer of 64 bits holds becomes the smallest one, as it does in Redis on common processors.
func toInteger(number float64) int64 {
	if !(number >= math.MinInt64 && number < -math.MinInt64) {
		return math.MinInt64
	}
	return int64(number)
}
