package fsm

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/coordd/coordd/fsm/command"
)

// The naive twin of native holds: acquires in a list, in the order in which they came. It finds a deadlock by living on: everybody who waits for nothing gives
// everything back, again and again, and who still waits then waits for ever. It knows nothing of tables, searches or the log.

type plainAcquire struct {
	id      int
	owner   int // 0: nobody in particular
	names   []string
	mode    command.Mode
	permits uint32
	limit   uint32
	held    bool
	count   int
}

type plainLocks struct{ acquires []*plainAcquire }

func (p *plainLocks) copy() *plainLocks {
	twin := &plainLocks{}
	for _, a := range p.acquires {
		same := *a
		twin.acquires = append(twin.acquires, &same)
	}
	return twin
}

func (a *plainAcquire) on(name string) bool { return slices.Contains(a.names, name) }

func (p *plainLocks) fits(a *plainAcquire) bool {
	for _, name := range a.names {
		used := uint32(0)
		for _, other := range p.acquires {
			switch {
			case other == a || !other.on(name):
			case !other.held && other.id < a.id:
				return false // somebody waits before it
			case !other.held:
			case other.mode != a.mode || a.mode == command.Exclusive:
				return false
			case a.mode == command.Semaphore:
				used += other.permits
			}
		}
		if a.mode == command.Semaphore && used+a.permits > a.limit {
			return false
		}
	}
	return true
}

func (p *plainLocks) grant() (granted bool) {
	for again := true; again; {
		again = false
		for _, a := range p.acquires {
			if !a.held && p.fits(a) {
				a.held, a.count, again, granted = true, 1, true, true
			}
		}
	}
	return granted
}

func (p *plainLocks) drop(gone func(*plainAcquire) bool) (dropped bool) {
	before := len(p.acquires)
	p.acquires = slices.DeleteFunc(p.acquires, gone)
	return len(p.acquires) != before
}

func (p *plainLocks) waits(owner int) bool {
	return slices.ContainsFunc(p.acquires, func(a *plainAcquire) bool { return a.owner == owner && !a.held })
}

// stuck reports whether an owner would wait for ever when this acquire joined.
func (p *plainLocks) stuck(joins plainAcquire) bool {
	if joins.owner == 0 {
		return false
	}
	future := p.copy()
	future.acquires = append(future.acquires, &joins)
	for changed := true; changed; {
		changed = future.grant()
		changed = future.drop(func(a *plainAcquire) bool { return a.held && (a.owner == 0 || !future.waits(a.owner)) }) || changed
	}
	return future.waits(joins.owner)
}

// acquire answers the class of the reply.
func (p *plainLocks) acquire(a plainAcquire, wait, reentrant bool) string {
	if a.owner != 0 {
		for _, other := range p.acquires {
			if other.owner != a.owner || !slices.ContainsFunc(a.names, other.on) {
				continue
			}
			if other.mode != a.mode || other.permits != a.permits || other.limit != a.limit || !slices.Equal(other.names, a.names) {
				// The first of the names that the owner has or wants decides; all of them are the same acquire or the answer is a conflict.
				return "CONFLICT"
			}
			if !other.held && !wait {
				p.drop(func(gone *plainAcquire) bool { return gone == other })
				p.grant()
				break
			}
			if other.held && reentrant {
				other.count++
			}
			return map[bool]string{true: "granted", false: "queued"}[other.held]
		}
	}
	for _, other := range p.acquires {
		if other.mode == command.Semaphore && a.mode == command.Semaphore && other.on(a.names[0]) && other.limit != a.limit {
			return "CONFLICT"
		}
	}
	joined := append(slices.Clone(p.acquires), &a)
	switch twin := (&plainLocks{joined}); {
	case twin.fits(&a):
		a.held, a.count = true, 1
	case !wait:
		return "HELD"
	case p.stuck(a):
		return "DEADLOCK"
	}
	p.acquires = append(p.acquires, &a)
	return map[bool]string{true: "granted", false: "queued"}[a.held]
}

