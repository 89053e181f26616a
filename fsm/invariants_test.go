package fsm

import (
	"fmt"

	"github.com/coordd/coordd/fsm/command"
)

// checkInvariants says what in a machine's tables contradicts the rest. It derives every index anew from the rows that matter, and takes its time.
func checkInvariants(m *Machine) error {
	s := m.state
	c := &consistency{deadlines: map[deadlineKey]none{}, belongings: map[belongingKey]none{}, holds: map[command.SessionID]uint32{}, waits: map[command.SessionID]uint32{}}
	c.acquires(s)
	queues := map[nameKey]uint32{}
	s.waiters.all(func(key waiterKey, waiter waiterRecord) bool {
		queues[key.name]++
		c.deadlines[deadlineKey{at: waiter.deadline, class: deadlineWaiter, name: key.name, id: key.id}] = none{}
		if !waiter.bound.IsZero() {
			c.belongings[belongingKey{session: waiter.bound, waiting: true, name: key.name, id: key.id}] = none{}
			c.waits[waiter.bound]++
		}
		return true
	})
	locks := 0
	s.names.all(func(key nameKey, record nameRecord) bool {
		locks += c.name(s, key, record, queues[key])
		delete(queues, key)
		return true
	})
	c.expect(len(queues) == 0, "waiters stand before %d names that have no row", len(queues))
	c.expect(locks == s.counts.locks, "%d locks counted, %d there", s.counts.locks, locks)
	c.sessions(s)
	c.pools(s)
	c.expect(len(c.deadlines) == s.deadlines.len(), "%d deadlines, %d expected", s.deadlines.len(), len(c.deadlines))
	for key := range c.deadlines {
		c.expect(s.deadlines.has(key), "no deadline %+v", key)
	}
	c.expect(len(c.belongings) == s.belongings.len(), "%d belongings, %d expected", s.belongings.len(), len(c.belongings))
	for key := range c.belongings {
		c.expect(s.belongings.has(key), "no belonging %+v", key)
	}
	c.expect(len(s.journal.steps) == 0 && !s.journal.recording, "the journal still records")
	return c.problem
}

// consistency gathers what the tables should hold and the first contradiction.
type consistency struct {
	deadlines  map[deadlineKey]none
	belongings map[belongingKey]none
	holds      map[command.SessionID]uint32
	waits      map[command.SessionID]uint32
	problem    error
}

func (c *consistency) expect(ok bool, format string, arguments ...any) {
	if !ok && c.problem == nil {
		c.problem = fmt.Errorf(format, arguments...)
	}
}

func (c *consistency) name(s *state, key nameKey, r nameRecord, queued uint32) (locks int) {
	c.expect(r.queued == queued, "%q says %d wait, %d do", key.key, r.queued, queued)
	c.expect((r.token == 0) == (r.holding == holdingNone), "%q has holding %d and token %d", key.key, r.holding, r.token)
	c.expect(uint64(r.token) <= s.tokenBase+s.index, "%q has a token of the future: %d", key.key, r.token)
	c.expect(r.revision <= s.revision, "%q has a revision of the future", key.key)
	switch r.holding {
	case holdingNone:
		c.reserved(s, key, r)
		r.deadline = 0 // that of its ghosts, which have rows of their own
	case holdingHolds:
		locks = 1
		id, first, found := s.firstHolder(key)
		c.expect(found && r.waiter == id && r.session == first.session && r.owner == first.owner, "%q shows %s, and its first holder is %s", key.key, r.waiter, id)
		c.expect(r.token == s.lock(key).token, "%q has token %d in one place and %d in another", key.key, r.token, s.lock(key).token)
		c.expect(r.deadline == 0, "%q has holds and a deadline of its own", key.key)
	case holdingNative:
		locks = 1
		c.expect(!s.pending.has(key), "%q is held and pending", key.key)
		if !r.session.IsZero() {
			c.belongings[belongingKey{session: r.session, name: key}] = none{}
			c.holds[r.session]++
			c.expect(r.deadline == 0, "%q belongs to a session and has a deadline", key.key)
		}
	case holdingString:
		c.expect(!s.pending.has(key), "%q is held and pending", key.key)
		c.expect(r.session.IsZero() && r.waiter.IsZero() && r.owner == "", "%q is a value with a session", key.key)
	}
	if r.deadline != 0 {
		c.deadlines[deadlineKey{at: r.deadline, class: deadlineName, name: key}] = none{}
	}
	return locks
}

// reserved looks at a name that nobody holds: one that is neither pending, nor kept for a while, nor wanted by a set whose other names are not free would be
// reserved for ever.
func (c *consistency) reserved(s *state, key nameKey, r nameRecord) {
	lock := s.lock(key)
	if lock.occupied() {
		c.expect(r.deadline == s.reservedUntil(key) && lock.live == 0, "%q is kept until %d, and its ghosts until %d", key.key, r.deadline, s.reservedUntil(key))
		return
	}
	c.expect(r.deadline == 0 && r.queued > 0, "%q is held by nobody, %d wait, deadline %d", key.key, r.queued, r.deadline)
	head, _, _ := s.nextInQueue(key)
	a, _ := s.acquires.get(head.id)
	c.expect(s.pending.has(key) || len(a.names) > 1, "%q is held by nobody, %d wait, and nothing is pending", key.key, r.queued)
}

