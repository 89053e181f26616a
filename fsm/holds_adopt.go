package fsm

import "github.com/coordd/coordd/fsm/command"

// adopt gives a lock of the first kinds the rows that native holds have, so that the later kinds deal with one form. Its owner notices nothing. It is done when
// one of the later kinds meets the name, never by an older log.
func (e *effects) adopt(key nameKey) nameRecord {
	s := e.m.state
	record, ok := s.names.get(key)
	if !ok || record.holding != holdingNative {
		return record
	}
	e.changes.of(key, record)
	e.unlink(key, record)
	id := record.waiter
	a := acquireRecord{stage: stageHeld, names: []string{key.key}, session: record.session, owner: record.owner, ttl: record.ttl,
		asked: s.now, since: s.now, token: record.token, count: 1, deadline: record.deadline}
	s.acquires.put(id, a)
	if a.deadline != 0 {
		s.deadlines.put(holdDeadline(id, a), none{})
	}
	s.putLock(key, lockRecord{token: record.token, exclusive: 1, live: 1})
	s.holders.put(waiterKey{key, id}, none{})
	e.own(id, a)
	record.holding, record.deadline, record.ttl = holdingHolds, 0, 0
	s.names.put(key, record)
	e.changes.of(key, record).before = record
	return record
}

// meet brings a name up to date for one of the later kinds.
func (e *effects) meet(name string) (nameKey, nameRecord) {
	key := keyOf(command.Name{Key: name})
	e.touch(key)
	return key, e.adopt(key)
}
