package fsm

import "github.com/coordd/coordd/fsm/command"

// Deadlocks: owners that wait for each other in a circle would wait until somebody's time is over. The acquire that would close the circle is the youngest of
// its waiters, and is refused.
//
// What waits for what is asked of owners, never of sessions, because the goroutines of one process wait for each other's process all the time and are not
// stuck for it (safety case S12). An owner without an id, or without a session, may be several: it can finish whatever it waits for elsewhere.
//
// Not every circle is a deadlock: who waits for one permit of five needs only one of their holders to finish. So the search gathers everybody whom the new waiter
// depends on, then sets free, again and again, who can finish: first who waits for nothing, then who waits only for places that those give back. Who is
// left can never finish.

// party is an owner; of one without a name, one acquire of it.
type party struct {
	session command.SessionID
	owner   string
	id      command.WaiterID
}

func partyOf(id command.WaiterID, a acquireRecord) party {
	if a.named() {
		return party{session: a.session, owner: a.owner}
	}
	return party{id: id}
}

// want is a waiting acquire with its place before each of its names.
type want struct {
	id     command.WaiterID
	a      acquireRecord
	before []standing // who is in its way, name by name
	served bool       // it will be granted, as far as is known
}

// standing is who holds a name or waits for it before another.
type standing struct {
	name    string
	party   party
	waiting int // index into wants of one that waits; -1 for a holder
	a       acquireRecord
}

// search is one look for a deadlock.
type search struct {
	s       *state
	parties []party // in the order in which they were found
	wants   []want
	first   map[party][]int // the wants of a party, by index
	byID    map[command.WaiterID]int
	free    map[party]bool // parties that can finish
	steps   int
	tooMany bool // it goes beyond what one look may cost
}

// tie is one step of a circle: an owner that waits for a name which another holds, or stands before.
type tie struct {
	waits party
	name  string
	by    party
}

// cycle is the circle that an acquire would close by waiting, nil when there is none.
func (s *state) cycle(id command.WaiterID, a acquireRecord) []tie {
	if !a.named() || !s.involved(a) {
		return nil // nobody can be waiting for it
	}
	look := &search{s: s, first: map[party][]int{}, byID: map[command.WaiterID]int{}, free: map[party]bool{}}
	me := partyOf(id, a)
	look.meet(me, id, a)
	look.want(id, a)
	for next := 0; next < len(look.wants) && !look.tooMany; next++ {
		look.follow(next)
	}
	if look.tooMany {
		return nil
	}
	look.release()
	if look.free[me] {
		return nil
	}
	return look.circle(me)
}

// involved reports whether the owner of an acquire has or wants anything else, so that somebody may wait for it.
func (s *state) involved(a acquireRecord) (involved bool) {
	s.eachOfOwner(a.session, a.owner, func(nameKey, command.WaiterID) bool {
		involved = true
		return false
	})
	return involved
}

// meet adds a party with all that it waits for.
func (l *search) meet(p party, id command.WaiterID, a acquireRecord) {
	if _, known := l.first[p]; known {
		return
	}
	if len(l.parties) >= command.MaxDeadlockSearch {
		l.tooMany = true
		return
	}
	l.parties = append(l.parties, p)
	l.first[p] = nil
	if !a.named() {
		return
	}
	l.s.eachOfOwner(p.session, p.owner, func(key nameKey, other command.WaiterID) bool {
		if record, _ := l.s.acquires.get(other); record.stage == stageWaiting {
			l.want(other, record)
		}
		return true
	})
}

// want adds something that a party waits for.
func (l *search) want(id command.WaiterID, a acquireRecord) int {
	if known, ok := l.byID[id]; ok {
		return known
	}
	p := partyOf(id, a)
	l.byID[id] = len(l.wants)
	l.first[p] = append(l.first[p], len(l.wants))
	l.wants = append(l.wants, want{id: id, a: a})
	return len(l.wants) - 1
}

