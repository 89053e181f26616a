package native

import (
	"strconv"

	"github.com/coordd/coordd/fsm/command"
)

// Acquisition is an acquire as a client asks for it.
type Acquisition struct {
	Op     command.HoldAcquire
	Number Numbering
	Async  bool // the wait goes on beside the caller, who is told how it ended
}

// Wrapped is the op as it goes to the node.
func (a *Acquisition) Wrapped() command.Op { return a.Number.Wrap(a.Op.By, a.Op) }

// parse reads the options of an acquire; extra takes those that only this command has.
func (a *Acquisition) parse(database uint8, name string, left [][]byte, extra func(o *options) bool) (*Acquisition, *command.Reply) {
	for _, lock := range a.Op.Names {
		if refusal := checkLockName(database, []byte(lock)); refusal != nil {
			return nil, refusal
		}
	}
	o := &options{command: name, left: left}
	var metadata string
	for o.more() {
		switch {
		case extra != nil && extra(o):
		case o.milliseconds("px", "PX", command.MinLockTTL, command.MaxLockTTL, &a.Op.TTLMilliseconds):
		case o.milliseconds("wait", "WAIT", 0, command.MaxWaitMilliseconds, &a.Op.WaitMilliseconds):
		case o.text("owner", "an owner", command.MaxOwnerBytes, &a.Op.Owner):
		case o.session(&a.Op.By):
		case o.flag("async"):
			a.Async = true
		case o.flag("reentrant"):
			a.Op.Reentrant = true
		case o.milliseconds("maxhold", "MAXHOLD", command.MinMaxHold, command.MaxMaxHold, &a.Op.MaxHold):
		case o.milliseconds("delay", "DELAY", 0, command.MaxLockDelay, &a.Op.Delay):
		case o.milliseconds("atleast", "ATLEAST", 0, command.MaxAtLeast, &a.Op.AtLeast):
		case o.text("meta", "metadata", command.MaxHoldMetadataBytes, &metadata):
		case a.Number.option(o):
		default:
			o.unknown()
		}
	}
	a.Op.Metadata = []byte(metadata)
	a.check(o)
	return a, o.problem()
}

// check refuses combinations that mean nothing.
func (a *Acquisition) check(o *options) {
	sessionless := a.Op.By.Session.IsZero()
	switch {
	case sessionless && a.Op.TTLMilliseconds == 0:
		o.fail(errorf("%s needs PX with the lock's time to live, or SESSION id secret", o.command))
	case !sessionless && a.Op.TTLMilliseconds != 0:
		o.fail(errorf("%s takes PX or SESSION, not both: a session's lock lives as long as its session", o.command))
	case sessionless && a.Op.Owner != "":
		o.fail(errorf("%s takes OWNER only together with SESSION", o.command))
	case a.Async && (sessionless || a.Op.WaitMilliseconds == 0):
		o.fail(errorf("%s takes ASYNC only together with SESSION and WAIT: the waiter belongs to the session, whatever becomes of the connection", o.command))
	case a.Op.Reentrant && (a.Op.Owner == "" || a.Number.Number == 0):
		o.fail(errorf("%s takes REENTRANT only together with OWNER and REQUEST, so that a retry is not counted twice", o.command))
	}
	a.Number.check(o, a.Op.By)
}

// Acquire reads LOCK.ACQUIRE.
func Acquire(database uint8, argv [][]byte) (*Acquisition, *command.Reply) {
	a := &Acquisition{Op: command.HoldAcquire{Names: []string{string(argv[1])}}}
	return a.parse(database, "LOCK.ACQUIRE", argv[2:], func(o *options) bool {
		if o.flag("shared") {
			a.Op.Mode = command.Shared
			return true
		}
		return false
	})
}

// CountedNames finds the names of LOCK.MACQUIRE, which begin with how many there are.
func CountedNames(argv [][]byte) (names [][]byte, ok bool) {
	count, err := strconv.Atoi(string(argv[1]))
	if err != nil || count < 1 || count > len(argv)-2 {
		return nil, false
	}
	return argv[2 : 2+count], true
}

// AcquireSet reads LOCK.MACQUIRE.
func AcquireSet(database uint8, argv [][]byte) (*Acquisition, *command.Reply) {
	names, ok := CountedNames(argv)
	if !ok || len(names) > command.MaxNamesPerLock {
		return nil, refuse("LOCK.MACQUIRE takes the number of its names, 1 to %d, and then so many names", command.MaxNamesPerLock)
	}
	a := &Acquisition{}
	for _, name := range names {
		a.Op.Names = append(a.Op.Names, string(name))
	}
	return a.parse(database, "LOCK.MACQUIRE", argv[2+len(names):], nil)
}

// AcquirePermits reads SEMAPHORE.ACQUIRE.
func AcquirePermits(database uint8, argv [][]byte) (*Acquisition, *command.Reply) {
	a := &Acquisition{Op: command.HoldAcquire{Names: []string{string(argv[1])}, Mode: command.Semaphore, Permits: 1}}
	limit, err := strconv.ParseUint(string(argv[2]), 10, 32)
	if err != nil || limit < 1 || limit > command.MaxPermits {
		return nil, refuse("SEMAPHORE.ACQUIRE takes how many permits there are in all, 1 to %d, not %q", command.MaxPermits, clipped(argv[2]))
	}
	a.Op.Limit = uint32(limit)
	return a.parse(database, "SEMAPHORE.ACQUIRE", argv[3:], func(o *options) bool {
		permits := uint64(a.Op.Permits)
		took := o.number("permits", 1, limit, &permits)
		a.Op.Permits = uint32(permits)
		return took
	})
}

// Campaign reads ELECTION.CAMPAIGN. What a leader says is its metadata.
func Campaign(database uint8, argv [][]byte) (*Acquisition, *command.Reply) {
	const name = "ELECTION.CAMPAIGN"
	a := &Acquisition{Op: command.HoldAcquire{Names: []string{string(argv[1])}}}
	value, said := "", false
	_, refusal := a.parse(database, name, argv[2:], func(o *options) bool {
		if is(o.left[0], "px") {
			o.fail(errorf("%s needs SESSION id secret: a leader is known by its session", name))
			return true
		}
		took := o.text("value", "a value", command.MaxHoldMetadataBytes, &value)
		said = said || took
		return took
	})
	if said {
		a.Op.Metadata = []byte(value)
	}
	return a, refusal
}
