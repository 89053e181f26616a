package check

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coordd/coordd/internal/committed"
	"github.com/coordd/coordd/test/jepsen-lite/history"
)

const ms = int64(time.Millisecond)

// script makes a history of operations that last from one millisecond to another.
type script struct {
	events []history.Event
	last   int
}

func (s *script) op(from, until int64, how history.Type, event history.Event) *script {
	s.last++
	event.Process, event.Type, event.At = fmt.Sprint("p", s.last), history.Invoke, from*ms
	answer := event
	answer.Type, answer.At = how, until*ms
	event.Value, event.Token = "", 0
	if event.Op == "release" || event.Op == "drop" || event.Op == "renew" {
		event.Token = answer.Token
	}
	if event.Op == "set" || event.Op == "swap" {
		event.Value = answer.Value
	}
	s.events = append(s.events, event, answer)
	return s
}

func (s *script) note(at int64, event history.Event) *script {
	event.Type, event.At = history.Note, at*ms
	s.events = append(s.events, event)
	return s
}

func (s *script) run(t *testing.T, log string) *Run {
	t.Helper()
	history.Sort(s.events)
	operations, err := history.Pair(s.events)
	if err != nil {
		t.Fatal(err)
	}
	run := &Run{Events: s.events, Operations: operations, TTL: 2 * time.Second, Workloads: []string{"lock"}}
	if log != "" {
		entries, err := committed.Read(strings.NewReader(log))
		if err != nil {
			t.Fatal(err)
		}
		run.Log = NewLog(map[string][]committed.Entry{"n1": entries})
	}
	return run
}

func lock(op string, token int64, untilMS int64) history.Event {
	return history.Event{Workload: "lock", Op: op, Key: "l", Holder: "9-0", Token: token, Until: untilMS * ms}
}

func heldBy(token string) history.Event {
	return history.Event{Workload: "lock", Op: "acquire", Key: "l", Value: token}
}

func redis(op, holder string) history.Event {
	return history.Event{Workload: "redis", Op: op, Key: "k", Holder: holder, TTL: 2000}
}

func lease(op string, token int64) history.Event {
	return history.Event{Workload: "leases", Op: op, Key: "n", Token: token, TTL: 2000}
}

func value(workload, op, value string) history.Event {
	return history.Event{Workload: workload, Op: op, Key: "v", Value: value}
}

// judged runs one checker and holds its verdict, and a word of its violations, against what is wanted.
func judged(t *testing.T, what string, checker func(*Run) Result, run *Run, want Verdict, word string) {
	t.Helper()
	result := checker(run)
	if result.Verdict != want || !strings.Contains(strings.Join(result.Violations, "\n")+result.Says, word) {
		t.Errorf("%s: %s %q, violations %q; want %s with %q", what, result.Verdict, result.Says, result.Violations, want, word)
	}
}

