package fsm

import "github.com/coordd/coordd/fsm/command"

// runNumbered runs an op of a session under a number of that session: from memory when it ran before, not at all when it came too late (safety case S17). What it
// changes in the session is taken back with the op, should that have to be proposed again.
func (e *effects) runNumbered(op command.Numbered) command.Reply {
	s := e.m.state
	session, problem := s.authenticate(op.By.Session, op.By.Secret)
	switch {
	case problem != nil:
		return *problem
	case op.Number == 0:
		return command.Errorf(command.CodeGeneric, "request numbers begin with 1")
	}
	if op.LowWater > session.lowWater {
		session = s.forget(op.By.Session, session, op.LowWater)
		s.sessions.put(op.By.Session, session)
	}
	if op.Number <= session.lowWater {
		return command.Errorf(command.CodeStaleRequest, "request %d of session %s was acknowledged by its client before (low-water mark %d); it was not run again", op.Number, op.By.Session, session.lowWater)
	}
	if record, found := s.results.get(resultKey{op.By.Session, op.Number}); found {
		e.acquires, e.acquired, e.briefly = record.waiter, record.lock, record.lock != ""
		return s.recall(record)
	}
	if problem := session.windowFull(op.By.Session); problem != nil {
		return *problem
	}
	reply := e.m.execute(e, op.Op)
	e.settle()
	s.keepResult(resultKey{op.By.Session, op.Number}, e.resultOf(reply))
	return reply
}

// windowFull refuses a request when the session's client has not acknowledged as many as may be kept.
func (r sessionRecord) windowFull(id command.SessionID) *command.Reply {
	if r.remembered < command.MaxRememberedResults && r.bytes < command.MaxRememberedBytes {
		return nil
	}
	problem := command.Errorf(command.CodeLimit, "session %s has %d results (%d bytes) that its client has not acknowledged; the request was not run: move the low-water mark", id, r.remembered, r.bytes)
	return &problem
}

// forswear makes sure that a request that was cancelled has no effect any more, also when it has not come yet.
func (e *effects) forswear(op command.HoldCancel) {
	s := e.m.state
	session, _ := s.sessions.get(op.By.Session)
	if op.Number <= session.lowWater {
		return // it will not run anyway
	}
	key := resultKey{op.By.Session, op.Number}
	if old, found := s.results.get(key); found && old.lock == "" {
		return // it was answered for good
	}
	cancelled := command.Errorf(command.CodeCancelled, "request %d for %s was withdrawn", op.Number, quote(op.Name))
	s.keepResult(key, resultRecord{reply: command.AppendReply(nil, clipErrors(cancelled)), cost: replyCost(cancelled)})
}
