package fsm

import (
	"bytes"
	"fmt"

	"github.com/coordd/coordd/fsm/command"
)

// ownerOf is who owns a name now, for events.
func (s *state) ownerOf(key nameKey) owner {
	record, ok := s.names.get(key)
	if !ok || record.holding == holdingNone {
		return owner{}
	}
	return owner{record.token, record.holder()}
}

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

// change remembers who owned the name before this command touched it first.
func (e *effects) change(key nameKey) *ownershipChange {
	for i := range e.changes {
		if e.changes[i].name == key {
			return &e.changes[i]
		}
	}
	e.changes = append(e.changes, ownershipChange{name: key, before: e.m.state.ownerOf(key)})
	return &e.changes[len(e.changes)-1]
}

// ends notes that the present ownership of the name ends. The first reason in a command is the one that ended the owner others knew.
func (e *effects) ends(key nameKey, reason string) {
	if change := e.change(key); change.reason == "" {
		change.reason = reason
	}
}

// store writes a name's record and moves its deadline and belongings along.
func (e *effects) store(key nameKey, record nameRecord) {
	s := e.m.state
	old, existed := s.names.get(key)
	if existed {
		e.unlink(key, old)
	}
	s.names.put(key, record)
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
	change := e.change(key)
	if old.holding != holdingString || !bytes.Equal(old.value, value) {
		record.value = bytes.Clone(value)
		record.token = s.token()
		change.granted = true
		if old.holding == holdingString {
			e.ends(key, ReasonOverwritten)
		}
	}
	e.store(key, record)
	e.changed(key)
}

// alterString changes a value in place without a new owner: INCR and its like, and every change of the deadline alone.
func (e *effects) alterString(key nameKey, record nameRecord) {
	record.revision = e.m.state.nextRevision()
	e.store(key, record)
	e.changed(key)
}

func (e *effects) changed(key nameKey) {
	e.events = append(e.events, Event{Type: EventChanged, Name: key.name()})
}

// end takes the holder off a name. Whoever waits is served when the command is done.
func (e *effects) end(key nameKey, record nameRecord, reason string) {
	s := e.m.state
	e.ends(key, reason)
	e.unlink(key, record)
	s.deletions.put(deletionBucket(key), s.nextRevision())
	if record.queued > 0 {
		s.names.put(key, nameRecord{queued: record.queued})
		e.freed = append(e.freed, key)
	} else {
		s.names.remove(key)
	}
	e.changed(key)
}

// touch brings a name up to the entry's instant before a command looks at it: what time has ended there is ended first, hand-over included (safety case S24).
func (e *effects) touch(key nameKey) nameRecord {
	s := e.m.state
	record, ok := s.names.get(key)
	if !ok || record.holding == holdingNone {
		return record
	}
	deadline := s.deadlineOf(record)
	if deadline == 0 || deadline > s.now {
		return record
	}
	reason := ReasonExpired
	if record.holding == holdingNative && !record.session.IsZero() {
		reason = ReasonSessionEnded
	}
	e.end(key, record, reason)
	if record.queued > 0 {
		e.freed = e.freed[:len(e.freed)-1]
		e.handOver(key)
	}
	record, _ = s.names.get(key)
	return record
}

// handOver grants a free name to the first waiter whose session and wait are not over. If the name had an owner in this entry already, the grant stays
// pending and is made first thing in the next entry, so that no two owners share a token (safety case S7).
func (e *effects) handOver(key nameKey) {
	s := e.m.state
	record, ok := s.names.get(key)
	if !ok || record.holding != holdingNone {
		s.pending.remove(key)
		return
	}
	waiter, id, found := e.nextWaiter(key)
	if !found {
		s.pending.remove(key)
		s.names.remove(key)
		return
	}
	if _, already := e.m.entry.granted[key]; already || e.change(key).granted {
		s.pending.put(key, none{})
		return
	}
	e.removeWaiter(waiterKey{key, id}, waiter)
	record, _ = s.names.get(key)
	s.pending.remove(key)
	e.grantNative(key, record, waiter.session, waiter.owner, waiter.ttl, id)
	e.events = append(e.events, Event{Type: EventWaiterGranted, Name: key.name(), Token: s.token(), Waiter: id, Session: waiter.session})
}

// nextWaiter drops the waiters that time has ended and finds the first that is left.
func (e *effects) nextWaiter(key nameKey) (waiter waiterRecord, id command.WaiterID, found bool) {
	s := e.m.state
	for {
		var first waiterKey
		found = false
		s.waiters.from(waiterKey{name: key}, func(k waiterKey, w waiterRecord) bool {
			if k.name == key {
				first, waiter, found = k, w, true
			}
			return false
		})
		if !found {
			return waiterRecord{}, command.WaiterID{}, false
		}
		switch {
		case !waiter.bound.IsZero() && !s.alive(waiter.bound):
			e.dropWaiter(first, waiter, ReasonSessionEnded)
		case waiter.deadline <= s.now:
			e.dropWaiter(first, waiter, ReasonTimeout)
		default:
			return waiter, first.id, true
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
	e.change(key).granted = true
	e.store(key, grant)
	e.changed(key)
}

// grantPending makes the grants that had to wait for this entry, before any of its commands.
func (m *Machine) grantPending() {
	e := &effects{m: m, position: command.Position{Index: m.state.index}}
	var keys []nameKey
	m.state.pending.tree.Scan(func(r row[nameKey, none]) bool {
		keys = append(keys, r.key)
		return true
	})
	for _, key := range keys {
		e.handOver(key)
	}
	e.publish()
}