func TestLinearizable(t *testing.T) {
	const logOf3 = `{"index":1,"events":[]}
{"index":3,"events":[{"type":"began","name":"l","token":3,"holder":"session 9-0 owner a"}]}
{"index":4,"events":[{"type":"ended","name":"l","token":3,"reason":"session_ended"}]}
{"index":5,"events":[{"type":"began","name":"l","token":5,"holder":"session 9-0 owner b"}]}
`
	s := func() *script { return &script{} }
	for _, one := range []struct {
		what string
		run  *script
		log  string
		want Verdict
	}{
		{"nothing happened", s(), "", Unknown},
		{"lock, released, lock", s().op(1, 2, history.OK, lock("acquire", 3, 2000)).op(3, 4, history.OK, lock("release", 3, 2000)).op(5, 6, history.OK, lock("acquire", 5, 2000)).op(7, 8, history.OK, lock("release", 5, 2000)), "", Valid},
		{"second holder before the release begins", s().op(1, 2, history.OK, lock("acquire", 3, 2000)).op(3, 4, history.OK, lock("acquire", 5, 2000)).op(5, 6, history.OK, lock("release", 3, 2000)).op(7, 8, history.OK, lock("release", 5, 2000)), "", Invalid},
		{"release of unknown fate lets another in", s().op(1, 2, history.OK, lock("acquire", 3, 2000)).op(3, 4, history.Info, lock("release", 3, 2000)).op(5, 6, history.OK, lock("acquire", 5, 2000)), "", Valid},
		{"found held by a token that was released", s().op(1, 2, history.OK, lock("acquire", 3, 2000)).op(3, 4, history.OK, lock("release", 3, 2000)).op(5, 6, history.Fail, heldBy("3")), logOf3, Invalid},
		{"found held by a grant that nobody was told of", s().op(1, 2, history.OK, lock("acquire", 5, 2000)).op(3, 4, history.OK, lock("release", 5, 2000)).op(5, 6, history.Fail, heldBy("3")), logOf3, Valid},
		{"found held by a grant that the log does not know", s().op(1, 2, history.OK, lock("acquire", 5, 2000)).op(3, 4, history.OK, lock("release", 5, 2000)).op(5, 6, history.Fail, heldBy("4")), logOf3, Invalid},
		{"a release that its session's end outran", s().op(1, 2, history.OK, lock("acquire", 3, 2000)).op(3, 2500, history.OK, lock("release", 3, 2000)).op(2600, 2601, history.Fail, heldBy("3")).op(3000, 3001, history.OK, lock("acquire", 5, 5000)), "", Valid},
		{"a release after the holder's time", s().op(1, 2, history.OK, lock("acquire", 3, 2000)).op(2100, 2101, history.OK, lock("acquire", 5, 5000)).op(2200, 2201, history.OK, lock("release", 3, 2000)), "", Valid},

		{"lease: a second release finds nothing", s().op(1, 2, history.OK, lease("acquire", 3)).op(3, 4, history.OK, lease("drop", 3)).op(5, 6, history.OK, lease("acquire", 5)).op(7, 8, history.Fail, lease("drop", 3)).op(9, 10, history.OK, lease("renew", 5)), "", Valid},
		{"lease: a second release takes it from another", s().op(1, 2, history.OK, lease("acquire", 3)).op(3, 4, history.OK, lease("drop", 3)).op(5, 6, history.OK, lease("acquire", 5)).op(7, 8, history.OK, lease("drop", 3)), "", Invalid},
		{"lease: gone before its time", s().op(1, 2, history.OK, lease("acquire", 3)).op(5, 6, history.Fail, lease("renew", 3)), "", Invalid},
		{"lease: gone after its time", s().op(1, 2, history.OK, lease("acquire", 3)).op(2005, 2006, history.Fail, lease("renew", 3)), "", Valid},

		{"redis: found free while it is held", s().op(1, 2, history.OK, redis("setnx", "a")).op(3, 4, history.OK, history.Event{Workload: "redis", Op: "get", Key: "k"}).op(5, 6, history.OK, redis("unlock", "a")), "", Invalid},
		{"redis: another's value after a release of unknown fate", s().op(1, 2, history.OK, redis("setnx", "a")).op(3, 4, history.Info, redis("unlock", "a")).op(5, 6, history.OK, redis("setnx", "b")), "", Valid},
		{"redis: granted again before its time is over", s().op(1, 2, history.OK, redis("setnx", "a")).op(1500, 1501, history.OK, redis("setnx", "b")), "", Invalid},
		{"redis: granted again after its time", s().op(1, 2, history.OK, redis("setnx", "a")).op(2001, 2005, history.OK, redis("setnx", "b")).op(2010, 2011, history.OK, redis("unlock", "b")), "", Valid},
		{"redis: refused while nobody holds it", s().op(1, 2, history.OK, redis("setnx", "a")).op(3, 4, history.OK, redis("unlock", "a")).op(5, 6, history.Fail, redis("setnx", "b")), "", Invalid},
		{"redis: released twice", s().op(1, 2, history.OK, redis("setnx", "a")).op(3, 4, history.OK, redis("unlock", "a")).op(5, 6, history.OK, redis("unlock", "a")), "", Invalid},
		{"redis: a token for a value that is gone", s().op(1, 2, history.OK, redis("setnx", "a")).op(3, 4, history.OK, redis("unlock", "a")).op(5, 6, history.OK, history.Event{Workload: "redis", Op: "fence", Key: "k", Holder: "a", Token: 7}), "", Invalid},

		{"register: a stale read", s().op(1, 2, history.OK, value("register", "set", "1")).op(3, 4, history.OK, value("register", "set", "2")).op(5, 6, history.OK, value("register", "get", "1")), "", Invalid},
		{"register: a write of unknown fate is read later", s().op(1, 2, history.OK, value("register", "set", "1")).op(3, 4, history.Info, value("register", "set", "2")).op(5, 6, history.OK, value("register", "get", "1")).op(7, 8, history.OK, value("register", "get", "2")), "", Valid},
		{"register: a value that was read is unread", s().op(1, 2, history.OK, value("register", "set", "1")).op(3, 4, history.Info, value("register", "set", "2")).op(5, 6, history.OK, value("register", "get", "2")).op(7, 8, history.OK, value("register", "get", "1")), "", Invalid},
		{"register: a swap that met another value and succeeded", s().op(1, 2, history.OK, value("register", "set", "1")).op(3, 4, history.OK, history.Event{Workload: "register", Op: "swap", Key: "v", Value: "3", Expected: "2"}), "", Invalid},
		{"counter: a number that was given before", s().op(1, 2, history.OK, value("counter", "incr", "1")).op(3, 4, history.OK, value("counter", "incr", "1")), "", Invalid},
		{"counter: one of unknown fate in between", s().op(1, 2, history.OK, value("counter", "incr", "1")).op(3, 4, history.Info, value("counter", "incr", "")).op(5, 6, history.OK, value("counter", "incr", "3")).op(7, 8, history.OK, value("counter", "get", "3")), "", Valid},
		{"counter: a lost increment", s().op(1, 2, history.OK, value("counter", "incr", "1")).op(3, 4, history.OK, value("counter", "incr", "2")).op(7, 8, history.OK, value("counter", "get", "1")), "", Invalid},
	} {
		judged(t, one.what, linearizable, one.run.run(t, one.log), one.want, "")
	}
}

