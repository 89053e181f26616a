package fsm

import (
	"fmt"

	"github.com/coordd/coordd/fsm/command"
)

// scenario makes up entries that are likely to collide: few names, few values, few sessions, short times. What it chooses comes from pick alone.
type scenario struct {
	pick     func(n int) int // 0 to n-1
	machine  *Machine
	term     uint64
	index    uint64
	now      command.Instant
	sessions []command.SessionID
	waiters  []command.WaiterID
	tokens   []command.Token
	numbers  map[command.SessionID]uint64
	entries  [][]byte
}

func newScenario(pick func(int) int) *scenario {
	return &scenario{pick: pick, machine: New(), term: 1, now: 1000, numbers: map[command.SessionID]uint64{}}
}

var scenarioSecret = [32]byte{7}

// step seals and applies one entry, and learns from it.
func (s *scenario) step() (command.Entry, Applied) {
	s.now += command.Instant([]int64{0, 0, 1, 20, 200, 700}[s.pick(6)])
	entry := command.Entry{Term: s.term, Now: s.now}
	if s.pick(40) == 0 {
		entry.Term++ // a stamp of another reign
	}
	for range 1 + s.pick(6) {
		entry.Commands = append(entry.Commands, s.command())
	}
	s.index++
	data := command.AppendEntry(nil, entry)
	s.entries = append(s.entries, data)
	applied := s.machine.Apply(s.index, s.term, data)
	s.learn(entry, applied)
	return entry, applied
}

func (s *scenario) learn(entry command.Entry, applied Applied) {
	for i, c := range entry.Commands {
		position := command.Position{Index: s.index, Offset: uint32(i)}
		switch c.Op.(type) {
		case command.SessionOpen, command.SessionOpenEarly:
			s.sessions = append(s.sessions, position)
		case command.LockAcquire, command.HoldAcquire, command.Numbered:
			s.waiters = append(s.waiters, position)
		}
	}
	for _, event := range applied.Events {
		if event.Type == EventBegan {
			s.tokens = append(s.tokens, event.Token)
		}
	}
}

func (s *scenario) command() command.Command {
	c := command.Command{Lane: uint64(s.pick(4)), Op: s.op(true)}
	if session := s.session(); !session.IsZero() && s.pick(2) == 0 {
		number := s.numbers[session] + 1
		if s.pick(4) == 0 && number > 1 {
			number -= uint64(1 + s.pick(2)) // a retry, or a number that is too old
		} else {
			s.numbers[session] = number
		}
		c.Request = command.Request{Session: session, Number: number, LowWater: uint64(s.pick(int(number) + 1))}
	}
	return c
}

func (s *scenario) name() command.Name {
	name := command.Name{Key: string(rune('a' + s.pick(3)))}
	switch s.pick(30) {
	case 0:
		name.Database = 1
	case 1:
		name.Key = command.FencePrefix + name.Key
	}
	return name
}

func (s *scenario) value() []byte { return []byte{byte('0' + s.pick(3))} }

func (s *scenario) session() command.SessionID { return last(s, s.sessions) }

func last[T any](s *scenario, from []T) (none T) {
	if len(from) == 0 || s.pick(12) == 0 {
		return none
	}
	return from[len(from)-1-s.pick(min(4, len(from)))]
}

func (s *scenario) expiry() command.Expiry {
	switch s.pick(5) {
	case 0:
		return command.Expiry{}
	case 1:
		return command.Expiry{Mode: command.ExpiryKeep}
	case 2:
		return command.Expiry{Mode: command.ExpiryAbsolute, Milliseconds: int64(s.now) + s.machine.ClockOffset() + int64(s.pick(600)) - 100}
	}
	return command.Expiry{Mode: command.ExpiryRelative, Milliseconds: int64(1 + s.pick(600))}
}

func (s *scenario) op(top bool) command.Op {
	if top {
		switch s.pick(22) {
		case 12, 13, 14, 15, 16, 17, 18, 19, 20, 21:
			return s.numbered(s.holdOp())
		case 0:
			return s.housekeeping()
		case 1, 2:
			return s.sessionOp()
		case 3, 4, 5, 6:
			return s.lockOp()
		case 7:
			return s.transaction()
		case 8:
			return s.poolOp()
		}
	}
	if s.pick(3) == 0 {
		return s.anyRead(top)
	}
	return s.writeOp()
}

func (s *scenario) housekeeping() command.Op {
	switch s.pick(8) {
	case 0:
		return command.ClockOffset{Milliseconds: int64(s.pick(100_000))}
	case 1:
		return command.Identity{ClusterID: string(s.value()), ClusterName: "test"}
	case 2:
		return command.Setting{Key: string(s.value()), Value: string(s.value())}
	case 3:
		return command.ScriptLoad{Source: s.value()}
	case 4:
		return command.ScriptFlush{}
	case 5:
		return command.Tick{}
	}
	return command.Expire{}
}

