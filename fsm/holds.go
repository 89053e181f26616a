package fsm

import "github.com/coordd/coordd/fsm/command"

// How native holds stand in the state. An acquire has one row from its place in the queue to the end of what its hold leaves behind. A name that somebody
// holds has a row that shows its first holder; one whose last holder has gone while its place is kept is held by nobody, until a deadline. Every change of
// who stands on a name goes through standOn and vacate, and restate then says again what the name's row shows.

// lock is the count of what stands on a name.
func (s *state) lock(key nameKey) lockRecord {
	lock, _ := s.locks.get(key)
	return lock
}

// putLock keeps a count while it says anything.
func (s *state) putLock(key nameKey, lock lockRecord) {
	if lock.used == 0 && lock.claims == 0 {
		lock.limit = 0
	}
	if lock.idle() {
		s.locks.remove(key)
		return
	}
	s.locks.put(key, lock)
}

// occupied reports that somebody stands on the name, if only a ghost.
func (r lockRecord) occupied() bool { return r.exclusive+r.shared+r.used > 0 }

// fits reports whether one more would be granted beside those who stand on a name.
func (r lockRecord) fits(a *acquireRecord) bool {
	switch a.mode {
	case command.Shared:
		return r.exclusive == 0 && r.used == 0
	case command.Semaphore:
		return r.exclusive == 0 && r.shared == 0 && r.used+a.permits <= a.limit
	}
	return !r.occupied()
}

// stand counts an acquire in, or with a negative sign out.
func (r *lockRecord) stand(a *acquireRecord, sign int) {
	switch a.mode {
	case command.Shared:
		r.shared += uint32(sign)
	case command.Semaphore:
		r.used += uint32(sign * int(a.permits))
	default:
		r.exclusive += uint32(sign)
	}
}

// eachHolder walks the holds and ghosts of a name, oldest first, until yield is false.
func (s *state) eachHolder(key nameKey, yield func(id command.WaiterID, a acquireRecord) bool) {
	s.holders.from(waiterKey{name: key}, func(k waiterKey, _ none) bool {
		if k.name != key {
			return false
		}
		a, _ := s.acquires.get(k.id)
		return yield(k.id, a)
	})
}

// firstHolder is the oldest hold of a name that is not over.
func (s *state) firstHolder(key nameKey) (id command.WaiterID, a acquireRecord, found bool) {
	s.eachHolder(key, func(holder command.WaiterID, record acquireRecord) bool {
		id, a, found = holder, record, record.stage == stageHeld
		return !found
	})
	return id, a, found
}

// ownDeadline is when a hold ends by its TTL or its maximum, 0 for never.
func ownDeadline(ttlEnd, until command.Instant) command.Instant {
	switch {
	case ttlEnd == 0:
		return until
	case until == 0:
		return ttlEnd
	}
	return min(ttlEnd, until)
}

// grant makes an acquire a holder of all its names. It has no place in their queues any more, and fits on each of them.
func (e *effects) grant(id command.WaiterID, a acquireRecord) {
	s := e.m.state
	keys := a.keys()
	a.stage, a.token, a.count, a.since = stageHeld, s.token(), 1, s.now
	if lock := s.lock(keys[0]); a.mode == command.Shared && lock.live > 0 {
		a.token = lock.token // readers of one phase share the token of its first grant
	}
	if a.maxHold > 0 {
		a.until = s.now.Add(a.maxHold)
	}
	a.deadline = a.until
	if a.session.IsZero() {
		a.deadline = ownDeadline(s.now.Add(a.ttl), a.until)
	}
	s.acquires.put(id, a)
	if a.deadline != 0 {
		s.deadlines.put(holdDeadline(id, a), none{})
	}
	for _, key := range keys {
		e.standOn(key, id, &a)
	}
	e.own(id, a)
	e.tell(keys, Event{Type: EventBegan, Token: a.token, Holder: a.holder(id), Waiter: id, Session: a.session}.of(a))
}

// tell has an event for each of these names.
func (e *effects) tell(keys []nameKey, event Event) {
	for _, key := range keys {
		event.Name = key.name()
		e.event(event)
	}
}

// standOn puts a granted acquire on one of its names.
func (e *effects) standOn(key nameKey, id command.WaiterID, a *acquireRecord) {
	s := e.m.state
	lock := s.lock(key)
	record, _ := s.names.get(key)
	switch {
	case lock.live == 0:
		e.granted(key, record)
	case a.mode == command.Semaphore:
		e.joined(key, record)
	}
	lock.stand(a, 1)
	lock.live++
	lock.token = a.token
	if a.mode == command.Semaphore {
		lock.limit = a.limit
	}
	s.putLock(key, lock)
	s.holders.put(waiterKey{key, id}, none{})
	e.restate(key)
}

// own lists a hold among what its session must give back, and its owner's acquires.
func (e *effects) own(id command.WaiterID, a acquireRecord) {
	if a.session.IsZero() {
		return
	}
	s := e.m.state
	for _, key := range a.keys() {
		s.belongings.put(belongingKey{session: a.session, name: key, id: id}, none{})
		if a.named() {
			s.owners.put(ownerKey{a.session, a.owner, key, id}, none{})
		}
	}
	e.count(a.session, len(a.names), 0)
}

// disown is the opposite of own.
func (e *effects) disown(id command.WaiterID, a acquireRecord) {
	if a.session.IsZero() {
		return
	}
	s := e.m.state
	for _, key := range a.keys() {
		s.belongings.remove(belongingKey{session: a.session, name: key, id: id})
		s.owners.remove(ownerKey{a.session, a.owner, key, id})
	}
	e.count(a.session, -len(a.names), 0)
}

