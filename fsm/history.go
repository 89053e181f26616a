package fsm

import (
	"strconv"

	"github.com/coordd/coordd/fsm/command"
)

func textOf(token command.Token) string { return strconv.FormatUint(uint64(token), 10) }

// keepHistory remembers a hold that ends, for each of its names: the last few of a name, and of all names together so many. The oldest go first.
func (e *effects) keepHistory(keys []nameKey, id command.WaiterID, a acquireRecord, end ending) {
	s := e.m.state
	session, _ := s.sessions.get(a.session)
	past := pastRecord{
		id: id, token: a.token, mode: a.modeName(), permits: a.permits, session: a.session, owner: a.owner, client: session.clientName, metadata: a.metadata,
		asked: a.asked, since: a.since, ended: end.at, reason: end.reason, actor: end.actor, why: end.why,
	}
	for _, key := range keys {
		if oldest, count := s.historyOf(key); count >= command.MaxHistoryPerLock {
			s.forgetPast(oldest)
		}
		if s.history.len() >= command.MaxHistory {
			age, name, _ := s.historyAges.first()
			s.forgetPast(historyKey{name, age})
		}
		age := s.nextRevision()
		s.history.put(historyKey{key, age}, past)
		s.historyAges.put(age, key)
	}
}

// historyOf is the oldest past holder of a name, and how many there are.
func (s *state) historyOf(key nameKey) (oldest historyKey, count int) {
	s.history.from(historyKey{name: key}, func(k historyKey, _ pastRecord) bool {
		if k.name != key {
			return false
		}
		if count == 0 {
			oldest = k
		}
		count++
		return true
	})
	return oldest, count
}

func (s *state) forgetPast(k historyKey) {
	s.history.remove(k)
	s.historyAges.remove(k.age)
}

// pastHold finds a past hold of a name, the newest that a reference fits.
func (s *state) pastHold(key nameKey, hold command.HoldRef) (past pastRecord, found bool) {
	s.history.from(historyKey{name: key}, func(k historyKey, r pastRecord) bool {
		if k.name != key {
			return false
		}
		if r.id == hold.Waiter || hold.Waiter.IsZero() && r.token == hold.Token {
			past, found = r, true
		}
		return true
	})
	return past, found
}

// lockHistory answers the last holders of a name, newest first.
func (v *view) lockHistory(op command.LockHistory) command.Reply {
	if problem := checkName(op.Name); problem != nil {
		return *problem
	}
	key := keyOf(command.Name{Key: op.Name})
	var list []pastRecord
	v.s.history.from(historyKey{name: key}, func(k historyKey, past pastRecord) bool {
		if k.name != key {
			return false
		}
		list = append(list, past)
		return true
	})
	var rows []command.Reply
	for i := len(list) - 1; i >= 0 && int64(len(rows)) < max(1, op.Count); i-- {
		rows = append(rows, list[i].reply())
	}
	return command.Array(rows...)
}

func (r pastRecord) reply() command.Reply {
	return command.Map(
		text("token"), command.Integer(int64(r.token)),
		text("waiter"), text(r.id.String()),
		text("mode"), text(r.mode),
		text("permits"), command.Integer(max(1, int64(r.permits))),
		text("session"), text(idText(r.session)),
		text("owner"), text(r.owner),
		text("client"), text(r.client),
		text("meta"), command.Bulk(r.metadata),
		text("waited_ms"), command.Integer(int64(r.since-r.asked)),
		text("held_ms"), command.Integer(int64(r.ended-r.since)),
		text("since_ms"), command.Integer(int64(r.since)),
		text("ended_ms"), command.Integer(int64(r.ended)),
		text("reason"), text(r.reason),
		text("actor"), text(r.actor),
		text("why"), text(r.why),
	)
}
