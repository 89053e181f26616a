package fsm

import "github.com/coordd/coordd/fsm/command"

// waiterOf finds the place in a name's queue that an owner of a session has.
func (s *state) waiterOf(key nameKey, session command.SessionID, owner string) (found waiterKey, waiter waiterRecord, ok bool) {
	s.belongings.from(belongingKey{session: session, waiting: true, name: key}, func(b belongingKey, _ none) bool {
		if b.session != session || !b.waiting || b.name != key {
			return false
		}
		found = waiterKey{key, b.id}
		waiter, _ = s.waiters.get(found)
		ok = waiter.session == session && waiter.owner == owner
		return !ok
	})
	return found, waiter, ok
}

// firstWaiter is the head of a name's queue.
func (s *state) firstWaiter(key nameKey) (found waiterKey, waiter waiterRecord, ok bool) {
	s.waiters.from(waiterKey{name: key}, func(k waiterKey, w waiterRecord) bool {
		found, waiter, ok = k, w, k.name == key
		return false
	})
	return found, waiter, ok
}

// nextInQueue is the head of a name's queue, or the one in whose favour its last holder gave the name up.
func (s *state) nextInQueue(key nameKey) (found waiterKey, waiter waiterRecord, ok bool) {
	if successor := s.lock(key).successor; !successor.IsZero() {
		chosen := waiterKey{key, successor}
		if waiter, ok := s.waiters.get(chosen); ok {
			return chosen, waiter, true
		}
	}
	return s.firstWaiter(key)
}

// addWaiter puts a waiter at the end of a name's queue. Most names are held or pending then; one may be free, for a waiter that wants others too.
func (e *effects) addWaiter(key nameKey, record nameRecord, waiter waiterRecord) {
	s := e.m.state
	s.waiters.put(waiterKey{key, e.position}, waiter)
	s.deadlines.put(deadlineKey{at: waiter.deadline, class: deadlineWaiter, name: key, id: e.position}, none{})
	if !waiter.bound.IsZero() {
		s.belongings.put(belongingKey{session: waiter.bound, waiting: true, name: key, id: e.position}, none{})
		e.count(waiter.bound, 0, 1)
	}
	record.queued++
	s.names.put(key, record)
}

// removeWaiter takes a waiter out of its queue.
func (e *effects) removeWaiter(k waiterKey, waiter waiterRecord) {
	s := e.m.state
	s.waiters.remove(k)
	s.deadlines.remove(deadlineKey{at: waiter.deadline, class: deadlineWaiter, name: k.name, id: k.id})
	s.belongings.remove(belongingKey{session: waiter.bound, waiting: true, name: k.name, id: k.id})
	e.count(waiter.bound, 0, -1)
	if record, ok := s.names.get(k.name); ok {
		record.queued--
		s.names.put(k.name, record)
	}
}

// dropWaiter takes a waiter out that gets nothing, and says why.
func (e *effects) dropWaiter(k waiterKey, waiter waiterRecord, reason string) {
	if a, ok := e.m.state.acquires.get(k.id); ok {
		e.dropClaim(k.id, a, reason)
		return
	}
	e.removeWaiter(k, waiter)
	e.event(Event{Type: EventWaiterGone, Name: k.name.name(), Waiter: k.id, Reason: reason, Session: waiter.session})
	s := e.m.state
	if record, ok := s.names.get(k.name); ok && record.absent() {
		e.vanish(k.name)
	} else if ok && s.locks.has(k.name) {
		e.freed = append(e.freed, k.name) // who stood behind may fit beside those who hold the name
	}
}
