package fsm

import (
	"fmt"

	"github.com/coordd/coordd/fsm/command"
)

// grantOf tells a holder all that it must know, in replicated time.
func (s *state) grantOf(id command.WaiterID, a acquireRecord) command.Reply {
	_, deadline, _ := s.endOf(a)
	return command.Map(
		text("token"), command.Integer(int64(a.token)),
		text("remaining_ms"), command.Integer(max(1, int64(deadline-s.now))),
		text("now_ms"), command.Integer(int64(s.now)),
		text("deadline_ms"), command.Integer(int64(deadline)),
		text("waiter"), text(id.String()),
		text("mode"), text(a.modeName()),
		text("name"), text(a.names[0]),
		text("names"), texts(a.names),
		text("count"), command.Integer(int64(a.count)),
		text("until_ms"), command.Integer(int64(a.until)),
		text("waited_ms"), command.Integer(int64(a.since-a.asked)),
		text("permits"), command.Integer(max(1, int64(a.permits))),
		text("limit"), command.Integer(int64(a.limit)),
	)
}

func texts(list []string) command.Reply {
	elements := make([]command.Reply, len(list))
	for i, one := range list {
		elements[i] = text(one)
	}
	return command.Array(elements...)
}

// placeReply tells a waiter its place.
func (s *state) placeReply(id command.WaiterID, a acquireRecord) command.Reply {
	return command.Map(
		text("queued"), command.Integer(s.placeOf(id, a)),
		text("waiter"), text(id.String()),
		text("name"), text(a.names[0]),
		text("now_ms"), command.Integer(int64(s.now)),
		text("deadline_ms"), command.Integer(int64(s.waitEnds(id, a))),
	)
}

// outcomeOf tells what became of an acquire that has a row.
func (s *state) outcomeOf(name string, id command.WaiterID) (reply command.Reply, found bool) {
	a, ok := s.acquires.get(id)
	if !ok || !a.has(name) {
		return command.Reply{}, false
	}
	switch a.stage {
	case stageWaiting:
		return s.placeReply(id, a), true
	case stageHeld:
		if _, _, ended := s.endOf(a); !ended {
			return s.grantOf(id, a), true
		}
	}
	return command.Reply{}, false
}

func (r acquireRecord) has(name string) bool {
	for _, one := range r.names {
		if one == name {
			return true
		}
	}
	return false
}

// heldByOthers tells a failed try who stands in its way, in a sentence for people and in details for programs.
func (s *state) heldByOthers(key nameKey) command.Reply {
	v := &view{s: s, clock: s.now}
	record := v.look(key.name())
	lock := s.lock(key)
	left, remaining := "without a deadline", int64(0)
	if deadline, _ := s.lifeOf(record); deadline != 0 {
		remaining = max(1, int64(deadline-s.now))
		left = fmt.Sprintf("for %d ms more", remaining)
	}
	d := new(command.Details).Text("name", key.key)
	var sentence string
	switch record.holding {
	case holdingString:
		sentence = fmt.Sprintf("%s is held by a Redis value (token %d) %s", quote(key.key), record.token, left)
		d.Text("mode", "redis").Token("token", record.token)
	case holdingHolds:
		_, a, _ := s.firstHolder(key)
		sentence = fmt.Sprintf("%s is held by %s (token %d) %s", quote(key.key), a.holder(record.waiter), a.token, left)
		client, _ := s.sessions.get(a.session)
		d.Text("mode", a.modeName()).Token("token", a.token).Text("holder", a.holder(record.waiter)).Text("session", idText(a.session)).Text("owner", a.owner).
			Text("client", client.clientName).Text("waiter", record.waiter.String()).Text("meta", clipMetadata(a.metadata))
	default:
		sentence = fmt.Sprintf("%s is about to be granted", quote(key.key))
		if record.deadline != 0 {
			sentence = fmt.Sprintf("%s is kept reserved after its last hold (%s) for %d ms more", quote(key.key), s.reservedBecause(key), max(1, record.deadline-s.now))
		}
		d.Text("mode", "").Text("reserved", s.reservedBecause(key)).Number("until_ms", int64(record.deadline))
		remaining = max(0, int64(record.deadline-s.now))
	}
	d.Number("remaining_ms", remaining).Number("queued", int64(record.queued)).Number("holders", int64(lock.live)).Number("limit", int64(lock.limit)).
		Number("used", int64(lock.used)).Number("now_ms", int64(s.now))
	return command.Errorf(command.CodeHeld, "%s; %d waiting", sentence, record.queued).With(d)
}

// reservedBecause is why a name that nobody holds is not to be had.
func (s *state) reservedBecause(key nameKey) string {
	cause, until := "handover", command.Instant(0)
	s.eachHolder(key, func(_ command.WaiterID, a acquireRecord) bool {
		if a.stage == stageGhost && a.deadline > until {
			cause, until = a.cause(), a.deadline
		}
		return true
	})
	return cause
}

// conflict refuses to use a name in another way than it is.
func (s *state) conflict(key nameKey, format string, arguments ...any) command.Reply {
	lock := s.lock(key)
	d := new(command.Details).Text("name", key.key).Text("mode", lock.modeName()).Number("limit", int64(lock.limit)).Number("used", int64(lock.used))
	return command.Errorf(command.CodeConflict, "%s cannot be used in two ways: %s", quote(key.key), fmt.Sprintf(format, arguments...)).With(d)
}

// modeName is how a name is held, empty when it is not.
func (r lockRecord) modeName() string {
	switch {
	case r.shared > 0:
		return command.Shared.String()
	case r.used > 0 || r.claims > 0:
		return command.Semaphore.String()
	case r.exclusive > 0:
		return command.Exclusive.String()
	}
	return ""
}

// idText writes an id, and nothing for none.
func idText(id command.Position) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}

// clipMetadata is what an error repeats of a holder's metadata.
func clipMetadata(metadata []byte) string {
	const most = 256
	return string(metadata[:min(len(metadata), most)])
}
