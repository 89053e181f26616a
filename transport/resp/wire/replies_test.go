package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"
)

func text(t Type, s string) Value { return Value{Type: t, Text: []byte(s)} }

func TestRepliesOfEveryType(t *testing.T) {
	cases := []struct {
		input string
		want  Value
	}{
		{"+OK\r\n", text(Status, "OK")},
		{"-ERR no\r\n", text(Error, "ERR no")},
		{"!8\r\nERR\r\nno \r\n", text(Error, "ERR\r\nno ")},
		{":-7\r\n", Value{Type: Integer, Integer: -7}},
		{":+7\r\n", Value{Type: Integer, Integer: 7}},
		{":9223372036854775807\r\n", Value{Type: Integer, Integer: math.MaxInt64}},
		{":-9223372036854775808\r\n", Value{Type: Integer, Integer: math.MinInt64}},
		{"$3\r\na\r\n\r\n", text(Bulk, "a\r\n")},
		{"$0\r\n\r\n", text(Bulk, "")},
		{"$-1\r\n", Value{}},
		{"*-1\r\n", Value{}},
		{"_\r\n", Value{}},
		{"*2\r\n:1\r\n$-1\r\n", Value{Type: Array, Elements: []Value{{Type: Integer, Integer: 1}, {}}}},
		{"%1\r\n+a\r\n:1\r\n", Value{Type: Map, Elements: []Value{text(Status, "a"), {Type: Integer, Integer: 1}}}},
		{"~1\r\n+a\r\n", Value{Type: Set, Elements: []Value{text(Status, "a")}}},
		{">2\r\n+invalidate\r\n_\r\n", Value{Type: Push, Elements: []Value{text(Status, "invalidate"), {}}}},
		{"#t\r\n", Value{Type: Boolean, Integer: 1}},
		{"#f\r\n", Value{Type: Boolean}},
		{",1.5\r\n", Value{Type: Double, Double: 1.5}},
		{",-inf\r\n", Value{Type: Double, Double: math.Inf(-1)}},
		{",nan\r\n", Value{Type: Double, Double: math.NaN()}},
		{"(3492890328409238509324850943850943825024385\r\n", text(BigNumber, "3492890328409238509324850943850943825024385")},
		{"=5\r\ntxt:a\r\n", Value{Type: Verbatim, Format: "txt", Text: []byte("a")}},
		{"|1\r\n+ttl\r\n:3\r\n+a\r\n", Value{Type: Status, Text: []byte("a"), Attributes: []Value{text(Status, "ttl"), {Type: Integer, Integer: 3}}}},
	}
	for _, c := range cases {
		for how, source := range map[string]io.Reader{
			"at once":      strings.NewReader(c.input),
			"byte by byte": iotest.OneByteReader(strings.NewReader(c.input)),
		} {
			r := NewReplies(source, ReplyLimits{})
			got, err := r.Read()
			if err != nil || !got.Equal(c.want) {
				t.Errorf("%q, %s: %+v, %v", c.input, how, got, err)
			}
			if _, err := r.Read(); err != io.EOF {
				t.Errorf("%q, %s: after it %v, want EOF", c.input, how, err)
			}
		}
	}
}

func TestBrokenRepliesAreRefused(t *testing.T) {
	limits := ReplyLimits{BulkBytes: 10, TotalBytes: 200, Elements: 8, Depth: 3, LineBytes: 100}
	broken := []string{
		"\r\n", "x\r\n", ":\r\n", ":1.5\r\n", ":01\r\n", ":-0\r\n", ":9223372036854775808\r\n", "#x\r\n", "#\r\n", ",x\r\n", "(1.5\r\n", "(\r\n",
		"$x\r\n", "$-2\r\n", "$11\r\n", "$?\r\n", "$1\r\nabc", "=3\r\ntxt\r\n", "*9\r\n", "*-2\r\n", "%5\r\n", "|-1\r\n+a\r\n",
		"*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
		"*2\r\n*4\r\n:1\r\n:1\r\n:1\r\n:1\r\n*4\r\n",
		"+a\n", "+a\rb\r\n",
		"+" + strings.Repeat("a", 20_000) + "\r\n",
	}
	for _, input := range broken {
		_, err := NewReplies(strings.NewReader(input), limits).Read()
		var protocol *ProtocolError
		if !errors.As(err, &protocol) {
			t.Errorf("%.40q: %v", input, err)
		}
	}
	for _, input := range []string{"+", "+a", "+a\r", "$3\r\nab", "*2\r\n:1\r\n", "|1\r\n+a\r\n:1\r\n"} {
		if _, err := NewReplies(strings.NewReader(input), limits).Read(); err != io.ErrUnexpectedEOF {
			t.Errorf("%q: %v, want an unexpected EOF", input, err)
		}
	}
}

