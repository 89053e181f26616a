package resp

import (
	"bytes"
	"crypto/sha1"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/resp/wire"
)

func transactionRows() []*row {
	const group = "transactions"
	return []*row{
		{name: "multi", arity: 1, flags: "noscript loading stale fast allow_busy", categories: "@fast @transaction", group: group, inMulti: atOnceInMulti,
			handle: (*connection).multi, summary: "Begins a transaction: commands wait for EXEC."},
		{name: "exec", arity: 1, flags: "noscript loading stale skip_slowlog", categories: "@slow @transaction", group: group, inMulti: atOnceInMulti,
			handle: (*connection).exec, summary: "Runs the commands since MULTI as one, in one log entry."},
		{name: "discard", arity: 1, flags: "noscript loading stale fast allow_busy", categories: "@fast @transaction", group: group, inMulti: atOnceInMulti,
			handle: (*connection).discard, summary: "Forgets the commands since MULTI."},
		{name: "watch", arity: -2, flags: "noscript loading stale fast allow_busy", categories: "@fast @transaction", group: group, inMulti: atOnceInMulti,
			firstKey: 1, lastKey: -1, keyStep: 1, handle: (*connection).watch, usage: "key [key ...]", summary: "Lets EXEC do nothing if one of the names changes before it."},
		{name: "unwatch", arity: 1, flags: "noscript loading stale fast allow_busy", categories: "@fast @transaction", group: group,
			handle: (*connection).unwatch, summary: "Forgets what WATCH said."},
	}
}

// transaction is what was queued since MULTI.
type transaction struct {
	commands []queuedCommand
	bytes    int
	broken   bool // a command was refused, so EXEC will refuse the whole
}

type queuedCommand struct {
	row  *row
	argv [][]byte
}

// watches are the revisions that WATCH read.
type watches struct {
	entries []command.Watch
	pending int  // WATCH commands of this batch whose revisions are not read yet
	broken  bool // a WATCH failed, so EXEC cannot promise anything and does nothing
}

func (c *connection) multi([][]byte) {
	if c.queue != nil {
		c.reply(errorf("MULTI calls can not be nested"))
		return
	}
	c.queue = &transaction{}
	c.queuedForAll.Store(0)
	c.reply(command.OK())
}

// enqueue keeps a command for EXEC. Its arguments are copied, since the read buffer will be used again before then.
func (c *connection) enqueue(r *row, argv [][]byte) {
	q := c.queue
	size := sizeOf(argv)
	switch {
	case len(q.commands) >= command.MaxOpsPerTransaction:
		c.reject(command.Errorf(command.CodeLimit, "a transaction holds at most %d commands; send several", command.MaxOpsPerTransaction))
		return
	case q.bytes+size > command.MaxEntryBytes:
		c.reject(command.Errorf(command.CodeLimit, "a transaction holds at most %d bytes; send several", command.MaxEntryBytes))
		return
	}
	copied := make([][]byte, len(argv))
	for i, argument := range argv {
		copied[i] = bytes.Clone(argument)
	}
	q.commands = append(q.commands, queuedCommand{r, copied})
	q.bytes += size
	c.queuedForAll.Store(int64(len(q.commands)))
	c.reply(command.Status("QUEUED"))
}

func (c *connection) endTransaction() {
	c.queue = nil
	c.queuedForAll.Store(-1)
}

func (c *connection) discard([][]byte) {
	if c.queue == nil {
		c.reply(errorf("DISCARD without MULTI"))
		return
	}
	c.settleWatches()
	c.endTransaction()
	c.watches = watches{}
	c.reply(command.OK())
}

// settleWatches carries the batch out if it holds a WATCH whose revisions are still to be read.
func (c *connection) settleWatches() {
	if c.watches.pending > 0 {
		c.carryOut()
	}
}

func (c *connection) watch(argv [][]byte) {
	if c.queue != nil {
		c.reply(errorf("WATCH inside MULTI is not allowed"))
		return
	}
	names := make([]command.Name, 0, len(argv)-1)
	for _, key := range argv[1:] {
		if len(key) > command.MaxNameBytes {
			c.reply(command.Errorf(command.CodeLimit, "a key of %d bytes is too long; the limit is %d", len(key), command.MaxNameBytes))
			return
		}
		names = append(names, command.Name{Database: c.database, Key: string(key)})
	}
	if watched := len(c.watches.entries) + len(names); watched > command.MaxNamesPerCommand {
		c.reply(command.Errorf(command.CodeLimit, "%d watched names are too many; the limit is %d", watched, command.MaxNamesPerCommand))
		return
	}
	c.watches.pending++
	c.run(command.Revisions{Names: names}, sizeOf(argv), func(c *connection, reply command.Reply) answer {
		c.watches.pending--
		return answer{reply: c.watches.take(names, reply)}
	})
}

// take notes the revisions that a node answered. A name that is watched already keeps its first revision.
func (w *watches) take(names []command.Name, reply command.Reply) command.Reply {
	if reply.Type != command.ReplyArray || len(reply.Elements) != len(names) {
		w.broken = true
		if reply.IsError() {
			return reply
		}
		return errorf("the node answered WATCH with something that are no revisions; EXEC will do nothing")
	}
	for i, name := range names {
		if !w.has(name) {
			w.entries = append(w.entries, command.Watch{Name: name, Revision: uint64(reply.Elements[i].Integer)})
		}
	}
	return command.OK()
}

