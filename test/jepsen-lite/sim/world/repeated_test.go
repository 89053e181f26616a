package world

import (
	"bytes"
	"net"
	"strings"
	"testing"
)

// written is a connection that keeps what is written.
type written struct {
	net.Conn
	bytes.Buffer
}

func (w *written) Write(data []byte) (int, error) { return w.Buffer.Write(data) }
func (w *written) Read([]byte) (int, error)       { return 0, net.ErrClosed }

func TestRequestsComeTwiceAndNothingElseDoes(t *testing.T) {
	frame := func(kind, method byte, payload string) string {
		return string([]byte{0, 0, 0, byte(10 + len(payload)), kind, method, 0, 0, 0, 0, 0, 0, 0, 7}) + payload
	}
	one, two, three := frame(1, 1, "one"), frame(1, 1, "two"), frame(1, 1, "three")
	for _, test := range []struct {
		what   string
		holds  int32
		writes []string
		want   string
	}{
		{"requests, at once and after later ones", 1, []string{one, two, three}, one + one + two + one + three + three},
		{"several in one write", 1, []string{one + two}, one + two + one + two},
		{"no fault", 0, []string{one, two}, one + two},
		{"an answer", 1, []string{frame(2, 1, "x")}, frame(2, 1, "x")},
		{"another method", 1, []string{frame(1, 2, "x")}, frame(1, 2, "x")},
		{"a handshake", 1, []string{"coorddP\x01\x00\x04body"}, "coorddP\x01\x00\x04body"},
		{"a sign of life beside a request", 1, []string{one + frame(4, 0, "")}, one + frame(4, 0, "")},
		{"half a request", 1, []string{one[:12]}, one[:12]},
	} {
		var repeats repeats
		repeats.working.Store(test.holds)
		counted := 0
		sink := &written{}
		conn := &repeating{Conn: sink, repeater: &repeater{repeats: &repeats, count: func(string) { counted++ }}}
		for _, data := range test.writes {
			if count, err := conn.Write([]byte(data)); err != nil || count != len(data) {
				t.Fatalf("%s: %d bytes of %d, %v", test.what, count, len(data), err)
			}
		}
		if got := sink.String(); got != test.want || (counted > 0) != (len(got) > len(strings.Join(test.writes, ""))) {
			t.Errorf("%s: %q was sent, want %q; %d were counted", test.what, got, test.want, counted)
		}
	}
}

// The frames are those that package peer writes: if they changed, nothing would come twice any more, and this test would say so.
func TestAPlayInWhichEverythingForwardedComesTwice(t *testing.T) {
	report := Play(t, 11, Options{Twice: true})
	for _, violation := range append(report.Violations, report.Undecided...) {
		t.Error(violation)
	}
	if came := report.Counts[cameTwice]; came < 100 {
		t.Errorf("%d writes of requests came twice, want hundreds", came)
	}
}

// A refusal is no proof that nothing was run while copies of what was asked may still be under way.
func TestARefusalProvesNothingWhileRequestsComeTwice(t *testing.T) {
	for _, test := range []struct {
		what          string
		before, after func(*repeats)
		want          bool
	}{
		{"no fault", nothing, nothing, false},
		{"a fault that was over", func(r *repeats) { r.begin(); r.end() }, nothing, false},
		{"a fault that was at work", (*repeats).begin, nothing, true},
		{"a fault that was at work and ended", (*repeats).begin, (*repeats).end, true},
		{"a fault that began", nothing, (*repeats).begin, true},
		{"a fault that came and went", nothing, func(r *repeats) { r.begin(); r.end() }, true},
	} {
		var r repeats
		test.before(&r)
		mark := r.mark()
		test.after(&r)
		if got := r.since(mark); got != test.want {
			t.Errorf("%s: requests may have come twice: %t, want %t", test.what, got, test.want)
		}
	}
}

func nothing(*repeats) {}
