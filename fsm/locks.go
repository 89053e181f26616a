package fsm

import (
	"fmt"
	"strings"

	"github.com/coordd/coordd/fsm/command"
)

// acquire takes an exclusive lock, or a place in its queue.
func (e *effects) acquire(op command.LockAcquire) command.Reply {
	if problem := e.checkAcquire(op); problem != nil {
		return *problem
	}
	s := e.m.state
	key := keyOf(command.Name{Key: op.Name})
	record := e.touch(key)
	if record.holding == holdingHolds {
		return e.acquireHold(command.HoldAcquire{Names: []string{op.Name}, By: command.Credentials{Session: op.Session, Secret: op.SecretHash}, Owner: op.Owner,
			TTLMilliseconds: op.TTLMilliseconds, WaitMilliseconds: op.WaitMilliseconds})
	}
	e.acquired = op.Name
	if reply, answered := e.acquireAnew(key, record, op); answered {
		return reply
	}
	record, _ = s.names.get(key)
	e.acquires = e.position
	if record.absent() {
		e.grantNative(key, record, op.Session, op.Owner, op.TTLMilliseconds, e.position)
		return s.acquired(op.Name, e.position)
	}
	if op.WaitMilliseconds == 0 {
		return s.heldReply(op.Name, record)
	}
	waiter := waiterRecord{session: op.Session, bound: op.Session, owner: op.Owner, ttl: op.TTLMilliseconds, deadline: s.now.Add(op.WaitMilliseconds)}
	if waiter.bound.IsZero() {
		waiter.bound = e.request.Session
	}
	if problem := e.checkQueue(op.Name, record, waiter.bound); problem != nil {
		return *problem
	}
	e.addWaiter(key, record, waiter)
	return queuedReply(int64(record.queued)+1, e.position)
}

// acquireAnew answers an owner that asks again for what it holds or waits for already, as a client does whose first answer was lost: with its present grant,
// or its present place. A try by an owner that still waits gives its place up. An owner without an id is nobody in particular, so it never matches.
func (e *effects) acquireAnew(key nameKey, record nameRecord, op command.LockAcquire) (reply command.Reply, answered bool) {
	s := e.m.state
	if op.Session.IsZero() || op.Owner == "" {
		return command.Reply{}, false
	}
	if record.holding == holdingNative && record.session == op.Session && record.owner == op.Owner {
		e.acquires = record.waiter
		return s.acquired(op.Name, record.waiter), true
	}
	k, waiter, found := s.waiterOf(key, op.Session, op.Owner)
	switch {
	case !found:
		return command.Reply{}, false
	case waiter.deadline <= s.now:
		e.dropWaiter(k, waiter, ReasonTimeout) // nobody has looked since its time was over
		return command.Reply{}, false
	case op.WaitMilliseconds == 0:
		e.dropWaiter(k, waiter, ReasonCancelled)
		return command.Reply{}, false
	}
	e.acquires = k.id
	return s.acquired(op.Name, k.id), true
}

// checkAcquire refuses what cannot be asked for, before anything is changed.
func (e *effects) checkAcquire(op command.LockAcquire) *command.Reply {
	var problem command.Reply
	switch {
	case op.Name == "":
		problem = command.Errorf(command.CodeGeneric, "a lock needs a name")
	case len(op.Name) > command.MaxNameBytes:
		problem = command.Errorf(command.CodeLimit, "a lock's name has at most %d bytes; this one has %d", command.MaxNameBytes, len(op.Name))
	case strings.HasPrefix(op.Name, command.ReservedPrefix):
		problem = reservedError(op.Name)
	case len(op.Owner) > command.MaxOwnerBytes:
		problem = command.Errorf(command.CodeLimit, "an owner id has at most %d bytes; this one has %d", command.MaxOwnerBytes, len(op.Owner))
	case op.WaitMilliseconds < 0 || op.WaitMilliseconds > command.MaxWaitMilliseconds:
		problem = command.Errorf(command.CodeGeneric, "a wait lasts between 0 and %d ms; %d was asked for", command.MaxWaitMilliseconds, op.WaitMilliseconds)
	case op.Session.IsZero() && (op.TTLMilliseconds < command.MinLockTTL || op.TTLMilliseconds > command.MaxLockTTL):
		problem = command.Errorf(command.CodeGeneric, "a lock without a session has a TTL between %d and %d ms; %d was asked for", command.MinLockTTL, command.MaxLockTTL, op.TTLMilliseconds)
	case !op.Session.IsZero():
		session, refusal := e.m.state.authorize(op.Session, op.SecretHash)
		if refusal != nil {
			return refusal
		}
		if session.holds+session.waiters < command.MaxLocksPerSession {
			return nil // a wait may become a hold at any time, so it counts
		}
		problem = command.Errorf(command.CodeLimit, "session %s holds or waits for %d locks, which is the limit", op.Session, session.holds+session.waiters)
	default:
		return nil
	}
	return &problem
}

