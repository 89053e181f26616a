package fsm

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/ring"
)

// The numbers I1 to I13 are those of the invariants of worker ownership; what placement alone promises is tested in package ring.

// world is one pool, its workers as processes, a leader that expires what is due, and a checker that watches every entry.
type world struct {
	t         rapid.TB
	log       *testLog
	pool      string
	sessions  map[string]command.SessionID // by worker: the session of its present process
	before    []partRecord
	permitted map[string]bool // workers that may lose what they own without having given it back, in this entry
	released  map[int]bool    // partitions given back in this entry
}

func newWorld(t rapid.TB, tt *testing.T, partitions int, settings command.PoolSettings) *world {
	w := &world{t: t, log: newTestLog(tt), pool: "p", sessions: map[string]command.SessionID{}, permitted: map[string]bool{}, released: map[int]bool{}}
	w.seal(command.PoolCreate{Pool: w.pool, Partitions: uint32(partitions), Settings: settings})
	return w
}

// seal applies one entry and checks what changed.
func (w *world) seal(ops ...command.Op) []command.Reply {
	w.t.Helper()
	replies := w.log.do(ops...)
	w.check(ops)
	return replies
}

func (w *world) record() poolRecord { r, _ := w.log.m.state.pools.get(w.pool); return r }

func (w *world) parts() (parts []partRecord) {
	for _, part := range w.log.m.state.partitionsOf(w.pool, w.record()) {
		parts = append(parts, part)
	}
	return parts
}

func (w *world) member(worker string) command.PoolMember {
	return command.PoolMember{Pool: w.pool, Worker: worker, Session: w.sessions[worker]}
}

// check compares the partitions before and after an entry.
func (w *world) check(ops []command.Op) {
	w.t.Helper()
	if err := checkInvariants(w.log.m); err != nil {
		w.t.Fatalf("%v: %v", ops, err)
	}
	s, after := w.log.m.state, w.parts()
	draining := 0
	for partition, now := range after {
		if now.draining != 0 {
			draining++
		}
		if w.before == nil {
			continue
		}
		was := w.before[partition]
		// I5: a new owner has a new, larger token, and a token is never forgotten.
		granted := now.token != was.token
		if granted && (now.token <= was.token || now.token != s.token()) || !granted && now.owner != "" && now.owner != was.owner {
			w.t.Fatalf("%v: partition %d went from %+v to %+v at index %d", ops, partition, was, now, s.index)
		}
		// I4: what somebody owned goes on only when it was given back, or the owner is over.
		if was.owner != "" && (granted || now.owner == "") && !w.released[partition] && !w.permitted[was.owner] {
			w.t.Fatalf("%v: partition %d was taken from %s, who did not give it back", ops, partition, was.owner)
		}
	}
	if limit := ring.DefaultConcurrentMoves(len(after)); w.record().settings.Moves == 0 && draining > limit {
		w.t.Fatalf("%d partitions drain at once, the limit is %d", draining, limit)
	}
	w.before = after
	clear(w.permitted)
	clear(w.released)
}

// pass lets time go by, and the leader do what is due until nothing is.
func (w *world) pass(milliseconds int64) {
	w.log.now = w.log.now.Add(milliseconds)
	for i := 0; ; i++ {
		at, any := w.log.m.NextDeadline()
		if !w.log.m.HasWork() && !(any && at <= w.log.now) || i > 20 {
			break
		}
		for worker, session := range w.sessions {
			if r, ok := w.log.m.state.sessions.get(session); !ok || r.ended(w.log.now) {
				w.permitted[worker] = true
			}
		}
		w.seal(command.Expire{})
	}
}

// start makes a process of a worker: a session and a join.
func (w *world) start(worker string, join command.PoolJoin) command.Reply {
	opened := w.seal(command.SessionOpen{TTLMilliseconds: 1000})[0]
	session, err := command.ParsePosition(string(opened.Elements[1].Text))
	if err != nil {
		w.t.Fatal(err)
	}
	old := w.sessions[worker]
	w.sessions[worker] = session
	join.Member = w.member(worker)
	join.Weight = max(1, join.Weight)
	if join.Old == old && !old.IsZero() {
		w.permitted[worker] = true
	}
	reply := w.seal(join)[0]
	if reply.IsError() && !old.IsZero() {
		w.sessions[worker] = old
	}
	return reply
}