// A length that promises much must not make the reader allocate much before the bytes arrive.
func TestLengthsAreNotBelieved(t *testing.T) {
	if result := testing.AllocsPerRun(10, func() {
		_, err := NewReplies(strings.NewReader("$16777216\r\nabc"), ReplyLimits{}).Read()
		if err != io.ErrUnexpectedEOF {
			t.Fatal(err)
		}
	}); result > 20 {
		t.Errorf("%v allocations", result)
	}
	_, err := NewReplies(strings.NewReader("*1048576\r\n"), ReplyLimits{}).Read()
	if err != io.ErrUnexpectedEOF {
		t.Error(err)
	}
}

func TestValuesInBothVersions(t *testing.T) {
	value := Value{Type: Map, Elements: []Value{
		text(Bulk, "a"), {Type: Boolean, Integer: 1},
		text(Bulk, "b"), {Type: Double, Double: 2.5},
		text(Bulk, "c"), {Type: Verbatim, Format: "txt", Text: []byte("x")},
		text(Bulk, "d"), {Type: Set, Elements: []Value{{}}},
		text(Bulk, "e"), text(BigNumber, "12"),
	}}
	want2 := "*10\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n$3\r\n2.5\r\n$1\r\nc\r\n$1\r\nx\r\n$1\r\nd\r\n*1\r\n$-1\r\n$1\r\ne\r\n$2\r\n12\r\n"
	want3 := "%5\r\n$1\r\na\r\n#t\r\n$1\r\nb\r\n,2.5\r\n$1\r\nc\r\n=5\r\ntxt:x\r\n$1\r\nd\r\n~1\r\n_\r\n$1\r\ne\r\n(12\r\n"
	if got := string(AppendValue(nil, RESP2, value)); got != want2 {
		t.Errorf("RESP2 %q", got)
	}
	if got := string(AppendValue(nil, RESP3, value)); got != want3 {
		t.Errorf("RESP3 %q", got)
	}
	if got := string(AppendError(nil, "ERR a\r\nb")); got != "-ERR a  b\r\n" {
		t.Errorf("an error broke its line: %q", got)
	}
	if got := string(AppendNilArray(AppendNilArray(nil, RESP2), RESP3)); got != "*-1\r\n_\r\n" {
		t.Errorf("nil arrays %q", got)
	}
	if b, ok := value.Lookup("b"); !ok || b.Double != 2.5 {
		t.Errorf("lookup found %+v, %v", b, ok)
	}
	if code := ReplyError("HELD job is held").Code(); code != "HELD" {
		t.Errorf("code %q", code)
	}
}

func FuzzReadReply(f *testing.F) {
	for _, seed := range []string{
		"+OK\r\n", "*2\r\n:1\r\n$-1\r\n", "%1\r\n+a\r\n,1.5\r\n", "|1\r\n+a\r\n:1\r\n=5\r\ntxt:a\r\n", ">1\r\n#t\r\n", "!3\r\nE\r\n\r\n", "(12\r\n", "~1\r\n_\r\n",
	} {
		f.Add([]byte(seed))
	}
	limits := ReplyLimits{BulkBytes: 4096, TotalBytes: 16384, Elements: 512, Depth: 16}
	f.Fuzz(func(t *testing.T, input []byte) {
		value, err := NewReplies(bytes.NewReader(input), limits).Read()
		if err != nil {
			return
		}
		encoded := AppendValue(nil, RESP3, value)
		back, err := NewReplies(bytes.NewReader(encoded), ReplyLimits{}).Read()
		if err != nil || !back.Equal(value) {
			t.Fatalf("%q was written as %q and came back as %+v, %v", input, encoded, back, err)
		}
		second, err := NewReplies(bytes.NewReader(AppendValue(nil, RESP2, value)), ReplyLimits{}).Read()
		if err != nil {
			t.Fatalf("%q in RESP2: %+v, %v", input, second, err)
		}
	})
}

func TestTypesHaveNames(t *testing.T) {
	for kind := Nil; kind <= Verbatim; kind++ {
		if name := fmt.Sprint(kind); strings.HasPrefix(name, "unknown") {
			t.Errorf("type %d has no name", kind)
		}
	}
}