func TestLinearizableThatCannotBeDecidedIsUnknown(t *testing.T) {
	hard := &script{}
	for i := range 60 { // all at once, and no order explains them, which takes for ever to find out
		hard.op(1, 1000, history.OK, value("register", "set", fmt.Sprint(i)))
		hard.op(1, 1000, history.OK, history.Event{Workload: "register", Op: "swap", Key: "v", Value: "x", Expected: fmt.Sprint(i)})
	}
	hard.op(1001, 1002, history.OK, value("register", "get", "nobody wrote this"))
	run := hard.run(t, "")
	run.Patience = 50 * time.Millisecond
	judged(t, "hard", linearizable, run, Unknown, "not decided")
}

func TestHolders(t *testing.T) {
	two := func(firstUntil, secondFrom int64) *Run {
		s := &script{}
		s.op(1, 2, history.OK, lock("acquire", 3, firstUntil)).op(secondFrom-1, secondFrom, history.OK, lock("acquire", 5, 9000))
		return s.run(t, "")
	}
	judged(t, "one after the other", exclusionOfHolders, two(100, 101), Valid, "")
	judged(t, "both at once", exclusionOfHolders, two(100, 99), Invalid, "l: p1 may count on it")
	released := &script{}
	released.op(1, 2, history.OK, lock("acquire", 3, 5000)).op(50, 70, history.OK, lock("release", 3, 5000)).op(51, 60, history.OK, lock("acquire", 5, 5000))
	judged(t, "while it is released", exclusionOfHolders, released.run(t, ""), Valid, "")
	kept := &script{}
	kept.op(1, 2, history.OK, redis("setnx", "a")).op(1000, 1001, history.OK, redis("extend", "a")).op(2500, 2501, history.OK, redis("setnx", "b"))
	judged(t, "redis, extended", exclusionOfHolders, kept.run(t, ""), Invalid, "k: p1")
	judged(t, "nobody", exclusionOfHolders, (&script{}).run(t, ""), Unknown, "")
}

