package check

import (
	"fmt"
	"testing"

	"github.com/coordd/coordd/internal/committed"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
)

// native is a grant of a lock that is held in some mode.
func native(op, key, id string, token int64, mode string, permits int, untilMS int64, names ...string) history.Event {
	return history.Event{Workload: "shared", Op: op, Key: key, Holder: "9-0", ID: id, Token: token, Mode: mode, Permits: permits, Until: untilMS * ms, Names: names}
}

func TestHoldersInEveryMode(t *testing.T) {
	read, write := func(id string, token int64) history.Event {
		return native("acquire", "l", id, token, committed.Shared, 0, 2000)
	}, func(id string, token int64) history.Event { return native("acquire", "l", id, token, "", 0, 2000) }
	permits := func(id string, count int) history.Event {
		return native("acquire", "l", id, 3, committed.Semaphore, count, 2000)
	}
	lost := history.Event{Workload: "shared", Op: workload.OpLost, Key: "l", ID: "1-0", Token: 1}
	renewed := func(untilMS int64) history.Event { // until when the holder counted on it
		event := lost
		event.Until = untilMS * ms
		return event
	}
	both := native("acquire", "l+m", "1-0", 1, committed.Multi, 0, 2000, "l", "m")
	for what, one := range map[string]struct {
		run  *script
		want Verdict
	}{
		"two readers":                                {(&script{}).op(1, 2, history.OK, read("1-0", 1)).op(3, 4, history.OK, read("2-0", 1)), Valid},
		"a reader and a writer":                      {(&script{}).op(1, 2, history.OK, read("1-0", 1)).op(3, 4, history.OK, write("2-0", 2)), Invalid},
		"a writer and a reader":                      {(&script{}).op(1, 2, history.OK, write("1-0", 1)).op(3, 4, history.OK, read("2-0", 2)), Invalid},
		"a writer beside the older of two readers":   {(&script{}).op(1, 2, history.OK, read("1-0", 1)).op(3, 4, history.OK, native("acquire", "l", "2-0", 1, committed.Shared, 0, 10)).op(20, 21, history.OK, write("3-0", 3)), Invalid},
		"all permits":                                {(&script{}).op(1, 2, history.OK, permits("1-0", 1)).op(3, 4, history.OK, permits("2-0", 2)), Valid},
		"one permit too many":                        {(&script{}).op(1, 2, history.OK, permits("1-0", 2)).op(3, 4, history.OK, permits("2-0", 2)), Invalid},
		"one of a set beside its lock":               {(&script{}).op(1, 2, history.OK, both).op(3, 4, history.OK, native("acquire", "m", "2-0", 2, "", 0, 2000)), Invalid},
		"who was told of the loss counts no more":    {(&script{}).op(1, 2, history.OK, write("1-0", 1)).note(3, lost).op(4, 5, history.OK, write("2-0", 2)), Valid},
		"another while a renewal is counted on":      {(&script{}).op(1, 2, history.OK, write("1-0", 1)).op(2500, 2600, history.OK, native("acquire", "l", "2-0", 2, "", 0, 4500)).note(2800, renewed(2750)), Invalid},
		"another when no renewal is counted on":      {(&script{}).op(1, 2, history.OK, write("1-0", 1)).op(2500, 2600, history.OK, native("acquire", "l", "2-0", 2, "", 0, 4500)).note(2800, renewed(2450)), Valid},
		"a loss told before the renewal is over":     {(&script{}).op(1, 2, history.OK, write("1-0", 1)).note(2400, renewed(4000)).op(2500, 2600, history.OK, native("acquire", "l", "2-0", 2, "", 0, 4500)), Valid},
		"another before the holder was told of that": {(&script{}).op(1, 2, history.OK, write("1-0", 1)).op(3, 4, history.OK, write("2-0", 2)).note(5, lost), Invalid},
	} {
		judged(t, what, exclusionOfHolders, one.run.run(t, ""), one.want, "")
	}
}

func TestTokensOfReaders(t *testing.T) {
	read := func(id string, token int64) history.Event {
		return native("acquire", "l", id, token, committed.Shared, 0, 2000)
	}
	judged(t, "readers share a token", tokens, (&script{}).op(1, 2, history.OK, read("1-0", 4)).op(3, 4, history.OK, read("2-0", 4)).run(t, ""), Valid, "")
	judged(t, "a reader's token falls", tokens, (&script{}).op(1, 2, history.OK, read("1-0", 4)).op(3, 4, history.OK, read("2-0", 3)).run(t, ""), Invalid, "after")
	judged(t, "a writer has a reader's token", tokens, (&script{}).op(1, 2, history.OK, read("1-0", 4)).op(3, 4, history.OK, native("acquire", "l", "2-0", 4, "", 0, 2000)).run(t, ""), Invalid, "token 4")
	set := native("acquire", "l+m", "1-0", 5, committed.Multi, 0, 2000, "l", "m")
	judged(t, "a token falls after that of a set", tokens, (&script{}).op(1, 2, history.OK, set).op(3, 4, history.OK, native("acquire", "m", "2-0", 4, "", 0, 2000)).run(t, ""), Invalid, "m: ")
}

