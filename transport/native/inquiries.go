package native

import "github.com/coordd/coordd/fsm/command"

// DefaultCount is how many rows a list answers when it is not told.
const DefaultCount = 100

// Info reads LOCK.INFO.
func Info(database uint8, argv [][]byte) (command.Op, *command.Reply) {
	return command.LockInfo{Name: string(argv[1])}, checkLockName(database, argv[1])
}

// Leader reads ELECTION.LEADER.
func Leader(database uint8, argv [][]byte) (command.Op, *command.Reply) {
	return command.ElectionLeader{Name: string(argv[1])}, checkLockName(database, argv[1])
}

// List reads LOCK.LIST.
func List(argv [][]byte) (command.Op, *command.Reply) {
	op := command.LockList{}
	count := uint64(DefaultCount)
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
	return op, o.problem()
}

// History reads LOCK.HISTORY.
func History(database uint8, argv [][]byte) (command.Op, *command.Reply) {
	count := uint64(command.MaxHistoryPerLock)
	o := &options{command: "LOCK.HISTORY", left: argv[2:]}
	o.check(checkLockName(database, argv[1]))
	for o.more() {
		if !o.number("count", 1, command.MaxHistoryPerLock, &count) {
			o.unknown()
		}
	}
	return command.LockHistory{Name: string(argv[1]), Count: int64(count)}, o.problem()
}

// Check reads FENCE.CHECK.
func Check(database uint8, argv [][]byte) (command.Op, *command.Reply) {
	pairs := argv[1:]
	if len(pairs)%2 != 0 || len(pairs)/2 > command.MaxChecks {
		return nil, refuse("FENCE.CHECK takes pairs of a name and a hold, %d at most", command.MaxChecks)
	}
	var op command.HoldCheck
	for ; len(pairs) > 0; pairs = pairs[2:] {
		if refusal := checkLockName(database, pairs[0]); refusal != nil {
			return nil, refusal
		}
		hold, refusal := parseHold(pairs[1])
		if refusal != nil {
			return nil, refusal
		}
		op.Checks = append(op.Checks, command.Check{Name: string(pairs[0]), Hold: hold})
	}
	return op, nil
}

// Force reads LOCK.FORCE; the actor is who asks.
func Force(database uint8, argv [][]byte, actor string) (command.ForceUnlock, *command.Reply) {
	op := command.ForceUnlock{Name: string(argv[1]), Actor: actor}
	o := &options{command: "LOCK.FORCE", left: argv[2:]}
	o.check(checkLockName(database, argv[1]))
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
	return op, o.problem()
}
