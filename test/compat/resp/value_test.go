package resp

import (
	"bufio"
	"strings"
	"testing"
)

func TestReadValueKeepsBytesAndTree(t *testing.T) {
	for wire, want := range map[string]string{
		"+OK\r\n":                            "+OK",
		":-2\r\n":                            ":-2",
		"$3\r\na\r\n\r\n":                    `"a\r\n"`,
		"$-1\r\n":                            "nil($)",
		"_\r\n":                              "nil(_)",
		"*-1\r\n":                            "nil(*)",
		"*2\r\n$1\r\na\r\n*1\r\n:1\r\n":      `*["a" *[:1]]`,
		"%1\r\n+k\r\n,1.5\r\n":               "%[+k ,1.5]",
		"#t\r\n":                             "#t",
		">2\r\n+invalidate\r\n*1\r\n+a\r\n":  ">[+invalidate *[+a]]",
		"-ERR wrong number of arguments\r\n": "-ERR wrong number of arguments",
	} {
		value, raw, err := ReadValue(bufio.NewReader(strings.NewReader(wire + "+next\r\n")))
		if err != nil || value.String() != want || string(raw) != wire {
			t.Errorf("%q: got %s (raw %q, error %v), want %s", wire, value, raw, err, want)
		}
	}
}

func TestReadValueRefusesWhatIsNoReply(t *testing.T) {
	for _, wire := range []string{"?\r\n", "$-2\r\n", "$99999999999\r\n", "$1\r\nab\r\n", "*9999999\r\n", "+OK\n", "", "*1\r\n",
		strings.Repeat("*1\r\n", maxDepth+2) + ":1\r\n"} {
		if value, _, err := ReadValue(bufio.NewReader(strings.NewReader(wire))); err == nil {
			t.Errorf("%.20q: got %s, want an error", wire, value)
		}
	}
}
