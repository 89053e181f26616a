package native

import "github.com/coordd/coordd/fsm/command"

// holdOptions begins to read a command that names a lock and a hold of it, and goes on after its fixed arguments.
func holdOptions(database uint8, name string, argv [][]byte, fixed int, hold *command.HoldRef) *options {
	o := &options{command: name, left: argv[fixed:]}
	o.check(checkLockName(database, argv[1]))
	var refusal *command.Reply
	*hold, refusal = parseHold(argv[2])
	o.check(refusal)
	return o
}

// Renew reads LOCK.RENEW.
func Renew(database uint8, argv [][]byte) (command.Op, *command.Reply) {
	op := command.HoldRenew{Name: string(argv[1])}
	o := holdOptions(database, "LOCK.RENEW", argv, 3, &op.Hold)
	for o.more() {
		if !o.milliseconds("px", "PX", command.MinLockTTL, command.MaxLockTTL, &op.TTLMilliseconds) {
			o.unknown()
		}
	}
	return op, o.problem()
}

// Release reads LOCK.RELEASE, and ELECTION.RESIGN, which is the same in other words.
func Release(name string, database uint8, argv [][]byte) (command.Op, *command.Reply) {
	op := command.HoldRelease{Name: string(argv[1])}
	var number Numbering
	o := holdOptions(database, name, argv, 3, &op.Hold)
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
	return number.Wrap(op.By, op), o.problem()
}

// Cancel reads LOCK.CANCEL.
func Cancel(database uint8, argv [][]byte) (command.Op, *command.Reply) {
	op := command.HoldCancel{Name: string(argv[1])}
	o := &options{command: "LOCK.CANCEL", left: argv[2:]}
	o.check(checkLockName(database, argv[1]))
	if id, refusal := parseWaiter(argv[2]); refusal == nil {
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
	return op, o.problem()
}

// Describe reads LOCK.META.
func Describe(database uint8, argv [][]byte) (command.Op, *command.Reply) {
	op := command.HoldDescribe{Name: string(argv[1]), Metadata: argv[3]}
	o := holdOptions(database, "LOCK.META", argv, 4, &op.Hold)
	if len(argv[3]) > command.MaxHoldMetadataBytes {
		o.check(refuseLimit("metadata of %d bytes is too long; the limit is %d", len(argv[3]), command.MaxHoldMetadataBytes))
	}
	var number Numbering
	for o.more() {
		if !o.session(&op.By) && !o.text("owner", "an owner", command.MaxOwnerBytes, &op.Owner) && !number.option(o) {
			o.unknown()
		}
	}
	number.check(o, op.By)
	return number.Wrap(op.By, op), o.problem()
}

// Awaited is LOCK.AWAIT: whose end is waited for, and how.
type Awaited struct {
	Outcome   command.HoldOutcome
	TimeoutMs int64 // 0: the answer is what is known now
	Async     bool
}

// Await reads LOCK.AWAIT.
func Await(database uint8, argv [][]byte) (Awaited, *command.Reply) {
	a := Awaited{Outcome: command.HoldOutcome{Name: string(argv[1])}}
	o := &options{command: "LOCK.AWAIT", left: argv[3:]}
	o.check(checkLockName(database, argv[1]))
	waiter, refusal := parseWaiter(argv[2])
	o.check(refusal)
	a.Outcome.Waiter = waiter
	for o.more() {
		switch {
		case o.flag("async"):
			a.Async = true
		case !o.milliseconds("timeout", "TIMEOUT", 0, command.MaxWaitMilliseconds, &a.TimeoutMs):
			o.unknown()
		}
	}
	if a.Async && a.TimeoutMs != 0 {
		o.fail(errorf("LOCK.AWAIT takes TIMEOUT or ASYNC, not both: with ASYNC the end of the wait is pushed, whenever it comes"))
	}
	return a, o.problem()
}

// Proclaim reads ELECTION.PROCLAIM.
func Proclaim(database uint8, argv [][]byte) (command.Op, *command.Reply) {
	op := command.HoldDescribe{Name: string(argv[1])}
	var number Numbering
	said := false
	o := holdOptions(database, "ELECTION.PROCLAIM", argv, 3, &op.Hold)
	for o.more() {
		var value string
		switch {
		case o.text("value", "a value", command.MaxHoldMetadataBytes, &value):
			said, op.Metadata = true, []byte(value)
		case o.session(&op.By), o.text("owner", "an owner", command.MaxOwnerBytes, &op.Owner), number.option(o):
		default:
			o.unknown()
		}
	}
	if !said {
		o.fail(errorf("ELECTION.PROCLAIM needs VALUE text; see HELP ELECTION.PROCLAIM"))
	}
	number.check(o, op.By)
	return number.Wrap(op.By, op), o.problem()
}

// Transfer reads ELECTION.TRANSFER.
func Transfer(database uint8, argv [][]byte) (command.Op, *command.Reply) {
	op := command.ElectionTransfer{Name: string(argv[1])}
	var number Numbering
	o := holdOptions(database, "ELECTION.TRANSFER", argv, 3, &op.Hold)
	for o.more() {
		switch {
		case o.values("to", 1, func(values [][]byte) {
			if id, refusal := parseWaiter(values[0]); refusal == nil {
				op.Waiter = id
				return
			}
			op.Candidate = string(values[0])
		}):
		case o.session(&op.By), o.text("owner", "an owner", command.MaxOwnerBytes, &op.Owner), number.option(o):
		default:
			o.unknown()
		}
	}
	switch {
	case op.Waiter.IsZero() && (op.Candidate == "" || len(op.Candidate) > command.MaxOwnerBytes):
		o.fail(errorf("ELECTION.TRANSFER needs TO with a candidate's waiter id or owner; see HELP ELECTION.TRANSFER"))
	case op.By.Session.IsZero():
		o.fail(errorf("ELECTION.TRANSFER needs SESSION id secret: only the leader gives its leadership away"))
	}
	number.check(o, op.By)
	return number.Wrap(op.By, op), o.problem()
}
