package fsm

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/ring"
)

// owners counts the partitions of each owner; "" has those of nobody.
func (w *world) owners() map[string]int {
	n := map[string]int{}
	for _, part := range w.parts() {
		n[part.owner]++
	}
	return n
}

// staff starts workers w0 to wn-1 and settles.
func (w *world) staff(n int, join command.PoolJoin) {
	for i := range n {
		w.start(fmt.Sprint("w", i), join)
	}
	w.settle()
}

// S28: the number of partitions is fixed. A pool that is deleted and made anew with another one is another incarnation: what a router or a worker knew of the
// old one names nothing in the new one, and tokens go on rising.
func TestS28_APoolMadeAnewIsAnotherOne(t *testing.T) {
	w := newWorld(t, t, 8, command.PoolSettings{Drain: 100})
	w.staff(1, command.PoolJoin{})
	old, before := w.record(), w.parts()
	if reply := w.seal(command.PoolCreate{Pool: w.pool, Partitions: 16, Settings: old.settings})[0]; reply.Code != command.CodePoolExists {
		t.Fatalf("%s", shown(reply))
	}
	w.permitted["w0"] = true
	w.seal(command.PoolEvict{Pool: w.pool, Worker: "w0", Reason: "test", Now: true})
	stale := w.member("w0")
	w.before = nil
	// In one entry, so that the new pool's first grants would share their token with nobody.
	replies := w.log.do(command.PoolDelete{Pool: w.pool, Incarnation: old.incarnation}, command.PoolCreate{Pool: w.pool, Partitions: 16, Settings: old.settings},
		command.PoolJoin{Member: stale, Weight: 1}, command.PoolDelete{Pool: w.pool, Incarnation: old.incarnation})
	if now := w.record(); now.incarnation == old.incarnation || now.partitions != 16 {
		t.Fatalf("%+v: %s", now, shown(command.Array(replies...)))
	}
	for partition, part := range w.parts() {
		if part.token != 0 {
			t.Fatalf("partition %d was granted in the entry that made the pool: %+v", partition, part)
		}
	}
	w.pass(0)
	for partition, part := range w.parts() {
		if part.owner != "w0" || partition < 8 && part.token <= before[partition].token {
			t.Fatalf("partition %d: %+v after %+v", partition, part, before[partition%8])
		}
	}
	// A table that an old router asks to continue is the new one, whole, and not a change of the old one.
	replies, _ = w.log.m.Read(0, []command.Op{command.PoolTable{Pool: w.pool, Since: 1, Incarnation: old.incarnation}})
	if from := fieldOf(t, replies[0], "from").Integer; from != 0 {
		t.Errorf("an old incarnation's table continues at %d", from)
	}
	// An acknowledgement from the old incarnation carries old tokens.
	ack := command.PoolAcknowledge{Member: stale}
	for partition, part := range before {
		ack.Releases = append(ack.Releases, command.Release{Partition: uint32(partition), Token: part.token})
	}
	if reply := w.seal(ack)[0]; fieldOf(t, reply, "released").Integer != 0 {
		t.Errorf("old tokens release something: %s", shown(reply))
	}
}

