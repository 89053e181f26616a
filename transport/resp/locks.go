package resp

import (
	"errors"
	"strings"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/native"
)

// acquireOptions is how the options that every acquire takes are shown, and sessionOptions those of one that only a session can make.
const (
	acquireOptions = "<PX ms | SESSION id secret [OWNER owner]> " + furtherOptions
	sessionOptions = "SESSION id secret [OWNER owner] " + furtherOptions
	furtherOptions = "[WAIT ms [ASYNC]] [REENTRANT] [MAXHOLD ms] [DELAY ms] [ATLEAST ms] [META text] [REQUEST n [LOW m]]"
)

func lockRows() []*row {
	const flags, categories, group = "noscript fast", "@fast @write", "lock"
	plain := func(r row) *row {
		if r.flags == "" {
			r.flags, r.categories = flags, categories
		}
		r.group, r.inMulti = group, refusedInMulti
		return &r
	}
	one := func(r row) *row {
		r.firstKey, r.lastKey, r.keyStep = 1, 1, 1
		return plain(r)
	}
	const blocking, blockingCategories = flags + " blocking", categories + " @blocking"
	return []*row{
		one(row{name: "lock.acquire", arity: -2, flags: blocking, categories: blockingCategories, handle: (*connection).acquireLock, usage: "name [SHARED] " + acquireOptions,
			summary: "Takes a lock, for so long or as long as the session lives, and answers its fencing token; WAIT takes a place in the queue, first in, first out."}),
		plain(row{name: "lock.macquire", arity: -4, flags: blocking + " movablekeys", categories: blockingCategories, handle: (*connection).acquireLocks, keys: countedKeys,
			usage:   "count name [name ...] " + acquireOptions,
			summary: "Takes several locks as one, all or nothing: one fencing token, one place in all their queues. What ends one of them ends all."}),
		one(row{name: "semaphore.acquire", arity: -3, flags: blocking, categories: blockingCategories, handle: (*connection).acquirePermits, usage: "name limit [PERMITS n] " + acquireOptions,
			summary: "Takes permits of a semaphore that has so many in all. Check them with FENCE.CHECK and their waiter id, never with a high-water mark of tokens."}),
		one(row{name: "lock.await", arity: -3, flags: blocking, categories: blockingCategories, handle: (*connection).awaitLock, usage: "name waiter [TIMEOUT ms | ASYNC]",
			summary: "Answers what became of an acquire that waits: its grant, the error that ended it, or after TIMEOUT its place."}),
		one(row{name: "lock.renew", arity: -3, handle: (*connection).renewLock, usage: "name hold [PX ms]", summary: "Extends a lock that was taken with PX."}),
		one(row{name: "lock.release", arity: -3, handle: (*connection).releaseLock, usage: "name hold [SESSION id secret [OWNER owner]] [ALL] [REQUEST n [LOW m]]",
			summary: "Gives a lock back, or one of the times that a reentrant owner has it; a session's lock needs its session. A hold is named by its token or its waiter id."}),
		one(row{name: "lock.cancel", arity: -3, handle: (*connection).cancelLock, usage: "name <waiter | OWNER owner | NUMBER n> [SESSION id secret]",
			summary: "Withdraws an acquire, or ends its hold if the grant came first. Repeat it until it is answered."}),
		one(row{name: "lock.meta", arity: -4, handle: (*connection).describeLock, usage: "name hold text [SESSION id secret [OWNER owner]] [REQUEST n [LOW m]]", summary: "Changes what others see of a holder."}),
	}
}

// countedKeys finds the names of LOCK.MACQUIRE.
func countedKeys(argv [][]byte) ([][]byte, error) {
	names, ok := native.CountedNames(argv)
	if !ok {
		return nil, errNumberOfNames
	}
	return names, nil
}

var errNumberOfNames = errors.New("Invalid arguments specified for command")

func (c *connection) acquireLock(argv [][]byte) {
	a, refusal := native.Acquire(c.database, argv)
	c.acquire(a, refusal, argv)
}

func (c *connection) acquireLocks(argv [][]byte) {
	a, refusal := native.AcquireSet(c.database, argv)
	c.acquire(a, refusal, argv)
}

func (c *connection) acquirePermits(argv [][]byte) {
	a, refusal := native.AcquirePermits(c.database, argv)
	c.acquire(a, refusal, argv)
}

// acquire carries out an acquire: at once, as a wait that holds the connection up, or as one whose grant is pushed.
func (c *connection) acquire(a *native.Acquisition, refusal *command.Reply, argv [][]byte) {
	switch {
	case refusal != nil:
		c.reply(*refusal)
	case a.Op.WaitMilliseconds == 0:
		c.run(a.Wrapped(), sizeOf(argv), nil)
	case a.Async:
		c.acquireAsync(a, sizeOf(argv))
	case c.carriesKeepalives:
		c.reply(errorf("%s with WAIT is refused on a connection that has sent SESSION.RENEW: while it waits no keepalive could pass and the session "+
			"would end; add ASYNC, or wait on a connection of its own, or try without WAIT", strings.ToUpper(clipped(argv[0]))))
	default:
		c.acquireAndWait(a)
	}
}

// runUnlessRefused has an op answer the request, unless its arguments were wrong.
func (c *connection) runUnlessRefused(op command.Op, refusal *command.Reply, argv [][]byte) {
	if refusal != nil {
		c.reply(*refusal)
		return
	}
	c.run(op, sizeOf(argv), nil)
}

func (c *connection) renewLock(argv [][]byte) {
	op, refusal := native.Renew(c.database, argv)
	c.runUnlessRefused(op, refusal, argv)
}

func (c *connection) releaseLock(argv [][]byte) {
	op, refusal := native.Release("LOCK.RELEASE", c.database, argv)
	c.runUnlessRefused(op, refusal, argv)
}

func (c *connection) cancelLock(argv [][]byte) {
	op, refusal := native.Cancel(c.database, argv)
	c.runUnlessRefused(op, refusal, argv)
}

func (c *connection) describeLock(argv [][]byte) {
	op, refusal := native.Describe(c.database, argv)
	c.runUnlessRefused(op, refusal, argv)
}