// release answers the class of the reply to a release or cancel of an acquire.
func (p *plainLocks) end(id int, cancel bool) string {
	for _, a := range p.acquires {
		switch {
		case a.id != id:
		case !cancel && !a.held:
			return "NOTHELD"
		case !cancel && a.count > 1:
			a.count--
			return "count"
		default:
			p.drop(func(gone *plainAcquire) bool { return gone == a })
			p.grant()
			return "OK"
		}
	}
	return map[bool]string{true: "OK", false: "NOTHELD"}[cancel]
}

// history plays random commands to the machine and to the twin.
type lockHistory struct {
	t        *testing.T
	pick     func(int) int
	log      *testLog
	twin     *plainLocks
	sessions []command.SessionID
	ids      map[int]command.WaiterID
	asked    []plainAcquire
	told     strings.Builder
}

func (h *lockHistory) by(owner int) (command.Credentials, string) {
	if owner == 0 {
		return command.Credentials{Session: h.sessions[0], Secret: scenarioSecret}, ""
	}
	return command.Credentials{Session: h.sessions[owner%len(h.sessions)], Secret: scenarioSecret}, fmt.Sprint("o", owner)
}

func (h *lockHistory) step(number int) (class string) {
	if len(h.asked) > 0 && h.pick(3) == 0 {
		a := h.asked[len(h.asked)-1-h.pick(min(len(h.asked), 12))]
		by, _ := h.by(a.owner)
		cancel := h.pick(3) == 0
		var op command.Op = command.HoldRelease{Name: a.names[0], Hold: command.HoldRef{Waiter: h.ids[a.id]}, By: by}
		if cancel {
			op = command.HoldCancel{Name: a.names[0], Waiter: h.ids[a.id], By: by}
		}
		return h.compare(op, h.twin.end(a.id, cancel), a)
	}
	a := plainAcquire{id: number, owner: h.pick(7), names: []string{string(rune('a' + h.pick(4)))}}
	switch h.pick(8) {
	case 0, 1:
		a.mode = command.Shared
	case 2, 3:
		a.mode, a.permits, a.limit = command.Semaphore, uint32(1+h.pick(2)), 3
	case 4:
		if other := string(rune('a' + h.pick(4))); other != a.names[0] {
			a.names = append(a.names, other)
		}
	}
	wait, reentrant := h.pick(5) > 0, a.owner != 0 && h.pick(4) == 0
	by, owner := h.by(a.owner)
	op := command.HoldAcquire{Names: a.names, Mode: a.mode, Permits: a.permits, Limit: a.limit, By: by, Owner: owner, Reentrant: reentrant}
	if wait {
		op.WaitMilliseconds = 1000
	}
	h.ids[a.id] = command.WaiterID{Index: h.log.index + 1}
	h.asked = append(h.asked, a)
	return h.compare(op, h.twin.acquire(a, wait, reentrant), a)
}

func (h *lockHistory) compare(op command.Op, want string, a plainAcquire) string {
	h.t.Helper()
	reply := h.log.do(op)[0]
	got := classOf(reply)
	switch {
	case reply.Type == command.ReplyMap && string(reply.Elements[0].Text) == "queued":
		got = "queued"
	case reply.Type == command.ReplyMap:
		got = "granted"
	case reply.Type == command.ReplyInteger:
		got = "count"
	}
	fmt.Fprintf(&h.told, "%+v: %s\n", op, shown(reply))
	if got != want {
		h.t.Fatalf("%s by the machine, %s by the twin:\n%s", got, want, h.told.String())
	}
	if got == "DEADLOCK" {
		h.checkCircle(reply, a)
	}
	for _, name := range []string{"a", "b", "c", "d"} {
		if one, other := h.holders(name), h.twinHolders(name); one != other {
			h.t.Fatalf("%s is held by %s, and by %s in the twin:\n%s", name, one, other, h.told.String())
		}
	}
	return got
}

func (h *lockHistory) holders(name string) string {
	var ids []string
	key := keyOf(command.Name{Key: name})
	h.log.m.state.eachHolder(key, func(id command.WaiterID, _ acquireRecord) bool { ids = append(ids, id.String()); return true })
	h.log.m.state.waiters.from(waiterKey{name: key}, func(k waiterKey, _ waiterRecord) bool {
		if k.name == key {
			ids = append(ids, "waits "+k.id.String())
		}
		return k.name == key
	})
	return strings.Join(ids, ", ")
}