// S28: a worker's id is taken over only with the old session's secret. What the old session says afterwards counts for nothing.
func TestS28_AnIDIsTakenOverOnlyWithTheOldSecret(t *testing.T) {
	w := newWorld(t, t, 8, command.PoolSettings{Drain: 100})
	opened := w.seal(command.SessionOpen{TTLMilliseconds: 1000, SecretHash: [32]byte{1}}, command.SessionOpen{TTLMilliseconds: 1000, SecretHash: [32]byte{2}})
	first, _ := command.ParsePosition(string(opened[0].Elements[1].Text))
	second, _ := command.ParsePosition(string(opened[1].Elements[1].Text))
	join := func(session command.SessionID, secret byte, old command.SessionID, oldSecret byte) command.Reply {
		return w.seal(command.PoolJoin{Member: command.PoolMember{Pool: w.pool, Worker: "w0", Session: session, SecretHash: [32]byte{secret}}, Weight: 1,
			Old: old, OldSecretHash: [32]byte{oldSecret}})[0]
	}
	join(first, 1, command.SessionID{}, 0)
	before := w.parts()
	for name, reply := range map[string]command.Reply{
		"nothing": join(second, 2, command.SessionID{}, 0), "its own secret": join(second, 2, first, 2), "another session": join(second, 2, second, 1),
	} {
		if reply.Code != command.CodeWorkerBusy || !strings.Contains(string(reply.Text), "1000 ms") {
			t.Errorf("with %s: %s", name, shown(reply))
		}
	}
	w.permitted["w0"] = true
	if reply := join(second, 2, first, 1); reply.IsError() {
		t.Fatal(shown(reply))
	}
	ack := command.PoolAcknowledge{Member: command.PoolMember{Pool: w.pool, Worker: "w0", Session: first, SecretHash: [32]byte{1}}}
	for partition, part := range w.parts() {
		if part.owner != "w0" || part.token <= before[partition].token {
			t.Errorf("partition %d: %+v after %+v", partition, part, before[partition])
		}
		ack.Releases = append(ack.Releases, command.Release{Partition: uint32(partition), Token: part.token})
	}
	if reply := w.seal(ack)[0]; reply.Code != command.CodeNoWorker {
		t.Errorf("the old session gives back what the new one owns: %s", shown(reply))
	}
}

// S28: an eviction waits for the worker, who works on while its session lives, unless the operator says now.
func TestS28_AnEvictionWaitsForTheWorker(t *testing.T) {
	w := newWorld(t, t, 8, command.PoolSettings{Drain: 100, Moves: 100})
	w.staff(2, command.PoolJoin{})
	w.seal(command.PoolEvict{Pool: w.pool, Worker: "w0", Reason: "test"})
	for range 10 {
		w.renew()
		w.pass(900)
	}
	if n := w.owners(); n["w0"] != 4 {
		t.Fatalf("it was taken %d partitions without its word", 4-n["w0"])
	}
	replies, _ := w.log.m.Read(0, []command.Op{command.PoolInfo{Pool: w.pool}})
	if overdue := fieldOf(t, replies[0], "overdue").Integer; overdue == 0 {
		t.Errorf("nothing is overdue: %s", shown(replies[0]))
	}
	if reply := w.seal(command.PoolJoin{Member: w.member("w0"), Weight: 1})[0]; string(fieldOf(t, reply, "state").Text) != "leaving" {
		t.Errorf("it keeps itself in by joining again: %s", shown(reply))
	}
	w.permitted["w0"] = true
	w.seal(command.PoolEvict{Pool: w.pool, Worker: "w0", Reason: "test", Now: true})
	if n := w.owners(); n["w1"] != 8 {
		t.Errorf("after an eviction now: %v", n)
	}
}

// I7: an operator who repeats an eviction, since the answer was lost, finds it done: nothing is told twice and nothing moves.
func TestI7_AnEvictionThatComesTwiceIsOne(t *testing.T) {
	w := newWorld(t, t, 8, command.PoolSettings{Drain: 100, Moves: 100})
	w.staff(2, command.PoolJoin{})
	evict := command.PoolEvict{Pool: w.pool, Worker: "w0", Reason: "test"}
	first := w.log.seal(opsOf(evict)...)
	again := w.log.seal(opsOf(evict)...)
	if len(first.Events) == 0 || len(again.Events) > 0 {
		t.Errorf("the first eviction told %v, the second one %v", first.Events, again.Events)
	}
	if one, two := shown(first.Replies[0]), shown(again.Replies[0]); one != two {
		t.Errorf("the first eviction was answered %s, the second one %s", one, two)
	}
}

// S7: a partition that is given back in the entry in which it was granted is granted again in the next.
func TestS07_APartitionIsGrantedOnceInAnEntry(t *testing.T) {
	w := newWorld(t, t, 1, command.PoolSettings{Drain: 100})
	opened := w.seal(command.SessionOpen{TTLMilliseconds: 1000})[0]
	w.sessions["w0"], _ = command.ParsePosition(string(opened.Elements[1].Text))
	index := command.Token(w.log.index + 1)
	w.released[0] = true
	w.seal(command.PoolJoin{Member: w.member("w0"), Weight: 1}, command.PoolAcknowledge{Member: w.member("w0"), Releases: []command.Release{{Partition: 0, Token: index}}})
	if part := w.parts()[0]; part.owner != "" || part.token != index || !w.log.m.HasWork() {
		t.Fatalf("%+v, work %t", part, w.log.m.HasWork())
	}
	w.seal(command.Tick{})
	if part := w.parts()[0]; part.owner != "w0" || part.token != index+1 || w.log.m.HasWork() {
		t.Fatalf("%+v, work %t", part, w.log.m.HasWork())
	}
}

// I6: what a lost worker owned is owned by the others in the entry that ends its session, however long a join has to wait.
func TestI6_OrphansNeverWait(t *testing.T) {
	w := newWorld(t, t, 40, command.PoolSettings{Drain: 100, Debounce: 20_000})
	w.start("w0", command.PoolJoin{})
	w.start("w1", command.PoolJoin{})
	for w.record().due != 0 {
		w.renew()
		w.pass(500)
	}
	w.renew()
	w.start("w2", command.PoolJoin{}) // waits
	w.pass(600)
	w.renew("w0")
	w.pass(500)
	if n := w.owners(); n["w1"] != 40 {
		t.Errorf("after w0 was lost: %v", n)
	}
	if w.record().due == 0 {
		t.Error("w2 does not wait for quiet any more")
	}
	w.renew("w1")
	w.pass(500)
	w.renew("w1")
	w.pass(600)
	if n := w.owners(); n["w2"] != 40 {
		t.Errorf("after w1 was lost too, with nobody left but the newcomer: %v", n)
	}
}

// A join waits for quiet, and for no more than five times that.
func TestJoinsWaitForQuiet(t *testing.T) {
	w := newWorld(t, t, 40, command.PoolSettings{Drain: 100, Debounce: 300})
	begin := w.log.now
	for i := 0; len(w.owners()) == 1; i++ {
		w.start(fmt.Sprint("w", i), command.PoolJoin{})
		w.renew()
		w.pass(200)
		if waited := w.log.now - begin; len(w.owners()) > 1 && (waited < 1500 || waited > 1700) {
			t.Errorf("joins that never end waited for %d ms", waited)
		}
	}
	w.settle()
	w.start("late", command.PoolJoin{})
	w.renew()
	w.pass(299)
	if w.owners()["late"] != 0 || w.record().due == 0 {
		t.Error("a join did not wait")
	}
	w.pass(1)
	if w.record().due != 0 {
		t.Error("a join waited for too long")
	}
}

// I9: a rolling restart under the same ids moves nothing: with a word beforehand, or with a grace when sessions just end.
func TestI9_RollingRestartMovesNothing(t *testing.T) {
	for _, graceful := range []bool{true, false} {
		w := newWorld(t, t, 64, command.PoolSettings{Drain: 100})
		w.staff(4, command.PoolJoin{Grace: 3000})
		before := w.parts()
		for i := range 4 {
			worker := fmt.Sprint("w", i)
			if graceful {
				w.permitted[worker] = true
				w.seal(command.PoolLeave{Member: w.member(worker), Restart: 2000})
			} else {
				w.renew(worker)
				w.pass(600)
				w.renew(worker)
				w.pass(600)
			}
			if n := w.owners(); n[""] != 16 {
				t.Fatalf("while %s is away: %v", worker, n)
			}
			w.renew(worker)
			w.pass(100)
			w.start(worker, command.PoolJoin{Grace: 3000})
		}
		for partition, part := range w.parts() {
			if part.owner != before[partition].owner || part.token <= before[partition].token || part.draining != 0 {
				t.Errorf("partition %d: %+v, before %+v", partition, part, before[partition])
			}
		}
	}
}