func TestSetsAreDurableAndTogether(t *testing.T) {
	grant := func(index int, name, id string, token int) string {
		return fmt.Sprintf(`{"index":%d,"events":[{"type":"began","name":%q,"token":%d,"holder":"session 9-0 owner x","waiter":%q,"mode":"multi","session":"9-0"}]}`+"\n", index, name, token, id)
	}
	whole := `{"index":1,"events":[{"type":"began","name":"l","token":1,"holder":"session 9-0","waiter":"1-0","mode":"multi"},{"type":"began","name":"m","token":1,"holder":"session 9-0","waiter":"1-0","mode":"multi"}]}` + "\n"
	set := native("acquire", "l+m", "1-0", 1, committed.Multi, 0, 2000, "l", "m")
	history1 := func() *script { return (&script{}).op(1, 2, history.OK, set) }
	judged(t, "as one", together, history1().run(t, whole), Valid, "")
	judged(t, "in two steps", together, history1().run(t, grant(1, "l", "1-0", 1)+grant(2, "m", "1-0", 2)), Invalid, "the set 1-0")
	judged(t, "half of it", together, history1().run(t, grant(1, "l", "1-0", 1)), Invalid, "alone")
	judged(t, "half of it ends", together, history1().run(t, whole+`{"index":2,"events":[{"type":"ended","name":"m","token":1,"waiter":"1-0"}]}`), Invalid, "the set 1-0")
	judged(t, "told and there", durableGrants, history1().run(t, whole), Valid, "")
	judged(t, "told and half there", durableGrants, history1().run(t, grant(1, "l", "1-0", 1)), Invalid, "does not know")
}

func TestNumbered(t *testing.T) {
	log := func(second string) string {
		return `{"index":1,"events":[]}` + "\n" + `{"index":5,"events":[{"type":"began","name":"l","token":5,"holder":"session 9-0","waiter":"5-0","session":"9-0","mode":"exclusive"}]}` + "\n" + second
	}
	again := `{"index":7,"events":[{"type":"ended","name":"l","token":5,"waiter":"5-0"},{"type":"began","name":"l","token":7,"holder":"session 9-0","waiter":"7-0","session":"9-0","mode":"exclusive"}]}`
	event := func(op, id string, token int64) history.Event {
		return history.Event{Workload: "exactly-once", Op: op, Key: "l", Holder: "9-0", Number: 1, ID: id, Token: token}
	}
	for what, one := range map[string]struct {
		run  *script
		log  string
		want Verdict
	}{
		"the same answer":         {(&script{}).op(1, 2, history.OK, event("acquire", "5-0", 5)).op(3, 4, history.OK, event("again", "5-0", 5)), log(""), Valid},
		"what has become of it":   {(&script{}).op(1, 2, history.OK, event("acquire", "5-0", 5)).op(3, 4, history.Fail, event("again", "", 0)), log(""), Valid},
		"nothing was sent again":  {(&script{}).op(1, 2, history.OK, event("acquire", "5-0", 5)), log(""), Unknown},
		"another answer":          {(&script{}).op(1, 2, history.OK, event("acquire", "5-0", 5)).op(3, 4, history.OK, event("again", "7-0", 7)), log(again), Invalid},
		"an answer from nowhere":  {(&script{}).op(3, 4, history.OK, event("again", "6-0", 6)), log(""), Invalid},
		"two effects, one answer": {(&script{}).op(1, 2, history.OK, event("acquire", "5-0", 5)).op(3, 4, history.Fail, event("again", "", 0)), log(again), Invalid},
	} {
		judged(t, what, numbered, one.run.run(t, one.log), one.want, "")
	}
}

