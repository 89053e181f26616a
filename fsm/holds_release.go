package fsm

import (
	"bytes"

	"github.com/coordd/coordd/fsm/command"
)

// find is the hold of a name that a reference means. A token alone is enough where it belongs to one hold; otherwise the owner tells which.
func (s *state) find(key nameKey, hold command.HoldRef, session command.SessionID, owner string) (id command.WaiterID, a acquireRecord, problem *command.Reply) {
	matches := 0
	consider := func(holder command.WaiterID, record acquireRecord) bool {
		byID := !hold.Waiter.IsZero()
		switch {
		case record.stage != stageHeld || byID && holder != hold.Waiter || !byID && record.token != hold.Token:
		case record.session != session || owner != "" && record.owner != owner:
		default:
			id, a = holder, record
			matches++
		}
		return matches < 2
	}
	if hold.Waiter.IsZero() {
		s.eachHolder(key, consider)
	} else if s.holders.has(waiterKey{key, hold.Waiter}) {
		record, _ := s.acquires.get(hold.Waiter)
		consider(hold.Waiter, record)
	}
	switch matches {
	case 0:
		gone := s.noSuchHold(key, hold)
		problem = &gone
	case 2:
		several := command.Errorf(command.CodeGeneric, "several holds of %s have token %d; name the acquire (its waiter id) or the owner", quote(key.key), hold.Token)
		problem = &several
	}
	return id, a, problem
}

// noSuchHold says that a hold is not there, and what became of it as far as the history knows.
func (s *state) noSuchHold(key nameKey, hold command.HoldRef) command.Reply {
	named := "the acquire " + hold.Waiter.String()
	if hold.Waiter.IsZero() {
		named = "token " + textOf(hold.Token)
	}
	record, _ := s.names.get(key)
	d := new(command.Details).Text("name", key.key).Token("token", record.token)
	how := "that hold has ended"
	if past, known := s.pastHold(key, hold); known {
		d.Text("reason", past.reason)
		how += ": " + past.reason
		if past.why != "" {
			how += " by " + past.actor + ", " + past.why
		}
	}
	return command.Errorf(command.CodeNotHeld, "%s is not held with %s: %s", quote(key.key), named, how).With(d)
}

// ofHolder finds a hold that an op of its holder speaks of, and makes sure that the asker is the holder. A session that has been killed may still end its holds.
func (e *effects) ofHolder(name string, hold command.HoldRef, by command.Credentials, owner string) (key nameKey, id command.WaiterID, a acquireRecord, problem *command.Reply) {
	if problem := checkName(name); problem != nil {
		return key, id, a, problem
	}
	s := e.m.state
	key, _ = e.meet(name)
	if id, a, problem = s.find(key, hold, by.Session, owner); problem != nil {
		return key, id, a, problem
	}
	if !a.session.IsZero() {
		_, problem = s.authenticate(by.Session, by.Secret)
	}
	return key, id, a, problem
}

// renewHold extends a hold without a session, not beyond its maximum.
func (e *effects) renewHold(op command.HoldRenew) command.Reply {
	s := e.m.state
	key, _ := e.meet(op.Name)
	if id, a, found := s.holdOf(key, op.Hold); found && !a.session.IsZero() {
		return command.Errorf(command.CodeGeneric, "%s is held by %s, whose keepalive renews it", quote(op.Name), a.holder(id))
	}
	_, id, a, problem := e.ofHolder(op.Name, op.Hold, command.Credentials{}, "")
	switch {
	case problem != nil:
		return *problem
	case op.TTLMilliseconds != 0 && (op.TTLMilliseconds < command.MinLockTTL || op.TTLMilliseconds > command.MaxLockTTL):
		return command.Errorf(command.CodeGeneric, "a lock's TTL lies between %d and %d ms; %d was asked for", command.MinLockTTL, command.MaxLockTTL, op.TTLMilliseconds)
	}
	if op.TTLMilliseconds != 0 {
		a.ttl = op.TTLMilliseconds
	}
	// A shorter TTL must not take away time that the holder was promised before.
	a = e.putDeadline(id, a, max(a.deadline, ownDeadline(s.now.Add(a.ttl), a.until)))
	return s.grantOf(id, a)
}

