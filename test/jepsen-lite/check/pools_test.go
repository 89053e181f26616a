package check

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coordd/coordd/internal/committed"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/store"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
)

// poolLog grants partition 0 to w1, and, when that gives it back, to w2; and partition 1 to w1, and, when that is lost, to w2.
const poolLog = `
{"index":1,"commands":[],"events":[]}
{"index":3,"commands":[{"kind":"pool_join"}],"events":[{"type":"pool_worker","pool":"pool/0","worker":"w1","reason":"joined"}],"pools":[{"pool":"pool/0","version":2,"partitions":[{"partition":0,"owner":"w1","token":3},{"partition":1,"owner":"w1","token":3}]}]}
{"index":4,"commands":[],"events":[],"pools":[{"pool":"pool/0","version":3,"partitions":[{"partition":0,"owner":"w1","token":3,"draining":true}]}]}
{"index":5,"commands":[{"kind":"pool_acknowledge","pool":"pool/0","worker":"w1","releases":[{"partition":0,"token":3}]}],"events":[],"pools":[{"pool":"pool/0","version":4,"partitions":[{"partition":0,"owner":"w2","token":5}]}]}
{"index":6,"commands":[],"events":[{"type":"pool_worker","pool":"pool/0","worker":"w1","reason":"lost"}],"pools":[{"pool":"pool/0","version":5,"partitions":[{"partition":1,"owner":"","token":3}]}]}
{"index":7,"commands":[],"events":[],"pools":[{"pool":"pool/0","version":6,"partitions":[{"partition":1,"owner":"w2","token":7}]}]}
`

func ofPool(op string, partition int, worker string, token int64) history.Event {
	return history.Event{Workload: "pool", Op: op, Key: workload.PoolKey(partition), Holder: worker, Token: token}
}

// stored is a line of the store.
func stored(op string, partition int, worker string, token int64) history.Event {
	event := ofPool(op, partition, worker, token)
	event.Process = store.Process
	return event
}

func revoked(partition int, worker string, token, sure int64) history.Event {
	event := ofPool(workload.OpRevoked, partition, worker, token)
	event.Until = sure * ms
	return event
}

func routed(router string, version int64, partition int, owner string, token int64) history.Event {
	event := ofPool(workload.OpRouted, partition, router, token)
	event.ID, event.Number = owner, version
	return event
}

// notes puts notes a millisecond apart, from 10 on.
func notes(events ...history.Event) *script {
	s := &script{}
	for i, event := range events {
		s.note(int64(10+i), event)
	}
	return s
}

// write is one by a worker that was sure a while before.
func (s *script) write(from, until int64, how history.Type, partition int, worker string, token, sure int64) *script {
	s.op(from, until, how, ofPool(workload.OpWrite, partition, worker, token))
	for i := range s.events[len(s.events)-2:] {
		event := &s.events[len(s.events)-2+i]
		event.Token, event.Sent = token, sure*ms
	}
	return s
}

