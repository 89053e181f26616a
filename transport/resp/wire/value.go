package wire

import (
	"bytes"
	"math"
	"strconv"
)

// Type says which shape a Value has.
type Type uint8

// The types of RESP2 and RESP3.
const (
	Nil       Type = iota // "$-1", "*-1" or "_"
	Status                // "+text"
	Error                 // "-text" or "!text"
	Integer               // ":n"
	Bulk                  // "$n"
	Array                 // "*n"
	Map                   // "%n"; Elements are key, value, key, value, …
	Set                   // "~n"
	Push                  // ">n"; not the answer to a request
	Boolean               // "#t" or "#f"
	Double                // ",n"
	BigNumber             // "(n"; Text is the decimal number
	Verbatim              // "=n"; Text is what follows the format
)

var typeNames = [...]string{"nil", "status", "error", "integer", "bulk", "array", "map", "set", "push", "boolean", "double", "big number", "verbatim"}

// String names the type.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return "unknown type " + strconv.Itoa(int(t))
}

// Value is one value as a server sends it. It shares no memory with the reader.
type Value struct {
	Type       Type
	Integer    int64   // Integer, and Boolean as 1 or 0
	Double     float64 // Double
	Format     string  // Verbatim: three letters
	Text       []byte  // Status, Error, Bulk, BigNumber, Verbatim
	Elements   []Value // Array, Map, Set, Push
	Attributes []Value // pairs that came before the value; RESP3 only
}

// Err is the error that the value is, or nil.
func (v Value) Err() error {
	if v.Type == Error {
		return ReplyError(v.Text)
	}
	return nil
}

// ReplyError is an error as a server sent it: a code word in capitals, then a sentence.
type ReplyError string

// Error implements error.
func (e ReplyError) Error() string { return string(e) }

// Code is the first word, such as "ERR", "HELD" or "NOSCRIPT".
func (e ReplyError) Code() string {
	for i := range len(e) {
		if e[i] == ' ' {
			return string(e[:i])
		}
	}
	return string(e)
}

// Int reads the value as a number: an integer, or a string that spells one.
func (v Value) Int() (int64, bool) {
	switch v.Type {
	case Integer, Boolean:
		return v.Integer, true
	case Bulk, Status, BigNumber, Verbatim:
		return ParseInteger(v.Text)
	}
	return 0, false
}

// Lookup finds a key in a map, or in an array of pairs as RESP2 sends maps. The second result says whether it is there.
func (v Value) Lookup(key string) (Value, bool) {
	if v.Type != Map && v.Type != Array {
		return Value{}, false
	}
	for i := 0; i+1 < len(v.Elements); i += 2 {
		if string(v.Elements[i].Text) == key {
			return v.Elements[i+1], true
		}
	}
	return Value{}, false
}

// AppendValue appends a value with all that it holds. What RESP2 lacks is written as RESP2 clients expect it; attributes are left out there.
func AppendValue(to []byte, protocol Protocol, v Value) []byte {
	if len(v.Attributes) > 0 && protocol == RESP3 {
		to = appendCount(to, '|', len(v.Attributes)/2)
		to = appendElements(to, protocol, v.Attributes)
	}
	switch v.Type {
	case Status:
		return AppendStatus(to, v.Text)
	case Error:
		if protocol == RESP3 && bytes.ContainsAny(v.Text, "\r\n") {
			to = append(appendCount(to, '!', len(v.Text)), v.Text...)
			return append(to, '\r', '\n')
		}
		return AppendError(to, v.Text)
	case Integer:
		return AppendInteger(to, v.Integer)
	case Bulk:
		return AppendBulk(to, v.Text)
	case Array:
		return appendElements(AppendArrayHeader(to, len(v.Elements)), protocol, v.Elements)
	case Map:
		return appendElements(AppendMapHeader(to, protocol, len(v.Elements)/2), protocol, v.Elements)
	case Set:
		return appendElements(AppendSetHeader(to, protocol, len(v.Elements)), protocol, v.Elements)
	case Push:
		return appendElements(AppendPushHeader(to, protocol, len(v.Elements)), protocol, v.Elements)
	case Boolean:
		return AppendBoolean(to, protocol, v.Integer != 0)
	case Double:
		return AppendDouble(to, protocol, v.Double)
	case BigNumber:
		if protocol == RESP3 {
			return appendLine(append(to, '('), v.Text)
		}
		return AppendBulk(to, v.Text)
	case Verbatim:
		return AppendVerbatim(to, protocol, v.Format, v.Text)
	}
	return AppendNil(to, protocol)
}

func appendElements(to []byte, protocol Protocol, elements []Value) []byte {
	for _, element := range elements {
		to = AppendValue(to, protocol, element)
	}
	return to
}

// Equal reports whether two values are the same, attributes included.
func (v Value) Equal(other Value) bool {
	return v.Type == other.Type && v.Integer == other.Integer && sameDouble(v.Double, other.Double) && v.Format == other.Format &&
		string(v.Text) == string(other.Text) && equalValues(v.Elements, other.Elements) && equalValues(v.Attributes, other.Attributes)
}

func equalValues(a, b []Value) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !a[i].Equal(b[i]) {
			return false
		}
	}
	return true
}

func sameDouble(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }
