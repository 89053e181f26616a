package fsm

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/coordd/coordd/fsm/command"
)

// S28: a pool is deleted by its incarnation. Whoever means another one, as one whose delete was delayed, deletes nothing.
func TestS28_ADeleteMeansOneIncarnation(t *testing.T) {
	w := newWorld(t, t, 8, command.PoolSettings{Drain: 100})
	old := w.record().incarnation
	w.log.do(command.PoolDelete{Pool: w.pool, Incarnation: old})
	w.log.do(command.PoolCreate{Pool: w.pool, Partitions: 16, Settings: command.PoolSettings{Drain: 100}})
	there := w.record()
	if there.incarnation == old {
		t.Fatalf("both pools are incarnation %s", old)
	}
	for _, incarnation := range []command.Position{old, {Index: there.incarnation.Index, Offset: 99}, {Index: 1 << 40}} {
		if reply := w.log.do(command.PoolDelete{Pool: w.pool, Incarnation: incarnation})[0]; reply.IsError() {
			t.Errorf("deleting incarnation %s: %s", incarnation, shown(reply))
		}
		if w.record() != there {
			t.Fatalf("deleting incarnation %s deleted %s", incarnation, there.incarnation)
		}
	}
	w.log.do(command.PoolDelete{Pool: w.pool, Incarnation: there.incarnation})
	if w.log.m.state.pools.has(w.pool) {
		t.Error("its own incarnation deletes it not")
	}
}

// A pinned partition is with its worker whenever that is a member, with somebody else while it is not, and goes anywhere when the pin is gone.
func TestAPinHolds(t *testing.T) {
	w := newWorld(t, t, 8, command.PoolSettings{Drain: 100})
	w.staff(3, command.PoolJoin{})
	pinned, to := 0, "w0"
	for w.parts()[pinned].owner == to {
		pinned++
	}
	w.seal(command.PoolPin{Pool: w.pool, Partition: uint32(pinned), Worker: to})
	if part := w.parts()[pinned]; part.owner == to || part.draining == 0 {
		t.Errorf("a pin takes a partition instead of asking for it: %+v", part)
	}
	w.settle()
	if owner := w.parts()[pinned].owner; owner != to {
		t.Fatalf("partition %d is with %s and not with %s", pinned, owner, to)
	}
	w.seal(command.PoolLeave{Member: w.member(to)})
	w.acknowledge(to, true)
	delete(w.sessions, to)
	w.settle()
	if owner := w.parts()[pinned].owner; owner == to || owner == "" {
		t.Errorf("while %s is away the partition is with %q", to, owner)
	}
	w.start(to, command.PoolJoin{})
	w.settle()
	if owner := w.parts()[pinned].owner; owner != to {
		t.Errorf("%s is back and the partition with %s", to, owner)
	}
	w.seal(command.PoolPin{Pool: w.pool, Partition: uint32(pinned)})
	if w.log.m.state.pins.len() != 0 {
		t.Error("the pin is still there")
	}
}

// A place that is kept is its id's, also for one who comes with the credentials of the process before: that session has ended, so there is nothing to take over.
func TestAKeptPlaceIsGivenToASuccessor(t *testing.T) {
	w := newWorld(t, t, 8, command.PoolSettings{Drain: 100})
	w.staff(2, command.PoolJoin{})
	predecessor := w.sessions["w0"]
	w.permitted["w0"] = true
	w.seal(command.PoolLeave{Member: w.member("w0"), Restart: 500})
	if reply := w.start("w0", command.PoolJoin{Old: predecessor}); reply.IsError() || string(fieldOf(t, reply, "state").Text) != "active" {
		t.Fatalf("%s", shown(reply))
	}
	if n := w.owners(); n["w0"] != 4 {
		t.Errorf("%v", n)
	}
}

// I1: a snapshot holds the state of its moment, whatever is applied while it is written. Rows of partitions are shared with it, so they are never changed in place.
func TestI1_ASnapshotDoesNotChange(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt, t, 70, command.PoolSettings{Drain: 100})
		for range rapid.IntRange(3, 10).Draw(rt, "before") {
			w.step(rt)
		}
		want := snapshotOf(w.log.m)
		taken := w.log.m.Snapshot()
		for range rapid.IntRange(1, 10).Draw(rt, "after") {
			w.step(rt)
		}
		var got bytes.Buffer
		if _, err := taken.WriteTo(&got); err != nil {
			rt.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			rt.Fatal("a snapshot changed while others went on")
		}
	})
}

