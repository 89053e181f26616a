package fsm

import (
	"math"

	"github.com/coordd/coordd/fsm/command"
)

// positionReply is where whoever follows the events goes on after this read: behind everything that the state holds.
func (v *view) positionReply() command.Reply {
	return text(command.Position{Index: v.s.index, Offset: math.MaxUint32}.String())
}

// lockList answers one page of the names that are held natively, reserved or waited for.
func (v *view) lockList(op command.LockList) command.Reply {
	v.settleClock()
	most := min(max(1, op.Count), command.MaxListCount)
	from := nameKey{}
	if op.Cursor != "" {
		from = keyOf(command.Name{Key: op.Cursor})
	}
	cursor, looked := "", 0
	var rows []command.Reply
	v.s.names.from(from, func(key nameKey, stored nameRecord) bool {
		if key.database != 0 {
			return false
		}
		if op.Cursor != "" && key == from {
			return true
		}
		if int64(len(rows)) >= most || looked >= 10*command.MaxListCount {
			return false
		}
		looked++
		cursor = key.key
		record := v.judge(key, stored)
		wanted := record.locked() || record.holding == holdingString && (op.Redis || record.queued > 0)
		if wanted && (op.Match == "" || globMatch(op.Match, key.key)) {
			rows = append(rows, v.shortName(key, record))
		}
		return true
	})
	if int64(len(rows)) < most && looked < 10*command.MaxListCount {
		cursor = ""
	}
	return command.Map(text("cursor"), text(cursor), text("position"), v.positionReply(), text("now_ms"), command.Integer(int64(v.clock)), text("locks"), command.Array(rows...))
}

// shortName is a name's row in a list.
func (v *view) shortName(key nameKey, record nameRecord) command.Reply {
	holder, client := "", ""
	if record.holding != holdingNone {
		holder = record.holder()
	}
	if session, ok := v.s.sessions.get(record.session); ok {
		client = session.clientName
	}
	holders := int64(v.s.lock(key).live)
	if record.holding == holdingString || record.holding == holdingNative {
		holders = 1
	}
	return command.Map(append(v.nameFields(key, record),
		text("holder"), text(holder),
		text("session"), text(idText(record.session)),
		text("owner"), text(record.owner),
		text("client"), text(client),
		text("waiter"), text(idText(record.waiter)),
		text("holders_total"), command.Integer(holders),
	)...)
}

// sessionList answers one page of the sessions.
func (v *view) sessionList(op command.SessionList) command.Reply {
	v.settleClock()
	most := min(max(1, op.Count), command.MaxListCount)
	var cursor command.SessionID
	var rows []command.Reply
	looked := 0
	v.s.sessions.from(op.Cursor, func(id command.SessionID, session sessionRecord) bool {
		if id == op.Cursor {
			return true
		}
		if int64(len(rows)) >= most || looked >= 10*command.MaxListCount {
			return false
		}
		looked++
		cursor = id
		if !session.ended(v.s.now) && (op.Nodes || !session.node) && (op.Match == "" || globMatch(op.Match, session.clientName)) {
			rows = append(rows, command.Map(v.sessionFields(id, session)...))
		}
		return true
	})
	if int64(len(rows)) < most && looked < 10*command.MaxListCount {
		cursor = command.SessionID{}
	}
	return command.Map(text("cursor"), text(idText(cursor)), text("position"), v.positionReply(), text("now_ms"), command.Integer(int64(v.clock)), text("sessions"), command.Array(rows...))
}

func (v *view) sessionFields(id command.SessionID, session sessionRecord) []command.Reply {
	_, losses := v.s.lossesOf(id, 0)
	note, _ := v.s.ends.get(id)
	fields := []command.Reply{
		text("session"), text(id.String()),
		text("client"), text(session.clientName),
		text("ttl_ms"), command.Integer(session.ttl),
		text("now_ms"), command.Integer(int64(v.clock)),
		text("deadline_ms"), command.Integer(int64(session.deadline)),
		text("remaining_ms"), command.Integer(max(1, int64(session.deadline-v.clock))),
		text("holds_total"), command.Integer(int64(session.holds)),
		text("waits_total"), command.Integer(int64(session.waiters)),
		text("losses_total"), command.Integer(int64(losses)),
		text("node"), command.Bool(session.node),
		text("killed"), text(note.why),
		text("meta"), command.Bulk(session.metadata),
	}
	if silence, agreed := v.s.earlyEnds.get(id); agreed {
		fields = append(fields, text("early_ms"), command.Integer(silence))
	}
	return fields
}

// sessionInfo tells about one session, what it holds and what it waits for.
func (v *view) sessionInfo(op command.SessionInfo) command.Reply {
	v.settleClock()
	session, ok := v.s.sessions.get(op.Session)
	if !ok || session.ended(v.s.now) {
		return command.Errorf(command.CodeNoSession, "session %s is unknown or has ended", op.Session)
	}
	var holds, waits []command.Reply
	v.s.belongings.from(belongingKey{session: op.Session, waiting: true}, func(b belongingKey, _ none) bool {
		switch {
		case b.session != op.Session:
			return false
		case b.waiting && len(waits) < command.MaxListCount:
			waits = append(waits, v.sessionWait(b))
		case !b.waiting && len(holds) < command.MaxListCount:
			holds = append(holds, v.sessionHold(b))
		}
		return len(holds) < command.MaxListCount
	})
	return command.Map(append(v.sessionFields(op.Session, session), text("holds"), command.Array(holds...), text("waits"), command.Array(waits...))...)
}

func (v *view) sessionWait(b belongingKey) command.Reply {
	waiter, _ := v.s.waiters.get(waiterKey{b.name, b.id})
	a := v.s.claimOf(b.name, b.id, waiter)
	return command.Map(
		text("name"), text(b.name.key),
		text("mode"), text(a.modeName()),
		text("waiter"), text(b.id.String()),
		text("owner"), text(a.owner),
		text("queued"), command.Integer(v.s.place(b.name, b.id)),
		text("deadline_ms"), command.Integer(int64(waiter.deadline)),
	)
}

func (v *view) sessionHold(b belongingKey) command.Reply {
	a, ok := v.s.acquires.get(b.id)
	if !ok { // a lock of the first kinds
		record, _ := v.s.names.get(b.name)
		a = acquireRecord{stage: stageHeld, names: []string{b.name.key}, session: record.session, owner: record.owner, token: record.token, count: 1, since: v.s.now}
		b.id = record.waiter
	}
	_, deadline, _ := v.s.endOf(a)
	return command.Map(
		text("name"), text(b.name.key),
		text("mode"), text(a.modeName()),
		text("token"), command.Integer(int64(a.token)),
		text("waiter"), text(b.id.String()),
		text("owner"), text(a.owner),
		text("count"), command.Integer(int64(a.count)),
		text("permits"), command.Integer(max(1, int64(a.permits))),
		text("since_ms"), command.Integer(int64(a.since)),
		text("deadline_ms"), command.Integer(int64(deadline)),
		text("meta"), command.Bulk(a.metadata),
	)
}