// renew keeps every process alive but these.
func (w *world) renew(except ...string) {
	var ops []command.Op
	for _, worker := range w.workers() {
		if !slices.Contains(except, worker) {
			ops = append(ops, command.SessionKeepAlive{Session: w.sessions[worker]})
		}
	}
	w.seal(ops...)
}

func (w *world) workers() (list []string) {
	for worker := range w.sessions {
		list = append(list, worker)
	}
	slices.Sort(list)
	return list
}

// acknowledge gives back what a worker is asked for, and, with all, everything.
func (w *world) acknowledge(worker string, all bool) {
	ack := command.PoolAcknowledge{Member: w.member(worker)}
	for partition, part := range w.parts() {
		if part.owner == worker && (all || part.draining != 0) {
			ack.Releases = append(ack.Releases, command.Release{Partition: uint32(partition), Token: part.token})
			w.released[partition] = true
		}
	}
	w.seal(ack)
}

// settle lets everybody do what it should until nothing moves any more (I6).
func (w *world) settle() {
	w.t.Helper()
	rounds := 60 + 2*len(w.parts()) // one partition after the other, where a pool is set to that
	for round := range rounds {
		w.renew()
		w.pass(100)
		for _, worker := range w.workers() {
			w.acknowledge(worker, false)
		}
		if w.record().due == 0 && w.settled() {
			return
		}
		if round == rounds-1 {
			w.t.Fatalf("nothing settles: %+v", w.parts())
		}
	}
}

// settled reports that every partition that has somebody to own it is with him.
func (w *world) settled() bool {
	target, _ := w.log.m.state.targets.get(w.pool)
	for partition, part := range w.parts() {
		should := ""
		if slot := target.table.OwnerOf(partition); slot != ring.None {
			should = target.table.Member(slot).ID
		}
		if r, ok := w.log.m.state.workers.get(workerKey{w.pool, should}); ok && r.state == workerReserved {
			should = ""
		}
		if part.owner != should || part.draining != 0 {
			return false
		}
	}
	return true
}

// I4, I5, I8 (checked in every entry), I6 and I10, over whatever workers and operators do.
func TestPoolsWhateverHappens(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		settings := command.PoolSettings{Debounce: rapid.SampledFrom([]int64{0, 100, 300}).Draw(rt, "debounce"), Drain: 100, Zones: uint8(rapid.IntRange(0, 2).Draw(rt, "zones")),
			Moves: uint32(rapid.IntRange(0, 2).Draw(rt, "moves"))}
		w := newWorld(rt, t, rapid.SampledFrom([]int{1, 3, 20, 70}).Draw(rt, "partitions"), settings)
		router := newRouter(w)
		for range rapid.IntRange(5, 40).Draw(rt, "steps") {
			w.step(rt)
			if rapid.IntRange(0, 3).Draw(rt, "reads") == 0 {
				router.refresh(rt)
			}
		}
		w.settle()
		router.refresh(rt)
	})
}

func (w *world) step(t *rapid.T) {
	worker := fmt.Sprint("w", rapid.IntRange(0, 4).Draw(t, "worker"))
	state, _ := w.log.m.state.workers.get(workerKey{w.pool, worker})
	switch rapid.SampledFrom([]string{"start", "start", "pass", "pass", "ack", "ack", "renew", "die", "leave", "restart", "evict", "pin", "alter", "weight", "takeover"}).Draw(t, "step") {
	case "start":
		w.start(worker, command.PoolJoin{Weight: rapid.Uint32Range(1, 3).Draw(t, "weight"), Zone: worker[1:], Grace: rapid.SampledFrom([]int64{0, 0, 500}).Draw(t, "grace")})
	case "pass":
		w.renew()
		w.pass(rapid.SampledFrom([]int64{1, 50, 300, 900}).Draw(t, "ms"))
	case "ack":
		w.acknowledge(worker, rapid.Bool().Draw(t, "all"))
	case "renew":
		w.renew(worker)
		w.pass(rapid.SampledFrom([]int64{400, 999}).Draw(t, "ms"))
	case "die":
		w.renew(worker)
		w.pass(600)
		w.renew(worker)
		w.pass(600)
	case "leave":
		w.seal(command.PoolLeave{Member: w.member(worker)})
	case "restart":
		w.permitted[worker] = true
		w.seal(command.PoolLeave{Member: w.member(worker), Restart: 500})
	case "evict":
		now := rapid.Bool().Draw(t, "now")
		w.permitted[worker] = now
		w.seal(command.PoolEvict{Pool: w.pool, Worker: worker, Reason: "test", Now: now})
	case "pin":
		w.seal(command.PoolPin{Pool: w.pool, Partition: uint32(rapid.IntRange(0, 3).Draw(t, "partition")), Worker: rapid.SampledFrom([]string{"", worker}).Draw(t, "to")})
	case "alter":
		w.seal(command.PoolAlter{Pool: w.pool, Fields: command.PoolZones, Settings: command.PoolSettings{Zones: uint8(rapid.IntRange(0, 2).Draw(t, "zones"))}})
	case "weight":
		w.seal(command.PoolJoin{Member: w.member(worker), Weight: rapid.Uint32Range(1, 5).Draw(t, "weight"), Zone: worker[1:], Grace: state.grace})
	case "takeover":
		w.start(worker, command.PoolJoin{Old: w.sessions[worker], Zone: worker[1:]})
	}
}