// checkQueue refuses a waiter that would make a queue or a session too long.
func (e *effects) checkQueue(name string, record nameRecord, bound command.SessionID) *command.Reply {
	var problem command.Reply
	session, _ := e.m.state.sessions.get(bound)
	switch {
	case record.queued >= command.MaxWaitersPerLock:
		problem = command.Errorf(command.CodeLimit, "%d waiters stand before %s, which is the limit", record.queued, quote(name))
	case session.waiters >= command.MaxWaitersPerSession:
		problem = command.Errorf(command.CodeLimit, "session %s waits for %d locks, which is the limit", bound, session.waiters)
	default:
		return nil
	}
	return &problem
}

// acquired tells what became of an acquire: granted, still in the queue, or over.
func (s *state) acquired(name string, id command.WaiterID) command.Reply {
	if reply, found := s.outcomeOf(name, id); found {
		return reply
	}
	key := keyOf(command.Name{Key: name})
	if record, ok := s.names.get(key); ok && record.holding == holdingNative && record.waiter == id {
		if deadline, ended := s.lifeOf(record); !ended {
			return s.grantReply(record, deadline)
		}
	}
	if s.waiters.has(waiterKey{key, id}) {
		return queuedReply(s.place(key, id), id)
	}
	if _, known := s.pastHold(key, command.HoldRef{Waiter: id}); known {
		return s.noSuchHold(key, command.HoldRef{Waiter: id})
	}
	return command.Errorf(command.CodeNotHeld, "the acquire %s of %s is over: its grant ended, or its wait did", id, quote(name))
}

func queuedReply(place int64, id command.WaiterID) command.Reply {
	return command.Map(text("queued"), command.Integer(place), text("waiter"), text(id.String()))
}

// place is a waiter's place in its queue, from 1.
func (s *state) place(key nameKey, id command.WaiterID) int64 {
	var place int64
	s.waiters.from(waiterKey{name: key}, func(k waiterKey, _ waiterRecord) bool {
		place++
		return k.name == key && k.id != id
	})
	return place
}

// grantReply tells a holder its token and how long it holds, in replicated time. A session's lock ends with the session.
func (s *state) grantReply(record nameRecord, deadline command.Instant) command.Reply {
	return command.Map(
		text("token"), command.Integer(int64(record.token)),
		text("remaining_ms"), command.Integer(max(1, int64(deadline-s.now))),
		text("now_ms"), command.Integer(int64(s.now)),
		text("deadline_ms"), command.Integer(int64(deadline)),
		text("waiter"), text(record.waiter.String()),
	)
}

// heldReply tells a failed try who holds the lock and for how long.
func (s *state) heldReply(name string, record nameRecord) command.Reply {
	left := "without a deadline"
	if deadline, _ := s.lifeOf(record); deadline != 0 {
		left = fmt.Sprintf("for %d ms more", max(1, deadline-s.now))
	}
	switch record.holding {
	case holdingString:
		return command.Errorf(command.CodeHeld, "%s is held by a Redis value (token %d) %s; %d waiting", quote(name), record.token, left, record.queued)
	case holdingNative:
		return command.Errorf(command.CodeHeld, "%s is held by %s (token %d) %s; %d waiting", quote(name), record.holder(), record.token, left, record.queued)
	}
	return command.Errorf(command.CodeHeld, "%s is about to be granted to the first of %d waiting", quote(name), record.queued)
}