func TestAtMostOneOwner(t *testing.T) {
	assigned := func(partition int, worker string, token int64) *script {
		return notes(ofPool(workload.OpAssigned, partition, worker, token))
	}
	for _, one := range []struct {
		what     string
		run      *script
		from, to string // what is replaced in the log
		want     Verdict
		word     string
	}{
		{"as it should be", notes(ofPool(workload.OpAssigned, 0, "w1", 3), ofPool(workload.OpAssigned, 0, "w2", 5), stored(store.OpAccepted, 0, "w2", 5), stored(store.OpRefused, 0, "w1", 4)), "", "", Valid, "4 ownerships"},
		{"nothing in the log", assigned(0, "w1", 3), "pool/0", "other", Invalid, "which the log grants to \"\""},
		{"no pool anywhere", notes(), "pool/0", "other", Unknown, "no ownerships"},
		{"not given back", notes(), `"releases":[{"partition":0`, `"releases":[{"partition":1`, Invalid, "has neither given it back nor ended"},
		{"given back by another", notes(), `"worker":"w1","releases"`, `"worker":"w2","releases"`, Invalid, "has neither given it back nor ended"},
		{"its worker lives", notes(), `"worker":"w1","reason":"lost"`, `"worker":"w3","reason":"lost"`, Invalid, "goes from w1"},
		{"a token comes twice", notes(), `"owner":"w2","token":7`, `"owner":"w2","token":3`, Invalid, "token 3 after token 3"},
		{"a token is forgotten", notes(), `"owner":"","token":3`, `"owner":"","token":0`, Invalid, "has forgotten token 3"},
		{"told of another's", assigned(0, "w1", 5), "", "", Invalid, "which the log grants to \"w2\""},
		{"told of what was never granted", assigned(2, "w1", 3), "", "", Invalid, "which the log grants to \"\""},
		{"wrote under another's token", notes(stored(store.OpAccepted, 0, "w1", 5)), "", "", Invalid, "took a write of w1"},
		{"another's lost update", notes(stored(store.OpLostUpdate, 1, "w2", 3)), "", "", Invalid, "took a write of w2"},
		{"compacted: the log is judged, what was told is not", assigned(2, "w1", 3), `{"index":1,"commands":[],"events":[]}`, "", Valid, "compacted away"},
		{"compacted: not given back", notes(), `{"index":1,"commands":[],"events":[]}`, `{"index":2,"events":[],"pools":[{"pool":"pool/0","version":1,"partitions":[{"partition":1,"owner":"w9","token":1}]}]}`, Invalid, "goes from w9"},
	} {
		if one.from != "" && !strings.Contains(poolLog, one.from) {
			t.Fatalf("%s: the log has no %s", one.what, one.from)
		}
		judged(t, one.what, atMostOneOwner, one.run.run(t, strings.ReplaceAll(poolLog, one.from, one.to)), one.want, one.word)
	}
	differing := notes().run(t, poolLog)
	entries, err := committed.Read(strings.NewReader(strings.Replace(poolLog, `"owner":"w2","token":7`, `"owner":"w3","token":7`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	differing.Log = NewLog(map[string][]committed.Entry{"n1": differing.Log.Entries, "n2": entries})
	judged(t, "another owner on another node", atMostOneOwner, differing, Invalid, "differs in its content")
}

func TestPoolWorkers(t *testing.T) {
	told := func() *script { return notes(ofPool(workload.OpAssigned, 0, "w1", 3)) } // at 10
	for _, one := range []struct {
		what string
		run  *script
		want Verdict
		word string
	}{
		{"nobody", notes(), Unknown, "no ownerships"},
		{"never sure", told().note(20, revoked(0, "w1", 3, 0)), Unknown, "no ownerships"},
		{"one after the other", told().note(30, revoked(0, "w1", 3, 29)).note(31, ofPool(workload.OpAssigned, 0, "w2", 5)).note(60, revoked(0, "w2", 5, 50)), Valid, "2 ownerships"},
		{"sure until the very instant", told().note(40, revoked(0, "w1", 3, 31)).note(31, ofPool(workload.OpAssigned, 0, "w2", 5)).note(60, revoked(0, "w2", 5, 50)), Valid, "2 ownerships"},
		{"still sure", told().note(40, revoked(0, "w1", 3, 32)).note(31, ofPool(workload.OpAssigned, 0, "w2", 5)).note(60, revoked(0, "w2", 5, 50)), Invalid, "w1 was sure at 0.022 s"},
		{"another partition", told().note(40, revoked(0, "w1", 3, 32)).note(31, ofPool(workload.OpAssigned, 1, "w2", 5)).note(60, revoked(1, "w2", 5, 50)), Valid, "2 ownerships"},
		{"by a write, and killed", told().write(34, 36, history.OK, 0, "w1", 3, 33).note(31, ofPool(workload.OpAssigned, 0, "w2", 5)).write(42, 43, history.OK, 0, "w2", 5, 41), Invalid, "w1 was sure at 0.023 s"},
		{"a write that came late, by a worker that was sure before", told().write(34, 36, history.Fail, 0, "w1", 3, 30).note(31, ofPool(workload.OpAssigned, 0, "w2", 5)).write(42, 43, history.OK, 0, "w2", 5, 41), Valid, "2 ownerships"},
		{"told when it was over", told().note(30, revoked(0, "w1", 3, 29)).note(20, ofPool(workload.OpAssigned, 0, "w2", 5)).note(60, revoked(0, "w2", 5, 0)), Valid, "1 ownerships"},
		{"a smaller token", notes(ofPool(workload.OpAssigned, 0, "w1", 7)).note(20, revoked(0, "w1", 7, 19)).note(30, ofPool(workload.OpAssigned, 0, "w2", 5)).note(60, revoked(0, "w2", 5, 50)), Invalid, "under token 5, after w1 had owned it under token 7"},
		{"a token for two", told().note(20, revoked(0, "w1", 3, 19)).note(30, ofPool(workload.OpAssigned, 0, "w2", 3)).note(60, revoked(0, "w2", 3, 50)), Invalid, "under token 3, after w1"},
		{"a token for one, twice", told().note(20, revoked(0, "w1", 3, 19)).note(30, ofPool(workload.OpAssigned, 0, "w1", 3)).note(60, revoked(0, "w1", 3, 50)), Invalid, "under token 3, after w1"},
	} {
		judged(t, one.what, poolWorkers, one.run.run(t, ""), one.want, one.word)
	}
}

func TestPoolWrites(t *testing.T) {
	good := []history.Event{stored(store.OpRead, 0, "w1", 3), stored(store.OpAccepted, 0, "w1", 3), stored(store.OpRead, 0, "w2", 5), stored(store.OpRefused, 0, "w1", 3), stored(store.OpTwinStale, 0, "w1", 3),
		stored(store.OpTwinLost, 0, "w1", 3), stored(store.OpAccepted, 0, "w2", 5)}
	with := func(more ...history.Event) *script { return notes(append(good[:len(good):len(good)], more...)...) }
	for _, one := range []struct {
		what string
		run  *script
		want Verdict
		word string
	}{
		{"as it should be", with(), Valid, "2 writes to 1 partitions taken, 1 stale requests refused; without tokens 1"},
		{"nothing", notes(), Unknown, "no accepted writes"},
		{"nothing stale came", notes(good[:3]...), Unknown, "no stale write came"},
		{"a register beside it", with(history.Event{Process: store.Process, Op: store.OpAccepted, Key: "fenced-register/0/1", Token: 1}), Valid, "to 1 partitions"},
		{"a stale write was taken", with(stored(store.OpAccepted, 0, "w1", 3)), Invalid, "w1 was let in with token 3 after token 5"},
		{"a stale read was answered", with(stored(store.OpRead, 0, "w1", 3)), Invalid, "w1 was let in"},
		{"and that although nothing was refused", notes(good[2], stored(store.OpAccepted, 0, "w1", 3)), Invalid, "w1 was let in"},
		{"the owner was refused", with(stored(store.OpRefused, 0, "w2", 5)), Invalid, "token 5 of w2 was refused"},
		{"a lost update", with(stored(store.OpLostUpdate, 0, "w2", 5)), Invalid, "over a value that it had not read"},
		{"a smaller token for another partition", with(stored(store.OpAccepted, 1, "w1", 3)), Valid, "to 2 partitions"},
	} {
		judged(t, one.what, poolWrites, one.run.run(t, ""), one.want, one.word)
	}
	if result := fenced(with().run(t, "")); result.Verdict != Unknown {
		t.Errorf("writes to partitions count for fenced-register: %+v", result)
	}
}

func TestPoolRoutes(t *testing.T) {
	for _, one := range []struct {
		what string
		run  *script
		want Verdict
		word string
	}{
		{"nothing", notes(), Unknown, "no lookups"},
		{"as in the log", notes(routed("a", 1, 0, "", 0), routed("a", 2, 0, "w1", 3), routed("a", 4, 0, "w2", 5), routed("a", 5, 1, "", 3), routed("a", 6, 1, "w2", 7), routed("a", 6, 9, "", 0)), Valid, "6 lookups of 1"},
		{"late", notes(routed("a", 6, 1, "w2", 7), routed("b", 2, 1, "w1", 3)), Valid, "2 lookups of 2"},
		{"back", notes(routed("a", 6, 1, "w2", 7), routed("a", 2, 1, "w1", 3)), Invalid, "version 2 of the table, after version 6"},
		{"of another version", notes(routed("a", 3, 0, "w2", 5)), Invalid, "by the log it is \"w1\" with token 3"},
		{"another's token", notes(routed("a", 6, 1, "w2", 3)), Invalid, "by the log it is \"w2\" with token 7"},
		{"another worker", notes(routed("a", 6, 1, "w1", 7)), Invalid, "by the log it is \"w2\" with token 7"},
		{"of nobody", notes(routed("a", 6, 9, "w2", 7)), Invalid, "by the log it is \"\""},
	} {
		judged(t, one.what, poolRoutes, one.run.run(t, poolLog), one.want, one.word)
	}
	judged(t, "compacted", poolRoutes, notes(routed("a", 3, 0, "w2", 5)).run(t, strings.Replace(poolLog, `{"index":1,"commands":[],"events":[]}`, "", 1)), Skipped, "compacted away")
}

func TestPoolOrphans(t *testing.T) {
	fault := func(at int64) *script {
		return (&script{}).note(at, history.Event{Process: "nemesis", Op: "kill-client", Value: "end"})
	}
	all := func(s *script, but int, how history.Type) *script {
		for partition := range workload.PoolPartitions {
			if partition != but {
				s.write(int64(100+partition), int64(110+partition), how, partition, fmt.Sprint("w", partition%3), 3, 90)
			}
		}
		return s
	}
	for _, one := range []struct {
		what     string
		run      *script
		recovery Recovery
		want     Verdict
		word     string
	}{
		{"all are written to", all(fault(80), -1, history.OK), Recovery{}, Valid, "all 64 partitions were written to by their owners within 83ms"},
		{"without a fault", all(&script{}, -1, history.OK), Recovery{}, Valid, "all 64 partitions"},
		{"one is not", all(fault(80), 17, history.OK), Recovery{}, Invalid, "had ended: 17"},
		{"one only before the last fault had ended", all(fault(101), -1, history.OK), Recovery{}, Invalid, "had ended: 0"},
		{"stale ones do not count", all(fault(80), -1, history.Fail), Recovery{}, Invalid, "63"},
		{"nobody knows whether they were taken", all(fault(80), -1, history.Info), Recovery{}, Invalid, "63"},
		{"nothing", fault(80), Recovery{}, Invalid, "63"},
		{"the machine stood still", all(fault(80), 17, history.OK), Recovery{Lag: 6 * time.Second}, Unknown, "may be the machine"},
		{"the network closed connections", all(fault(80), 17, history.OK), Recovery{Strangers: 21}, Unknown, "may be its fault"},
		{"the cluster never became whole", all(fault(80), 17, history.OK), Recovery{HealError: errors.New("no")}, Unknown, "did not become whole"},
	} {
		run := one.run.run(t, "")
		run.Recovery = one.recovery
		judged(t, one.what, poolOrphans, run, one.want, one.word)
	}
}

func TestARunOfAPoolAloneIsJudgedByCheckersOfPoolsAndOfNodes(t *testing.T) {
	run := notes().run(t, poolLog)
	run.Workloads = []string{"pool"}
	var names []string
	for _, result := range Judge(run) {
		names = append(names, result.Name)
	}
	if got, want := strings.Join(names, " "), "clock-jumps at-most-one-owner pool-workers pool-writes pool-routes pool-orphans agreement liveness node-logs"; got != want {
		t.Errorf("judged by %s; want %s", got, want)
	}
}