func TestTokens(t *testing.T) {
	grants := func(first, second, secondAsked int64) *Run {
		s := &script{}
		s.op(1, 10, history.OK, lock("acquire", first, 20)).op(secondAsked, 30, history.OK, lock("acquire", second, 50))
		return s.run(t, "")
	}
	judged(t, "rising", tokens, grants(3, 5, 11), Valid, "")
	judged(t, "falling", tokens, grants(5, 3, 11), Invalid, "after p1")
	judged(t, "falling, but at the same time", tokens, grants(5, 3, 9), Valid, "")
	judged(t, "the same twice", tokens, grants(5, 5, 9), Invalid, "token 5 was given")
	fence := func(s *script, holder string, token, at int64) {
		s.op(at, at+1, history.OK, redis("setnx", holder))
		s.op(at+2, at+3, history.OK, history.Event{Workload: "redis", Op: "fence", Key: "k", Holder: holder, Token: token})
	}
	s := &script{}
	fence(s, "a", 9, 1)
	fence(s, "b", 8, 10)
	judged(t, "redis, falling", tokens, s.run(t, ""), Invalid, "b was given token 8")
	judged(t, "nothing", tokens, (&script{}).run(t, ""), Unknown, "")
}

func TestExclusionInLog(t *testing.T) {
	const first = `{"index":1,"events":[{"type":"began","name":"l","token":1,"holder":"x"}]}` + "\n"
	judged(t, "good", exclusionInLog, (&script{}).run(t, first), Valid, "")
	judged(t, "two holders", exclusionInLog, (&script{}).run(t, first+`{"index":2,"events":[{"type":"began","name":"l","token":2,"holder":"y"}]}`), Invalid, "while")
	judged(t, "no holds", exclusionInLog, (&script{}).run(t, `{"index":1,"events":[]}`), Unknown, "")
	differing := NewLog(map[string][]committed.Entry{"n1": {{Index: 1, Term: 1}}, "n2": {{Index: 1, Term: 2}}})
	judged(t, "two logs", exclusionInLog, &Run{Log: differing}, Invalid, "entry 1 is of term 1")
}

func TestDurableGrants(t *testing.T) {
	const log = `{"index":1,"events":[]}
{"index":3,"events":[{"type":"began","name":"l","token":3,"holder":"session 9-0 owner a"},{"type":"began","name":"k","token":3,"holder":"v"}]}
`
	granted := (&script{}).op(1, 2, history.OK, lock("acquire", 3, 20)).op(3, 4, history.OK, redis("setnx", "v"))
	judged(t, "known", durableGrants, granted.run(t, log), Valid, "")
	judged(t, "another token", durableGrants, (&script{}).op(1, 2, history.OK, lock("acquire", 4, 20)).run(t, log), Invalid, "does not know")
	another := lock("acquire", 3, 20)
	another.Holder = "9-00"
	judged(t, "another session", durableGrants, (&script{}).op(1, 2, history.OK, another).run(t, log), Invalid, "does not know")
	judged(t, "another value", durableGrants, (&script{}).op(1, 2, history.OK, redis("setnx", "w")).run(t, log), Invalid, "does not know")
	judged(t, "none", durableGrants, (&script{}).run(t, log), Unknown, "")
	judged(t, "compacted", durableGrants, granted.run(t, strings.Replace(log, `"index":1`, `"index":2`, 1)), Skipped, "")
}

