package fsm

import "github.com/coordd/coordd/fsm/command"

// A session may agree to an early end: a leader that has a reason - gossip says that its process is gone - may end it before its TTL has passed. The reason itself never gets here, since no
// two nodes hear the same gossip. What the machine judges is the silence: how long ago the session was renewed, which is its deadline without its TTL, and whether that renewal is still the
// one that the leader saw. So whatever gossip says, a session that is renewed often enough does not end, and one that did not agree ends by its deadline alone.

// openSessionEarly makes a session that agrees to an early end.
func (e *effects) openSessionEarly(op command.SessionOpenEarly) command.Reply {
	if op.EarlyMilliseconds < command.MinEarlyEnd || op.EarlyMilliseconds > op.TTLMilliseconds {
		return command.Errorf(command.CodeGeneric, "a session may agree to end after %d ms without a renewal at least, and its TTL of %d ms at most; %d was asked for", command.MinEarlyEnd, op.TTLMilliseconds, op.EarlyMilliseconds)
	}
	reply := e.openSession(command.SessionOpen{SecretHash: op.SecretHash, TTLMilliseconds: op.TTLMilliseconds, ClientName: op.ClientName, Metadata: op.Metadata})
	if reply.IsError() {
		return reply
	}
	s := e.m.state
	s.earlyEnds.put(e.position, op.EarlyMilliseconds)
	session, _ := s.sessions.get(e.position)
	return s.sessionReply(e.position, session)
}

// endEarly ends a session that agreed to it, if nothing has changed since the leader looked.
func (e *effects) endEarly(op command.SessionEndEarly) command.Reply {
	s := e.m.state
	session, ok := s.sessions.get(op.Session)
	silence, agreed := s.earlyEnds.get(op.Session)
	switch {
	case !ok || session.ended(s.now):
		return s.endedEarly(op.Session, false, "it is unknown or has ended")
	case !agreed:
		return s.endedEarly(op.Session, false, "it did not agree to an early end")
	case session.renewed() != op.Renewed:
		return s.endedEarly(op.Session, false, "it has been renewed since")
	case s.now < op.Renewed.Add(silence):
		return s.endedEarly(op.Session, false, "it has not been silent for as long as it agreed to")
	}
	e.endSession(op.Session, session, ReasonEndedEarly)
	e.giveBack(op.Session, command.ExpireSlice)
	return s.endedEarly(op.Session, true, "")
}

func (s *state) endedEarly(id command.SessionID, ended bool, why string) command.Reply {
	reply := command.Map(text("session"), text(id.String()), text("ended"), command.Integer(0), text("why"), text(why), text("now_ms"), command.Integer(int64(s.now)))
	if ended {
		reply.Elements[3] = command.Integer(1)
	}
	return reply
}

// renewed is when the session was opened or renewed last. Nothing else moves its deadline.
func (r sessionRecord) renewed() command.Instant { return r.deadline.Add(-r.ttl) }

// EarlyEnd tells of a live session that agreed to an early end when it was renewed last, and from when on it may end; ok is false for any other session. Like everything that is read of a
// machine, it is as old as what was applied.
func (m *Machine) EarlyEnd(id command.SessionID) (renewed, due command.Instant, ok bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	silence, agreed := m.state.earlyEnds.get(id)
	session, there := m.state.sessions.get(id)
	if !agreed || !there || session.ended(m.state.now) {
		return 0, 0, false
	}
	return session.renewed(), session.renewed().Add(silence), true
}
