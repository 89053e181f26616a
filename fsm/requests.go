package fsm

import (
	"bytes"

	"github.com/coordd/coordd/fsm/command"
)

// admit answers a command that must not be run: one whose session has ended, one that was answered before, or one that came too late.
func (m *Machine) admit(c command.Command) (reply command.Reply, answered bool) {
	if c.Request.IsZero() {
		return command.Reply{}, false
	}
	s := m.state
	id := c.Request.Session
	session, ok := s.sessions.get(id)
	if !ok || session.ended(s.now) {
		return command.Errorf(command.CodeNoSession, "session %s is unknown or has ended; the request was not run", id), true
	}
	if c.Request.LowWater > session.lowWater {
		session = s.forget(id, session, c.Request.LowWater)
		s.sessions.amend(id, session)
	}
	if c.Request.Number <= session.lowWater {
		return command.Errorf(command.CodeStaleRequest, "request %d of session %s was acknowledged by its client before (low-water mark %d); it was not run again", c.Request.Number, id, session.lowWater), true
	}
	if record, found := s.results.get(resultKey{id, c.Request.Number}); found {
		return s.recall(record), true
	}
	if problem := session.windowFull(id); problem != nil && memorable(c.Op) {
		return *problem, true
	}
	return command.Reply{}, false
}

// memorable reports whether a retry of the op must be answered from memory. What only reads may simply run again, and a keepalive must, because its
// answer speaks of now.
func memorable(op command.Op) bool {
	switch op.(type) {
	case command.SessionKeepAlive, command.SessionRenew:
		return false
	}
	return !op.ReadOnly()
}

// remember keeps the reply until the client says that it has it.
func (m *Machine) remember(c command.Command, e *effects, reply command.Reply) {
	if c.Request.IsZero() || !memorable(c.Op) {
		return
	}
	m.state.keepResult(resultKey{c.Request.Session, c.Request.Number}, e.resultOf(reply))
}

// resultOf is what is remembered of the command's reply: of an acquire, which it was.
func (e *effects) resultOf(reply command.Reply) resultRecord {
	record := resultRecord{cost: replyCost(reply)}
	if e.acquired != "" && !reply.IsError() {
		record.lock, record.waiter = e.acquired, e.acquires
		if e.briefly {
			record.cost = 64 + uint32(len(e.acquired))
		}
	} else {
		record.reply = encodedReply(reply)
	}
	return record
}

// keepResult puts a result among those of its session, unless the command ended it.
func (s *state) keepResult(key resultKey, record resultRecord) {
	session, ok := s.sessions.get(key.session)
	if !ok || session.dead {
		return
	}
	if old, replaced := s.results.put(key, record); replaced {
		session.remembered--
		session.bytes -= old.cost
	}
	session.remembered++
	session.bytes += record.cost
	s.sessions.amend(key.session, session)
}

// The replies that most writes give, encoded. Rows are never changed in place, so they may share them.
var (
	encodedOK   = command.AppendReply(nil, command.OK())
	encodedNil  = command.AppendReply(nil, command.Nil())
	encodedZero = command.AppendReply(nil, command.Integer(0))
	encodedOne  = command.AppendReply(nil, command.Integer(1))
)

// encodedReply is a reply as it is remembered.
func encodedReply(reply command.Reply) []byte {
	switch {
	case reply.Type == command.ReplyStatus && string(reply.Text) == "OK":
		return encodedOK
	case reply.Type == command.ReplyNil:
		return encodedNil
	case reply.Type == command.ReplyInteger && reply.Integer == 0:
		return encodedZero
	case reply.Type == command.ReplyInteger && reply.Integer == 1:
		return encodedOne
	}
	return command.AppendReply(nil, clipErrors(reply))
}

// recall answers a retry. A remembered grant is answered with what became of it: it may have ended since (safety case S17).
func (s *state) recall(record resultRecord) command.Reply {
	if record.lock != "" {
		return s.acquired(record.lock, record.waiter)
	}
	reply, _, err := command.DecodeReply(bytes.Clone(record.reply))
	if err != nil {
		return command.Errorf(command.CodeMalformed, "the remembered result does not decode")
	}
	return reply
}

// forget drops the results up to a mark.
func (s *state) forget(id command.SessionID, session sessionRecord, mark uint64) sessionRecord {
	gone := s.forgotten[:0]
	s.results.from(resultKey{id, 0}, func(k resultKey, record resultRecord) bool {
		if k.session != id || k.number > mark {
			return false
		}
		gone = append(gone, k)
		session.bytes -= record.cost
		return true
	})
	for _, k := range gone {
		s.results.remove(k)
	}
	s.forgotten = gone
	session.remembered -= uint32(len(gone))
	session.lowWater = mark
	return session
}

// replyTooLong refuses an answer that cannot be remembered, and with it the command: a transaction of a thousand reads beside one write, say.
func replyTooLong(op command.Op, reply command.Reply) *command.Reply {
	if reply.Type != command.ReplyArray || !memorable(op) {
		return nil
	}
	cost := replyCost(reply)
	if cost <= command.MaxRememberedBytes {
		return nil
	}
	problem := command.Errorf(command.CodeLimit, "the answer would take %d bytes, and that of a command that writes has at most %d; nothing was done: read in a command of its own", cost, command.MaxRememberedBytes)
	return &problem
}

// maxRememberedError is how much of an error's text is remembered.
const maxRememberedError = 200

// clipErrors shortens the texts of errors, the nested ones included.
func clipErrors(reply command.Reply) command.Reply {
	switch {
	case reply.Type == command.ReplyError && len(reply.Text) > maxRememberedError:
		reply.Text = reply.Sentence() // half an object of details would be worse than none
		reply.Text = reply.Text[:min(len(reply.Text), maxRememberedError)]
	case len(reply.Elements) > 0:
		elements := make([]command.Reply, len(reply.Elements))
		for i, element := range reply.Elements {
			elements[i] = clipErrors(element)
		}
		reply.Elements = elements
	}
	return reply
}

// replyCost is what a remembered reply counts against its session's limit. Error texts count a fixed size, because they may differ between builds and
// a limit must not.
func replyCost(reply command.Reply) uint32 {
	const fixed = 32
	switch reply.Type {
	case command.ReplyError:
		return fixed + maxRememberedError
	case command.ReplyBulk, command.ReplyStatus:
		return fixed + uint32(len(reply.Text))
	case command.ReplyArray, command.ReplyMap:
		cost := uint32(fixed)
		for _, element := range reply.Elements {
			cost += replyCost(element)
		}
		return cost
	}
	return fixed
}