// holdOf is the first hold of a name that a reference fits, whoever has it.
func (s *state) holdOf(key nameKey, hold command.HoldRef) (id command.WaiterID, a acquireRecord, found bool) {
	s.eachHolder(key, func(holder command.WaiterID, record acquireRecord) bool {
		found = record.stage == stageHeld && (holder == hold.Waiter || hold.Waiter.IsZero() && record.token == hold.Token)
		id, a = holder, record
		return !found
	})
	return id, a, found
}

// releaseHold ends a hold at its holder's wish. What names the hold is its token or its acquire, so a release that comes late or twice ends nothing that belongs
// to another.
func (e *effects) releaseHold(op command.HoldRelease) command.Reply {
	_, id, a, problem := e.ofHolder(op.Name, op.Hold, op.By, op.Owner)
	if problem != nil {
		return *problem
	}
	return e.letGo(id, a, op.All, ReasonReleased)
}

// letGo gives back a hold, or one of the times that a reentrant owner has it.
func (e *effects) letGo(id command.WaiterID, a acquireRecord, all bool, reason string) command.Reply {
	s := e.m.state
	if a.count > 1 && !all {
		a.count--
		s.acquires.put(id, a)
		return command.Integer(int64(a.count))
	}
	e.endHold(id, a, ending{reason: reason, at: s.now, wished: true})
	return command.OK()
}

// cancelHold withdraws an acquire, or ends its hold if the grant came first, so that no grant stays for somebody who has gone (safety case S23).
func (e *effects) cancelHold(op command.HoldCancel) command.Reply {
	if problem := checkName(op.Name); problem != nil {
		return *problem
	}
	s := e.m.state
	if !op.By.Session.IsZero() {
		if _, problem := s.authenticate(op.By.Session, op.By.Secret); problem != nil {
			if problem.Code == command.CodeNoSession {
				return command.OK() // it ended, and everything with it
			}
			return *problem
		}
	}
	key := keyOf(command.Name{Key: op.Name})
	id, known := s.cancelled(key, op)
	if op.Number != 0 {
		e.forswear(op)
	}
	a, ok := s.acquires.get(id)
	switch {
	case !known:
	case ok && (a.session != op.By.Session || !a.has(op.Name)):
	// The place goes first, so that a name whose time is over is not handed to the one who leaves.
	case ok && a.stage == stageWaiting:
		e.dropClaim(id, a, ReasonCancelled)
	case !ok && op.By.Session.IsZero():
		return e.cancel(command.LockCancel{Name: op.Name, Waiter: id}) // a waiter of the first kinds
	default:
		e.meet(op.Name)
		if a, ok = s.acquires.get(id); ok && a.stage == stageHeld && a.session == op.By.Session {
			e.letGo(id, a, op.Number == 0, ReasonCancelled)
		}
	}
	return command.OK()
}

// cancelled is the acquire that a cancel means.
func (s *state) cancelled(key nameKey, op command.HoldCancel) (id command.WaiterID, known bool) {
	switch {
	case op.Number != 0:
		result, found := s.results.get(resultKey{op.By.Session, op.Number})
		return result.waiter, found && result.lock == op.Name
	case op.Owner != "":
		id, _, known = s.acquireOf(key, op.By.Session, op.Owner)
		return id, known
	}
	return op.Waiter, !op.Waiter.IsZero()
}

// describe changes what others see of a holder.
func (e *effects) describe(op command.HoldDescribe) command.Reply {
	if len(op.Metadata) > command.MaxHoldMetadataBytes {
		return command.Errorf(command.CodeLimit, "a holder's metadata have at most %d bytes; these are %d", command.MaxHoldMetadataBytes, len(op.Metadata))
	}
	key, id, a, problem := e.ofHolder(op.Name, op.Hold, op.By, op.Owner)
	if problem != nil {
		return *problem
	}
	a.metadata = bytes.Clone(op.Metadata)
	e.m.state.acquires.put(id, a)
	e.tell([]nameKey{key}, Event{Type: EventDescribed, Token: a.token, Waiter: id, Session: a.session}.of(a))
	return command.OK()
}