func TestElections(t *testing.T) {
	event := func(op, id string, token int64, value string) history.Event {
		return history.Event{Workload: "election", Op: op, Key: "l", ID: id, Token: token, Value: value, Holder: "9-0"}
	}
	// A campaign or a proclamation says its value when it begins.
	speech := func(s *script, from, until int64, how history.Type, e history.Event) *script {
		s.op(from, until, how, e)
		s.events[len(s.events)-2].Value = e.Value
		return s
	}
	led := func() *script {
		return speech(speech(&script{}, 1, 2, history.OK, event("acquire", "5-0", 5, "a")), 3, 4, history.OK, event("proclaim", "5-0", 5, "b"))
	}
	next := func() *script { return speech(led(), 10, 11, history.OK, event("acquire", "7-0", 7, "c")) }
	observed := func(s *script, at int64, id string, token int64, value string) *script {
		return s.note(at, history.Event{Op: "observed", Workload: "election", Key: "l", Holder: "stream", ID: id, Token: token, Value: value})
	}
	for what, one := range map[string]struct {
		run  *script
		want Verdict
	}{
		"what was said last":                    {led().op(5, 6, history.OK, event("leader", "5-0", 5, "b")), Valid},
		"what was replaced":                     {led().op(5, 6, history.OK, event("leader", "5-0", 5, "a")), Invalid},
		"while it is replaced":                  {speech(speech(&script{}, 1, 2, history.OK, event("acquire", "5-0", 5, "a")), 3, 9, history.OK, event("proclaim", "5-0", 5, "b")).op(5, 6, history.OK, event("leader", "5-0", 5, "a")), Valid},
		"replaced, if it was":                   {speech(speech(&script{}, 1, 2, history.OK, event("acquire", "5-0", 5, "a")), 3, 4, history.Info, event("proclaim", "5-0", 5, "b")).op(5, 6, history.OK, event("leader", "5-0", 5, "a")), Valid},
		"what was never said":                   {led().op(5, 6, history.OK, event("leader", "5-0", 5, "z")), Invalid},
		"the leader before":                     {next().op(12, 13, history.OK, event("leader", "5-0", 5, "b")), Invalid},
		"nobody":                                {next().op(12, 13, history.OK, event("leader", "", 0, "")), Valid},
		"the leader before, while it changes":   {next().op(10, 13, history.OK, event("leader", "5-0", 5, "b")), Valid},
		"an observer that is late":              {observed(next(), 20, "5-0", 5, "b"), Valid},
		"an observer that goes back":            {observed(observed(next(), 20, "7-0", 7, "c"), 21, "5-0", 5, "b"), Invalid},
		"an observer hears what was never said": {observed(next(), 20, "7-0", 7, "z"), Invalid},
		"nobody asked":                          {next(), Unknown},
	} {
		judged(t, what, elections, one.run.run(t, ""), one.want, "")
	}
}

func TestForced(t *testing.T) {
	began := `{"index":1,"events":[{"type":"began","name":"l","token":1,"holder":"session 9-0","waiter":"1-0"}]}` + "\n"
	log := began + `{"index":2,"events":[{"type":"ended","name":"l","token":1,"waiter":"1-0","reason":"forced"}]}`
	force := func(ended string) history.Event {
		return history.Event{Workload: "admin", Op: "force", Key: "l", Value: ended}
	}
	judged(t, "asked and done", forced, (&script{}).op(1, 2, history.OK, force("1")).run(t, log), Valid, "")
	judged(t, "asked, perhaps done", forced, (&script{}).op(1, 2, history.Info, force("")).run(t, log), Valid, "")
	judged(t, "nobody asked", forced, (&script{}).op(1, 2, history.Fail, force("")).run(t, log), Invalid, "for an operator")
	judged(t, "said to be done", forced, (&script{}).op(1, 2, history.OK, force("1")).run(t, began), Invalid, "the log ended 0")
	judged(t, "done twice", forced, (&script{}).op(1, 2, history.OK, force("2")).run(t, log), Invalid, "ended 2")
}

func TestFIFOOfSetsAndTransfers(t *testing.T) {
	waits := func(index int, names string) string {
		return fmt.Sprintf(`{"index":%d,"commands":[{"kind":"hold_acquire","names":%s,"reply":{"queued":1,"waiter":"%d-0"}}],"events":[]}`+"\n", index, names, index)
	}
	event := func(kind, name, waiter string) string {
		return fmt.Sprintf(`{"type":%q,"name":%q,"waiter":%q,"token":9}`, kind, name, waiter)
	}
	set := func(index int, waiter string) string { // one name is handed over, and the other goes with it
		return fmt.Sprintf(`{"index":%d,"events":[%s,%s,%s]}`+"\n", index, event("began", "l", waiter), event("began", "m", waiter), event("waiter_granted", "l", waiter))
	}
	one := func(index int, commands, waiter string) string {
		return fmt.Sprintf(`{"index":%d,"commands":[%s],"events":[%s,%s]}`+"\n", index, commands, event("began", "l", waiter), event("waiter_granted", "l", waiter))
	}
	transfer := `{"kind":"election_transfer","name":"l","to_waiter":"2-0"}`
	for what, c := range map[string]struct {
		log  string
		want Verdict
	}{
		"sets in order":               {waits(1, `["l","m"]`) + waits(2, `["l","m"]`) + set(3, "1-0") + set(4, "2-0"), Valid},
		"the second set first":        {waits(1, `["l","m"]`) + waits(2, `["l","m"]`) + set(3, "2-0"), Invalid},
		"a set past one of its queue": {waits(1, `["m"]`) + waits(2, `["l","m"]`) + set(3, "2-0"), Invalid},
		"handed over":                 {waits(1, `["l"]`) + waits(2, `["l"]`) + one(3, transfer, "2-0") + one(4, "", "1-0"), Valid},
		"handed over to another":      {waits(1, `["l"]`) + waits(2, `["l"]`) + waits(3, `["l"]`) + one(4, transfer, "3-0"), Invalid},
	} {
		judged(t, what, fifo, (&script{}).run(t, c.log), c.want, "")
	}
}