// I9: a place is kept also while others come, go and change their weights.
func TestI9_APlaceIsKeptWhateverOthersDo(t *testing.T) {
	w := newWorld(t, t, 64, command.PoolSettings{Drain: 100})
	w.staff(4, command.PoolJoin{})
	before := w.parts()
	w.permitted["w0"] = true
	w.seal(command.PoolLeave{Member: w.member("w0"), Restart: 60_000})
	w.start("new", command.PoolJoin{}) // takes a fifth from everybody
	w.settle()
	w.renew("w1", "w0")
	w.pass(600)
	w.renew("w1", "w0")
	w.pass(600) // w1 is lost
	delete(w.sessions, "w1")
	w.settle()
	kept := 0
	w.start("w0", command.PoolJoin{})
	for partition, part := range w.parts() {
		if part.owner == "w0" && before[partition].owner == "w0" {
			kept++
		}
	}
	if kept < 12 {
		t.Errorf("of its 16 partitions it has %d again", kept)
	}
}

// No more partitions drain at once than the pool is set to, or by itself a sixteenth of them, at least 32.
func TestMovesKeepToTheirLimit(t *testing.T) {
	for moves, want := range map[uint32]int{0: 32, 3: 3} {
		w := newWorld(t, t, 128, command.PoolSettings{Drain: 100, Moves: moves})
		w.staff(1, command.PoolJoin{})
		w.start("w1", command.PoolJoin{})
		for rounds := 0; !w.settled(); rounds++ {
			draining := 0
			for _, part := range w.parts() {
				if part.draining != 0 {
					draining++
				}
			}
			if draining > want || rounds == 0 && draining != want || rounds > 64 {
				t.Fatalf("in round %d %d partitions drain, the limit is %d", rounds, draining, want)
			}
			w.acknowledge("w0", false)
		}
	}
}

// A worker gives back what is its own, and nothing of others, whose tokens it may know.
func TestOnlyTheOwnerGivesBack(t *testing.T) {
	w := newWorld(t, t, 8, command.PoolSettings{Drain: 100})
	w.staff(2, command.PoolJoin{})
	ack := command.PoolAcknowledge{Member: w.member("w0")}
	for partition, part := range w.parts() {
		if part.owner == "w1" {
			ack.Releases = append(ack.Releases, command.Release{Partition: uint32(partition), Token: part.token})
		}
	}
	if reply := w.seal(ack)[0]; fieldOf(t, reply, "released").Integer != 0 {
		t.Error(shown(reply))
	}
}

// A place that is kept is not kept for ever.
func TestAReservationEnds(t *testing.T) {
	w := newWorld(t, t, 8, command.PoolSettings{Drain: 100})
	w.staff(2, command.PoolJoin{})
	w.permitted["w0"] = true
	w.seal(command.PoolLeave{Member: w.member("w0"), Restart: 500})
	w.renew()
	w.pass(499)
	if n := w.owners(); n[""] != 4 {
		t.Errorf("while the place is kept: %v", n)
	}
	w.pass(1)
	if n := w.owners(); n["w1"] != 8 {
		t.Errorf("afterwards: %v", n)
	}
}

// I11: a keepalive and the end of a session in one entry, in either order: the session's deadline decides.
func TestI11_KeepAliveAndExpiry(t *testing.T) {
	for _, late := range []int64{0, 1} {
		for _, first := range []bool{true, false} {
			w := newWorld(t, t, 4, command.PoolSettings{Drain: 100})
			w.start("w0", command.PoolJoin{})
			session, _ := w.log.m.state.sessions.get(w.sessions["w0"])
			w.log.now = session.deadline - 1 + command.Instant(late)
			ops := []command.Op{command.SessionKeepAlive{Session: w.sessions["w0"]}, command.Expire{}}
			if !first {
				ops[0], ops[1] = ops[1], ops[0]
			}
			w.permitted["w0"] = late > 0
			w.seal(ops...)
			if n := w.owners(); n["w0"] != 4*int(1-late) {
				t.Errorf("%d ms too late, keepalive first %t: %v", late, first, n)
			}
		}
	}
}

