package fsm

import "github.com/coordd/coordd/fsm/command"

// enqueue puts an acquire into the queues of all its names at once, so that sets of names can never wait for each other in a circle.
func (e *effects) enqueue(id command.WaiterID, a acquireRecord, waiter waiterRecord) {
	s := e.m.state
	a.stage = stageWaiting
	s.acquires.put(id, a)
	for _, key := range a.keys() {
		record, _ := s.names.get(key)
		e.addWaiter(key, record, waiter)
		if a.mode == command.Semaphore {
			lock := s.lock(key)
			lock.claims, lock.limit = lock.claims+1, a.limit
			s.putLock(key, lock)
		}
		if a.named() {
			s.owners.put(ownerKey{a.session, a.owner, key, id}, none{})
		}
	}
	e.tell(a.keys(), Event{Type: EventQueued, Waiter: id, Session: a.session, Deadline: waiter.deadline}.of(a))
}

// leaveQueues takes an acquire out of all its queues.
func (e *effects) leaveQueues(id command.WaiterID, a acquireRecord) {
	s := e.m.state
	for _, key := range a.keys() {
		k := waiterKey{key, id}
		waiter, ok := s.waiters.get(k)
		if !ok {
			continue
		}
		e.removeWaiter(k, waiter)
		lock := s.lock(key)
		if lock.successor == id {
			lock.successor = command.WaiterID{}
		}
		if a.mode == command.Semaphore {
			lock.claims--
		}
		s.putLock(key, lock)
		if a.named() {
			s.owners.remove(ownerKey{a.session, a.owner, key, id})
		}
	}
	s.acquires.remove(id)
}

// dropClaim ends a wait that gets nothing, and says why. Who stood behind it may fit now.
func (e *effects) dropClaim(id command.WaiterID, a acquireRecord, reason string) {
	s := e.m.state
	keys := a.keys()
	e.leaveQueues(id, a)
	e.tell(keys, Event{Type: EventWaiterGone, Waiter: id, Reason: reason, Session: a.session}.of(a))
	for _, key := range keys {
		if record, ok := s.names.get(key); ok && record.absent() {
			e.vanish(key)
		} else if ok {
			e.freed = append(e.freed, key)
		}
	}
}

// placeOf is an acquire's place in its queues, from 1; in several queues the worst of them.
func (s *state) placeOf(id command.WaiterID, a acquireRecord) (place int64) {
	for _, key := range a.keys() {
		place = max(place, s.place(key, id))
	}
	return place
}

// waitEnds is when a wait is given up.
func (s *state) waitEnds(id command.WaiterID, a acquireRecord) command.Instant {
	waiter, _ := s.waiters.get(waiterKey{keyOf(command.Name{Key: a.names[0]}), id})
	return waiter.deadline
}

// acquireOf finds what an owner has or wants of a name; a ghost is neither.
func (s *state) acquireOf(key nameKey, session command.SessionID, owner string) (id command.WaiterID, a acquireRecord, found bool) {
	if session.IsZero() || owner == "" {
		return command.WaiterID{}, acquireRecord{}, false
	}
	s.owners.from(ownerKey{session: session, owner: owner, name: key}, func(k ownerKey, _ none) bool {
		if k.session == session && k.owner == owner && k.name == key {
			id, found = k.id, true
		}
		return false
	})
	if found {
		a, _ = s.acquires.get(id)
	}
	return id, a, found
}

// eachOfOwner walks the acquires of an owner, each once for every name, until yield is false.
func (s *state) eachOfOwner(session command.SessionID, owner string, yield func(key nameKey, id command.WaiterID) bool) {
	s.owners.from(ownerKey{session: session, owner: owner}, func(k ownerKey, _ none) bool {
		return k.session == session && k.owner == owner && yield(k.name, k.id)
	})
}
