package check

import (
	"testing"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
)

// clocked are the operations and notes of one holder, c2/lock/0, in the order of their instants.
func clocked(faults []string, events ...history.Event) *Run {
	for i := range events {
		events[i].At *= ms
		events[i].Sent *= ms
		events[i].Until *= ms
		events[i].Doubtful *= ms
		if events[i].Op == workload.OpClock {
			events[i].Process = "c2"
			continue
		}
		if events[i].Process == "" {
			events[i].Process = "c2/lock/0"
		}
		events[i].Workload, events[i].Key = "lock", "l"
	}
	operations, err := history.Pair(events)
	if err != nil {
		panic(err)
	}
	return &Run{Events: events, Operations: operations, TTL: 2 * time.Second, Faults: faults}
}

func took(at, until int64) []history.Event {
	return []history.Event{{At: at - 1, Type: history.Invoke, Op: "acquire"}, {At: at, Type: history.OK, Op: "acquire", Token: 3, ID: "3-0", Until: until}}
}

func jumped(at, by int64) history.Event {
	return history.Event{At: at, Sent: at - 1, Type: history.Note, Op: workload.OpClock, TTL: by}
}

func givesBack(looked, until int64) history.Event {
	return history.Event{At: looked + 1, Sent: looked, Type: history.Invoke, Op: "release", Token: 3, ID: "3-0", Until: until}
}

func TestAHolderWhoseClockJumpedCountsOnNothing(t *testing.T) {
	suspended := []string{"client-suspend"}
	lost := history.Event{At: 300, Type: history.Note, Op: workload.OpLost, Token: 3, ID: "3-0", Until: 1600}
	stranger := givesBack(200, 900)
	stranger.Process = "c22/lock/0"
	for _, one := range []struct {
		what   string
		faults []string
		events []history.Event
		want   Verdict
		word   string
	}{
		{"no clock was made to jump", nil, took(1, 1600), Skipped, ""},
		{"a clock was to jump, and nobody held anything", suspended, []history.Event{jumped(100, 3000)}, Unknown, ""},
		{"the holder noticed", suspended, append(took(1, 1600), jumped(100, 3000), lost), Valid, "1 holds"},
		{"the holder counts on it all the same", suspended, append(took(1, 1600), jumped(100, 3000), givesBack(200, 1600)), Invalid, "though its clock jumped by 3000 ms"},
		{"it counts on nothing when it gives it back", suspended, append(took(1, 1600), jumped(100, 3000), givesBack(200, 200)), Valid, ""},
		{"it looked before the jump", suspended, append(took(1, 1600), jumped(100, 3000), givesBack(99, 1600)), Unknown, ""},
		{"the jump was shorter than the time to live", suspended, append(took(1, 1600), jumped(100, 1999), givesBack(200, 1600)), Unknown, ""},
		{"it was granted after the jump", suspended, append([]history.Event{jumped(100, 3000)}, append(took(150, 1700), givesBack(200, 1700))...), Unknown, ""},
		{"another process's clock jumped", suspended, []history.Event{{At: 0, Process: "c22/lock/0", Type: history.Invoke, Op: "acquire"}, {At: 1, Process: "c22/lock/0", Type: history.OK, Op: "acquire", Token: 3, ID: "3-0", Until: 1600}, jumped(100, 3000), stranger}, Unknown, ""},
		{"a jump that no nemesis of this kind made counts too", nil, append(took(1, 1600), jumped(100, 3000), givesBack(200, 1600)), Invalid, ""},
	} {
		judged(t, one.what, clockJumps, clocked(one.faults, one.events...), one.want, one.word)
	}
}

func TestBeliefsByABrokenClockAreToldAndNotJudged(t *testing.T) {
	second := []history.Event{{At: 2500, Process: "c1/lock/0", Type: history.Invoke, Op: "acquire"}, {At: 2501, Process: "c1/lock/0", Type: history.OK, Op: "acquire", Token: 5, ID: "5-0", Until: 4000}}
	believes := history.Event{At: 3000, Type: history.Note, Op: workload.OpLost, Token: 3, ID: "3-0", Doubtful: 6000}
	doubted := clocked(nil, append(append(took(1, 1600), second...), believes)...)
	judged(t, "doubtful", exclusionOfHolders, doubted, Valid, "1 by clocks that are outside of what is promised, 1 of which")
	believes.Until, believes.Doubtful = 6000, 0
	judged(t, "promised", exclusionOfHolders, clocked(nil, append(append(took(1, 1600), second...), believes)...), Invalid, "l: c2/lock/0 may count on it")
}
