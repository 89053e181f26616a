package fsm

import (
	"bytes"
	"fmt"

	"github.com/coordd/coordd/fsm/command"
)

// holder is how the owner is named to people.
func (r nameRecord) holder() string {
	switch {
	case r.holding == holdingString:
		return string(r.value)
	case r.session.IsZero():
		return "lock " + r.waiter.String()
	case r.owner == "":
		return "session " + r.session.String()
	}
	return fmt.Sprintf("session %s owner %s", r.session, r.owner)
}

// store writes a name's record and moves its deadline and belongings along.
func (e *effects) store(key nameKey, record nameRecord) {
	s := e.m.state
	if old, existed := s.names.put(key, record); existed {
		e.unlink(key, old)
	}
	if record.deadline != 0 {
		s.deadlines.put(deadlineKey{at: record.deadline, class: deadlineName, name: key}, none{})
	}
	if record.holding == holdingNative && !record.session.IsZero() {
		s.belongings.put(belongingKey{session: record.session, name: key}, none{})
		e.count(record.session, 1, 0)
	}
}

// unlink takes a record out of the indexes that store put it into.
func (e *effects) unlink(key nameKey, record nameRecord) {
	s := e.m.state
	if record.deadline != 0 {
		s.deadlines.remove(deadlineKey{at: record.deadline, class: deadlineName, name: key})
	}
	if record.holding == holdingNative && !record.session.IsZero() {
		s.belongings.remove(belongingKey{session: record.session, name: key})
		e.count(record.session, -1, 0)
	}
}

// count moves a session's numbers of holds and waiters, if it still exists.
func (e *effects) count(id command.SessionID, holds, waiters int) {
	s := e.m.state
	session, ok := s.sessions.get(id)
	if !ok {
		return
	}
	session.holds += uint32(holds)
	session.waiters += uint32(waiters)
	s.sessions.put(id, session)
}

// setString gives a name a Redis value. It is a grant, with a new token, when the name comes into being or its value becomes a different one; the same
// value keeps owner and token (safety case S18). The record must be what look found.
func (e *effects) setString(key nameKey, old nameRecord, value []byte, deadline command.Instant) {
	s := e.m.state
	record := nameRecord{holding: holdingString, token: old.token, revision: s.nextRevision(), deadline: deadline, queued: old.queued, value: old.value}
	if old.holding != holdingString || !bytes.Equal(old.value, value) {
		record.value = bytes.Clone(value)
		record.token = s.token()
		e.granted(key, old)
		if old.holding == holdingString {
			e.ends(key, old, ReasonOverwritten)
		}
	}
	e.store(key, record)
	e.changed(key.name())
}

// alterString changes a value in place without a new owner: INCR and its like, and every change of the deadline alone.
func (e *effects) alterString(key nameKey, record nameRecord) {
	record.revision = e.m.state.nextRevision()
	e.store(key, record)
	e.changed(key.name())
}

// end takes the holder off a name, whose record this is. Whoever waits is served when the name is next looked at, or when the command is done.
func (e *effects) end(key nameKey, record nameRecord, reason string) {
	s := e.m.state
	e.ends(key, record, reason)
	e.unlink(key, record)
	s.deletions.put(deletionBucket(key), s.nextRevision())
	if record.queued > 0 {
		s.names.put(key, nameRecord{queued: record.queued})
		e.freed = append(e.freed, key)
	} else {
		s.names.remove(key)
	}
	e.changed(key.name())
}

// vanish forgets a name that nobody holds and nobody waits for any more.
func (e *effects) vanish(key nameKey) {
	s := e.m.state
	s.names.remove(key)
	s.pending.remove(key)
	s.deletions.put(deletionBucket(key), s.nextRevision())
	e.changed(key.name())
}

// touch brings a name up to the entry's instant before a command looks at it: what time has ended there is ended first, hand-over included (safety case S24).
func (e *effects) touch(key nameKey) nameRecord {
	s := e.m.state
	record, ok := s.names.get(key)
	if !ok {
		return record
	}
	if record.holding == holdingHolds || record.holding == holdingNone && record.deadline != 0 {
		e.touchHolds(key)
		record, _ = s.names.get(key)
		return record
	}
	if record.holding != holdingNone {
		if _, ended := s.lifeOf(record); !ended {
			return record
		}
		reason := ReasonExpired
		if record.holding == holdingNative && !record.session.IsZero() {
			reason = ReasonSessionEnded
		}
		e.end(key, record, reason)
	}
	if record.queued > 0 {
		e.handOver(key)
	}
	record, _ = s.names.get(key)
	return record
}

// handOver grants a free name to the first waiter whose session and wait are not over. If the name had an owner in this entry already, the grant stays
// pending and is made first thing in the next entry, so that no two owners share a token (safety case S7).
func (e *effects) handOver(key nameKey) {
	s := e.m.state
	if s.locks.has(key) {
		e.advance(key)
		return
	}
	if record, ok := s.names.get(key); !ok || record.holding != holdingNone {
		s.pending.remove(key)
		return
	}
	waiter, id, found := e.nextWaiter(key)
	if !found {
		return
	}
	if s.acquires.has(id) {
		e.advance(key)
		return
	}
	if e.hasGranted(key) {
		if !s.pending.has(key) {
			s.pending.put(key, none{})
		}
		return
	}
	e.removeWaiter(waiterKey{key, id}, waiter)
	record, _ := s.names.get(key)
	s.pending.remove(key)
	e.grantNative(key, record, waiter.session, waiter.owner, waiter.ttl, id)
	e.event(Event{Type: EventWaiterGranted, Name: key.name(), Token: s.token(), Waiter: id, Session: waiter.session})
}

// nextWaiter drops the waiters that time has ended and finds the first that is left. The name vanishes when none is.
func (e *effects) nextWaiter(key nameKey) (waiter waiterRecord, id command.WaiterID, found bool) {
	s := e.m.state
	for {
		k, waiter, found := s.nextInQueue(key)
		switch {
		case !found:
			return waiterRecord{}, command.WaiterID{}, false
		case !waiter.bound.IsZero() && !s.alive(waiter.bound):
			e.dropWaiter(k, waiter, ReasonSessionEnded)
		case waiter.deadline <= s.now:
			e.dropWaiter(k, waiter, ReasonTimeout)
		default:
			return waiter, k.id, true
		}
	}
}

// grantNative makes a native owner of a free name.
func (e *effects) grantNative(key nameKey, record nameRecord, session command.SessionID, owner string, ttl int64, id command.WaiterID) {
	s := e.m.state
	grant := nameRecord{holding: holdingNative, token: s.token(), revision: s.nextRevision(), queued: record.queued, session: session, owner: owner, waiter: id}
	if session.IsZero() {
		grant.ttl = ttl
		grant.deadline = s.now.Add(ttl)
	}
	e.granted(key, record)
	e.store(key, grant)
	e.changed(key.name())
}

// grantPending makes the grants that had to wait for this entry, before any of its commands.
func (m *Machine) grantPending() {
	if m.state.pending.len() == 0 {
		return
	}
	e := m.begin(command.Position{Index: m.state.index}, command.Request{})
	var keys []nameKey
	m.state.pending.all(func(key nameKey, _ none) bool {
		keys = append(keys, key)
		return true
	})
	for _, key := range keys {
		e.handOver(key)
	}
	e.publish()
}
