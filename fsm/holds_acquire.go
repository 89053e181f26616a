package fsm

import (
	"bytes"
	"strings"

	"github.com/coordd/coordd/fsm/command"
)

// acquireHold takes a hold, or a place in the queues of its names.
func (e *effects) acquireHold(op command.HoldAcquire) command.Reply {
	if problem := firstProblem(checkShape(op), e.checkAsker(op)); problem != nil {
		return *problem
	}
	s := e.m.state
	for _, name := range op.Names {
		e.meet(name)
	}
	a := claim(op, s.now)
	keys := a.keys()
	if reply, answered := e.acquireAgain(op, keys); answered {
		return reply
	}
	if problem := s.checkLimit(a, keys); problem != nil {
		return *problem
	}
	e.acquires, e.acquired, e.briefly = e.position, op.Names[0], true
	blocked, free := s.blockedOn(a, keys)
	if free {
		e.grant(e.position, a)
		return s.acquired(op.Names[0], e.position)
	}
	if op.WaitMilliseconds == 0 {
		return s.heldByOthers(blocked)
	}
	waiter := waiterRecord{session: op.By.Session, bound: op.By.Session, owner: op.Owner, ttl: op.TTLMilliseconds, deadline: s.now.Add(op.WaitMilliseconds)}
	if waiter.bound.IsZero() {
		waiter.bound = e.request.Session
	}
	for i, key := range keys {
		record, _ := s.names.get(key)
		if problem := e.checkQueue(op.Names[i], record, waiter.bound); problem != nil {
			return *problem
		}
	}
	if cycle := s.cycle(e.position, a); cycle != nil {
		return deadlockReply(op.Names[0], cycle)
	}
	e.enqueue(e.position, a, waiter)
	return s.placeReply(e.position, a)
}

// claim is the acquire that an op asks for.
func claim(op command.HoldAcquire, now command.Instant) acquireRecord {
	return acquireRecord{
		names: op.Names, mode: op.Mode, permits: op.Permits, limit: op.Limit, session: op.By.Session, owner: op.Owner, ttl: op.TTLMilliseconds,
		maxHold: op.MaxHold, delay: op.Delay, atLeast: op.AtLeast, metadata: bytes.Clone(op.Metadata), asked: now,
	}
}

// blockedOn is the first name that cannot be had now, because of who stands there or because somebody waits already. Nobody overtakes a queue.
func (s *state) blockedOn(a acquireRecord, keys []nameKey) (blocked nameKey, free bool) {
	for _, key := range keys {
		record, _ := s.names.get(key)
		lock := s.lock(key)
		if record.queued > 0 || record.holding == holdingString || !lock.fits(&a) {
			return key, false
		}
	}
	return nameKey{}, true
}

// acquireAgain answers an owner that asks again for what it has or wants already, as a client does whose first answer was lost: with its present grant, one
// more of it when it is reentrant, or its present place. A try by an owner that still waits gives its place up. To want a name in two ways at once
// would be to wait for oneself.
func (e *effects) acquireAgain(op command.HoldAcquire, keys []nameKey) (reply command.Reply, answered bool) {
	s := e.m.state
	for _, key := range keys {
		id, a, found := s.acquireOf(key, op.By.Session, op.Owner)
		if found && a.stage == stageWaiting && s.waitEnds(id, a) <= s.now {
			e.dropClaim(id, a, ReasonTimeout) // nobody has looked since its time was over
			e.settle()
			found = false
		}
		switch {
		case !found:
			continue
		case !a.sameAs(op):
			return s.conflict(key, "session %s owner %s has or wants it as %s", op.By.Session, op.Owner, a.modeName()), true
		case a.stage == stageWaiting && op.WaitMilliseconds == 0:
			e.dropClaim(id, a, ReasonCancelled)
			e.settle()
			return command.Reply{}, false
		case a.stage == stageHeld && op.Reentrant:
			if a.count >= command.MaxReentrancy {
				return command.Errorf(command.CodeLimit, "%s is held %d times by its owner, which is the limit", quote(key.key), a.count), true
			}
			a.count++
			s.acquires.put(id, a)
		}
		e.acquires, e.acquired, e.briefly = id, key.key, true
		return s.acquired(key.key, id), true
	}
	return command.Reply{}, false
}

// sameAs reports whether an op asks for what the acquire is.
func (r acquireRecord) sameAs(op command.HoldAcquire) bool {
	if r.mode != op.Mode || r.permits != op.Permits || r.limit != op.Limit || len(r.names) != len(op.Names) {
		return false
	}
	for i, name := range op.Names {
		if r.names[i] != name {
			return false
		}
	}
	return true
}

// checkLimit refuses a number of permits that differs from everybody else's.
func (s *state) checkLimit(a acquireRecord, keys []nameKey) *command.Reply {
	lock := s.lock(keys[0])
	if a.mode != command.Semaphore || lock.limit == 0 || lock.limit == a.limit {
		return nil
	}
	problem := s.conflict(keys[0], "it has %d permits in all, and %d were asked for", lock.limit, a.limit)
	return &problem
}