// A worker hands over no more than half of what it owns at once, so that it can serve the rest.
func TestAWorkerHandsOverHalfAtOnce(t *testing.T) {
	w := newWorld(t, t, 20, command.PoolSettings{Drain: 100})
	w.staff(1, command.PoolJoin{})
	w.start("w1", command.PoolJoin{Weight: 20})
	draining := 0
	for _, part := range w.parts() {
		if part.draining != 0 {
			draining++
		}
	}
	if draining != 10 {
		t.Errorf("%d of 20 partitions drain", draining)
	}
	w.settle()
	if n := w.owners(); n["w1"] < 19 {
		t.Errorf("%v", n)
	}
}

// A hand-over that is not needed any more is cancelled, under the same token; an acknowledgement on its way still counts.
func TestACancelledHandOver(t *testing.T) {
	w := newWorld(t, t, 2, command.PoolSettings{Drain: 100})
	w.staff(1, command.PoolJoin{})
	before := w.parts()
	w.start("w1", command.PoolJoin{})
	ack := command.PoolAcknowledge{Member: w.member("w0")}
	for partition, part := range w.parts() {
		if part.draining != 0 {
			w.released[partition] = true
			ack.Releases = append(ack.Releases, command.Release{Partition: uint32(partition), Token: part.token})
		}
	}
	w.seal(command.PoolLeave{Member: w.member("w1")})
	for partition, part := range w.parts() {
		if part.draining != 0 || part.token != before[partition].token {
			t.Errorf("partition %d: %+v", partition, part)
		}
	}
	for range 2 {
		w.released[int(ack.Releases[0].Partition)] = true
		w.seal(ack)
	}
	if n := w.owners(); n["w0"] != 2 {
		t.Errorf("%v", n)
	}
	if part := w.parts()[ack.Releases[0].Partition]; part.token != command.Token(w.log.index-1) {
		t.Errorf("the voluntary release was not granted anew once: %+v at index %d", part, w.log.index)
	}
}

