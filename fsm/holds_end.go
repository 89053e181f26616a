package fsm

import "github.com/coordd/coordd/fsm/command"

// ending is how and why a hold ends.
type ending struct {
	reason string
	at     command.Instant // not after the state's instant
	wished bool            // by its holder, who has therefore stopped: no lock-delay
	now    bool            // nothing is kept for anybody, not even for a floor
	actor  string
	why    string
	// until is how long the next grant waits for the holder's acknowledgement: the deadline that the holder last had. 0 when there is nothing to wait for.
	until command.Instant
}

// endOf is when a hold or ghost ends by itself, and, when that has come, how.
func (s *state) endOf(a acquireRecord) (end ending, deadline command.Instant, ended bool) {
	if a.stage == stageGhost || a.session.IsZero() {
		end = ending{reason: ReasonExpired, at: a.deadline}
		if a.until != 0 && a.deadline == a.until {
			end.reason = ReasonMaxHold
		}
		return end, a.deadline, a.deadline != 0 && a.deadline <= s.now
	}
	end, deadline, ended = s.sessionEnd(a.session)
	if a.deadline != 0 && a.deadline < deadline && (!ended || a.deadline < end.at) {
		return ending{reason: ReasonMaxHold, at: a.deadline}, a.deadline, a.deadline <= s.now
	}
	return end, deadline, ended
}

// sessionEnd is when a session ends by itself, and, when it has ended, how its holds do.
func (s *state) sessionEnd(id command.SessionID) (end ending, deadline command.Instant, ended bool) {
	session, ok := s.sessions.get(id)
	if !ok {
		return ending{reason: ReasonSessionEnded, at: s.now}, s.now, true
	}
	if !session.ended(s.now) {
		return ending{}, session.deadline, false
	}
	end = ending{reason: ReasonSessionEnded, at: min(session.deadline, s.now)}
	if note, noted := s.ends.get(id); noted {
		end = ending{reason: note.reason, at: note.at, wished: note.reason == ReasonClosed, now: note.now, actor: note.actor, why: note.why}
	}
	return end, end.at, true
}

// keptUntil is until when the names of a hold stay reserved after its end, for lock-delay and floor.
func (a acquireRecord) keptUntil(end ending) (until command.Instant, delayed bool) {
	if end.now {
		return 0, false
	}
	if a.atLeast > 0 {
		until = a.since.Add(a.atLeast)
	}
	if a.delay > 0 && !end.wished {
		if delay := end.at.Add(a.delay); delay > until {
			return delay, true
		}
	}
	return until, false
}

// endHold ends a hold on all its names. What it leaves behind is a ghost, when the names are to stay reserved, and a loss, when a live session did not ask for it.
func (e *effects) endHold(id command.WaiterID, a acquireRecord, end ending) {
	s := e.m.state
	keys := a.keys()
	e.disown(id, a)
	e.keepHistory(keys, id, a, end)
	e.tell(keys, Event{Type: EventEnded, Token: a.token, Holder: a.holder(id), Reason: end.reason, Waiter: id, Session: a.session, Actor: end.actor, Why: end.why}.of(a))
	reserved, delayed := a.keptUntil(end)
	if e.lose(id, a, end) && end.until > s.now && !end.now {
		a.unheeded, a.unheeding = true, end.until
	}
	kept := max(reserved, a.unheeding)
	if a.session.IsZero() && end.until > s.now && !end.now {
		kept = max(kept, end.until) // nobody can acknowledge for a holder without a session
	}
	for _, key := range keys {
		lock := s.lock(key)
		lock.live--
		s.putLock(key, lock)
	}
	if kept <= s.now {
		e.vacate(id, a)
		return
	}
	a.stage, a.reserved, a.delayed = stageGhost, reserved, delayed
	if a.session.IsZero() {
		a.reserved = max(a.reserved, end.until)
	}
	e.putDeadline(id, a, kept)
	for _, key := range keys {
		e.restate(key)
		e.freed = append(e.freed, key) // readers may join where a reader's place is kept
	}
	e.tell(keys, Event{Type: EventReserved, Waiter: id, Reason: a.cause(), Deadline: kept}.of(a))
}

// cause is why a ghost keeps its place.
func (a acquireRecord) cause() string {
	switch {
	case a.unheeded && a.unheeding >= a.reserved:
		return "unacknowledged"
	case a.delayed:
		return "delay"
	case a.atLeast > 0:
		return "floor"
	}
	return "unacknowledged"
}