func (w *watches) has(name command.Name) bool {
	for _, entry := range w.entries {
		if entry.Name == name {
			return true
		}
	}
	return false
}

func (c *connection) unwatch([][]byte) {
	c.settleWatches()
	c.watches = watches{}
	c.reply(command.OK())
}

func (c *connection) exec([][]byte) {
	if c.queue == nil {
		c.reply(errorf("EXEC without MULTI"))
		return
	}
	c.settleWatches()
	if c.dropped || c.closing {
		return
	}
	queued, watched := c.queue, c.watches
	c.endTransaction()
	c.watches = watches{}
	switch {
	case queued.broken:
		c.reply(command.Errorf(command.CodeExecAbort, "Transaction discarded because of previous errors."))
		return
	case watched.broken:
		c.reply(command.NilArray())
		return
	}
	p := c.plan(queued)
	if len(p.ops) == 0 && len(watched.entries) == 0 {
		finished := p.finish(c, command.Array())
		c.add(slot{answer: finished, op: -1})
		return
	}
	c.run(command.Transaction{Watches: watched.entries, Ops: p.ops}, queued.bytes, p.finish)
	if p.touchesConnection {
		c.carryOut() // what was sent behind EXEC must see what it did to the connection
	}
}

// plan is how the queued commands become one op and its reply their answers.
type plan struct {
	steps             []planStep
	ops               []command.Op
	touchesConnection bool              // some commands are the connection's own; they run when the op has succeeded
	learned           []*compiledScript // first seen here, to be kept if the transaction takes place
	unanswered        int               // steps that nobody asked for
}

// script finds a script that an earlier command of the transaction brought. A nil plan has none.
func (p *plan) script(sum [sha1.Size]byte) *compiledScript {
	if p == nil {
		return nil
	}
	for _, each := range p.learned {
		if each.sha1 == sum {
			return each
		}
	}
	return nil
}

// scriptByText compiles a script of the transaction and lets the transaction itself tell the cluster its text.
func (p *plan) scriptByText(cache *scriptCache, source []byte) (*compiledScript, command.Reply, bool) {
	compiled, refusal, ok := cache.compile(source)
	if !ok || compiled.remembered.Load() {
		return compiled, refusal, ok
	}
	if found := p.script(compiled.sha1); found != nil {
		return found, refusal, true
	}
	p.learned = append(p.learned, compiled)
	p.ops = append(p.ops, command.ScriptLoad{Source: source})
	p.steps = append(p.steps, planStep{op: true, unanswered: true})
	p.unanswered++
	return compiled, refusal, true
}

type planStep struct {
	row  *row
	argv [][]byte
	op   bool // the next of the op's replies answers it
	// unanswered: nobody asked for it, so its reply is left out.
	unanswered bool
	refusal    command.Reply // otherwise, with a parser: the answer
}

func (c *connection) plan(queued *transaction) *plan {
	p := &plan{}
	c.planning = p
	defer func() { c.planning = nil }()
	database := c.database
	for _, each := range queued.commands {
		step := planStep{row: each.row, argv: each.argv}
		if each.row.parse != nil {
			op, refusal, ok := each.row.parse(c, database, each.argv)
			step.op, step.refusal = ok, refusal
			if ok {
				p.ops = append(p.ops, op)
			}
		} else {
			p.touchesConnection = true
			if each.row.name == "select" {
				if chosen, _, ok := parseDatabase(each.argv[1]); ok {
					database = chosen
				}
			}
		}
		p.steps = append(p.steps, step)
	}
	return p
}

// finish makes EXEC's answer from the replies of the ops and the answers of the connection's own commands, which it runs now.
func (p *plan) finish(c *connection, reply command.Reply) answer {
	if reply.Type != command.ReplyArray {
		return answer{reply: reply}
	}
	for _, script := range p.learned {
		c.server.scripts.keep(script)
		script.remembered.Store(true)
	}
	if len(p.ops) == len(p.steps) && p.unanswered == 0 {
		return answer{reply: reply}
	}
	raw := wire.AppendArrayHeader(nil, len(p.steps)-p.unanswered)
	next := 0
	for _, step := range p.steps {
		switch {
		case step.unanswered:
			next++
		case step.op && next < len(reply.Elements):
			raw = appendReply(raw, c.protocol, reply.Elements[next])
			next++
		case step.row.parse != nil:
			raw = appendReply(raw, c.protocol, step.refusal)
		default:
			raw = append(raw, c.actAlone(step.row, step.argv)...)
		}
	}
	return answer{raw: raw}
}

// actAlone runs one of the connection's own commands beside the batch, with what it wants from the node, and gives its answer as bytes.
func (c *connection) actAlone(r *row, argv [][]byte) []byte {
	outer := c.batch
	c.batch = batch{}
	r.handle(c, argv)
	alone := c.batch
	c.batch = outer
	var replies []command.Reply
	var failure error
	if len(alone.ops) > 0 {
		replies, failure = c.execute(alone.ops)
	}
	var raw []byte
	for i := range alone.slots {
		s := &alone.slots[i]
		if s.op >= 0 && !c.settle(s, replies, failure) {
			c.dropped = true
			break
		}
		raw = appendAnswer(raw, s.protocol, s.answer)
	}
	return raw
}
