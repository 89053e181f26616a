package resp

import (
	"github.com/coordd/coordd/fsm/command"
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
	if refusal, ok := checkLockName(c.database, argv[1]); !ok {
		c.reply(refusal)
		return
	}
	c.run(command.LockInfo{Name: string(argv[1])}, sizeOf(argv), nil)
}

// defaultCount is how many rows a list answers when it is not told.
const defaultCount = 100

func (c *connection) lockList(argv [][]byte) {
	op := command.LockList{}
	count := uint64(defaultCount)
	o := &options{command: "LOCK.LIST", left: argv[1:]}
	for o.more() {
		switch {
		case o.text("cursor", "a cursor", command.MaxNameBytes, &op.Cursor), o.number("count", 1, command.MaxListCount, &count), o.text("match", "a pattern", command.MaxNameBytes, &op.Match):
		case o.flag("all"):
			op.Redis = true
		default:
			o.unknown()
		}
	}
	op.Count = int64(count)
	c.runUnlessFailed(o, op, argv)
}

func (c *connection) lockHistory(argv [][]byte) {
	count := uint64(command.MaxHistoryPerLock)
	o := &options{command: "LOCK.HISTORY", left: argv[2:]}
	if refusal, ok := checkLockName(c.database, argv[1]); !ok {
		o.fail(refusal)
	}
	for o.more() {
		if !o.number("count", 1, command.MaxHistoryPerLock, &count) {
			o.unknown()
		}
	}
	c.runUnlessFailed(o, command.LockHistory{Name: string(argv[1]), Count: int64(count)}, argv)
}

func (c *connection) checkHolds(argv [][]byte) {
	pairs := argv[1:]
	if len(pairs)%2 != 0 || len(pairs)/2 > command.MaxChecks {
		c.reply(errorf("FENCE.CHECK takes pairs of a name and a hold, %d at most", command.MaxChecks))
		return
	}
	var op command.HoldCheck
	for ; len(pairs) > 0; pairs = pairs[2:] {
		refusal, ok := checkLockName(c.database, pairs[0])
		hold := command.HoldRef{}
		if ok {
			hold, refusal, ok = parseHold(pairs[1])
		}
		if !ok {
			c.reply(refusal)
			return
		}
		op.Checks = append(op.Checks, command.Check{Name: string(pairs[0]), Hold: hold})
	}
	c.run(op, sizeOf(argv), nil)
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
	op := command.ForceUnlock{Name: string(argv[1]), Actor: c.actor()}
	o := &options{command: "LOCK.FORCE", left: argv[2:]}
	if refusal, ok := checkLockName(c.database, argv[1]); !ok {
		o.fail(refusal)
	}
	for o.more() {
		switch {
		case o.text("reason", "a reason", command.MaxReasonBytes, &op.Reason), o.waiter("waiter", &op.Waiter):
		case o.flag("now"):
			op.Now = true
		default:
			o.unknown()
		}
	}
	if op.Reason == "" {
		o.fail(errorf("LOCK.FORCE needs REASON text: it is kept in the history of the lock"))
	}
	if o.failed {
		c.reply(o.refusal)
		return
	}
	c.run(op, sizeOf(argv), audited("an operator ended a hold", "lock", op.Name, "reason", op.Reason, "now", op.Now))
}