func (s *scenario) sessionOp() command.Op {
	switch s.pick(6) {
	case 4:
		return command.SessionOpenEarly{SecretHash: scenarioSecret, TTLMilliseconds: int64(1500 + s.pick(1000)), ClientName: "e", Metadata: s.value(), EarlyMilliseconds: int64(900 + s.pick(700))}
	case 5:
		return s.endEarly()
	case 0, 1:
		return command.SessionOpen{SecretHash: scenarioSecret, TTLMilliseconds: int64(500 + s.pick(1000)), ClientName: "c", Metadata: s.value()}
	case 2:
		return command.SessionClose{Session: s.session(), SecretHash: scenarioSecret}
	}
	return command.SessionKeepAlive{Session: s.session(), SecretHash: scenarioSecret}
}

// endEarly means the renewals that the machine knows, or older ones.
func (s *scenario) endEarly() command.Op {
	op := command.SessionEndEarly{Session: s.session()}
	s.machine.state.earlyEnds.all(func(id command.SessionID, _ int64) bool {
		op.Session = id
		return s.pick(3) == 0
	})
	op.Renewed, _, _ = s.machine.EarlyEnd(op.Session)
	op.Renewed -= command.Instant(s.pick(4) / 3)
	return op
}

func (s *scenario) lockOp() command.Op {
	name := string(rune('a' + s.pick(3)))
	switch s.pick(6) {
	case 0:
		return command.LockRenew{Name: name, Token: last(s, s.tokens), TTLMilliseconds: int64(s.pick(3) * 100)}
	case 1:
		op := command.LockRelease{Name: name, Token: last(s, s.tokens)}
		if s.pick(2) == 0 {
			op.Session, op.SecretHash = s.session(), scenarioSecret
		}
		return op
	case 2:
		return command.LockCancel{Name: name, Waiter: last(s, s.waiters)}
	}
	op := command.LockAcquire{Name: name, TTLMilliseconds: int64(50 + s.pick(600)), WaitMilliseconds: int64(s.pick(3) * 300)}
	if s.pick(2) == 0 {
		op.Session, op.SecretHash, op.Owner = s.session(), scenarioSecret, string(s.value())
	}
	return op
}

func (s *scenario) transaction() command.Op {
	var op command.Transaction
	if s.pick(3) == 0 {
		name := s.name()
		replies, _ := s.machine.Read(s.now, []command.Op{command.Revisions{Names: []command.Name{name}}})
		op.Watches = append(op.Watches, command.Watch{Name: name, Revision: uint64(replies[0].Elements[0].Integer)})
	}
	for range s.pick(4) {
		op.Ops = append(op.Ops, s.op(false))
	}
	return op
}

func (s *scenario) readOp() command.Op {
	name := s.name()
	switch s.pick(12) {
	case 0:
		return command.MultiGet{Names: []command.Name{name, s.name()}}
	case 1:
		return command.GetRange{Name: name, Start: int64(s.pick(5) - 2), End: int64(s.pick(5) - 2)}
	case 2:
		return command.Length{Name: name}
	case 3:
		return command.Exists{Names: []command.Name{name, name}}
	case 4:
		return command.Type{Name: name}
	case 5:
		return command.TimeToLive{Name: name, Form: command.TimeToLiveForm(s.pick(4))}
	case 6:
		return command.Scan{Count: int64(s.pick(3))}
	case 7:
		return command.Keys{Match: "*"}
	case 8:
		return command.DatabaseSize{}
	case 9:
		return command.Time{}
	case 10:
		return command.Fence{Name: name, HasValue: s.pick(2) == 0, Value: s.value()}
	}
	return command.Get{Name: name}
}

func (s *scenario) writeOp() command.Op {
	name := s.name()
	switch s.pick(14) {
	case 0:
		return command.GetDelete{Name: name}
	case 1:
		return command.GetExpire{Name: name, Expiry: s.expiry()}
	case 2:
		return command.MultiSet{Pairs: []command.Pair{{Name: name, Value: s.value()}, {Name: s.name(), Value: s.value()}}, IfAbsent: s.pick(2) == 0}
	case 3:
		return command.Increment{Name: name, Delta: int64(s.pick(3) - 1)}
	case 4:
		return command.IncrementBy{Name: name, Delta: fmt.Sprint(s.pick(3)) + ".5"}
	case 5, 6:
		return command.Delete{Names: []command.Name{name, s.name()}}
	case 7:
		return command.DeleteIf{Name: name, Condition: []command.Condition{command.Always, command.IfEqual, command.IfNotEqual}[s.pick(3)], Operand: s.value()}
	case 8:
		return command.ExpireKey{Name: name, Expiry: s.expiry(), Conditions: []command.Condition{command.Condition(s.pick(9))}}
	case 9:
		return command.Persist{Name: name}
	}
	return command.Set{Name: name, Value: s.value(), Condition: command.Condition(s.pick(5)), Operand: s.value(), Expiry: s.expiry(), Reply: command.SetReply(s.pick(3))}
}
