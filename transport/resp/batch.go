package resp

import (
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport"
	"github.com/coordd/coordd/transport/resp/wire"
)

// Limits of one batch: what a client pipelines beyond them goes into the next.
const (
	maxBatchOps   = 512
	maxBatchBytes = 128 << 10
)

// batch gathers the answers to the requests that were read together.
type batch struct {
	slots []slot
	ops   []command.Op
	bytes int   // of the arguments of ops, about
	hope  *hope // of the last op, a script
}

// slot is the answer to one request, or the place of it.
type slot struct {
	answer   answer
	op       int // index of the op whose reply is the answer; -1 when there is none
	finish   finisher
	after    func() // runs when the answer has been appended, not when the op's fate is unknown; may be nil
	protocol wire.Protocol
	muted    bool // CLIENT REPLY OFF or SKIP
}

// answer is a reply of the machine's kind, or bytes that are ready.
type answer struct {
	reply command.Reply
	raw   []byte // when not nil
}

// finisher turns the reply of an op into the answer.
type finisher func(c *connection, reply command.Reply) answer

func (b *batch) full() bool {
	return len(b.ops) >= maxBatchOps || b.bytes >= maxBatchBytes || len(b.slots) >= 4*maxBatchOps
}

// reply answers the request at hand.
func (c *connection) reply(reply command.Reply) { c.add(slot{answer: answer{reply: reply}, op: -1}) }

// replyRaw answers the request at hand with bytes that are ready.
func (c *connection) replyRaw(raw []byte) { c.add(slot{answer: answer{raw: raw}, op: -1}) }

// run has an op answer the request at hand. finish may be nil.
func (c *connection) run(op command.Op, argumentBytes int, finish finisher) {
	c.batch.ops = append(c.batch.ops, op)
	c.batch.bytes += argumentBytes
	c.add(slot{op: len(c.batch.ops) - 1, finish: finish})
}

// runUnanswered has an op run with the batch that answers no request. finish sees its reply, or that it was not run.
func (c *connection) runUnanswered(op command.Op, argumentBytes int, finish finisher) {
	c.run(op, argumentBytes, finish)
	c.batch.slots[len(c.batch.slots)-1].muted = true
}

func (c *connection) add(s slot) {
	s.protocol = c.protocol
	s.muted = c.mute.muted()
	c.batch.slots = append(c.batch.slots, s)
}

// carryOut has the node run the batch's ops and appends all answers to the output. Afterwards the batch is empty.
func (c *connection) carryOut() {
	if len(c.batch.slots) == 0 {
		return
	}
	slots, ops, hope := c.batch.slots, c.batch.ops, c.batch.hope
	c.batch = batch{}
	var replies []command.Reply
	var failure error
	switch {
	case len(ops) == 1 && hope != nil: // several must keep their order, so they are carried out as they came
		replies, failure = c.executeHopefully(ops, hope)
	case len(ops) > 0:
		replies, failure = c.execute(ops)
	}
	for i := range slots {
		s := &slots[i]
		if s.op >= 0 && !c.settle(s, replies, failure) {
			break
		}
		if !s.muted && c.output.Append(func(to []byte) []byte { return c.appendCoded(to, s) }) != nil {
			c.dropped = true
			break
		}
		if s.after != nil {
			s.after()
		}
	}
	if failure == nil {
		c.reuse(slots, ops)
	}
}

// reuse keeps the memory of a batch that was carried out. One that failed is left to the node, which may still hold it.
func (c *connection) reuse(slots []slot, ops []command.Op) {
	clear(slots)
	clear(ops)
	c.batch = batch{slots: slots[:0], ops: ops[:0]}
}

// settle gives a slot the reply of its op. It is false when the op's fate is unknown: the answers before it are sent, then the connection ends.
func (c *connection) settle(s *slot, replies []command.Reply, failure error) bool {
	switch {
	case s.op < len(replies):
		s.answer.reply = replies[s.op]
	case mustDrop(failure):
		c.closing = true
		return false
	default:
		s.answer.reply = failureReply(failure)
	}
	if s.finish != nil {
		s.answer = s.finish(c, s.answer.reply)
	}
	return true
}

// execute runs ops on this connection's lane. When that takes long, it watches meanwhile whether the client is still there.
func (c *connection) execute(ops []command.Op) ([]command.Reply, error) {
	c.hangup.start(slowCommand)
	defer c.hangup.stop()
	return c.server.config.Node.Execute(c.ctx, c.lane, ops)
}

// mustDrop reports that an error leaves the fate of a command open, so that no answer would be true.
func mustDrop(err error) bool {
	return err == nil || !transport.OutcomeOf(codeOf(err)).Definite
}

// codeOf is the code of a node's error. An error without one says nothing of the command's fate.
func codeOf(err error) command.Code {
	if code := transport.CodeOf(err); code != command.CodeNone {
		return code
	}
	return command.CodeUnknownOutcome
}

// failureReply words an error after which nothing has happened and nothing will.
func failureReply(err error) command.Reply {
	code := codeOf(err)
	if code == command.CodeNoLeader {
		return command.Errorf(code, "coordd has no leader; retry")
	}
	text := err.Error()
	return command.Reply{Type: command.ReplyError, Code: code, Text: []byte(text)}
}

// appendCoded appends an answer, and before an error its code when the connection wants that.
func (c *connection) appendCoded(to []byte, s *slot) []byte {
	if c.tellsCodes && s.answer.reply.IsError() && s.protocol == wire.RESP3 {
		to = appendCode(to, s.answer.reply.Code)
	}
	return appendAnswer(to, s.protocol, s.answer)
}

func appendAnswer(to []byte, protocol wire.Protocol, a answer) []byte {
	if a.raw != nil {
		return append(to, a.raw...)
	}
	return appendReply(to, protocol, a.reply)
}

// appendReply writes a reply in the connection's protocol.
func appendReply(to []byte, protocol wire.Protocol, reply command.Reply) []byte {
	switch reply.Type {
	case command.ReplyNilArray:
		return wire.AppendNilArray(to, protocol)
	case command.ReplyStatus:
		return wire.AppendStatus(to, reply.Text)
	case command.ReplyInteger:
		return wire.AppendInteger(to, reply.Integer)
	case command.ReplyBulk:
		return wire.AppendBulk(to, reply.Text)
	case command.ReplyError:
		return wire.AppendError(to, reply.Text)
	case command.ReplyArray:
		to = wire.AppendArrayHeader(to, len(reply.Elements))
	case command.ReplyMap:
		to = wire.AppendMapHeader(to, protocol, len(reply.Elements)/2)
	default:
		return wire.AppendNil(to, protocol)
	}
	for _, element := range reply.Elements {
		to = appendReply(to, protocol, element)
	}
	return to
}
