package fsm

import (
	"slices"
	"strings"
	"testing"

	"github.com/coordd/coordd/fsm/command"
)

// holdOp reads a line about native holds:
//
//	lock A[,B] [shared] [permits=N/LIMIT] [session= owner= ttl= wait= maxhold= delay= atleast= meta= reentrant as=] · unlock A HOLD [session= owner= all] ·
//	extend A HOLD [ttl=] · withdraw A [waiter= owner= number=] [session=] · describe A HOLD meta= [session= owner=] · check A HOLD [A HOLD …] · info A ·
//	locks [redis] · history A · sessions · session S · beat S [ack=W,W] · kill S [now] · force A [waiter=] [now] · leader A · transfer A HOLD to=C [session=]
//
// A HOLD is token=N or waiter=W. In front may stand %S:N[:M], request N of session S in the op itself.
func (s *story) holdOp(t *testing.T, words []string) (op command.Op, known bool) {
	if strings.HasPrefix(words[0], "%") {
		parts := strings.Split(words[0][1:], ":")
		inner, _ := s.holdOp(t, words[1:])
		numbered := command.Numbered{By: s.credentials(parts[0]), Number: uint64(mustInt(t, parts[1])), Op: inner}
		if len(parts) == 3 {
			numbered.LowWater = uint64(mustInt(t, parts[2]))
		}
		return numbered, true
	}
	by, owner := s.credentials(option(words, "session")), option(words, "owner")
	number := func(key string) int64 {
		if text := option(words, key); text != "" {
			return mustInt(t, text)
		}
		return 0
	}
	hold := command.HoldRef{Token: command.Token(number("token")), Waiter: s.waiters[option(words, "waiter")]}
	now := slices.Contains(words, "now")
	switch words[0] {
	case "lock":
		return s.lockOp(t, words, number), true
	case "unlock":
		return command.HoldRelease{Name: words[1], Hold: hold, By: by, Owner: owner, All: slices.Contains(words, "all")}, true
	case "extend":
		return command.HoldRenew{Name: words[1], Hold: hold, TTLMilliseconds: number("ttl")}, true
	case "withdraw":
		return command.HoldCancel{Name: words[1], Waiter: hold.Waiter, Owner: owner, Number: uint64(number("number")), By: by}, true
	case "describe":
		return command.HoldDescribe{Name: words[1], Hold: hold, By: by, Owner: owner, Metadata: []byte(option(words, "meta"))}, true
	case "check":
		var op command.HoldCheck
		for i := 1; i+1 < len(words); i += 2 {
			pair := words[i : i+2]
			one := command.Check{Name: pair[0], Hold: command.HoldRef{Waiter: s.waiters[option(pair, "waiter")]}}
			if text := option(pair, "token"); text != "" {
				one.Hold.Token = command.Token(mustInt(t, text))
			}
			op.Checks = append(op.Checks, one)
		}
		return op, true
	case "info":
		return command.LockInfo{Name: words[1]}, true
	case "locks":
		return command.LockList{Count: 100, Redis: slices.Contains(words, "redis")}, true
	case "history":
		return command.LockHistory{Name: words[1], Count: 100}, true
	case "sessions":
		return command.SessionList{Count: 100}, true
	case "session":
		return command.SessionInfo{Session: s.sessions[words[1]]}, true
	case "beat":
		op := command.SessionRenew{By: s.credentials(words[1])}
		if list := option(words, "ack"); list != "" {
			for _, alias := range strings.Split(list, ",") {
				op.Acknowledged = append(op.Acknowledged, s.waiters[alias])
			}
		}
		return op, true
	case "kill":
		return command.SessionKill{Session: s.sessions[words[1]], Reason: "hangs", Actor: "alice", Now: now}, true
	case "force":
		return command.ForceUnlock{Name: words[1], Waiter: hold.Waiter, Reason: "stuck", Actor: "alice", Now: now}, true
	case "leader":
		return command.ElectionLeader{Name: words[1]}, true
	case "transfer":
		return command.ElectionTransfer{Name: words[1], Hold: hold, By: by, Owner: owner, Waiter: s.waiters[option(words, "towaiter")], Candidate: option(words, "to")}, true
	}
	return nil, false
}

func (s *story) credentials(session string) command.Credentials {
	id, ok := s.sessions[session]
	if !ok {
		return command.Credentials{}
	}
	return command.Credentials{Session: id, Secret: scenarioSecret}
}

func (s *story) lockOp(t *testing.T, words []string, number func(string) int64) command.HoldAcquire {
	op := command.HoldAcquire{
		Names: strings.Split(words[1], ","), By: s.credentials(option(words, "session")), Owner: option(words, "owner"), TTLMilliseconds: number("ttl"),
		WaitMilliseconds: number("wait"), MaxHold: number("maxhold"), Delay: number("delay"), AtLeast: number("atleast"), Metadata: []byte(option(words, "meta")),
		Reentrant: slices.Contains(words, "reentrant"),
	}
	if slices.Contains(words, "shared") {
		op.Mode = command.Shared
	}
	if permits, limit, some := strings.Cut(option(words, "permits"), "/"); some {
		op.Mode, op.Permits, op.Limit = command.Semaphore, uint32(mustInt(t, permits)), uint32(mustInt(t, limit))
	}
	return op
}
