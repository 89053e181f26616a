package fsm

import (
	"bytes"
	"crypto/subtle"

	"github.com/coordd/coordd/fsm/command"
)

// openSession makes a session. Its id is the place of this command in the log.
func (e *effects) openSession(op command.SessionOpen) command.Reply {
	s := e.m.state
	switch {
	case op.TTLMilliseconds < command.MinSessionTTL || op.TTLMilliseconds > command.MaxSessionTTL:
		return command.Errorf(command.CodeGeneric, "a session's TTL lies between %d and %d ms; %d was asked for", command.MinSessionTTL, command.MaxSessionTTL, op.TTLMilliseconds)
	case len(op.ClientName) > command.MaxClientNameBytes:
		return command.Errorf(command.CodeLimit, "a client name has at most %d bytes; this one has %d", command.MaxClientNameBytes, len(op.ClientName))
	case len(op.Metadata) > command.MaxMetadataBytes:
		return command.Errorf(command.CodeLimit, "a session's metadata has at most %d bytes; these are %d", command.MaxMetadataBytes, len(op.Metadata))
	case s.sessions.len() >= command.MaxSessions:
		return command.Errorf(command.CodeLimit, "there are %d sessions, which is the limit; none was opened", command.MaxSessions)
	}
	session := sessionRecord{
		secretHash: op.SecretHash,
		ttl:        op.TTLMilliseconds,
		deadline:   s.now.Add(op.TTLMilliseconds),
		node:       op.Node,
		clientName: op.ClientName,
		metadata:   bytes.Clone(op.Metadata),
	}
	s.sessions.put(e.position, session)
	s.deadlines.put(sessionDeadline(e.position, session), none{})
	return s.sessionReply(e.position, session)
}

// keepAlive extends a session to now + TTL.
func (e *effects) keepAlive(op command.SessionKeepAlive) command.Reply {
	s := e.m.state
	session, problem := s.authorize(op.Session, op.SecretHash)
	if problem != nil {
		return *problem
	}
	s.deadlines.remove(sessionDeadline(op.Session, session))
	session.deadline = s.now.Add(session.ttl)
	s.sessions.put(op.Session, session)
	s.deadlines.put(sessionDeadline(op.Session, session), none{})
	return s.sessionReply(op.Session, session)
}

// closeSession ends a session at its client's wish.
func (e *effects) closeSession(op command.SessionClose) command.Reply {
	session, problem := e.m.state.authenticate(op.Session, op.SecretHash)
	switch {
	case problem == nil:
		e.endSession(op.Session, session, ReasonClosed)
		e.giveBack(op.Session, command.ExpireSlice)
	case problem.Code == command.CodeBadSecret:
		return *problem
	}
	return command.OK()
}

// authorize finds a session by id and secret that may renew itself and take something new.
func (s *state) authorize(id command.SessionID, secretHash [32]byte) (sessionRecord, *command.Reply) {
	session, problem := s.authenticate(id, secretHash)
	if problem != nil {
		return session, problem
	}
	if note, doomed := s.ends.get(id); doomed {
		killed := command.Errorf(command.CodeNoSession, "session %s was killed by %s: %s", id, note.actor, note.why).With(new(command.Details).Text("killed", note.why))
		return sessionRecord{}, &killed
	}
	return session, nil
}

// authenticate finds a live session by id and secret.
func (s *state) authenticate(id command.SessionID, secretHash [32]byte) (sessionRecord, *command.Reply) {
	session, ok := s.sessions.get(id)
	if !ok || session.ended(s.now) {
		problem := command.Errorf(command.CodeNoSession, "session %s is unknown or has ended; what it held is lost: open a new one", id)
		return sessionRecord{}, &problem
	}
	if subtle.ConstantTimeCompare(session.secretHash[:], secretHash[:]) != 1 {
		problem := command.Errorf(command.CodeBadSecret, "the secret does not belong to session %s", id)
		return sessionRecord{}, &problem
	}
	return session, nil
}