// acquires derives from the acquires what stands on names, and what is indexed.
func (c *consistency) acquires(s *state) {
	locks, holders, owners := map[nameKey]lockRecord{}, map[waiterKey]none{}, map[ownerKey]none{}
	s.acquires.all(func(id command.WaiterID, a acquireRecord) bool {
		if a.stage != stageWaiting && a.deadline != 0 {
			c.deadlines[holdDeadline(id, a)] = none{}
		}
		for _, key := range a.keys() {
			lock := locks[key]
			if a.named() && a.stage != stageGhost {
				owners[ownerKey{a.session, a.owner, key, id}] = none{}
			}
			switch {
			case a.stage == stageWaiting:
				c.expect(s.waiters.has(waiterKey{key, id}), "%s waits for %q and stands in no queue", id, key.key)
				if a.mode == command.Semaphore {
					lock.claims++
				}
			default:
				holders[waiterKey{key, id}] = none{}
				lock.stand(&a, 1)
				if a.stage == stageHeld {
					lock.live++
				}
			}
			if a.stage == stageHeld && !a.session.IsZero() {
				c.belongings[belongingKey{session: a.session, name: key, id: id}] = none{}
				c.holds[a.session]++
			}
			if a.mode == command.Semaphore {
				c.expect(s.lock(key).limit == a.limit, "%s is one of %d permits of %q, and others of %d", id, a.limit, key.key, s.lock(key).limit)
			}
			locks[key] = lock
		}
		return true
	})
	for key, want := range locks {
		got := s.lock(key)
		want.token, want.limit, want.successor = got.token, got.limit, got.successor
		c.expect(got == want || want.idle(), "%q counts %+v, and there are %+v", key.key, got, want)
		modes := 0
		for _, n := range []uint32{want.exclusive, want.shared, want.used} {
			if n > 0 {
				modes++
			}
		}
		c.expect(modes <= 1 && want.exclusive <= 1 && (want.used <= want.limit || want.used == 0), "%q is held in a way that excludes itself: %+v", key.key, want)
	}
	s.locks.all(func(key nameKey, lock lockRecord) bool {
		_, known := locks[key]
		c.expect(known && !lock.idle() && s.names.has(key), "%q counts %+v for nobody", key.key, lock)
		if !lock.successor.IsZero() {
			c.expect(s.waiters.has(waiterKey{key, lock.successor}), "%q is to go to one who does not wait", key.key)
		}
		return true
	})
	c.expect(s.holders.len() == len(holders), "%d holders, %d expected", s.holders.len(), len(holders))
	for key := range holders {
		c.expect(s.holders.has(key), "no holder %+v", key)
	}
	c.expect(s.owners.len() == len(owners), "%d owners, %d expected", s.owners.len(), len(owners))
	for key := range owners {
		c.expect(s.owners.has(key), "no owner %+v", key)
	}
	c.expect(s.history.len() == s.historyAges.len(), "%d past holders, and %d ages", s.history.len(), s.historyAges.len())
	s.losses.all(func(key lossKey, _ lossRecord) bool {
		c.expect(s.sessions.has(key.session), "a loss of session %s, which is not there", key.session)
		return true
	})
}

func (c *consistency) sessions(s *state) {
	remembered, bytes := map[command.SessionID]uint32{}, map[command.SessionID]uint32{}
	s.results.all(func(key resultKey, record resultRecord) bool {
		remembered[key.session]++
		bytes[key.session] += record.cost
		return true
	})
	ttls := map[int64]int{}
	s.earlyEnds.all(func(id command.SessionID, silence int64) bool {
		session, ok := s.sessions.get(id)
		c.expect(ok && !session.node && silence >= command.MinEarlyEnd && silence <= session.ttl, "session %s agreed to end after %d ms; there %t, TTL %d", id, silence, ok, session.ttl)
		return true
	})
	s.sessions.all(func(id command.SessionID, session sessionRecord) bool {
		c.expect(session.holds == c.holds[id] && session.waiters == c.waits[id], "session %s counts %d holds and %d waiters; there are %d and %d", id, session.holds, session.waiters, c.holds[id], c.waits[id])
		c.expect(session.dead == s.dying.has(id), "session %s: dead %t, dying %t", id, session.dead, s.dying.has(id))
		if session.dead {
			c.expect(!s.earlyEnds.has(id), "session %s is dead and may still end early", id)
			return true
		}
		ttls[session.ttl]++
		c.deadlines[sessionDeadline(id, session)] = none{}
		c.expect(session.remembered == remembered[id] && session.bytes == bytes[id], "session %s counts %d results of %d bytes; there are %d of %d", id, session.remembered, session.bytes, remembered[id], bytes[id])
		return true
	})
	for id := range remembered {
		c.expect(s.sessions.has(id), "results of session %s, which is not there", id)
	}
	for key := range c.belongings {
		c.expect(s.sessions.has(key.session), "a belonging of session %s, which is not there", key.session)
	}
	c.expect(s.counts.sessionTTLs.Len() == len(ttls), "%d session TTLs counted, %d there", s.counts.sessionTTLs.Len(), len(ttls))
	for ttl, sessions := range ttls {
		counted, _ := s.counts.sessionTTLs.Get(ttl)
		c.expect(counted == sessions, "TTL %d: %d sessions counted, %d there", ttl, counted, sessions)
	}
}