// I10: who watches is woken by every new version, and told which.
func TestI10_EveryVersionIsAnEvent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newScenario(draw(t))
		for range rapid.IntRange(10, 60).Draw(t, "steps") {
			s.now += command.Instant(rapid.SampledFrom([]int64{0, 100, 400}).Draw(t, "ms"))
			before := s.poolVersions()
			op := s.poolOp()
			if rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
				op = s.sessionOp()
			}
			applied := s.sealCommands(command.Command{Op: op})
			told := map[string]uint64{}
			for _, event := range applied.Events {
				if event.Type == EventPoolChanged {
					told[event.Name.Key] = max(told[event.Name.Key], event.Version)
				}
			}
			for pool, version := range s.poolVersions() {
				if before[pool] != version && told[pool] != version.version {
					t.Fatalf("%+v: pool %s went from %+v to %+v, told was %d", op, pool, before[pool], version, told[pool])
				}
			}
		}
	})
}

// poolVersion is which pool of its name there is, and its version.
type poolVersion struct {
	incarnation command.Position
	version     uint64
}

func (s *scenario) poolVersions() map[string]poolVersion {
	versions := map[string]poolVersion{}
	s.machine.state.pools.all(func(name string, r poolRecord) bool {
		versions[name] = poolVersion{r.incarnation, r.version}
		return true
	})
	return versions
}

// truth is what a router should have: the partitions that were ever granted, as the state has them.
func (r *router) truth() map[int64]string {
	rows := map[int64]string{}
	for partition, part := range r.w.parts() {
		if part.token != 0 {
			rows[int64(partition)] = shown(command.Array(text(part.owner), command.Integer(int64(part.token)), command.Integer(part.state())))
		}
	}
	return rows
}

// equals compares what a router has with the truth.
func (r *router) equals(t rapid.TB) {
	t.Helper()
	if truth := r.truth(); fmt.Sprint(truth) != fmt.Sprint(r.rows) {
		t.Fatalf("the router has %v, the state %v", r.rows, truth)
	}
}

// Who leaves goes: neither a restart nor a grace keeps its place, or an evicted worker could stay for ever.
func TestALeaverKeepsNoPlace(t *testing.T) {
	w := newWorld(t, t, 8, command.PoolSettings{Drain: 100})
	w.staff(2, command.PoolJoin{Grace: 5000})
	w.seal(command.PoolEvict{Pool: w.pool, Worker: "w0", Reason: "test"})
	if reply := w.seal(command.PoolLeave{Member: w.member("w0"), Restart: 5000})[0]; string(fieldOf(t, reply, "state").Text) != "leaving" {
		t.Errorf("it is away for a restart: %s", shown(reply))
	}
	w.renew("w0")
	w.pass(600)
	w.renew("w0")
	w.pass(600)
	if n := w.owners(); n["w1"] != 8 {
		t.Errorf("after a leaver was lost: %v", n)
	}
	if _, there := w.log.m.state.workers.get(workerKey{w.pool, "w0"}); there {
		t.Error("it is still a worker")
	}
}

// The place of a worker that is away is given to others as soon as an operator evicts it: there is nobody to wait for.
func TestAnEvictionEndsAKeptPlace(t *testing.T) {
	w := newWorld(t, t, 8, command.PoolSettings{Drain: 100})
	w.staff(2, command.PoolJoin{})
	w.permitted["w0"] = true
	w.seal(command.PoolLeave{Member: w.member("w0"), Restart: 60_000})
	w.seal(command.PoolEvict{Pool: w.pool, Worker: "w0", Reason: "it will not come back"})
	if n := w.owners(); n["w1"] != 8 {
		t.Errorf("after the eviction: %v", n)
	}
}

// A pool that is deleted leaves nothing behind, no deadline and no grant that waits, and whoever watches it is told.
func TestADeletedPoolLeavesNothing(t *testing.T) {
	w := newWorld(t, t, 2, command.PoolSettings{Drain: 100, Debounce: 500})
	w.staff(1, command.PoolJoin{})
	w.start("w1", command.PoolJoin{}) // waits for quiet
	w.seal(command.PoolPin{Pool: w.pool, Partition: 1, Worker: "w1"})
	incarnation := w.record().incarnation
	ack := command.PoolAcknowledge{Member: w.member("w0"), Releases: []command.Release{{Partition: 0, Token: w.parts()[0].token}}}
	granted := command.Token(w.log.index + 1)
	again := command.PoolAcknowledge{Member: ack.Member, Releases: []command.Release{{Partition: 0, Token: granted}}}
	applied := w.log.seal(opsOf(ack, again, command.PoolEvict{Pool: w.pool, Worker: "w0", Reason: "r", Now: true}, command.PoolEvict{Pool: w.pool, Worker: "w1", Reason: "r", Now: true},
		command.PoolDelete{Pool: w.pool, Incarnation: incarnation})...)
	if err := checkInvariants(w.log.m); err != nil {
		t.Errorf("%v; replies %v", err, applied.Replies)
	}
	s := w.log.m.state
	if s.pools.len()+s.targets.len()+s.workers.len()+s.partitions.len()+s.memberships.len()+s.pins.len()+s.poolsWait.len() != 0 {
		t.Errorf("rows are left: %v", applied.Replies)
	}
	told := false
	for _, event := range applied.Events {
		told = told || event.Type == EventPoolChanged && event.Name.Key == w.pool && event.Reason == ReasonDeleted
	}
	if !told {
		t.Errorf("nobody was told: %+v", applied.Events)
	}
}

