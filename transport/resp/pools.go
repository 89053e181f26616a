package resp

import (
	"strings"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/native"
)

func poolRows() []*row {
	const group, operators = "coordd", "@admin @slow @dangerous"
	of := func(name string, arity int, flags, categories, usage, summary string, handle func(*connection, [][]byte)) *row {
		return &row{name: name, arity: arity, flags: flags, categories: categories, group: group, inMulti: refusedInMulti, handle: handle, usage: usage, summary: summary}
	}
	const reads, writes = "readonly noscript", "noscript fast"
	return []*row{
		of("pool.create", -2, writes, "@fast @write", "name [PARTITIONS n] [ZONES ignored|apart|even] [DEBOUNCE ms] [DRAIN ms] [MOVES n]",
			"Makes a pool of partitions for workers to share; how many never changes. The same again changes nothing.", parsed(native.CreatePool)),
		of("pool.alter", -2, "admin noscript", operators, "name [ZONES ignored|apart|even] [DEBOUNCE ms] [DRAIN ms] [MOVES n]", "Changes settings of a pool; for operators.", byOperator(native.AlterPool, "an operator changed a pool")),
		of("pool.delete", 3, "admin noscript", operators, "name incarnation", "Removes a pool that has no workers; for operators.", byOperator(native.DeletePool, "an operator deleted a pool")),
		of("pool.list", 1, reads, "@read @slow", "", "Lists the pools.", (*connection).listPools),
		of("pool.info", 2, reads, "@read @slow", "name", "Tells a pool, its workers and how its partitions are shared out.", parsed(native.PoolInfo)),
		of("pool.explain", 3, reads, "@read @slow", "name key", "Tells who owns a key, with which token, and why.", parsed(native.ExplainKey)),
		of("pool.pin", 4, "admin noscript", operators, "name partition worker", "Makes a partition a worker's whenever it is there; an empty worker takes that back; for operators.", byOperator(native.PinPartition, "an operator pinned a partition")),
		of("pool.evict", -3, "admin noscript", operators, "name worker REASON text [NOW]",
			"Makes a worker hand over and leave; NOW gives its partitions on at once, and only tokens protect; for operators.", (*connection).evictWorker),
		of("pool.join", -6, writes, "@fast @write", "name worker SESSION id secret [WEIGHT n] [ZONE zone] [ADDRESS address] [GRACE ms] [TAKEOVER session secret]",
			"Makes a session a worker of a pool, for as long as it lives. The same again changes what it says about itself.", parsed(native.JoinPool)),
		of("pool.leave", -6, writes, "@fast @write", "name worker SESSION id secret [RESTART ms]",
			"Begins to hand over what a worker owns; RESTART, for one that has stopped all work, keeps its place for so long.", parsed(native.LeavePool)),
		of("pool.ack", -8, writes, "@fast @write", "name worker SESSION id secret partition token [partition token ...]",
			"Gives partitions back on which work has stopped; each counts only under the token with which the worker owns it.", parsed(native.AcknowledgePartitions)),
		of("pool.assignment", 6, reads, "@read @slow", "name worker SESSION id secret", "Tells a worker what it owns, with which tokens, and what of it to hand over.", parsed(native.Assignment)),
		of("pool.table", -2, reads+" blocking", "@read @slow @blocking", "name [SINCE version INCARNATION incarnation] [BLOCK ms]",
			"Tells who owns what, or what has changed since a version; BLOCK waits until something has.", (*connection).poolTable),
		of("pool.watch", -2, reads, "@read @slow", "name [SINCE version INCARNATION incarnation]", "Tells who owns what, and pushes what changes from then on.", (*connection).watchPool),
		of("pool.unwatch", 2, reads, "@read @slow", "name", "Ends a watch.", (*connection).unwatchPool),
	}
}

// parsed handles a command that package native reads and the node runs.
func parsed(parse func(argv [][]byte) (command.Op, *command.Reply)) func(*connection, [][]byte) {
	return func(c *connection, argv [][]byte) {
		op, refusal := parse(argv)
		c.runUnlessRefused(op, refusal, argv)
	}
}

// byOperator is parsed for what operators alone may do to a pool. What was done is logged.
func byOperator(parse func(argv [][]byte) (command.Op, *command.Reply), act string) func(*connection, [][]byte) {
	return func(c *connection, argv [][]byte) {
		op, refusal := parse(argv)
		pool, _ := command.PoolOf(op)
		c.operatePool(op, refusal, argv, act, "pool", pool)
	}
}

func (c *connection) operatePool(op command.Op, refusal *command.Reply, argv [][]byte, act string, fields ...any) {
	switch {
	case !c.user.operator:
		c.reply(errNotOperator(strings.ToLower(string(argv[0]))))
	case refusal != nil:
		c.reply(*refusal)
	default:
		c.run(op, sizeOf(argv), audited(act, fields...))
	}
}

func (c *connection) listPools(argv [][]byte) { c.run(command.PoolList{}, sizeOf(argv), nil) }

func (c *connection) evictWorker(argv [][]byte) {
	op, refusal := native.EvictWorker(argv, c.actor())
	c.operatePool(op, refusal, argv, "an operator evicted a worker", "pool", op.Pool, "worker", op.Worker, "reason", op.Reason, "now", op.Now)
}
