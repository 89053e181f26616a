package fsm

import "github.com/coordd/coordd/fsm/command"

// forceUnlock ends holds at an operator's wish. Unless it is to be at once, the next grant waits for the holders' acknowledgement or for the deadlines that
// they last had, so that a holder that lives has stopped by then (safety case S5).
func (e *effects) forceUnlock(op command.ForceUnlock) command.Reply {
	if problem := firstProblem(checkName(op.Name), checkReason(op.Reason, op.Actor)); problem != nil {
		return *problem
	}
	s := e.m.state
	key, record := e.meet(op.Name)
	if record.holding == holdingString {
		if !op.Waiter.IsZero() {
			return s.noSuchHold(key, command.HoldRef{Waiter: op.Waiter})
		}
		e.end(key, record, ReasonForced)
		change := e.changes.of(key, record)
		change.actor, change.why = op.Actor, op.Reason
		return s.forced(1, 0)
	}
	ended, until := 0, command.Instant(0)
	for _, id := range s.forcible(key, op) {
		a, ok := s.acquires.get(id)
		switch {
		case !ok:
			continue
		case a.stage == stageGhost && op.Now:
			e.vacate(id, a)
		case a.stage == stageHeld:
			e.endHold(id, a, s.forcedEnding(a, op))
		default:
			continue
		}
		ended++
		if ghost, kept := s.acquires.get(id); kept {
			until = max(until, ghost.deadline)
		}
	}
	if ended == 0 {
		return command.Errorf(command.CodeNotHeld, "%s is not held like that; there is nothing to force", quote(op.Name)).With(new(command.Details).Text("name", op.Name).Token("token", record.token))
	}
	return s.forced(ended, until)
}

func (s *state) forcedEnding(a acquireRecord, op command.ForceUnlock) ending {
	_, deadline, _ := s.endOf(a)
	return ending{reason: ReasonForced, at: s.now, now: op.Now, actor: op.Actor, why: op.Reason, until: deadline}
}

func (s *state) forced(ended int, until command.Instant) command.Reply {
	return command.Map(text("ended"), command.Integer(int64(ended)), text("until_ms"), command.Integer(int64(until)), text("now_ms"), command.Integer(int64(s.now)))
}

// forcible lists the acquires that a force-unlock means.
func (s *state) forcible(key nameKey, op command.ForceUnlock) (ids []command.WaiterID) {
	s.eachHolder(key, func(id command.WaiterID, _ acquireRecord) bool {
		if op.Waiter.IsZero() || op.Waiter == id {
			ids = append(ids, id)
		}
		return true
	})
	return ids
}

// checkReason refuses an operator's act that does not say why.
func checkReason(reason, actor string) *command.Reply {
	var problem command.Reply
	switch {
	case reason == "":
		problem = command.Errorf(command.CodeGeneric, "say why: a reason is part of what is kept about it")
	case len(reason) > command.MaxReasonBytes:
		problem = command.Errorf(command.CodeLimit, "a reason has at most %d bytes; this one has %d", command.MaxReasonBytes, len(reason))
	case len(actor) > command.MaxActorBytes:
		problem = command.Errorf(command.CodeLimit, "an operator's name has at most %d bytes; this one has %d", command.MaxActorBytes, len(actor))
	default:
		return nil
	}
	return &problem
}

// killSession makes a session end: at the deadline that its client knows, without another renewal, or at once.
func (e *effects) killSession(op command.SessionKill) command.Reply {
	if problem := checkReason(op.Reason, op.Actor); problem != nil {
		return *problem
	}
	s := e.m.state
	session, ok := s.sessions.get(op.Session)
	switch {
	case !ok || session.ended(s.now):
		return command.Errorf(command.CodeNoSession, "session %s is unknown or has ended", op.Session)
	case session.node:
		return command.Errorf(command.CodeGeneric, "session %s is that of a node, which opens another one at once; stop the node instead", op.Session)
	}
	at := session.deadline
	if op.Now {
		at = s.now
	}
	e.dropWaits(op.Session)
	s.ends.put(op.Session, endRecord{doomed: true, now: op.Now, reason: ReasonKilled, actor: op.Actor, why: op.Reason, at: at})
	e.event(Event{Type: EventSessionKilled, Session: op.Session, Reason: ReasonKilled, Actor: op.Actor, Why: op.Reason, Deadline: at})
	if op.Now {
		e.endSession(op.Session, session, ReasonKilled)
		e.giveBack(op.Session, command.ExpireSlice)
	}
	return command.Map(text("session"), text(op.Session.String()), text("at_ms"), command.Integer(int64(at)), text("now_ms"), command.Integer(int64(s.now)))
}

// dropWaits ends all waits of a session that is to get nothing more.
func (e *effects) dropWaits(id command.SessionID) {
	s := e.m.state
	for {
		belonging, ok := s.firstBelonging(id)
		if !ok || !belonging.waiting {
			return
		}
		k := waiterKey{belonging.name, belonging.id}
		waiter, _ := s.waiters.get(k)
		e.dropWaiter(k, waiter, ReasonKilled)
	}
}

// reasonAtDeadline is why a session ends whose time is over.
func (s *state) reasonAtDeadline(id command.SessionID) string {
	if note, doomed := s.ends.get(id); doomed {
		return note.reason
	}
	return ReasonExpired
}