// router keeps a table by deltas, as clients do.
type router struct {
	w       *world
	version uint64
	workers string
	rows    map[int64]string
}

func newRouter(w *world) *router { return &router{w: w, rows: map[int64]string{}} }

// refresh applies what has changed since, and compares with the whole table (I10).
func (r *router) refresh(t rapid.TB) {
	t.Helper()
	r.apply(t, r.version)
	whole := newRouter(r.w)
	whole.apply(t, 0)
	if r.version != whole.version || r.workers != whole.workers || fmt.Sprint(r.rows) != fmt.Sprint(whole.rows) {
		t.Fatalf("deltas give %+v, the whole table is %+v", r, whole)
	}
	r.equals(t)
}

func (r *router) apply(t rapid.TB, since uint64) {
	replies, _ := r.w.log.m.Read(0, []command.Op{command.PoolTable{Pool: r.w.pool, Since: since, Incarnation: r.w.record().incarnation}})
	field := func(name string) command.Reply { return fieldOf(t, replies[0], name) }
	if uint64(field("from").Integer) != since {
		t.Fatalf("asked for changes since %d: %s", since, shown(replies[0]))
	}
	r.version = uint64(field("version").Integer)
	if workers := field("workers"); !workers.IsNil() {
		r.workers = shown(workers)
	}
	changes := field("changes").Elements
	for i := 0; i < len(changes); i += 4 {
		r.rows[changes[i].Integer] = shown(command.Array(changes[i+1 : i+4]...))
	}
}

func fieldOf(t rapid.TB, reply command.Reply, name string) command.Reply {
	t.Helper()
	for i := 0; i+1 < len(reply.Elements); i += 2 {
		if string(reply.Elements[i].Text) == name {
			return reply.Elements[i+1]
		}
	}
	t.Fatalf("%s has no %s", shown(reply), name)
	return command.Reply{}
}

// I7: a command that comes twice has one effect.
func TestI7_TwiceIsOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		once, twice := newScenario(draw(t)), New()
		for range rapid.IntRange(10, 60).Draw(t, "steps") {
			once.now += command.Instant(rapid.SampledFrom([]int64{0, 1, 100, 400}).Draw(t, "ms"))
			op := once.poolOp()
			if rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
				op = once.sessionOp()
			}
			commands := []command.Command{{Op: op}, {Op: op}}
			switch op.(type) {
			case command.SessionOpen, command.SessionOpenEarly:
				commands = commands[:1]
			}
			once.sealCommands(commands[0])
			twice.Apply(once.index, once.term, command.AppendEntry(nil, command.Entry{Term: once.term, Now: once.now, Commands: commands}))
			if once.machine.state.chain != twice.state.chain {
				t.Fatalf("%+v twice is not the same as once", op)
			}
		}
	})
}

// draw makes a scenario's choices with rapid.
func draw(t *rapid.T) func(int) int {
	return func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "pick") }
}

// I1: a machine restored in the middle goes on alike.
func TestI1_RestoredPoolGoesOnAlike(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt, t, 20, command.PoolSettings{Drain: 100})
		for range 15 {
			w.step(rt)
		}
		restored := New()
		if err := restored.Restore(bytes.NewReader(snapshotOf(w.log.m))); err != nil {
			rt.Fatal(err)
		}
		from := len(w.log.entries)
		for range 15 {
			w.step(rt)
		}
		for i, entry := range w.log.entries[from:] {
			restored.Apply(uint64(from+i+1), 1, entry)
		}
		if restored.state.chain != w.log.m.state.chain {
			rt.Fatal("the restored machine came to another state")
		}
	})
}
