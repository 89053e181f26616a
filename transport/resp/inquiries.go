package resp

import (
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/native"
)

// Looking at locks, checking holds, and what operators do to them.
func inquiryRows() []*row {
	const group = "lock"
	reads := func(name string, arity int, keyed bool, usage, summary string, handle func(*connection, [][]byte)) *row {
		r := &row{name: name, arity: arity, flags: "readonly noscript", categories: "@read @fast", group: group, inMulti: refusedInMulti, handle: handle, usage: usage, summary: summary}
		if keyed {
			r.firstKey, r.lastKey, r.keyStep = 1, 1, 1
		}
		return r
	}
	check := reads("fence.check", -3, true, "name hold [name hold ...]", "Tells, for each hold and all at one moment, whether it is the present one: by its token, a permit by its waiter id.", (*connection).checkHolds)
	check.lastKey, check.keyStep = -1, 2
	force := reads("lock.force", -4, true, "name REASON text [WAITER waiter] [NOW]",
		"Ends every hold of a name, or one; for operators. The next grant waits for the holders' acknowledgement or last deadline, unless NOW leaves only the tokens as protection.", (*connection).forceLock)
	force.flags, force.categories = "admin write noscript", "@admin @write @slow @dangerous"
	return []*row{
		check, force,
		reads("lock.info", 2, true, "name", "Tells who holds a name, who waits for it, and until when it is reserved.", (*connection).lockInfo),
		reads("lock.list", -1, false, "[CURSOR cursor] [COUNT n] [MATCH glob] [ALL]", "Lists the names that are held natively, reserved or waited for; ALL lists those with Redis values too.", (*connection).lockList),
		reads("lock.history", -2, true, "name [COUNT n]", "Lists the last holders of a name: token, owner, how long they waited and held it, and why that ended.", (*connection).lockHistory),
	}
}

func (c *connection) lockInfo(argv [][]byte) {
	op, refusal := native.Info(c.database, argv)
	c.runUnlessRefused(op, refusal, argv)
}

func (c *connection) lockList(argv [][]byte) {
	op, refusal := native.List(argv)
	c.runUnlessRefused(op, refusal, argv)
}

func (c *connection) lockHistory(argv [][]byte) {
	op, refusal := native.History(c.database, argv)
	c.runUnlessRefused(op, refusal, argv)
}

func (c *connection) checkHolds(argv [][]byte) {
	op, refusal := native.Check(c.database, argv)
	c.runUnlessRefused(op, refusal, argv)
}

// actor names the operator in what is kept about an act.
func (c *connection) actor() string {
	name := c.user.name + "@" + c.net.RemoteAddr().String()
	return name[:min(len(name), command.MaxActorBytes)]
}

// audited logs what an operator did, when it was done.
func audited(act string, fields ...any) finisher {
	return func(c *connection, reply command.Reply) answer {
		if !reply.IsError() {
			c.server.config.Logger.Warn(act, append(fields, "by", c.actor())...)
		}
		return answer{reply: reply}
	}
}

func (c *connection) forceLock(argv [][]byte) {
	if !c.user.operator {
		c.reply(errNotOperator("lock.force"))
		return
	}
	op, refusal := native.Force(c.database, argv, c.actor())
	if refusal != nil {
		c.reply(*refusal)
		return
	}
	c.run(op, sizeOf(argv), audited("an operator ended a hold", "lock", op.Name, "reason", op.Reason, "now", op.Now))
}
