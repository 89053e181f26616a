package resp

import (
	"errors"
	"strconv"

	"github.com/coordd/coordd/fsm/command"
)

// acquireOptions is how the options that every acquire takes are shown.
const acquireOptions = "<PX ms | SESSION id secret [OWNER owner]> [WAIT ms [ASYNC]] [REENTRANT] [MAXHOLD ms] [DELAY ms] [ATLEAST ms] [META text] [REQUEST n [LOW m]]"

func lockRows() []*row {
	const flags, categories, group = "noscript fast", "@fast @write", "lock"
	native := func(r row) *row {
		if r.flags == "" {
			r.flags, r.categories = flags, categories
		}
		r.group, r.inMulti = group, refusedInMulti
		return &r
	}
	one := func(r row) *row {
		r.firstKey, r.lastKey, r.keyStep = 1, 1, 1
		return native(r)
	}
	const blocking, blockingCategories = flags + " blocking", categories + " @blocking"
	return []*row{
		one(row{name: "lock.acquire", arity: -2, flags: blocking, categories: blockingCategories, handle: (*connection).acquireLock, usage: "name [SHARED] " + acquireOptions,
			summary: "Takes a lock, for so long or as long as the session lives, and answers its fencing token; WAIT takes a place in the queue, first in, first out."}),
		native(row{name: "lock.macquire", arity: -4, flags: blocking + " movablekeys", categories: blockingCategories, handle: (*connection).acquireLocks, keys: countedKeys,
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
		one(row{name: "lock.meta", arity: -4, handle: (*connection).describeLock, usage: "name hold text [SESSION id secret [OWNER owner]]", summary: "Changes what others see of a holder."}),
	}
}

// countedKeys finds the names of LOCK.MACQUIRE.
func countedKeys(argv [][]byte) ([][]byte, error) {
	count, err := strconv.Atoi(string(argv[1]))
	if err != nil || count < 1 || count > len(argv)-2 {
		return nil, errNumberOfNames
	}
	return argv[2 : 2+count], nil
}

var errNumberOfNames = errors.New("Invalid arguments specified for command")

// acquisition is an acquire as a client asks for it.
type acquisition struct {
	op     command.HoldAcquire
	number numbering
	async  bool
}

// wrapped is the op as it goes to the node.
func (a *acquisition) wrapped() command.Op { return a.number.wrap(a.op.By, a.op) }

// parseAcquisition reads the options of an acquire; extra takes those that only this command has.
func (c *connection) parseAcquisition(name string, a *acquisition, left [][]byte, extra func(o *options) bool) (refusal command.Reply, ok bool) {
	for _, lock := range a.op.Names {
		if refusal, ok := checkLockName(c.database, []byte(lock)); !ok {
			return refusal, false
		}
	}
	o := &options{command: name, left: left}
	var metadata string
	for o.more() {
		switch {
		case extra != nil && extra(o):
		case o.milliseconds("px", "PX", command.MinLockTTL, command.MaxLockTTL, &a.op.TTLMilliseconds):
		case o.milliseconds("wait", "WAIT", 0, command.MaxWaitMilliseconds, &a.op.WaitMilliseconds):
		case o.text("owner", "an owner", command.MaxOwnerBytes, &a.op.Owner):
		case o.session(&a.op.By):
		case o.flag("async"):
			a.async = true
		case o.flag("reentrant"):
			a.op.Reentrant = true
		case o.milliseconds("maxhold", "MAXHOLD", command.MinMaxHold, command.MaxMaxHold, &a.op.MaxHold):
		case o.milliseconds("delay", "DELAY", 0, command.MaxLockDelay, &a.op.Delay):
		case o.milliseconds("atleast", "ATLEAST", 0, command.MaxAtLeast, &a.op.AtLeast):
		case o.text("meta", "metadata", command.MaxHoldMetadataBytes, &metadata):
		case a.number.option(o):
		default:
			o.unknown()
		}
	}
	a.op.Metadata = []byte(metadata)
	a.check(o)
	return o.refusal, !o.failed
}

// check refuses combinations that mean nothing.
func (a *acquisition) check(o *options) {
	sessionless := a.op.By.Session.IsZero()
	switch {
	case sessionless && a.op.TTLMilliseconds == 0:
		o.fail(errorf("%s needs PX with the lock's time to live, or SESSION id secret", o.command))
	case !sessionless && a.op.TTLMilliseconds != 0:
		o.fail(errorf("%s takes PX or SESSION, not both: a session's lock lives as long as its session", o.command))
	case sessionless && a.op.Owner != "":
		o.fail(errorf("%s takes OWNER only together with SESSION", o.command))
	case a.async && (sessionless || a.op.WaitMilliseconds == 0):
		o.fail(errorf("%s takes ASYNC only together with SESSION and WAIT: the waiter belongs to the session, whatever becomes of the connection", o.command))
	case a.op.Reentrant && (a.op.Owner == "" || a.number.number == 0):
		o.fail(errorf("%s takes REENTRANT only together with OWNER and REQUEST, so that a retry is not counted twice", o.command))
	}
	a.number.check(o, a.op.By)
}

func (c *connection) acquireLock(argv [][]byte) {
	a := &acquisition{op: command.HoldAcquire{Names: []string{string(argv[1])}}}
	c.acquireWith("LOCK.ACQUIRE", a, argv, 2, func(o *options) bool {
		if o.flag("shared") {
			a.op.Mode = command.Shared
			return true
		}
		return false
	})
}

func (c *connection) acquireLocks(argv [][]byte) {
	names, err := countedKeys(argv)
	if err != nil || len(names) > command.MaxNamesPerLock {
		c.reply(errorf("LOCK.MACQUIRE takes the number of its names, 1 to %d, and then so many names", command.MaxNamesPerLock))
		return
	}
	a := &acquisition{}
	for _, name := range names {
		a.op.Names = append(a.op.Names, string(name))
	}
	c.acquireWith("LOCK.MACQUIRE", a, argv, 2+len(names), nil)
}

func (c *connection) acquirePermits(argv [][]byte) {
	a := &acquisition{op: command.HoldAcquire{Names: []string{string(argv[1])}, Mode: command.Semaphore, Permits: 1}}
	limit, err := strconv.ParseUint(string(argv[2]), 10, 32)
	if err != nil || limit < 1 || limit > command.MaxPermits {
		c.reply(errorf("SEMAPHORE.ACQUIRE takes how many permits there are in all, 1 to %d, not %q", command.MaxPermits, clipped(argv[2])))
		return
	}
	a.op.Limit = uint32(limit)
	c.acquireWith("SEMAPHORE.ACQUIRE", a, argv, 3, func(o *options) bool {
		permits := uint64(a.op.Permits)
		took := o.number("permits", 1, limit, &permits)
		a.op.Permits = uint32(permits)
		return took
	})
}

// acquireWith carries out an acquire: at once, as a wait that holds the connection up, or as one whose grant is pushed.
func (c *connection) acquireWith(name string, a *acquisition, argv [][]byte, fixed int, extra func(o *options) bool) {
	refusal, ok := c.parseAcquisition(name, a, argv[fixed:], extra)
	switch {
	case !ok:
		c.reply(refusal)
	case a.op.WaitMilliseconds == 0:
		c.run(a.wrapped(), sizeOf(argv), nil)
	case a.async:
		c.acquireAsync(a, sizeOf(argv))
	case c.carriesKeepalives:
		c.reply(errorf("%s with WAIT is refused on a connection that has sent SESSION.RENEW: while it waits no keepalive could pass and the session "+
			"would end; add ASYNC, or wait on a connection of its own, or try without WAIT", name))
	default:
		c.acquireAndWait(a)
	}
}

func (c *connection) renewLock(argv [][]byte) {
	op := command.HoldRenew{Name: string(argv[1])}
	o := c.holdOptions("LOCK.RENEW", argv, 3, &op.Hold)
	for o.more() {
		if !o.milliseconds("px", "PX", command.MinLockTTL, command.MaxLockTTL, &op.TTLMilliseconds) {
			o.unknown()
		}
	}
	c.runUnlessFailed(o, op, argv)
}

func (c *connection) releaseLock(argv [][]byte) {
	c.release("LOCK.RELEASE", argv)
}

// release gives a hold back; an election calls that resigning.
func (c *connection) release(name string, argv [][]byte) {
	op := command.HoldRelease{Name: string(argv[1])}
	var number numbering
	o := c.holdOptions(name, argv, 3, &op.Hold)
	for o.more() {
		switch {
		case o.session(&op.By), o.text("owner", "an owner", command.MaxOwnerBytes, &op.Owner), number.option(o):
		case o.flag("all"):
			op.All = true
		default:
			o.unknown()
		}
	}
	number.check(o, op.By)
	c.runUnlessFailed(o, number.wrap(op.By, op), argv)
}

func (c *connection) cancelLock(argv [][]byte) {
	op := command.HoldCancel{Name: string(argv[1])}
	refusal, ok := checkLockName(c.database, argv[1])
	o := &options{command: "LOCK.CANCEL", left: argv[2:], failed: !ok, refusal: refusal}
	if id, _, ok := parseWaiter(argv[2]); ok {
		op.Waiter, o.left = id, argv[3:]
	}
	for o.more() {
		switch {
		case op.Waiter.IsZero() && op.Number == 0 && o.text("owner", "an owner", command.MaxOwnerBytes, &op.Owner):
		case op.Waiter.IsZero() && op.Owner == "" && o.number("number", 1, 1<<63, &op.Number):
		case o.session(&op.By):
		default:
			o.unknown()
		}
	}
	switch {
	case op.Waiter.IsZero() && op.Owner == "" && op.Number == 0:
		o.fail(errorf("LOCK.CANCEL needs the acquire that it withdraws: its waiter id, OWNER owner or NUMBER n; see HELP LOCK.CANCEL"))
	case op.By.Session.IsZero() && op.Waiter.IsZero():
		o.fail(errorf("LOCK.CANCEL takes OWNER and NUMBER only together with SESSION"))
	}
	c.runUnlessFailed(o, op, argv)
}

func (c *connection) describeLock(argv [][]byte) {
	op := command.HoldDescribe{Name: string(argv[1])}
	o := c.holdOptions("LOCK.META", argv, 4, &op.Hold)
	if len(argv[3]) > command.MaxHoldMetadataBytes {
		o.fail(command.Errorf(command.CodeLimit, "metadata of %d bytes is too long; the limit is %d", len(argv[3]), command.MaxHoldMetadataBytes))
	}
	op.Metadata = argv[3]
	for o.more() {
		if !o.session(&op.By) && !o.text("owner", "an owner", command.MaxOwnerBytes, &op.Owner) {
			o.unknown()
		}
	}
	c.runUnlessFailed(o, op, argv)
}

// holdOptions begins to read a command that names a lock and a hold of it.
func (c *connection) holdOptions(name string, argv [][]byte, fixed int, hold *command.HoldRef) *options {
	o := &options{command: name, left: argv[fixed:]}
	if refusal, ok := checkLockName(c.database, argv[1]); !ok {
		o.fail(refusal)
		return o
	}
	var refusal command.Reply
	var ok bool
	if *hold, refusal, ok = parseHold(argv[2]); !ok {
		o.fail(refusal)
	}
	return o
}

// runUnlessFailed has an op answer the request, unless its options were wrong.
func (c *connection) runUnlessFailed(o *options, op command.Op, argv [][]byte) {
	if o.failed {
		c.reply(o.refusal)
		return
	}
	c.run(op, sizeOf(argv), nil)
}
