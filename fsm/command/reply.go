package command

import "fmt"

// ReplyType says which shape a Reply has. The numbers are part of the snapshot format, because remembered results are kept in it.
type ReplyType uint8

// The shapes of a reply. They follow RESP, since RESP is what both doors and scripts speak.
const (
	ReplyNil      ReplyType = 0 // no value: "$-1" in RESP2, "_" in RESP3
	ReplyNilArray ReplyType = 1 // no array: "*-1" in RESP2, "_" in RESP3 (an EXEC that was not run)
	ReplyStatus   ReplyType = 2 // "+text"
	ReplyInteger  ReplyType = 3 // ":n"
	ReplyBulk     ReplyType = 4 // "$n"
	ReplyArray    ReplyType = 5 // "*n"
	ReplyMap      ReplyType = 6 // Elements are key, value, key, value, …: "%n" in RESP3, a flat array in RESP2
	ReplyError    ReplyType = 7 // "-text", with Code
	ReplyAgain    ReplyType = 8 // nothing was run: propose the command anew under the same request id; never leaves a node
)

// Reply is what one command answers. It is a value: whoever holds one must not change what its slices point at.
type Reply struct {
	Type     ReplyType
	Code     Code    // with ReplyError
	Integer  int64   // with ReplyInteger
	Text     []byte  // with ReplyStatus, ReplyBulk and ReplyError (there with its prefix, as in "LOCKED 'job' is …")
	Elements []Reply // with ReplyArray and ReplyMap
}

// Nil answers that there is no value.
func Nil() Reply { return Reply{Type: ReplyNil} }

// NilArray answers that there is no array, as EXEC does when a watched key has changed.
func NilArray() Reply { return Reply{Type: ReplyNilArray} }

// Status answers a simple string.
func Status(text string) Reply { return Reply{Type: ReplyStatus, Text: []byte(text)} }

// OK is the status most writes answer.
func OK() Reply { return Status("OK") }

// Integer answers a number.
func Integer(n int64) Reply { return Reply{Type: ReplyInteger, Integer: n} }

// Bool answers 1 or 0.
func Bool(yes bool) Reply {
	if yes {
		return Integer(1)
	}
	return Integer(0)
}

// Bulk answers a binary-safe string.
func Bulk(value []byte) Reply { return Reply{Type: ReplyBulk, Text: value} }

// Array answers a list.
func Array(elements ...Reply) Reply { return Reply{Type: ReplyArray, Elements: elements} }

// Map answers pairs, given as key, value, key, value, …
func Map(pairs ...Reply) Reply { return Reply{Type: ReplyMap, Elements: pairs} }

// Again answers that nothing was run and that the command is to be proposed anew under the same request id.
func Again() Reply { return Reply{Type: ReplyAgain} }

// Errorf answers an error; the text starts with the code's RESP prefix.
func Errorf(code Code, format string, arguments ...any) Reply {
	return Reply{Type: ReplyError, Code: code, Text: fmt.Appendf([]byte(code.Prefix()+" "), format, arguments...)}
}

// IsError reports whether the reply is an error of any code.
func (r Reply) IsError() bool { return r.Type == ReplyError }

// IsNil reports whether the reply stands for "no value" of either shape.
func (r Reply) IsNil() bool { return r.Type == ReplyNil || r.Type == ReplyNilArray }
