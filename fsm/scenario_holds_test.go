package fsm

import (
	"github.com/coordd/coordd/fsm/command"
)

// by is a session of the scenario with its secret, or now and then another.
func (s *scenario) by() command.Credentials {
	if s.pick(4) == 0 {
		return command.Credentials{}
	}
	by := command.Credentials{Session: s.session(), Secret: scenarioSecret}
	if s.pick(40) == 0 {
		by.Secret[0]++
	}
	return by
}

func (s *scenario) lockName() string { return string(rune('a' + s.pick(3))) }

func (s *scenario) ref() command.HoldRef {
	if s.pick(2) == 0 {
		return command.HoldRef{Token: last(s, s.tokens)}
	}
	return command.HoldRef{Waiter: last(s, s.waiters)}
}

func (s *scenario) owner() string { return []string{"", "p", "q", "r"}[s.pick(4)] }

// holdOp is an op about native holds that changes something.
func (s *scenario) holdOp() command.Op {
	name := s.lockName()
	switch s.pick(24) {
	case 0:
		return command.HoldRenew{Name: name, Hold: s.ref(), TTLMilliseconds: int64(s.pick(3) * 100)}
	case 1, 2, 3, 4:
		return command.HoldRelease{Name: name, Hold: s.ref(), By: s.by(), Owner: s.owner(), All: s.pick(2) == 0}
	case 5:
		return command.HoldCancel{Name: name, Waiter: last(s, s.waiters), By: s.by()}
	case 6:
		by := s.by()
		return command.HoldCancel{Name: name, By: by, Number: s.numbers[by.Session] + uint64(s.pick(2))}
	case 7:
		return command.HoldCancel{Name: name, Owner: s.owner(), By: s.by()}
	case 8:
		return command.HoldDescribe{Name: name, Hold: s.ref(), By: s.by(), Metadata: s.value()}
	case 9:
		return command.ElectionTransfer{Name: name, Hold: s.ref(), By: s.by(), Candidate: s.owner()}
	case 10:
		return command.ForceUnlock{Name: name, Reason: "test", Actor: "me", Now: s.pick(2) == 0}
	case 11:
		return command.SessionKill{Session: s.session(), Reason: "test", Actor: "me", Now: s.pick(2) == 0}
	case 12, 13:
		return command.SessionRenew{By: s.by(), Acknowledged: []command.WaiterID{last(s, s.waiters), last(s, s.waiters)}}
	}
	return s.holdAcquire()
}

func (s *scenario) holdAcquire() command.Op {
	op := command.HoldAcquire{Names: []string{s.lockName()}, By: s.by(), WaitMilliseconds: int64(s.pick(3) * 300), Metadata: s.value()}
	switch s.pick(6) {
	case 0, 1:
		op.Mode = command.Shared
	case 2:
		op.Mode, op.Limit, op.Permits = command.Semaphore, 3, uint32(1+s.pick(2))
	case 3:
		for _, other := range []string{"a", "b", "c"} {
			if other != op.Names[0] && s.pick(2) == 0 {
				op.Names = append(op.Names, other)
			}
		}
	}
	if op.By.Session.IsZero() {
		op.TTLMilliseconds = int64(50 + s.pick(600))
	} else {
		op.Owner = s.owner()
		op.Reentrant = op.Owner != "" && s.pick(3) == 0
	}
	if s.pick(4) == 0 {
		op.MaxHold = int64(50 + s.pick(400))
	}
	if s.pick(4) == 0 {
		op.Delay = int64(s.pick(400))
	}
	if s.pick(4) == 0 {
		op.AtLeast = int64(s.pick(400))
	}
	return op
}

// numbered wraps an op of a session in a request of that session, sometimes one that was sent before.
func (s *scenario) numbered(op command.Op) command.Op {
	session := s.session()
	if !command.Numberable(op.Kind()) || session.IsZero() || s.pick(3) > 0 {
		return op
	}
	number := s.numbers[session] + 1
	if s.pick(4) == 0 && number > 1 {
		number -= uint64(1 + s.pick(2))
	} else {
		s.numbers[session] = number
	}
	return command.Numbered{By: command.Credentials{Session: session, Secret: scenarioSecret}, Number: number, LowWater: uint64(s.pick(int(number) + 1)), Op: op}
}

// holdRead is an op about native holds that only reads.
func (s *scenario) holdRead() command.Op {
	switch s.pick(8) {
	case 7:
		return command.HoldOutcome{Name: s.lockName(), Waiter: last(s, s.waiters)}
	case 0:
		return command.LockInfo{Name: s.lockName()}
	case 1:
		return command.LockList{Count: int64(1 + s.pick(3)), Redis: s.pick(2) == 0}
	case 2:
		return command.LockHistory{Name: s.lockName(), Count: 5}
	case 3:
		return command.ElectionLeader{Name: s.lockName()}
	case 4:
		return command.SessionList{Count: int64(1 + s.pick(3))}
	case 5:
		return command.SessionInfo{Session: s.session()}
	}
	return command.HoldCheck{Checks: []command.Check{{Name: s.lockName(), Hold: s.ref()}, {Name: s.lockName(), Hold: s.ref()}}}
}

// anyRead is an op that only reads; those about native holds stand in no transaction.
func (s *scenario) anyRead(top bool) command.Op {
	if top && s.pick(3) == 0 {
		return s.holdRead()
	}
	return s.readOp()
}