// What is out of bounds is refused, and changes nothing.
func TestPoolsRefuse(t *testing.T) {
	w := newWorld(t, t, 4, command.PoolSettings{Drain: 100})
	w.staff(1, command.PoolJoin{})
	long := strings.Repeat("x", 600)
	fine := command.PoolSettings{Drain: 100}
	member, stranger := w.member("w0"), w.member("w0")
	stranger.Worker = "w9"
	for _, c := range []struct {
		op   command.Op
		want command.Code
	}{
		{command.PoolCreate{Pool: "", Partitions: 1, Settings: fine}, command.CodeLimit},
		{command.PoolCreate{Pool: long, Partitions: 1, Settings: fine}, command.CodeLimit},
		{command.PoolCreate{Pool: "coordd:x", Partitions: 1, Settings: fine}, command.CodeReserved},
		{command.PoolCreate{Pool: "q", Partitions: 0, Settings: fine}, command.CodeGeneric},
		{command.PoolCreate{Pool: "q", Partitions: command.MaxPoolPartitions + 1, Settings: fine}, command.CodeGeneric},
		{command.PoolCreate{Pool: "q", Partitions: 1, Settings: command.PoolSettings{Drain: command.MinDrain - 1}}, command.CodeGeneric},
		{command.PoolCreate{Pool: "q", Partitions: 1, Settings: command.PoolSettings{Drain: command.MaxDrain + 1}}, command.CodeGeneric},
		{command.PoolCreate{Pool: "q", Partitions: 1, Settings: command.PoolSettings{Drain: 100, Debounce: -1}}, command.CodeGeneric},
		{command.PoolCreate{Pool: "q", Partitions: 1, Settings: command.PoolSettings{Drain: 100, Debounce: command.MaxDebounce + 1}}, command.CodeGeneric},
		{command.PoolCreate{Pool: "q", Partitions: 1, Settings: command.PoolSettings{Drain: 100, Moves: command.MaxPoolPartitions + 1}}, command.CodeGeneric},
		{command.PoolAlter{Pool: "q", Fields: command.PoolMoves, Settings: fine}, command.CodeNoPool},
		{command.PoolAlter{Pool: w.pool, Fields: command.PoolDrain}, command.CodeGeneric},
		{command.PoolJoin{Member: command.PoolMember{Pool: "q", Worker: "w", Session: member.Session}, Weight: 1}, command.CodeNoPool},
		{command.PoolJoin{Member: command.PoolMember{Pool: w.pool, Worker: "w", Session: command.SessionID{Index: 1}}, Weight: 1}, command.CodeNoSession},
		{command.PoolJoin{Member: command.PoolMember{Pool: w.pool, Worker: "w", Session: member.Session, SecretHash: [32]byte{9}}, Weight: 1}, command.CodeBadSecret},
		{command.PoolJoin{Member: command.PoolMember{Pool: w.pool, Worker: "", Session: member.Session}, Weight: 1}, command.CodeLimit},
		{command.PoolJoin{Member: command.PoolMember{Pool: w.pool, Worker: long, Session: member.Session}, Weight: 1}, command.CodeLimit},
		{command.PoolJoin{Member: member, Weight: 0}, command.CodeGeneric},
		{command.PoolJoin{Member: member, Weight: command.MaxWeight + 1}, command.CodeGeneric},
		{command.PoolJoin{Member: member, Weight: 1, Zone: long}, command.CodeLimit},
		{command.PoolJoin{Member: member, Weight: 1, Address: long}, command.CodeLimit},
		{command.PoolJoin{Member: member, Weight: 1, Grace: command.MaxGrace + 1}, command.CodeGeneric},
		{command.PoolLeave{Member: stranger}, command.CodeNoWorker},
		{command.PoolLeave{Member: member, Restart: command.MaxGrace + 1}, command.CodeGeneric},
		{command.PoolAcknowledge{Member: stranger}, command.CodeNoWorker},
		{command.PoolAcknowledge{Member: member, Releases: make([]command.Release, command.MaxReleases+1)}, command.CodeLimit},
		{command.PoolEvict{Pool: w.pool, Worker: "w9", Reason: "r"}, command.CodeNoWorker},
		{command.PoolEvict{Pool: w.pool, Worker: "w0"}, command.CodeGeneric},
		{command.PoolEvict{Pool: w.pool, Worker: "w0", Reason: "r", Actor: long}, command.CodeLimit},
		{command.PoolPin{Pool: w.pool, Partition: 4, Worker: "w0"}, command.CodeGeneric},
		{command.PoolPin{Pool: w.pool, Partition: 0, Worker: long}, command.CodeLimit},
		{command.PoolDelete{Pool: w.pool, Incarnation: w.record().incarnation}, command.CodePoolBusy},
		{command.PoolInfo{Pool: "q"}, command.CodeNoPool},
		{command.PoolTable{Pool: "q"}, command.CodeNoPool},
		{command.PoolAssignment{Member: stranger}, command.CodeNoWorker},
		{command.PoolExplain{Pool: "q"}, command.CodeNoPool},
	} {
		before := w.log.m.state.sum
		if reply := w.seal(c.op)[0]; reply.Code != c.want {
			t.Errorf("%+v: %s", c.op, shown(reply))
		}
		if w.log.m.state.sum != before {
			t.Errorf("%T was refused and changed something", c.op)
		}
	}
	// What it does not own, or under another token, is passed over.
	reply := w.seal(command.PoolAcknowledge{Member: member, Releases: []command.Release{{Partition: 99, Token: 1}, {Partition: 0, Token: 1}}})[0]
	if reply.IsError() || fieldOf(t, reply, "released").Integer != 0 {
		t.Error(shown(reply))
	}
}

