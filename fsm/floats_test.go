package fsm

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/fsm/redissyntax"
)

// TestFloatsAreAddedAsRedisDoes plays a recording: the value, the increment, and what a redis-server 7.0.15 on x86-64 answered to INCRBYFLOAT.
func TestFloatsAreAddedAsRedisDoes(t *testing.T) {
	recording, err := os.ReadFile("testdata/floats-redis-7.0.15.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(recording)), "\n")
	if len(lines) < 600 {
		t.Fatalf("the recording has only %d lines", len(lines))
	}
	l := newTestLog(t)
	for _, line := range lines {
		var sum [3]string
		if err := json.Unmarshal([]byte(line), &sum); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		value, increment, want := sum[0], sum[1], sum[2]
		l.do(command.Set{Name: name("k"), Value: []byte(value)})
		op, reply, ok := redissyntax.Parse(0, [][]byte{[]byte("INCRBYFLOAT"), []byte("k"), []byte(increment)})
		if ok {
			reply = l.do(op)[0]
		}
		got := string(reply.Text)
		if reply.IsError() {
			got = "-" + got
		}
		if got != want {
			t.Errorf("%q + %q:\n got %.200s\nwant %.200s", value, increment, got, want)
		}
	}
}
