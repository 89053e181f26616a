package fsm

import "github.com/coordd/coordd/fsm/command"

// lose lists an end that a live session did not ask for, until its client has acknowledged it (safety case S5). It reports whether it did.
func (e *effects) lose(id command.WaiterID, a acquireRecord, end ending) bool {
	s := e.m.state
	if end.wished || a.session.IsZero() || !s.alive(a.session) {
		return false
	}
	s.losses.put(lossKey{a.session, id}, lossRecord{
		name: a.names[0], token: a.token, owner: a.owner, mode: a.modeName(), reason: end.reason, actor: end.actor, why: end.why, at: end.at,
	})
	e.tell(a.keys(), Event{Type: EventLost, Token: a.token, Waiter: id, Session: a.session, Reason: end.reason, Actor: end.actor, Why: end.why, Deadline: end.until}.of(a))
	return true
}

// acknowledge takes a loss off a session's list. What was kept until then is free, unless a lock-delay or a floor keeps it on.
func (e *effects) acknowledge(session command.SessionID, id command.WaiterID) {
	s := e.m.state
	loss, there := s.losses.get(lossKey{session, id})
	if !there {
		return
	}
	s.losses.remove(lossKey{session, id})
	e.event(Event{Type: EventAcknowledged, Name: command.Name{Key: loss.name}, Token: loss.token, Waiter: id, Session: session, Reason: loss.reason, Owner: loss.owner, Mode: loss.mode})
	a, ok := s.acquires.get(id)
	if !ok || a.stage != stageGhost || !a.unheeded {
		return
	}
	a.unheeded, a.unheeding = false, 0
	if a.reserved <= s.now {
		e.vacate(id, a)
		return
	}
	e.putDeadline(id, a, a.reserved)
	for _, key := range a.keys() {
		e.restate(key)
	}
}

// checkLosses refuses new holds to a session whose client does not acknowledge what it lost.
func (s *state) checkLosses(session command.SessionID) *command.Reply {
	if _, any := s.firstLoss(session); !any {
		return nil
	}
	_, count := s.lossesOf(session, 0)
	if count < command.MaxLossesPerSession {
		return nil
	}
	problem := command.Errorf(command.CodeLimit, "session %s has %d losses to acknowledge, and takes nothing new from %d on: renew it with ACK", session, count, command.MaxLossesPerSession)
	return &problem
}

func (s *state) firstLoss(session command.SessionID) (found lossKey, ok bool) {
	s.losses.from(lossKey{session: session}, func(k lossKey, _ lossRecord) bool {
		found, ok = k, k.session == session
		return false
	})
	return found, ok
}

// lossesOf lists the first losses of a session, and counts them all.
func (s *state) lossesOf(session command.SessionID, most int) (list []command.Reply, count int) {
	s.losses.from(lossKey{session: session}, func(k lossKey, loss lossRecord) bool {
		if k.session != session {
			return false
		}
		if count < most {
			list = append(list, s.lossReply(k, loss))
		}
		count++
		return true
	})
	return list, count
}

func (s *state) lossReply(k lossKey, loss lossRecord) command.Reply {
	var until command.Instant
	if a, ok := s.acquires.get(k.id); ok && a.stage == stageGhost {
		until = a.deadline
	}
	return command.Map(
		text("name"), text(loss.name),
		text("waiter"), text(k.id.String()),
		text("token"), command.Integer(int64(loss.token)),
		text("owner"), text(loss.owner),
		text("mode"), text(loss.mode),
		text("reason"), text(loss.reason),
		text("actor"), text(loss.actor),
		text("why"), text(loss.why),
		text("at_ms"), command.Integer(int64(loss.at)),
		text("until_ms"), command.Integer(int64(until)),
	)
}

// renewSession extends a session to now + TTL, takes off its list what its client acknowledges, and tells the losses that are left.
func (e *effects) renewSession(op command.SessionRenew) command.Reply {
	if problem := tooMany("acknowledgements", len(op.Acknowledged), command.MaxAcknowledgements); problem != nil {
		return *problem
	}
	reply := e.keepAlive(command.SessionKeepAlive{Session: op.By.Session, SecretHash: op.By.Secret})
	if reply.IsError() {
		return reply
	}
	for _, id := range op.Acknowledged {
		e.acknowledge(op.By.Session, id)
	}
	losses, count := e.m.state.lossesOf(op.By.Session, command.MaxLossesAnswered)
	reply.Elements = append(reply.Elements, text("losses"), command.Array(losses...), text("losses_total"), command.Integer(int64(count)))
	return reply
}
