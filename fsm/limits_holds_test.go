package fsm

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coordd/coordd/fsm/command"
)

// Every size of a native hold, one below its limit, at it, and one above: taken, taken, refused without an effect.
func TestSizesOfHoldsAtTheLimit(t *testing.T) {
	by := command.Credentials{Session: command.SessionID{Index: 1}, Secret: scenarioSecret}
	text := func(n int) string { return strings.Repeat("x", n) }
	names := func(n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprint("name", i))
		}
		return list
	}
	with := func(change func(*command.HoldAcquire)) command.HoldAcquire {
		op := hold(by, "k")
		change(&op)
		return op
	}
	const wrong, limit = command.CodeGeneric, command.CodeLimit
	for what, c := range map[string]struct {
		limit int
		code  command.Code
		op    func(n int) command.Op
	}{
		"name":         {command.MaxNameBytes, limit, func(n int) command.Op { return hold(by, text(n)) }},
		"owner":        {command.MaxOwnerBytes, limit, func(n int) command.Op { return with(func(op *command.HoldAcquire) { op.Owner = text(n) }) }},
		"metadata":     {command.MaxHoldMetadataBytes, limit, func(n int) command.Op { return with(func(op *command.HoldAcquire) { op.Metadata = []byte(text(n)) }) }},
		"set":          {command.MaxNamesPerLock, limit, func(n int) command.Op { return hold(by, names(n)...) }},
		"limit":        {command.MaxPermits, wrong, func(n int) command.Op { return permits(by, "k", 1, uint32(n)) }},
		"permits":      {7, wrong, func(n int) command.Op { return permits(by, "k", uint32(n), 7) }},
		"longest hold": {command.MaxMaxHold, wrong, func(n int) command.Op { return with(func(op *command.HoldAcquire) { op.MaxHold = int64(n) }) }},
		"lock-delay":   {command.MaxLockDelay, wrong, func(n int) command.Op { return with(func(op *command.HoldAcquire) { op.Delay = int64(n) }) }},
		"floor":        {command.MaxAtLeast, wrong, func(n int) command.Op { return with(func(op *command.HoldAcquire) { op.AtLeast = int64(n) }) }},
		"wait":         {command.MaxWaitMilliseconds, wrong, func(n int) command.Op { return waiting(by, int64(n), "k") }},
		"ttl":          {command.MaxLockTTL, wrong, func(n int) command.Op { return command.HoldAcquire{Names: []string{"k"}, TTLMilliseconds: int64(n)} }},
		"reason":       {command.MaxReasonBytes, limit, func(n int) command.Op { return command.SessionKill{Session: by.Session, Reason: text(n)} }},
		"actor":        {command.MaxActorBytes, limit, func(n int) command.Op { return command.SessionKill{Session: by.Session, Reason: "r", Actor: text(n)} }},
		"acknowledged": {command.MaxAcknowledgements, limit, func(n int) command.Op {
			return command.SessionRenew{By: by, Acknowledged: make([]command.WaiterID, n)}
		}},
		"checks": {command.MaxChecks, limit, func(n int) command.Op { return command.HoldCheck{Checks: make([]command.Check, n)} }},
	} {
		for _, n := range []int{c.limit - 1, c.limit, c.limit + 1} {
			l := newTestLog(t)
			l.opened(60_000)
			reply := l.do(c.op(n))[0]
			if refused := reply.IsError(); refused != (n > c.limit) || refused && reply.Code != c.code {
				t.Errorf("%s of %d: %s", what, n, shown(reply))
			}
			if _, _, names, waiters := l.m.Counts(); n > c.limit && (names != 0 || waiters != 0) {
				t.Errorf("%s of %d was refused and had an effect", what, n)
			}
		}
	}
	for what, op := range map[string]command.Op{
		"no name": hold(by), "an empty name": hold(by, ""), "a name twice": hold(by, "k", "k"), "no permits": permits(by, "k", 0, 3), "a limit of none": permits(by, "k", 1, 0),
		"a short longest hold": with(func(op *command.HoldAcquire) { op.MaxHold = command.MinMaxHold - 1 }), "a negative delay": with(func(op *command.HoldAcquire) { op.Delay = -1 }),
		"a set of readers": command.HoldAcquire{Names: []string{"k", "j"}, Mode: command.Shared, By: by}, "permits of a lock": with(func(op *command.HoldAcquire) { op.Permits = 1 }),
		"a reserved name": hold(by, "coordd:k"), "no reason": command.ForceUnlock{Name: "k"}, "request 0": command.Numbered{By: by, Op: hold(by, "k")},
	} {
		l := newTestLog(t)
		l.opened(60_000)
		if reply := l.do(op)[0]; !reply.IsError() || l.m.state.names.len() != 0 {
			t.Errorf("%s: %s, %d names", what, shown(reply), l.m.state.names.len())
		}
	}
}

// Collections of native holds: one below the limit, at it, and one more.
func TestCollectionsOfHoldsAtTheLimit(t *testing.T) {
	by := command.Credentials{Session: command.SessionID{Index: 1}, Secret: scenarioSecret}
	for what, c := range map[string]struct {
		limit int
		op    func(i int) command.Op
	}{
		"waiters of a lock": {command.MaxWaitersPerLock, func(int) command.Op {
			return command.HoldAcquire{Names: []string{"busy"}, TTLMilliseconds: 100, WaitMilliseconds: 1000}
		}},
		"waiters of a session": {command.MaxWaitersPerSession, func(i int) command.Op { return waiting(by, 1000, fmt.Sprint("busy", i%4)) }},
		"holds of a session":   {command.MaxLocksPerSession, func(i int) command.Op { return hold(by, fmt.Sprint("free", i)) }},
	} {
		l := newTestLog(t)
		l.opened(60_000)
		for _, key := range []string{"busy", "busy0", "busy1", "busy2", "busy3"} {
			l.do(setNX(key, "v", 60_000))
		}
		l.fill(c.limit, c.op)
		if got := l.do(c.op(c.limit))[0]; got.Code != command.CodeLimit {
			t.Fatalf("%s, one too many: %s", what, shown(got))
		}
	}
	// Past holders: the oldest of a lock is forgotten first.
	l := newTestLog(t)
	for range command.MaxHistoryPerLock + 1 {
		l.must(command.HoldAcquire{Names: []string{"k"}, TTLMilliseconds: 1000})
		l.must(command.HoldRelease{Name: "k", Hold: command.HoldRef{Token: command.Token(l.index)}})
	}
	past := l.m.readOne(command.LockHistory{Name: "k", Count: 1000}).Elements
	if len(past) != command.MaxHistoryPerLock || past[len(past)-1].Elements[1].Integer != 3 {
		t.Fatalf("%d past holders, the oldest with token %s", len(past), shown(past[len(past)-1]))
	}
	// A session that does not acknowledge its losses takes nothing new.
	l = newTestLog(t)
	l.opened(60_000)
	for i := range command.MaxLossesPerSession {
		if i == command.MaxLossesPerSession-1 {
			l.must(hold(by, "before the last"))
		}
		l.must(hold(by, "k"))
		l.must(command.ForceUnlock{Name: "k", Reason: "test", Now: true})
	}
	if got := l.do(hold(by, "k"))[0]; got.Code != command.CodeLimit {
		t.Fatalf("with %d losses: %s", command.MaxLossesPerSession, shown(got))
	}
	l.must(command.SessionRenew{By: by, Acknowledged: []command.WaiterID{{Index: l.index - 1}, {Index: 3}, {Index: 2}}})
	l.must(hold(by, "k"))
}