// A pool has at most so many workers, a session is a member so often, and there are so many pools and partitions.
func TestPoolLimits(t *testing.T) {
	w := newWorld(t, t, 4, command.PoolSettings{Drain: 100, Debounce: 60_000})
	opened := w.seal(command.SessionOpen{TTLMilliseconds: 1_000_000})[0]
	w.sessions["w"], _ = command.ParsePosition(string(opened.Elements[1].Text))
	join := func(pool string, i int) command.Op {
		return command.PoolJoin{Member: command.PoolMember{Pool: pool, Worker: fmt.Sprint("w", i), Session: w.sessions["w"]}, Weight: 1}
	}
	fill := func(pool string, count int) command.Reply {
		var ops []command.Op
		for i := range count {
			ops = append(ops, join(pool, i))
		}
		replies := w.log.do(ops...)
		return replies[count-1]
	}
	if reply := fill(w.pool, command.MaxWorkersPerPool); reply.IsError() {
		t.Fatal(shown(reply))
	}
	if reply := fill(w.pool, command.MaxWorkersPerPool+1); reply.Code != command.CodeLimit {
		t.Error(shown(reply))
	}
	for i := 1; i < command.MaxPoolsPerSession/command.MaxWorkersPerPool; i++ {
		pool := fmt.Sprint("more-", i)
		w.log.do(command.PoolCreate{Pool: pool, Partitions: 1, Settings: command.PoolSettings{Drain: 100, Debounce: 60_000}})
		if reply := fill(pool, command.MaxWorkersPerPool); reply.IsError() {
			t.Fatal(shown(reply))
		}
	}
	w.log.do(command.PoolCreate{Pool: "last", Partitions: 1, Settings: command.PoolSettings{Drain: 100}})
	if reply := fill("last", 1); reply.Code != command.CodeLimit {
		t.Error(shown(reply))
	}
	if err := checkInvariants(w.log.m); err != nil {
		t.Fatal(err)
	}
	// The end of a session with so many memberships is carried out in slices (S37), and leaves nothing.
	w.log.do(command.SessionClose{Session: w.sessions["w"]})
	for w.log.m.HasWork() {
		w.log.do(command.Expire{})
	}
	if s := w.log.m.state; s.memberships.len() != 0 || s.workers.len() != 0 {
		t.Errorf("%d memberships and %d workers are left", s.memberships.len(), s.workers.len())
	}
	var reply command.Reply
	for i := 0; i < 20 && !reply.IsError(); i++ {
		reply = w.log.do(command.PoolCreate{Pool: fmt.Sprint("large-", i), Partitions: command.MaxPoolPartitions, Settings: command.PoolSettings{Drain: 100}})[0]
	}
	if reply.Code != command.CodeLimit {
		t.Error(shown(reply))
	}
}

// I13: fewer partitions than workers, no workers at all, and back.
func TestI13_FewPartitionsAndNoWorkers(t *testing.T) {
	w := newWorld(t, t, 2, command.PoolSettings{Drain: 100})
	w.staff(5, command.PoolJoin{})
	if n := w.owners(); len(n) != 2 || n[""] != 0 {
		t.Errorf("two partitions of five workers: %v", n)
	}
	for worker := range w.sessions {
		w.permitted[worker] = true
	}
	w.pass(2000)
	if n := w.owners(); n[""] != 2 {
		t.Errorf("without workers: %v", n)
	}
	w.sessions = map[string]command.SessionID{}
	w.staff(1, command.PoolJoin{})
	if n := w.owners(); n["w0"] != 2 {
		t.Errorf("with one worker again: %v", n)
	}
}

// Doors know the zone rules by the words of package command, placement by its own; they are the same.
func TestZoneRulesHaveTheSameWords(t *testing.T) {
	for rule, word := range command.PoolZoneRules {
		if got := ring.Zones(rule).String(); got != word {
			t.Errorf("rule %d is %s to placement and %s to doors", rule, got, word)
		}
	}
	if len(command.PoolZoneRules) != int(ring.ZonesEven)+1 {
		t.Errorf("%d words", len(command.PoolZoneRules))
	}
}