func (h *lockHistory) twinHolders(name string) string {
	var holders, waiters []string
	for _, a := range h.twin.acquires {
		switch {
		case a.on(name) && a.held:
			holders = append(holders, h.ids[a.id].String())
		case a.on(name):
			waiters = append(waiters, "waits "+h.ids[a.id].String())
		}
	}
	return strings.Join(append(holders, waiters...), ", ")
}

// checkCircle makes sure that each step of the circle that an error tells is one that the twin knows too, and that it ends where it began.
func (h *lockHistory) checkCircle(reply command.Reply, refused plainAcquire) {
	var details struct {
		Cycle []struct {
			Session, Owner string
			WaitsFor       string `json:"waits_for"`
			HeldBySession  string `json:"held_by_session"`
			HeldByOwner    string `json:"held_by_owner"`
		}
	}
	if err := json.Unmarshal(reply.Text[len(reply.Sentence()):], &details); err != nil || len(details.Cycle) == 0 {
		h.t.Fatalf("%s: %v", reply.Text, err)
	}
	_, me := h.by(refused.owner)
	for i, step := range details.Cycle {
		next := details.Cycle[(i+1)%len(details.Cycle)]
		waits := slices.ContainsFunc(append(slices.Clone(h.twin.acquires), &refused), func(a *plainAcquire) bool {
			_, owner := h.by(a.owner)
			return !a.held && a.on(step.WaitsFor) && owner == step.Owner
		})
		stands := slices.ContainsFunc(h.twin.acquires, func(a *plainAcquire) bool {
			_, owner := h.by(a.owner)
			return a.on(step.WaitsFor) && owner == step.HeldByOwner
		})
		if i == 0 && step.Owner != me || step.HeldByOwner != next.Owner || step.HeldBySession != next.Session || !waits || !stands {
			h.t.Fatalf("step %d of the circle is none: %s\n%s", i, reply.Text, h.told.String())
		}
	}
}

func TestDeadlocksAreThoseOfTheNaiveTwin(t *testing.T) {
	histories := 10_000
	if testing.Short() {
		histories = 1_000
	}
	classes := map[string]int{}
	for seed := range histories {
		log := newTestLog(t)
		h := &lockHistory{t: t, pick: rand.New(rand.NewPCG(uint64(seed), 7)).IntN, log: log, twin: &plainLocks{}, ids: map[int]command.WaiterID{}}
		h.sessions = []command.SessionID{log.opened(1 << 20), log.opened(1 << 20), log.opened(1 << 20)}
		for number := range 40 {
			classes[h.step(number+1)]++
		}
		if err := checkInvariants(log.m); err != nil {
			t.Fatalf("history %d: %v", seed, err)
		}
	}
	t.Log(classes)
	for _, class := range []string{"granted", "queued", "HELD", "DEADLOCK", "CONFLICT", "NOTHELD", "OK", "count"} {
		if classes[class] < histories/100 {
			t.Errorf("only %d answers of %d histories were %s", classes[class], histories, class)
		}
	}
}

// A circle may be long: each of a thousand owners holds one lock and waits for the next.
func TestALongCircleIsFound(t *testing.T) {
	l := newTestLog(t)
	by := command.Credentials{Session: l.opened(1 << 20), Secret: scenarioSecret}
	const length = 1000
	one := func(owner, lock int, wait int64) command.HoldAcquire {
		return command.HoldAcquire{Names: []string{fmt.Sprint("lock", lock%length)}, By: by, Owner: fmt.Sprint("owner", owner), WaitMilliseconds: wait}
	}
	l.fill(length, func(i int) command.Op { return one(i, i, 0) })
	l.fill(length-1, func(i int) command.Op { return one(i, i+1, 1000) })
	reply := l.do(one(length-1, length, 1000))[0]
	if reply.Code != command.CodeDeadlock || strings.Count(string(reply.Text), "waits_for") != maxToldSteps || !strings.Contains(string(reply.Text), `"length":1000`) {
		t.Fatalf("%.300s", reply.Text)
	}
	// Without the last, everybody goes on.
	if free := l.do(one(length, 3, 1000))[0]; free.IsError() {
		t.Fatal(shown(free))
	}
}