// sessionReply tells a client until when its session lives, in replicated time.
func (s *state) sessionReply(id command.SessionID, session sessionRecord) command.Reply {
	reply := command.Map(
		text("session"), text(id.String()),
		text("ttl_ms"), command.Integer(session.ttl),
		text("now_ms"), command.Integer(int64(s.now)),
		text("deadline_ms"), command.Integer(int64(session.deadline)),
	)
	if silence, agreed := s.earlyEnds.get(id); agreed {
		reply.Elements = append(reply.Elements, text("early_ms"), command.Integer(silence))
	}
	return reply
}

func text(s string) command.Reply { return command.Bulk([]byte(s)) }

func sessionDeadline(id command.SessionID, session sessionRecord) deadlineKey {
	return deadlineKey{at: session.deadline, class: deadlineSession, id: id}
}

// endSession marks a session dead, which ends everything it holds at once for whoever looks. Giving it back is for the caller and later commands.
func (e *effects) endSession(id command.SessionID, session sessionRecord, reason string) {
	s := e.m.state
	s.deadlines.remove(sessionDeadline(id, session))
	session.dead = true
	s.sessions.put(id, session)
	s.dying.put(id, none{})
	s.earlyEnds.remove(id)
	e.noteEnd(id, session, reason)
	e.event(Event{Type: EventSessionEnded, Session: id, Reason: reason})
}

// noteEnd keeps how a session ended, for the holds that are given back later. Sessions without such holds have nothing to be asked about.
func (e *effects) noteEnd(id command.SessionID, session sessionRecord, reason string) {
	s := e.m.state
	if s.acquires.len() == 0 && s.ends.len() == 0 {
		return
	}
	note, doomed := s.ends.get(id)
	if !doomed {
		note.reason = reason
		if reason == ReasonExpired || reason == ReasonEndedEarly {
			note.reason = ReasonSessionEnded
		}
	}
	if reason == ReasonClosed {
		note.reason = ReasonClosed
	}
	note.doomed, note.at = false, min(session.deadline, s.now)
	s.ends.put(id, note)
}

// giveBack releases at most so many of a dead session's belongings and results, and forgets the session when nothing is left. It answers how much of the
// allowance is left over: a session with 100,000 locks must not stop the machine for one entry (safety case S37).
func (e *effects) giveBack(id command.SessionID, allowance int) int {
	s := e.m.state
	for ; allowance > 0; allowance-- {
		belonging, ok := s.firstBelonging(id)
		if !ok {
			break
		}
		if belonging.waiting {
			k := waiterKey{belonging.name, belonging.id}
			waiter, _ := s.waiters.get(k)
			e.dropWaiter(k, waiter, ReasonSessionEnded)
		} else if a, ok := s.acquires.get(belonging.id); ok {
			end, _, _ := s.sessionEnd(id)
			e.endHold(belonging.id, a, end)
			allowance -= len(a.names) - 1
		} else {
			record, _ := s.names.get(belonging.name)
			e.end(belonging.name, record, ReasonSessionEnded)
		}
	}
	for ; allowance > 0; allowance -= poolAllowance {
		membership, ok := s.firstMembership(id)
		if !ok {
			break
		}
		e.touchPool(membership.pool) // which finds that the session has ended
	}
	for ; allowance > 0; allowance-- {
		loss, ok := s.firstLoss(id)
		if !ok {
			break
		}
		e.acknowledge(id, loss.id)
	}
	for ; allowance > 0; allowance-- {
		result, ok := s.firstResult(id)
		if !ok {
			s.dying.remove(id)
			s.sessions.remove(id)
			s.ends.remove(id)
			break
		}
		s.results.remove(result)
	}
	return allowance
}

func (s *state) firstBelonging(id command.SessionID) (found belongingKey, ok bool) {
	s.belongings.from(belongingKey{session: id, waiting: true}, func(k belongingKey, _ none) bool {
		found, ok = k, k.session == id
		return false
	})
	return found, ok
}

func (s *state) firstResult(id command.SessionID) (found resultKey, ok bool) {
	s.results.from(resultKey{session: id}, func(k resultKey, _ resultRecord) bool {
		found, ok = k, k.session == id
		return false
	})
	return found, ok
}
