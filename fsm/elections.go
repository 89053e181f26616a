package fsm

import "github.com/coordd/coordd/fsm/command"

// An election is an exclusive lock: its holder leads, its metadata are the leader's value, and who waits is a candidate.

// transfer ends a leadership in favour of one candidate, who gets it out of turn and with a new token.
func (e *effects) transfer(op command.ElectionTransfer) command.Reply {
	key, id, a, problem := e.ofHolder(op.Name, op.Hold, op.By, op.Owner)
	if problem != nil {
		return *problem
	}
	s := e.m.state
	if a.mode != command.Exclusive || len(a.names) > 1 {
		return command.Errorf(command.CodeConflict, "%s stays where it is: only the exclusive hold of one name can be handed to a candidate", quote(key.key))
	}
	chosen, candidate, problem := e.candidate(key, op)
	if problem != nil {
		return *problem
	}
	lock := s.lock(key)
	lock.successor = chosen
	s.putLock(key, lock)
	e.endHold(id, a, ending{reason: ReasonTransferred, at: s.now, wished: true})
	e.settle()
	granted, _ := s.acquires.get(chosen)
	return command.Map(
		text("leader"), text(leaderName(candidate)),
		text("waiter"), text(chosen.String()),
		text("pending"), command.Bool(granted.stage != stageHeld),
		text("token"), command.Integer(int64(granted.token)),
	)
}

// candidate finds the waiter that is to lead next. One that waits for something else too is refused: others who wait here could be what it waits for, and
// those that it would overtake would then wait for it in a circle.
func (e *effects) candidate(key nameKey, op command.ElectionTransfer) (id command.WaiterID, a acquireRecord, problem *command.Reply) {
	s := e.m.state
	s.waiters.from(waiterKey{name: key}, func(k waiterKey, waiter waiterRecord) bool {
		if k.name != key {
			return false
		}
		record, ok := s.acquires.get(k.id)
		over := waiter.deadline <= s.now || !waiter.bound.IsZero() && !s.alive(waiter.bound)
		if !ok || over || (op.Waiter.IsZero() && (op.Candidate == "" || record.owner != op.Candidate)) || (!op.Waiter.IsZero() && k.id != op.Waiter) {
			return true
		}
		id, a = k.id, record
		return false
	})
	var refusal command.Reply
	switch {
	case id.IsZero():
		refusal = command.Errorf(command.CodeNoCandidate, "no such candidate waits for %s; the leader stays", quote(key.key))
	case a.mode != command.Exclusive || len(a.names) > 1:
		refusal = command.Errorf(command.CodeConflict, "%s stays where it is: the candidate %s wants it as %s", quote(key.key), id, a.modeName())
	case s.waitsElsewhere(a, id):
		refusal = command.Errorf(command.CodeConflict, "%s stays where it is: the candidate %s waits for another lock too", quote(key.key), id)
	default:
		return id, a, nil
	}
	return id, a, &refusal
}

// waitsElsewhere reports whether the owner of a waiting acquire waits for something else.
func (s *state) waitsElsewhere(a acquireRecord, id command.WaiterID) (elsewhere bool) {
	if !a.named() {
		return false
	}
	s.eachOfOwner(a.session, a.owner, func(_ nameKey, other command.WaiterID) bool {
		record, _ := s.acquires.get(other)
		elsewhere = other != id && record.stage == stageWaiting
		return !elsewhere
	})
	return elsewhere
}

// leaderName is how a leader is called: by its owner id, and without one by its session.
func leaderName(a acquireRecord) string {
	switch {
	case a.owner != "":
		return a.owner
	case !a.session.IsZero():
		return a.session.String()
	}
	return "without a session"
}

// leader answers who leads, or plainly that nobody does.
func (v *view) leader(op command.ElectionLeader) command.Reply {
	if problem := checkName(op.Name); problem != nil {
		return *problem
	}
	key := keyOf(command.Name{Key: op.Name})
	record := v.look(key.name())
	leader, a := command.Nil(), acquireRecord{}
	var until command.Instant
	switch record.holding {
	case holdingHolds:
		a, _ = v.s.acquires.get(record.waiter)
		leader = text(leaderName(a))
	case holdingNative:
		a = acquireRecord{session: record.session, owner: record.owner, token: record.token}
		leader = text(leaderName(a))
	case holdingString:
		leader, record.waiter = command.Bulk(record.value), command.WaiterID{}
		a = acquireRecord{token: record.token}
	default:
		until = record.deadline
	}
	deadline := command.Instant(0)
	if !leader.IsNil() {
		deadline, _ = v.s.lifeOf(record)
	}
	session, _ := v.s.sessions.get(a.session)
	return command.Map(
		text("leader"), leader,
		text("value"), command.Bulk(a.metadata),
		text("token"), command.Integer(int64(a.token)),
		text("waiter"), text(idText(record.waiter)),
		text("session"), text(idText(a.session)),
		text("client"), text(session.clientName),
		text("since_ms"), command.Integer(int64(a.since)),
		text("now_ms"), command.Integer(int64(v.clock)),
		text("deadline_ms"), command.Integer(int64(deadline)),
		text("until_ms"), command.Integer(int64(until)),
		text("candidates"), command.Integer(int64(record.queued)),
	)
}