func TestFIFO(t *testing.T) {
	waits := func(index int, waiter string) string {
		return fmt.Sprintf(`{"index":%d,"commands":[{"kind":"lock_acquire","name":"l","reply":{"queued":1,"waiter":%q}}],"events":[]}`+"\n", index, waiter)
	}
	granted := func(index int, waiter string) string {
		return fmt.Sprintf(`{"index":%d,"commands":[],"events":[{"type":"waiter_granted","name":"l","token":%d,"waiter":%q},{"type":"began","name":"l","token":%d}]}`+"\n", index, index, waiter, index)
	}
	gone := func(index int, waiter string) string {
		return fmt.Sprintf(`{"index":%d,"events":[{"type":"waiter_gone","name":"l","waiter":%q}]}`+"\n", index, waiter)
	}
	for what, one := range map[string]struct {
		log  string
		want Verdict
	}{
		"in order":                   {waits(1, "1-0") + waits(2, "2-0") + granted(3, "1-0") + granted(4, "2-0"), Valid},
		"the second first":           {waits(1, "1-0") + waits(2, "2-0") + granted(3, "2-0"), Invalid},
		"the first went":             {waits(1, "1-0") + waits(2, "2-0") + gone(3, "1-0") + granted(4, "2-0"), Valid},
		"granted after going":        {waits(1, "1-0") + gone(2, "1-0") + granted(3, "1-0"), Invalid},
		"past the queue":             {waits(1, "1-0") + `{"index":2,"events":[{"type":"began","name":"l","token":2,"holder":"x"}]}`, Invalid},
		"asked again":                {waits(1, "1-0") + waits(2, "1-0") + granted(3, "1-0"), Valid},
		"numbered, the second first": {strings.NewReplacer(`{"kind":"lock_acquire","name":"l","reply"`, `{"kind":"numbered","session":"5-0","number":1,"command":{"kind":"hold_acquire","names":["l"]},"reply"`).Replace(waits(1, "1-0")+waits(2, "2-0")) + granted(3, "2-0"), Invalid},
		"the grant is told first":    {waits(1, "1-0") + `{"index":2,"events":[{"type":"began","name":"l","token":2},{"type":"waiter_granted","name":"l","token":2,"waiter":"1-0"}]}`, Valid},
		"nobody waits":               {`{"index":1,"events":[]}`, Unknown},
		"arrives and is granted in one entry": {`{"index":1,"commands":[{"kind":"lock_acquire","name":"l","reply":{"queued":1,"waiter":"1-0"}}],"events":[{"type":"waiter_granted","name":"l","token":1,"waiter":"1-0"}]}` +
			"\n" + waits(2, "2-0") + granted(3, "2-0"), Valid},
	} {
		judged(t, what, fifo, (&script{}).run(t, one.log), one.want, "")
	}
}

func TestExpiry(t *testing.T) {
	at := func(ms int64) *Run {
		return (&script{}).note(ms, history.Event{Workload: "expiry", Op: "expired", Key: "e", Sent: 1, TTL: 2000}).run(t, "")
	}
	judged(t, "after its time", expiry, at(2000), Valid, "")
	judged(t, "before its time", expiry, at(1900), Invalid, "its time to live is 2s")
	judged(t, "none", expiry, (&script{}).run(t, ""), Unknown, "")
	bent := at(1900)
	bent.ClockTolerance = 0.1
	judged(t, "before its time, on clocks that were bent", expiry, bent, Valid, "")
}

func TestExactlyOnce(t *testing.T) {
	entry := func(index int, request, reply string) string {
		return fmt.Sprintf(`{"index":%d,"commands":[{"kind":"increment_by","name":"v","request":%q,"reply":%s}],"events":[]}`+"\n", index, request, reply)
	}
	told := func(numbers ...string) *script {
		s := &script{}
		for i, number := range numbers {
			s.op(int64(10*i), int64(10*i+1), history.OK, value("counter", "incr", number))
		}
		return s
	}
	for what, one := range map[string]struct {
		run  *script
		log  string
		want Verdict
	}{
		"each once":              {told("1", "2"), entry(1, "5-0/1", "1") + entry(2, "5-0/2", "2"), Valid},
		"answered from memory":   {told("1"), entry(1, "5-0/1", "1") + entry(2, "5-0/1", "1"), Valid},
		"run again":              {told("1"), entry(1, "5-0/1", "1") + entry(2, "5-0/1", "2"), Invalid},
		"two got one number":     {told("1"), entry(1, "5-0/1", "1") + entry(2, "5-0/2", "1"), Invalid},
		"told what is not there": {told("1", "2"), entry(1, "5-0/1", "1"), Invalid},
		"two were told one":      {told("1", "1"), entry(1, "5-0/1", "1"), Invalid},
		"a value granted twice": {told(), `{"index":1,"events":[{"type":"began","name":"redis/0/0","token":1,"holder":"x"}]}
{"index":2,"events":[{"type":"ended","name":"redis/0/0","token":1}]}
{"index":3,"events":[{"type":"began","name":"redis/0/0","token":3,"holder":"x"}]}`, Invalid},
		"nothing": {told(), `{"index":1,"events":[]}`, Unknown},
	} {
		judged(t, what, exactlyOnce, one.run.run(t, one.log), one.want, "")
	}
}