func opsOf(ops ...command.Op) (commands []command.Command) {
	for i, op := range ops {
		commands = append(commands, command.Command{Lane: uint64(i + 1), Op: op})
	}
	return commands
}

// Another rule for zones shares the partitions out anew.
func TestAnotherZoneRuleMoves(t *testing.T) {
	w := newWorld(t, t, 12, command.PoolSettings{Drain: 100})
	for worker, zone := range map[string]string{"w0": "a", "w1": "a", "w2": "b"} {
		w.start(worker, command.PoolJoin{Zone: zone})
	}
	w.settle()
	if n := w.owners(); n["w2"] != 4 {
		t.Fatalf("zones ignored: %v", n)
	}
	w.seal(command.PoolAlter{Pool: w.pool, Fields: command.PoolZones, Settings: command.PoolSettings{Zones: uint8(2)}})
	w.settle()
	if n := w.owners(); n["w2"] != 6 {
		t.Errorf("even zones: %v", n)
	}
}

// So many partitions can be pinned; changing a pin or taking one away is always possible.
func TestPinsHaveALimit(t *testing.T) {
	w := newWorld(t, t, command.MaxPins+2, command.PoolSettings{Drain: 100})
	pin := func(partition int, worker string) command.Code {
		return w.log.do(command.PoolPin{Pool: w.pool, Partition: uint32(partition), Worker: worker})[0].Code
	}
	var ops []command.Op
	for partition := range command.MaxPins {
		ops = append(ops, command.PoolPin{Pool: w.pool, Partition: uint32(partition), Worker: "w"})
	}
	for _, reply := range w.log.do(ops...) {
		if reply.IsError() {
			t.Fatal(shown(reply))
		}
	}
	full, changed, removed := pin(command.MaxPins, "w"), pin(0, "v"), pin(1, "")
	if ok := command.CodeNone; full != command.CodeLimit || changed != ok || removed != ok || pin(command.MaxPins, "w") != ok {
		t.Errorf("at the limit: one more %v, another worker %v, taken away %v", full, changed, removed)
	}
}

// A table of a version that the pool does not have, as one that an earlier cluster told before it was restored, is answered whole.
func TestS28_ATableFromTheFutureIsWhole(t *testing.T) {
	w := newWorld(t, t, 8, command.PoolSettings{Drain: 100})
	w.staff(1, command.PoolJoin{})
	since := func(version uint64) (from int64, rows int) {
		replies, _ := w.log.m.Read(0, []command.Op{command.PoolTable{Pool: w.pool, Since: version, Incarnation: w.record().incarnation}})
		return fieldOf(t, replies[0], "from").Integer, len(fieldOf(t, replies[0], "changes").Elements) / 4
	}
	version := w.record().version
	if from, rows := since(version); from != int64(version) || rows != 0 {
		t.Errorf("since its own version %d: from %d, %d rows", version, from, rows)
	}
	if from, rows := since(version + 1); from != 0 || rows != 8 {
		t.Errorf("since a version of the future: from %d, %d rows", from, rows)
	}
}

// What a worker owns is told to its own session alone.
func TestAnAssignmentNeedsTheSecret(t *testing.T) {
	w := newWorld(t, t, 8, command.PoolSettings{Drain: 100})
	w.staff(1, command.PoolJoin{})
	member := w.member("w0")
	member.SecretHash[0]++
	if replies, _ := w.log.m.Read(0, []command.Op{command.PoolAssignment{Member: member}}); replies[0].Code != command.CodeBadSecret {
		t.Error(shown(replies[0]))
	}
}

// A rebalance that was to come for workers that are gone is no deadline of a pool that is gone too.
func TestADeletedPoolHasNoDeadline(t *testing.T) {
	w := newWorld(t, t, 2, command.PoolSettings{Drain: 100, Debounce: 500})
	w.start("w0", command.PoolJoin{})
	w.permitted["w0"] = true
	w.seal(command.PoolEvict{Pool: w.pool, Worker: "w0", Reason: "r", Now: true})
	if w.record().due == 0 {
		t.Fatal("nothing was to come, so this shows nothing")
	}
	w.log.do(command.PoolDelete{Pool: w.pool, Incarnation: w.record().incarnation})
	if err := checkInvariants(w.log.m); err != nil {
		t.Error(err)
	}
}