// checkShape refuses what nobody can ask for.
func checkShape(op command.HoldAcquire) *command.Reply {
	if problem := checkNames(op); problem != nil {
		return problem
	}
	var problem command.Reply
	semaphore := op.Mode == command.Semaphore
	switch {
	case semaphore && (op.Limit < 1 || op.Limit > command.MaxPermits || op.Permits < 1 || op.Permits > op.Limit):
		problem = command.Errorf(command.CodeGeneric, "a semaphore has between 1 and %d permits, and an acquire takes between 1 and all of them; %d of %d were asked for", command.MaxPermits, op.Permits, op.Limit)
	case !semaphore && (op.Limit != 0 || op.Permits != 0):
		problem = command.Errorf(command.CodeGeneric, "only a semaphore has permits")
	case len(op.Owner) > command.MaxOwnerBytes:
		problem = command.Errorf(command.CodeLimit, "an owner id has at most %d bytes; this one has %d", command.MaxOwnerBytes, len(op.Owner))
	case len(op.Metadata) > command.MaxHoldMetadataBytes:
		problem = command.Errorf(command.CodeLimit, "a holder's metadata have at most %d bytes; these are %d", command.MaxHoldMetadataBytes, len(op.Metadata))
	case op.WaitMilliseconds < 0 || op.WaitMilliseconds > command.MaxWaitMilliseconds:
		problem = command.Errorf(command.CodeGeneric, "a wait lasts between 0 and %d ms; %d was asked for", command.MaxWaitMilliseconds, op.WaitMilliseconds)
	case op.MaxHold != 0 && (op.MaxHold < command.MinMaxHold || op.MaxHold > command.MaxMaxHold):
		problem = command.Errorf(command.CodeGeneric, "a longest hold lasts between %d and %d ms; %d was asked for", command.MinMaxHold, command.MaxMaxHold, op.MaxHold)
	case op.Delay < 0 || op.Delay > command.MaxLockDelay:
		problem = command.Errorf(command.CodeGeneric, "a lock-delay lasts between 0 and %d ms; %d was asked for", command.MaxLockDelay, op.Delay)
	case op.AtLeast < 0 || op.AtLeast > command.MaxAtLeast:
		problem = command.Errorf(command.CodeGeneric, "a floor lasts between 0 and %d ms; %d was asked for", command.MaxAtLeast, op.AtLeast)
	case op.By.Session.IsZero() && (op.TTLMilliseconds < command.MinLockTTL || op.TTLMilliseconds > command.MaxLockTTL):
		problem = command.Errorf(command.CodeGeneric, "a lock without a session has a TTL between %d and %d ms; %d was asked for", command.MinLockTTL, command.MaxLockTTL, op.TTLMilliseconds)
	case op.Reentrant && (op.By.Session.IsZero() || op.Owner == ""):
		problem = command.Errorf(command.CodeGeneric, "only an owner with an id, in a session, can hold a lock more than once")
	default:
		return nil
	}
	return &problem
}

func checkNames(op command.HoldAcquire) *command.Reply {
	var problem command.Reply
	switch {
	case len(op.Names) == 0:
		problem = command.Errorf(command.CodeGeneric, "a lock needs a name")
	case len(op.Names) > command.MaxNamesPerLock:
		problem = command.Errorf(command.CodeLimit, "one lock has at most %d names; %d were asked for", command.MaxNamesPerLock, len(op.Names))
	case len(op.Names) > 1 && op.Mode != command.Exclusive:
		problem = command.Errorf(command.CodeGeneric, "a lock of several names is exclusive")
	default:
		for i, name := range op.Names {
			if refusal := checkName(name); refusal != nil {
				return refusal
			}
			for _, other := range op.Names[:i] {
				if other == name {
					problem = command.Errorf(command.CodeGeneric, "%s stands there twice", quote(name))
					return &problem
				}
			}
		}
		return nil
	}
	return &problem
}

// checkName refuses names that no lock can have.
func checkName(name string) *command.Reply {
	var problem command.Reply
	switch {
	case name == "":
		problem = command.Errorf(command.CodeGeneric, "a lock needs a name")
	case len(name) > command.MaxNameBytes:
		problem = command.Errorf(command.CodeLimit, "a lock's name has at most %d bytes; this one has %d", command.MaxNameBytes, len(name))
	case strings.HasPrefix(name, command.ReservedPrefix):
		problem = reservedError(name)
	default:
		return nil
	}
	return &problem
}

// checkAsker refuses an acquire of a session that is not the asker's, has ended, or has enough.
func (e *effects) checkAsker(op command.HoldAcquire) *command.Reply {
	if op.By.Session.IsZero() {
		return nil
	}
	session, refusal := e.m.state.authorize(op.By.Session, op.By.Secret)
	if refusal != nil {
		return refusal
	}
	// A wait may become a hold at any time, so it counts.
	if had := session.holds + session.waiters; int(had)+len(op.Names) > command.MaxLocksPerSession {
		problem := command.Errorf(command.CodeLimit, "session %s holds or waits for %d locks, and the limit is %d", op.By.Session, had, command.MaxLocksPerSession)
		return &problem
	}
	return e.m.state.checkLosses(op.By.Session)
}