func TestFenced(t *testing.T) {
	note := func(op string) history.Event {
		return history.Event{Process: "store", Workload: "store", Op: op, Key: "f", Token: 4, Holder: "c1"}
	}
	good := (&script{}).note(1, note("accepted")).note(2, note("refused"))
	judged(t, "good", fenced, good.run(t, ""), Valid, "1 stale requests refused")
	judged(t, "a lost update", fenced, (&script{}).note(1, note("accepted")).note(2, note("lost")).run(t, ""), Invalid, "had not read")
	judged(t, "nothing", fenced, (&script{}).run(t, ""), Unknown, "")
	untested := (&script{}).note(1, note("accepted")).run(t, "")
	untested.Faults = []string{"pause-holder"}
	judged(t, "no stale write under pause-holder", fenced, untested, Unknown, "not put to the test")
}

func TestAgreement(t *testing.T) {
	said := func(all ...Said) *Run { return &Run{Said: all} }
	judged(t, "same", agreement, said(Said{"n1", 5, "a", 0}, Said{"n2", 5, "a", 0}), Valid, "")
	judged(t, "different", agreement, said(Said{"n1", 5, "a", 0}, Said{"n2", 5, "b", 0}), Invalid, "after entry 5")
	judged(t, "one alone that changes its mind", agreement, said(Said{"n1", 5, "a", 0}, Said{"n1", 5, "b", 0}), Invalid, "said both")
	judged(t, "never at one index", agreement, said(Said{"n1", 5, "a", 0}, Said{"n2", 6, "a", 0}), Unknown, "")
}

func TestLiveness(t *testing.T) {
	run := &Run{Workloads: []string{"lock"}}
	judged(t, "went on", liveness, run, Valid, "")
	run.Recovery.Lacking = []string{"lock"}
	judged(t, "did not", liveness, run, Invalid, "no progress")
	run.Recovery.Lag = time.Minute
	judged(t, "did not, on a machine that stood still", liveness, run, Unknown, "may be the machine")
	run.Recovery.Lag, run.Recovery.Strangers = 0, mostStrangers+1
	judged(t, "did not, in a network that did not know the nodes", liveness, run, Unknown, "may be its fault")
	run.Recovery.Strangers = mostStrangers
	judged(t, "did not, though nearly everybody was known", liveness, run, Invalid, "no progress")
}

func TestNodeLogs(t *testing.T) {
	write := func(text string) *Run {
		path := filepath.Join(t.TempDir(), "n1.log")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return &Run{NodeLogs: []string{path}}
	}
	judged(t, "quiet", NodeLogs, write("level=INFO msg=\"this node leads\"\n"), Valid, "")
	judged(t, "empty", NodeLogs, write(""), Unknown, "")
	for _, line := range []string{"panic: runtime error", "WARNING: DATA RACE", "level=ERROR error=\"this node's state differs from its leader's at log index 5\""} {
		judged(t, line, NodeLogs, write("x\n"+line+"\n"), Invalid, line[:10])
	}
}

func TestTheWorstVerdictCountsAndABrokenCheckerIsUnknown(t *testing.T) {
	for _, one := range []struct {
		of   []Verdict
		want Verdict
	}{
		{nil, Unknown}, {[]Verdict{Skipped}, Unknown}, {[]Verdict{Valid, Skipped}, Valid}, {[]Verdict{Valid, Unknown}, Unknown}, {[]Verdict{Invalid, Unknown, Valid}, Invalid},
	} {
		if got := Worst(one.of...); got != one.want {
			t.Errorf("worst of %v: %s, want %s", one.of, got, one.want)
		}
	}
	broken := guarded(Checker{Name: "broken", Check: func(*Run) Result { panic("oops") }}, &Run{})
	if broken.Verdict != Unknown || !strings.Contains(broken.Says, "oops") {
		t.Errorf("a checker that panics: %+v", broken)
	}
}

func TestALinearizabilityViolationIsDrawn(t *testing.T) {
	result := linearizable((&script{}).op(1, 2, history.OK, value("register", "set", "1")).op(3, 4, history.OK, value("register", "get", "2")).run(t, ""))
	if !strings.Contains(result.Pictures["v"], "<html") {
		t.Errorf("no picture: %v", result.Pictures)
	}
}
