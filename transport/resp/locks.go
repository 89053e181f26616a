package resp

import "github.com/coordd/coordd/fsm/command"

func lockRows() []*row {
	const flags, categories, group = "noscript fast", "@fast @write", "coordd"
	return []*row{
		{name: "lock.acquire", arity: -2, flags: flags + " blocking", categories: categories + " @blocking", group: group, firstKey: 1, lastKey: 1, keyStep: 1,
			inMulti: refusedInMulti, handle: (*connection).acquireLock,
			usage:   "name PX ms [WAIT ms] | name SESSION id secret [OWNER owner] [WAIT ms]",
			summary: "Takes a lock, for so long or as long as the session lives, and answers its fencing token; WAIT takes a place in the queue, first in, first out."},
		{name: "lock.renew", arity: -3, flags: flags, categories: categories, group: group, firstKey: 1, lastKey: 1, keyStep: 1,
			inMulti: refusedInMulti, handle: (*connection).renewLock, usage: "name token [PX ms]", summary: "Extends a lock that was taken with PX."},
		{name: "lock.release", arity: -3, flags: flags, categories: categories, group: group, firstKey: 1, lastKey: 1, keyStep: 1,
			inMulti: refusedInMulti, handle: (*connection).releaseLock, usage: "name token [SESSION id secret]", summary: "Gives a lock back; a session's lock needs its session."},
	}
}

func parseAcquire(database uint8, argv [][]byte) (op command.LockAcquire, refusal command.Reply, ok bool) {
	const name = "LOCK.ACQUIRE"
	if refusal, ok = checkLockName(database, argv[1]); !ok {
		return op, refusal, false
	}
	op.Name = string(argv[1])
	for i := 2; i < len(argv); {
		left := len(argv) - i - 1
		switch option := argv[i]; {
		case left == 0:
			return op, errNoValue(name, option), false
		case is(option, "px"):
			op.TTLMilliseconds, refusal, ok = parseMilliseconds("PX", argv[i+1], command.MinLockTTL, command.MaxLockTTL)
			i += 2
		case is(option, "wait"):
			op.WaitMilliseconds, refusal, ok = parseMilliseconds("WAIT", argv[i+1], 0, command.MaxWaitMilliseconds)
			i += 2
		case is(option, "owner"):
			op.Owner, ok = string(argv[i+1]), len(argv[i+1]) <= command.MaxOwnerBytes
			refusal = command.Errorf(command.CodeLimit, "an owner of %d bytes is too long; the limit is %d", len(argv[i+1]), command.MaxOwnerBytes)
			i += 2
		case is(option, "session") && left >= 2:
			var who credentials
			who, refusal, ok = parseCredentials(argv[i+1], argv[i+2])
			op.Session, op.SecretHash = who.session, who.hash
			i += 3
		case is(option, "session"):
			return op, errorf("%s: SESSION needs an id and a secret; see HELP %s", name, name), false
		default:
			return op, errOption(name, option), false
		}
		if !ok {
			return op, refusal, false
		}
	}
	return checkAcquire(op)
}

// checkAcquire refuses combinations that mean nothing.
func checkAcquire(op command.LockAcquire) (command.LockAcquire, command.Reply, bool) {
	switch {
	case op.Session.IsZero() && op.TTLMilliseconds == 0:
		return op, errorf("LOCK.ACQUIRE needs PX with the lock's time to live, or SESSION id secret"), false
	case !op.Session.IsZero() && op.TTLMilliseconds != 0:
		return op, errorf("LOCK.ACQUIRE takes PX or SESSION, not both: a session's lock lives as long as its session"), false
	case op.Session.IsZero() && op.Owner != "":
		return op, errorf("LOCK.ACQUIRE takes OWNER only together with SESSION"), false
	}
	return op, command.Reply{}, true
}

func (c *connection) acquireLock(argv [][]byte) {
	op, refusal, ok := parseAcquire(c.database, argv)
	switch {
	case !ok:
		c.reply(refusal)
	case op.WaitMilliseconds == 0:
		c.run(op, sizeOf(argv), nil)
	case c.carriesKeepalives:
		c.reply(errorf("LOCK.ACQUIRE with WAIT is refused on a connection that has sent SESSION.RENEW: while it waits no keepalive could pass and the session " +
			"would end; wait on a connection of its own, or try without WAIT"))
	default:
		c.acquireAndWait(op)
	}
}

func (c *connection) renewLock(argv [][]byte) {
	refusal, ok := checkLockName(c.database, argv[1])
	op := command.LockRenew{Name: string(argv[1])}
	if ok {
		op.Token, refusal, ok = parseToken(argv[2])
	}
	switch {
	case !ok:
	case len(argv) == 5 && is(argv[3], "px"):
		op.TTLMilliseconds, refusal, ok = parseMilliseconds("PX", argv[4], command.MinLockTTL, command.MaxLockTTL)
	case len(argv) > 3:
		refusal, ok = errOption("LOCK.RENEW", argv[3]), false
	}
	if !ok {
		c.reply(refusal)
		return
	}
	c.run(op, sizeOf(argv), nil)
}

func (c *connection) releaseLock(argv [][]byte) {
	refusal, ok := checkLockName(c.database, argv[1])
	op := command.LockRelease{Name: string(argv[1])}
	if ok {
		op.Token, refusal, ok = parseToken(argv[2])
	}
	switch {
	case !ok:
	case len(argv) == 6 && is(argv[3], "session"):
		var who credentials
		who, refusal, ok = parseCredentials(argv[4], argv[5])
		op.Session, op.SecretHash = who.session, who.hash
	case len(argv) > 3:
		refusal, ok = errOption("LOCK.RELEASE", argv[3]), false
	}
	if !ok {
		c.reply(refusal)
		return
	}
	c.run(op, sizeOf(argv), nil)
}