// follow finds who is in the way of a waiting acquire, and adds them.
func (l *search) follow(index int) {
	id, a := l.wants[index].id, l.wants[index].a
	var before []standing
	for _, key := range a.keys() {
		l.s.eachHolder(key, func(holder command.WaiterID, record acquireRecord) bool {
			if _, _, ended := l.s.endOf(record); record.stage == stageHeld && !ended {
				p := partyOf(holder, record)
				l.meet(p, holder, record)
				before = append(before, standing{key.key, p, -1, record})
			}
			return !l.tooMany
		})
		l.s.waiters.from(waiterKey{name: key}, func(k waiterKey, waiter waiterRecord) bool {
			if k.name != key || k.id.Compare(id) >= 0 || l.tooMany {
				return false
			}
			if waiter.deadline <= l.s.now || !waiter.bound.IsZero() && !l.s.alive(waiter.bound) {
				return true
			}
			record := l.s.claimOf(key, k.id, waiter)
			p := partyOf(k.id, record)
			l.meet(p, k.id, record)
			before = append(before, standing{key.key, p, l.want(k.id, record), record})
			return true
		})
	}
	l.wants[index].before = before
	l.steps += len(before)
	l.tooMany = l.tooMany || l.steps > 16*command.MaxDeadlockSearch
}

// release sets free, again and again, who can finish, oldest first: that is the order in which most become free.
func (l *search) release() {
	for changed := true; changed; {
		changed = false
		for i := len(l.wants) - 1; i >= 0; i-- {
			if w := &l.wants[i]; !w.served && l.serves(w) {
				w.served, changed = true, true
			}
		}
		for i := len(l.parties) - 1; i >= 0; i-- {
			if p := l.parties[i]; !l.free[p] && l.finishes(p) {
				l.free[p], changed = true, true
			}
		}
	}
}

// finishes reports whether everything that a party waits for will be granted.
func (l *search) finishes(p party) bool {
	for _, index := range l.first[p] {
		if !l.wants[index].served {
			return false
		}
	}
	return true
}

// serves reports whether a waiting acquire will be granted when everybody who can finish does: all before it in its queues are, and it fits beside those who
// stay for ever.
func (l *search) serves(w *want) bool {
	var lock lockRecord
	for i := range w.before {
		b := &w.before[i]
		if i == 0 || b.name != w.before[i-1].name {
			lock = lockRecord{}
		}
		if b.waiting >= 0 && !l.wants[b.waiting].served {
			return false
		}
		if !l.free[b.party] {
			lock.stand(&b.a, 1)
		}
		if !lock.fits(&w.a) {
			return false
		}
	}
	return true
}

// circle is the shortest way from a party that is stuck back to itself, along those that are stuck.
func (l *search) circle(me party) []tie {
	came := map[party]tie{}
	queue := []party{me}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		for _, index := range l.first[p] {
			w := &l.wants[index]
			if w.served {
				continue
			}
			for i := range w.before {
				b := &w.before[i]
				if l.free[b.party] || b.party == p {
					continue
				}
				if b.party == me {
					return unwind(came, me, tie{p, b.name, me})
				}
				if _, seen := came[b.party]; !seen {
					came[b.party] = tie{p, b.name, b.party}
					queue = append(queue, b.party)
				}
			}
		}
	}
	return []tie{{me, l.wants[l.first[me][0]].a.names[0], me}}
}

// unwind puts the steps that led to the last one in order.
func unwind(came map[party]tie, me party, last tie) []tie {
	circle := []tie{last}
	for at := last.waits; at != me; at = circle[len(circle)-1].waits {
		circle = append(circle, came[at])
	}
	for i, j := 0, len(circle)-1; i < j; i, j = i+1, j-1 {
		circle[i], circle[j] = circle[j], circle[i]
	}
	return circle
}

// maxToldSteps is how many steps of a circle an error tells; how long it is stands beside them.
const maxToldSteps = 32

// deadlockReply refuses a wait that would never end, with the circle.
func deadlockReply(name string, circle []tie) command.Reply {
	var links []command.Details
	for _, step := range circle[:min(len(circle), maxToldSteps)] {
		links = append(links, *new(command.Details).Text("session", idText(step.waits.session)).Text("owner", step.waits.owner).Text("waits_for", step.name).
			Text("held_by_session", idText(step.by.session)).Text("held_by_owner", step.by.owner))
	}
	return command.Errorf(command.CodeDeadlock, "waiting for %s would close a circle of %d owners that wait for each other; give back what you hold, and try again", quote(name), len(circle)).
		With(new(command.Details).Text("name", name).Number("length", int64(len(circle))).List("cycle", links))
}
