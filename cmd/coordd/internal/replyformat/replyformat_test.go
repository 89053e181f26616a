package replyformat

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/coordd/coordd/transport/resp/wire"
)

// parse reads a reply as a server would send it.
func parse(t *testing.T, sent string) wire.Value {
	t.Helper()
	value, err := wire.NewReplies(strings.NewReader(sent), wire.ReplyLimits{}).Read()
	if err != nil {
		t.Fatalf("%q: %v", sent, err)
	}
	return value
}

func TestFormats(t *testing.T) {
	cases := []struct{ sent, text, raw, json string }{
		{"+OK\r\n", "OK\n", "OK\n", `"OK"`},
		{":-7\r\n", "(integer) -7\n", "-7\n", "-7"},
		{"$-1\r\n", "(nil)\n", "\n", "null"},
		{"_\r\n", "(nil)\n", "\n", "null"},
		{"$2\r\nme\r\n", "\"me\"\n", "me\n", `"me"`},
		{"$7\r\na\"\\\n\x01\xffb\r\n", "\"a\\\"\\\\\\n\\x01\\xffb\"\n", "a\"\\\n\x01\xffb\n", `"a\"\\\n\u0001\ufffdb"`},
		{"$3\r\n<&>\r\n", "\"<&>\"\n", "<&>\n", `"<&>"`},
		{"-ERR no\r\n", "(error) ERR no\n", "ERR no\n", `{"error":"ERR no"}`},
		{"#t\r\n", "(true)\n", "true\n", "true"},
		{",3.5\r\n", "(double) 3.5\n", "3.5\n", "3.5"},
		{",inf\r\n", "(double) inf\n", "inf\n", `"inf"`},
		{"(12345678901234567890\r\n", "12345678901234567890\n", "12345678901234567890\n", "12345678901234567890"},
		{"=8\r\ntxt:line\r\n", "line\n", "line\n", `"line"`},
		{"*0\r\n", "(empty array)\n", "\n", "[]"},
		{"~0\r\n", "(empty set)\n", "\n", "[]"},
		{"%0\r\n", "(empty hash)\n", "\n", "{}"},
		{
			"*3\r\n:1\r\n*3\r\n:2\r\n$1\r\nx\r\n*0\r\n+fine\r\n",
			"1) (integer) 1\n2) 1) (integer) 2\n   2) \"x\"\n   3) (empty array)\n3) fine\n",
			"1\n2\nx\n\nfine\n", `[1,[2,"x",[]],"fine"]`,
		},
		{
			"%2\r\n$5\r\ntoken\r\n:17\r\n$1\r\nb\r\n%1\r\n$1\r\nc\r\n:2\r\n",
			"1# \"token\" => (integer) 17\n2# \"b\" => 1# \"c\" => (integer) 2\n",
			"token\n17\nb\nc\n2\n", `{"token":17,"b":{"c":2}}`,
		},
		{"~2\r\n$1\r\na\r\n$1\r\nb\r\n", "1~ \"a\"\n2~ \"b\"\n", "a\nb\n", `["a","b"]`},
	}
	for _, c := range cases {
		value := parse(t, c.sent)
		if got := Text(value); got != c.text {
			t.Errorf("%q as text:\n got %q\nwant %q", c.sent, got, c.text)
		}
		if got := string(Raw(value)); got != c.raw {
			t.Errorf("%q raw:\n got %q\nwant %q", c.sent, got, c.raw)
		}
		got := JSON(value)
		if string(got) != c.json+"\n" || !json.Valid(got) {
			t.Errorf("%q as JSON:\n got %s\nwant %s", c.sent, got, c.json)
		}
	}
}

// With ten and more elements the numbers stand right-aligned, as redis-cli sets them, so that the values begin in one column.
func TestNumbersAreAligned(t *testing.T) {
	text := Text(parse(t, "*10\r\n"+strings.Repeat(":0\r\n", 10)))
	lines := strings.Split(text, "\n")
	if lines[0] != " 1) (integer) 0" || lines[9] != "10) (integer) 0" {
		t.Errorf("%q", lines)
	}
}

func FuzzJSONIsAlwaysValid(f *testing.F) {
	f.Add([]byte("%1\r\n:1\r\n,nan\r\n"))
	f.Add([]byte("*2\r\n$1\r\n\xff\r\n(-0\r\n"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		value, err := wire.NewReplies(bytes.NewReader(sent), wire.ReplyLimits{Elements: 100}).Read()
		if err != nil {
			return
		}
		if out := JSON(value); !json.Valid(out) || bytes.Count(out, []byte{'\n'}) != 1 {
			t.Errorf("%q became %q", sent, out)
		}
	})
}
