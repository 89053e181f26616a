package fsm

import (
	"github.com/coordd/coordd/fsm/command"
)

// readHolds answers the ops about native holds that change nothing.
func (v *view) readHolds(op command.Op) (reply command.Reply, known bool) {
	switch op := op.(type) {
	case command.HoldCheck:
		return v.check(op), true
	case command.LockInfo:
		return v.lockInfo(op), true
	case command.LockList:
		return v.lockList(op), true
	case command.LockHistory:
		return v.lockHistory(op), true
	case command.ElectionLeader:
		return v.leader(op), true
	case command.HoldOutcome:
		return v.outcome(op), true
	case command.SessionList:
		return v.sessionList(op), true
	case command.SessionInfo:
		return v.sessionInfo(op), true
	}
	return command.Reply{}, false
}

// judgeHolds is the row of a name that native holds stand on, with what time has ended taken away: its oldest hold that is left; or, while a place is kept, that
// nobody holds it until then. When nobody stands there any more it is not occupied.
func (v *view) judgeHolds(key nameKey, record nameRecord) (found nameRecord, occupied bool) {
	var last, kept command.Instant
	live := false
	v.s.eachHolder(key, func(id command.WaiterID, a acquireRecord) bool {
		end, deadline, ended := v.s.endOf(a)
		switch {
		case ended && a.stage == stageHeld:
			until, _ := a.keptUntil(end)
			kept = max(kept, until)
		case ended:
		case a.stage == stageGhost:
			v.passed(deadline)
			kept = max(kept, deadline)
		default:
			v.passed(deadline)
			last = max(last, deadline)
			if !live {
				live = true
				record.session, record.owner, record.waiter = a.session, a.owner, id
			}
		}
		return true
	})
	if live {
		record.deadline = last
		return record, true
	}
	v.passed(kept)
	return nameRecord{queued: record.queued, deadline: kept}, kept > v.s.now
}

// outcome tells what became of an acquire.
func (v *view) outcome(op command.HoldOutcome) command.Reply {
	if problem := checkName(op.Name); problem != nil {
		return *problem
	}
	v.look(command.Name{Key: op.Name}) // so that the read waits for deadlines of the name that its clock has passed
	return v.s.acquired(op.Name, op.Waiter)
}

// check answers for each pair whether the hold is there.
func (v *view) check(op command.HoldCheck) command.Reply {
	if problem := tooMany("checks in one command", len(op.Checks), command.MaxChecks); problem != nil {
		return *problem
	}
	rows := make([]command.Reply, len(op.Checks))
	for i, one := range op.Checks {
		rows[i] = v.checkOne(one)
	}
	return command.Array(rows...)
}

// checkOne answers the sequencer check: is this hold the present one? Of an exclusive or shared hold the token says it. Permits are concurrent, so that of several
// tokens all may be good: they are checked by their acquire (safety case S19).
func (v *view) checkOne(one command.Check) command.Reply {
	key := keyOf(command.Name{Key: one.Name})
	record := v.look(key.name())
	mode, asked := "", textOf(one.Hold.Token)
	if !one.Hold.Waiter.IsZero() {
		asked = one.Hold.Waiter.String()
	}
	valid, deadline := false, command.Instant(0)
	lock := v.s.lock(key)
	switch record.holding {
	case holdingString:
		mode, valid = "redis", one.Hold.Waiter.IsZero() && record.token == one.Hold.Token
		deadline = record.deadline
	case holdingNative:
		mode, valid = command.Exclusive.String(), record.waiter == one.Hold.Waiter || one.Hold.Waiter.IsZero() && record.token == one.Hold.Token
		deadline, _ = v.s.lifeOf(record)
	case holdingHolds:
		mode, deadline = v.modeOf(record, lock), record.deadline
		if one.Hold.Waiter.IsZero() {
			valid = mode != command.Semaphore.String() && record.token == one.Hold.Token
		} else if a, ok := v.s.acquires.get(one.Hold.Waiter); ok && a.has(one.Name) && a.stage == stageHeld {
			var ended bool
			_, deadline, ended = v.s.endOf(a)
			valid = !ended
		}
	}
	remaining := int64(0)
	if valid && deadline != 0 {
		remaining = max(1, int64(deadline-v.clock))
	}
	return command.Map(
		text("name"), text(one.Name),
		text("hold"), text(asked),
		text("valid"), command.Bool(valid),
		text("state"), text(v.stateOfHold(one, record, mode, valid)),
		text("mode"), text(mode),
		text("token"), command.Integer(int64(record.token)),
		text("remaining_ms"), command.Integer(remaining),
	)
}

// stateOfHold says in a word what became of a hold that was asked for.
func (v *view) stateOfHold(one command.Check, record nameRecord, mode string, valid bool) string {
	byToken := one.Hold.Waiter.IsZero()
	switch {
	case valid:
		return "current"
	case byToken && mode == command.Semaphore.String():
		return "needs_waiter"
	case byToken && uint64(one.Hold.Token) > v.s.tokenBase+v.s.index, byToken && record.token != 0 && one.Hold.Token > record.token:
		return "unknown"
	case record.token != 0:
		return "stale"
	}
	return "ended"
}