// renew extends a lock without a session.
func (e *effects) renew(op command.LockRenew) command.Reply {
	s := e.m.state
	key := keyOf(command.Name{Key: op.Name})
	record := e.touch(key)
	switch {
	case record.holding == holdingHolds:
		return e.renewHold(command.HoldRenew{Name: op.Name, Hold: command.HoldRef{Token: op.Token}, TTLMilliseconds: op.TTLMilliseconds})
	case record.holding != holdingNative || record.token != op.Token:
		return notHeld(op.Name, op.Token)
	case !record.session.IsZero():
		return command.Errorf(command.CodeGeneric, "%s belongs to session %s, whose keepalive renews it", quote(op.Name), record.session)
	case op.TTLMilliseconds != 0 && (op.TTLMilliseconds < command.MinLockTTL || op.TTLMilliseconds > command.MaxLockTTL):
		return command.Errorf(command.CodeGeneric, "a lock's TTL lies between %d and %d ms; %d was asked for", command.MinLockTTL, command.MaxLockTTL, op.TTLMilliseconds)
	}
	if op.TTLMilliseconds != 0 {
		record.ttl = op.TTLMilliseconds
	}
	// A shorter TTL must not take away time that the holder was promised before.
	record.deadline = max(record.deadline, s.now.Add(record.ttl))
	e.store(key, record)
	return s.grantReply(record, record.deadline)
}

// release ends a hold at its holder's wish. The token names the hold, so a release that comes late or twice ends nothing that belongs to another.
func (e *effects) release(op command.LockRelease) command.Reply {
	key := keyOf(command.Name{Key: op.Name})
	record := e.touch(key)
	if record.holding == holdingHolds {
		return e.releaseHold(command.HoldRelease{Name: op.Name, Hold: command.HoldRef{Token: op.Token}, By: command.Credentials{Session: op.Session, Secret: op.SecretHash}})
	}
	if record.holding != holdingNative || record.token != op.Token || record.session != op.Session {
		return notHeld(op.Name, op.Token)
	}
	if !record.session.IsZero() {
		if _, problem := e.m.state.authorize(op.Session, op.SecretHash); problem != nil {
			return *problem
		}
	}
	e.end(key, record, ReasonReleased)
	return command.OK()
}

// cancel withdraws a waiter, or releases its grant if that came first, so that no grant stays for somebody who has gone (safety case S23).
func (e *effects) cancel(op command.LockCancel) command.Reply {
	s := e.m.state
	key := keyOf(command.Name{Key: op.Name})
	k := waiterKey{key, op.Waiter}
	// The place goes first, so that a name whose time is over is not handed to the one who leaves.
	if waiter, ok := s.waiters.get(k); ok {
		e.dropWaiter(k, waiter, ReasonCancelled)
	}
	record := e.touch(key)
	if record.holding == holdingNative && record.waiter == op.Waiter {
		e.end(key, record, ReasonCancelled)
	}
	if a, ok := s.acquires.get(op.Waiter); ok && a.stage == stageHeld && s.holders.has(k) {
		e.endHold(op.Waiter, a, ending{reason: ReasonCancelled, at: s.now, wished: true})
	}
	return command.OK()
}

func notHeld(name string, token command.Token) command.Reply {
	return command.Errorf(command.CodeNotHeld, "%s is not held with token %d: that hold has ended", quote(name), token)
}

func reservedError(name string) command.Reply {
	return command.Errorf(command.CodeReserved, "%s: names that begin with '%s' are reserved and cannot be written", quote(name), command.ReservedPrefix)
}

// quote shows a name in a sentence, with what is not printable escaped and a long one cut.
func quote(name string) string {
	const most = 100
	if len(name) > most {
		name = name[:most] + "…"
	}
	quoted := fmt.Sprintf("%q", name)
	return "'" + quoted[1:len(quoted)-1] + "'"
}

// WaiterOutcome tells whether a wait is over, and how: the map of a grant, or an error that says why there is none. Why a wait ended without a grant is
// known only for the last few thousand of them, and only to a machine that ran their end; later the answer is NOTHELD.
func (m *Machine) WaiterOutcome(name string, id command.WaiterID) (reply command.Reply, done bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.state.waiters.has(waiterKey{keyOf(command.Name{Key: name}), id}) {
		return command.Reply{}, false
	}
	if reply, known := m.gone.reply(name, id); known {
		return reply, true
	}
	return m.state.acquired(name, id), true
}
