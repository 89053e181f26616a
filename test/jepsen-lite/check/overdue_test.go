package check

import (
	"fmt"
	"testing"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/history"
)

// asked is what the nodes said: the entry that a node had run at each of these milliseconds.
type asked map[int64]uint64

// steadily lets the log go on by an entry each 100 ms, from one millisecond to another: entry 1 is reached at 0 ms, entry 11 at 1000 ms.
func steadily(from, until int64) asked {
	all := asked{}
	for at := from; at <= until; at += 100 {
		all[at] = uint64(at/100) + 1
	}
	return all
}

func (a asked) but(more asked) asked {
	for at, index := range more {
		a[at] = index
	}
	return a
}

// lateRun is a run of two leases of 2 s, expiry/a and expiry/s, of which the log tells.
func lateRun(t *testing.T, log string, said asked, leads ...int64) *Run {
	t.Helper()
	s := (&script{}).note(50, history.Event{Process: Poller, Op: OpLeads, Value: "n1"})
	for i, at := range leads {
		s.note(at, history.Event{Process: Poller, Op: OpLeads, Value: fmt.Sprint("n", i+2)})
	}
	run := s.run(t, log)
	for at, index := range said {
		run.Said = append(run.Said, Said{Node: "n1", Index: index, Hash: "h", At: at * ms})
	}
	return run
}

func entry(index int, commands, events string) string {
	return fmt.Sprintf(`{"index":%d,"commands":[%s],"events":[%s]}`+"\n", index, commands, events)
}