// lockInfo tells all about one name.
func (v *view) lockInfo(op command.LockInfo) command.Reply {
	if problem := checkName(op.Name); problem != nil {
		return *problem
	}
	key := keyOf(command.Name{Key: op.Name})
	var holders, waiters []command.Reply
	total := 0
	record := v.look(key.name())
	if record.holding == holdingNative {
		total = 1
		holders = append(holders, v.holderReply(record.waiter, acquireRecord{stage: stageHeld, names: []string{op.Name}, session: record.session, owner: record.owner, token: record.token, count: 1, since: v.s.now, asked: v.s.now, deadline: record.deadline}))
	}
	v.s.eachHolder(key, func(id command.WaiterID, a acquireRecord) bool {
		if _, _, ended := v.s.endOf(a); ended {
			return true
		}
		total++
		if len(holders) < command.MaxListed {
			holders = append(holders, v.holderReply(id, a))
		}
		return true
	})
	place := int64(0)
	v.s.waiters.from(waiterKey{name: key}, func(k waiterKey, w waiterRecord) bool {
		place++
		if k.name != key || place > command.MaxListed {
			return false
		}
		waiters = append(waiters, v.waiterReply(k, w, place))
		return true
	})
	return command.Map(append(v.nameFields(key, record),
		text("holders_total"), command.Integer(int64(total)),
		text("holders"), command.Array(holders...),
		text("waiters"), command.Array(waiters...),
	)...)
}

// nameFields are what every answer about a name begins with.
func (v *view) nameFields(key nameKey, record nameRecord) []command.Reply {
	lock := v.s.lock(key)
	state, mode, reserved := "free", lock.modeName(), ""
	var deadline, until command.Instant
	switch record.holding {
	case holdingString:
		state, mode, deadline = "held", "redis", record.deadline
	case holdingNative:
		state, mode = "held", command.Exclusive.String()
		deadline, _ = v.s.lifeOf(record)
	case holdingHolds:
		state, mode, deadline = "held", v.modeOf(record, lock), record.deadline
	default:
		if !record.absent() {
			state, reserved, until = "reserved", v.s.reservedBecause(key), record.deadline
		}
	}
	remaining := int64(0)
	if deadline != 0 {
		remaining = max(1, int64(deadline-v.clock))
	}
	return []command.Reply{
		text("name"), text(key.key),
		text("state"), text(state),
		text("mode"), text(mode),
		text("token"), command.Integer(int64(record.token)),
		text("limit"), command.Integer(int64(lock.limit)),
		text("used"), command.Integer(int64(lock.used)),
		text("queued"), command.Integer(int64(record.queued)),
		text("now_ms"), command.Integer(int64(v.clock)),
		text("deadline_ms"), command.Integer(int64(deadline)),
		text("remaining_ms"), command.Integer(remaining),
		text("reserved"), text(reserved),
		text("until_ms"), command.Integer(int64(until)),
	}
}

// modeOf is how a name is held; that of a set shows at each of its names.
func (v *view) modeOf(record nameRecord, lock lockRecord) string {
	if a, ok := v.s.acquires.get(record.waiter); ok && len(a.names) > 1 {
		return a.modeName()
	}
	return lock.modeName()
}

func (v *view) holderReply(id command.WaiterID, a acquireRecord) command.Reply {
	_, deadline, _ := v.s.endOf(a)
	lost, remaining := "", int64(0)
	if a.stage == stageGhost {
		lost = a.cause()
	}
	if deadline != 0 {
		remaining = max(1, int64(deadline-v.clock))
	}
	session, _ := v.s.sessions.get(a.session)
	return command.Map(
		text("session"), text(idText(a.session)),
		text("owner"), text(a.owner),
		text("client"), text(session.clientName),
		text("waiter"), text(id.String()),
		text("token"), command.Integer(int64(a.token)),
		text("mode"), text(a.modeName()),
		text("permits"), command.Integer(max(1, int64(a.permits))),
		text("count"), command.Integer(int64(a.count)),
		text("since_ms"), command.Integer(int64(a.since)),
		text("held_ms"), command.Integer(int64(v.clock-a.since)),
		text("waited_ms"), command.Integer(int64(a.since-a.asked)),
		text("deadline_ms"), command.Integer(int64(deadline)),
		text("remaining_ms"), command.Integer(remaining),
		text("until_ms"), command.Integer(int64(a.until)),
		text("meta"), command.Bulk(a.metadata),
		text("kept"), text(lost),
	)
}

func (v *view) waiterReply(k waiterKey, w waiterRecord, place int64) command.Reply {
	a := v.s.claimOf(k.name, k.id, w)
	session, _ := v.s.sessions.get(a.session)
	return command.Map(
		text("session"), text(idText(a.session)),
		text("owner"), text(a.owner),
		text("client"), text(session.clientName),
		text("waiter"), text(k.id.String()),
		text("mode"), text(a.modeName()),
		text("permits"), command.Integer(max(1, int64(a.permits))),
		text("queued"), command.Integer(place),
		text("since_ms"), command.Integer(int64(a.asked)),
		text("deadline_ms"), command.Integer(int64(w.deadline)),
		text("meta"), command.Bulk(a.metadata),
	)
}