// holdDeadline is the row by which a hold or ghost ends by itself.
func holdDeadline(id command.WaiterID, a acquireRecord) deadlineKey {
	return deadlineKey{at: a.deadline, class: deadlineHold, name: keyOf(command.Name{Key: a.names[0]}), id: id}
}

// putDeadline moves the deadline of an acquire and writes it.
func (e *effects) putDeadline(id command.WaiterID, a acquireRecord, deadline command.Instant) acquireRecord {
	s := e.m.state
	if a.deadline != 0 {
		s.deadlines.remove(holdDeadline(id, a))
	}
	a.deadline = deadline
	if a.deadline != 0 {
		s.deadlines.put(holdDeadline(id, a), none{})
	}
	s.acquires.put(id, a)
	return a
}

// vacate takes an acquire off its names.
func (e *effects) vacate(id command.WaiterID, a acquireRecord) {
	s := e.m.state
	if a.deadline != 0 {
		s.deadlines.remove(holdDeadline(id, a))
	}
	s.acquires.remove(id)
	for _, key := range a.keys() {
		lock := s.lock(key)
		lock.stand(&a, -1)
		s.putLock(key, lock)
		s.holders.remove(waiterKey{key, id})
		e.restate(key)
		e.freed = append(e.freed, key)
	}
}

// restate says in a name's row what now stands on the name. A row that says nothing goes.
func (e *effects) restate(key nameKey) {
	s := e.m.state
	old, _ := s.names.get(key)
	lock := s.lock(key)
	e.changes.of(key, old)
	record := nameRecord{queued: old.queued}
	switch {
	case lock.live > 0:
		id, first, _ := s.firstHolder(key)
		record = nameRecord{holding: holdingHolds, token: lock.token, queued: old.queued, session: first.session, owner: first.owner, waiter: id}
	case lock.occupied():
		record.deadline = s.reservedUntil(key)
	case old.queued == 0:
		e.vanish(key)
		return
	}
	record.revision = s.nextRevision()
	if record.holding == holdingNone {
		s.deletions.put(deletionBucket(key), record.revision)
		record.revision = 0
	}
	s.names.put(key, record)
	e.changed(key.name())
}

// reservedUntil is when the last ghost of a name goes by itself.
func (s *state) reservedUntil(key nameKey) (until command.Instant) {
	s.eachHolder(key, func(_ command.WaiterID, a acquireRecord) bool {
		until = max(until, a.deadline)
		return true
	})
	return until
}

// anythingDue reports that time or the end of a session has ended something that is still in the tables.
func (s *state) anythingDue() bool {
	at, any := s.nextDeadline()
	return any && at <= s.now || s.dying.len() > 0
}

// touchHolds ends on a name what time has ended there, and hands over.
func (e *effects) touchHolds(key nameKey) {
	if !e.m.state.anythingDue() {
		return
	}
	e.reap(key)
	e.advance(key)
}

// reap ends the holds and ghosts of a name whose time is over.
func (e *effects) reap(key nameKey) {
	s := e.m.state
	var over []command.WaiterID
	s.eachHolder(key, func(id command.WaiterID, a acquireRecord) bool {
		if _, _, ended := s.endOf(a); ended {
			over = append(over, id)
		}
		return true
	})
	for _, id := range over {
		a, _ := s.acquires.get(id)
		e.endOverdue(id, a)
	}
}

// endOverdue ends a hold or ghost that time has ended.
func (e *effects) endOverdue(id command.WaiterID, a acquireRecord) {
	end, _, ended := e.m.state.endOf(a)
	switch {
	case !ended:
	case a.stage == stageGhost:
		e.vacate(id, a)
	default:
		e.endHold(id, a, end)
	}
}

// advance grants a name to those at the head of its queue, as many as stand there beside each other. A grant that would be the second beginning of an
// ownership in this entry stays pending (safety case S7).
func (e *effects) advance(key nameKey) {
	s := e.m.state
	s.pending.remove(key)
	for {
		if record, ok := s.names.get(key); !ok || record.holding == holdingString || record.holding == holdingNative {
			return
		}
		waiter, id, found := e.nextWaiter(key)
		if !found {
			return
		}
		a := s.claimOf(key, id, waiter)
		fits, clean := e.grantable(key, id, a)
		switch {
		case !fits:
			return
		case !clean:
			s.pending.put(key, none{})
			return
		}
		e.leaveQueues(id, a)
		e.grant(id, a)
		e.event(Event{Type: EventWaiterGranted, Name: key.name(), Token: e.tokenOf(id), Waiter: id, Session: a.session}.of(a))
	}
}

func (e *effects) tokenOf(id command.WaiterID) command.Token {
	a, _ := e.m.state.acquires.get(id)
	return a.token
}

// claimOf is what a waiter wants. One that an older kind put into the queue wants the name for itself.
func (s *state) claimOf(key nameKey, id command.WaiterID, waiter waiterRecord) acquireRecord {
	if a, ok := s.acquires.get(id); ok {
		return a
	}
	return acquireRecord{names: []string{key.key}, session: waiter.session, owner: waiter.owner, ttl: waiter.ttl, asked: s.now}
}

// grantable reports whether a waiter at the head of one queue may have all its names, and whether none of them would begin a second ownership in this entry.
func (e *effects) grantable(key nameKey, id command.WaiterID, a acquireRecord) (fits, clean bool) {
	s := e.m.state
	clean = true
	for _, other := range a.keys() {
		record, _ := s.names.get(other)
		lock := s.lock(other)
		if record.holding == holdingString || record.holding == holdingNative || !lock.fits(&a) {
			return false, false
		}
		if other != key {
			if _, head, found := e.nextWaiter(other); !found || head != id {
				return false, false
			}
		}
		clean = clean && (lock.live > 0 || !e.hasGranted(other))
	}
	return true, clean
}