func TestAnAbandonedLeaseEndsInTime(t *testing.T) {
	const (
		first = `{"index":1,"events":[]}` + "\n"
		took  = `{"type":"began","name":"expiry/a","token":2,"holder":"v"}`
		takes = `{"type":"began","name":"expiry/s","token":5,"holder":"session 4-0 owner x","session":"4-0","waiter":"5-0"}`
		gone  = `{"type":"ended","name":"expiry/a","token":2,"reason":"expired"}`
		goneS = `{"type":"ended","name":"expiry/s","token":5,"waiter":"5-0","reason":"session_ended"}`
		lost  = `{"type":"ended","name":"lock/a","token":2,"reason":"expired"}`
	)
	grant := first + entry(2, "", took) // at 100 ms: it ends at 2100 ms, entry 22
	session := first + entry(4, "", "") + entry(5, "", takes)
	outage := func() asked { return steadily(0, 1000).but(steadily(6000, 9000)) } // nothing is seen from 1000 to 6000 ms
	for _, one := range []struct {
		what  string
		log   string
		said  asked
		leads []int64
		want  Verdict
		word  string
	}{
		{"it ended in time", grant + entry(23, "", gone), steadily(0, 9000), nil, Valid, "1 abandoned leases ended"},
		{"half a second is not judged", grant + entry(27, "", gone), steadily(0, 9000), nil, Valid, ""},
		{"it ended too late", grant + entry(28, "", gone), steadily(0, 9000), nil, Invalid, "it ended 2.6s after entry 2"},
		{"it never ended", grant, steadily(0, 9000), nil, Invalid, "it had not ended 8.9s after entry 2"},
		{"the run was over before", grant, steadily(0, 2500), nil, Unknown, "no lease ended"},
		{"it was there before anybody was asked", grant + entry(40, "", gone), steadily(500, 9000), nil, Unknown, "no lease ended"},
		{"its end was not seen", grant + entry(40, "", gone), steadily(0, 2000), nil, Unknown, "no lease ended"},
		{"its end was not seen, and was late by then", grant + entry(40, "", gone), steadily(0, 3000), nil, Invalid, "it had not ended 2.9s"},
		{"nothing expired", first + entry(2, "", `{"type":"began","name":"lock/a","token":2,"holder":"v"}`) + entry(80, "", lost), steadily(0, 9000), nil, Unknown, "no lease ended"},

		{"a new leader costs half a second", grant + entry(32, "", gone), steadily(0, 9000), []int64{1500}, Valid, ""},
		{"and not more", grant + entry(33, "", gone), steadily(0, 9000), []int64{1500}, Invalid, "1 new leaders"},
		{"a leader of before costs nothing", grant + entry(28, "", gone), steadily(0, 9000), []int64{60}, Invalid, "0 new leaders"},
		{"two new leaders cost twice that", grant + entry(37, "", gone), steadily(0, 9000), []int64{1500, 2500}, Valid, ""},

		{"time in which nothing was committed does not count", grant + entry(74, "", gone), outage(), nil, Valid, ""},
		{"all other time does", grant + entry(78, "", gone), outage(), nil, Invalid, "nothing was committed for 5s"},
		{"an outage of before does not excuse", first + entry(62, "", took) + entry(88, "", gone), outage(), nil, Invalid, "nothing was committed for 0s"},

		{"a script extended it", grant + entry(20, `{"kind":"script","keys":["expiry/a"],"reply":1}`, "") + entry(42, "", gone), steadily(0, 9000), nil, Valid, ""},
		{"a script of another's did not", grant + entry(20, `{"kind":"script","keys":["expiry/b"],"reply":1}`, "") + entry(42, "", gone), steadily(0, 9000), nil, Invalid, "after entry 2"},
		{"who waits for it did not", grant + entry(20, `{"kind":"set","name":"expiry/a","reply":null}`, "") + entry(42, "", gone), steadily(0, 9000), nil, Invalid, "after entry 2"},
		{"a renewal did", grant + entry(20, `{"kind":"lock_renew","name":"expiry/a","token":2}`, "") + entry(42, "", gone), steadily(0, 9000), nil, Valid, ""},
		{"a renewal as LOCK.RENEW sends it did too", grant + entry(20, `{"kind":"hold_renew","name":"expiry/a","token":2}`, "") + entry(42, "", gone), steadily(0, 9000), nil, Valid, ""},
		{"a session ended in time", session + entry(25, "", goneS), steadily(0, 9000), nil, Valid, ""},
		{"a session counts from its opening", session + entry(30, "", goneS), steadily(0, 9000), nil, Invalid, "after entry 4"},
		{"a session counts from its renewal", session + entry(20, `{"kind":"session_renew","session":"4-0"}`, "") + entry(42, "", goneS), steadily(0, 9000), nil, Valid, ""},
		{"and not from another's", session + entry(20, `{"kind":"session_renew","session":"4-1"}`, "") + entry(42, "", goneS), steadily(0, 9000), nil, Invalid, "after entry 4"},
		{"nor from taking the lock again", session + entry(20, `{"kind":"hold_acquire","names":["expiry/s"],"session":"4-0"}`, "") + entry(42, "", goneS), steadily(0, 9000), nil, Invalid, "after entry 4"},
		{"who takes the name afterwards is another", grant + entry(22, "", gone) + entry(23, "", `{"type":"began","name":"expiry/a","token":23,"holder":"w"}`) + entry(80, "", `{"type":"ended","name":"expiry/a","token":23,"reason":"expired"}`), steadily(0, 9000), nil, Valid, ""},
	} {
		judged(t, one.what, overdue, lateRun(t, one.log, one.said, one.leads...), one.want, one.word)
	}
	late := lateRun(t, grant+entry(28, "", gone), steadily(0, 9000))
	late.Events[0].At = 1500 * ms
	judged(t, "the first leader that is seen is no change", overdue, late, Invalid, "0 new leaders")
	slow := lateRun(t, grant+entry(29, "", gone), steadily(0, 9000))
	slow.ClockTolerance = 0.1 // 2.22 s
	judged(t, "on clocks that may be slow", overdue, slow, Valid, "")
	for _, one := range []struct {
		what        string
		from, until int64 // of slow links
		ended       int
		want        Verdict
	}{
		{"slow links cost two rounds", 0, 9000, 34, Valid},
		{"and not more", 0, 9000, 35, Invalid},
		{"slow links of before cost nothing", 0, 2050, 28, Invalid},
		{"slow links of later cost nothing", 2750, 9000, 28, Invalid},
	} {
		late := lateRun(t, grant+entry(one.ended, "", gone), steadily(0, 9000))
		late.Slowed = []Slowed{{one.from * ms, one.until * ms, 350 * time.Millisecond}}
		judged(t, one.what, overdue, late, one.want, "")
	}
}
