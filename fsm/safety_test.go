package fsm

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/coordd/coordd/fsm/command"
)

// The safety cases that touch the machine, one test each, by number. Each of them fails when its rule is taken out.

// opened opens a session with a TTL.
func (l *testLog) opened(ttl int64) command.SessionID {
	l.t.Helper()
	l.do(command.SessionOpen{SecretHash: scenarioSecret, TTLMilliseconds: ttl})
	return command.SessionID{Index: l.index}
}

func (l *testLog) expect(op command.Op, want string) {
	l.t.Helper()
	if got := shown(l.do(op)[0]); got != want {
		l.t.Fatalf("%+v: got %s, want %s", op, got, want)
	}
}

func acquire(session command.SessionID, lock string, wait int64) command.LockAcquire {
	return command.LockAcquire{Name: lock, Session: session, SecretHash: scenarioSecret, WaitMilliseconds: wait}
}

func TestS02_AStampOfAnotherReignRunsNothing(t *testing.T) {
	l := newTestLog(t)
	session := l.opened(2000)
	l.do(command.SessionKeepAlive{Session: session, SecretHash: scenarioSecret})
	// A stamp that a node made in its reign of term 1 is committed by its reign of term 3.
	l.index++
	applied := l.m.Apply(l.index, 3, command.AppendEntry(nil, command.Entry{Term: 1, Now: 9000, Commands: []command.Command{{Op: command.Expire{}}, {Op: setNX("job", "me", 100)}}}))
	if applied.TermMatched || len(applied.Replies) != 2 || applied.Replies[0].Type != command.ReplyAgain || applied.Replies[1].Type != command.ReplyAgain {
		t.Fatalf("%+v", applied)
	}
	if l.m.Now() != 1000 || !l.m.SessionAlive(session) || l.token("job") != 0 {
		t.Fatalf("time moved to %d, session alive: %t, token %d", l.m.Now(), l.m.SessionAlive(session), l.token("job"))
	}
}

func TestS03_SessionsOfOneEntryAreDifferent(t *testing.T) {
	l := newTestLog(t)
	open := command.SessionOpen{SecretHash: scenarioSecret, TTLMilliseconds: 1000}
	l.do(open, open)
	first, second := command.SessionID{Index: 1}, command.SessionID{Index: 1, Offset: 1}
	l.do(acquire(first, "a", 0), acquire(second, "b", 0))
	l.do(command.SessionClose{Session: first, SecretHash: scenarioSecret})
	if l.token("a") != 0 || l.token("b") != 2 || l.m.SessionAlive(first) || !l.m.SessionAlive(second) {
		t.Fatal("closing one session touched the other")
	}
	// Waiters of one entry are different too, and so are their places.
	l.do(acquire(second, "q", 0), acquire(second, "q", 1000), acquire(second, "q", 1000))
	l.do(command.LockCancel{Name: "q", Waiter: command.WaiterID{Index: l.index, Offset: 1}})
	if _, _, _, waiters := l.m.Counts(); waiters != 1 {
		t.Fatalf("%d waiters after one of two was cancelled", waiters)
	}
}

// A cluster that may have forgotten entries goes on above every token that was given before: its tokens begin above a base, which a snapshot keeps.
func TestS06_TokensStayAboveTheirBase(t *testing.T) {
	l := newTestLog(t)
	l.m.state.tokenBase = 1 << 40
	l.do(setNX("before", "v", 500))
	restored := New()
	if err := restored.Restore(bytes.NewReader(snapshotOf(l.m))); err != nil {
		t.Fatal(err)
	}
	l.m = restored
	l.do(setNX("after", "v", 500))
	if before, after := l.token("before"), l.token("after"); before != 1<<40+1 || after <= before {
		t.Fatalf("token %d, and after a snapshot was restored token %d", before, after)
	}
}

// One name gets one owner in one entry, whichever way the second would come.
func TestS07_OneGrantPerNameAndEntry(t *testing.T) {
	value := func(text string) command.Set { return command.Set{Name: name("k"), Value: []byte(text)} }
	remove := command.Delete{Names: []command.Name{name("k")}}
	again := map[string]command.Op{
		"overwrite":   value("b"),
		"acquire":     command.LockAcquire{Name: "k", TTLMilliseconds: 100},
		"increment":   command.Increment{Name: name("k"), Delta: 1},
		"transaction": command.Transaction{Ops: []command.Op{command.Set{Name: name("bystander"), Value: []byte("x")}, value("b")}},
		"many":        command.MultiSet{Pairs: []command.Pair{{Name: name("bystander"), Value: []byte("x")}, {Name: name("k"), Value: []byte("b")}}},
	}
	for how, op := range again {
		t.Run(how, func(t *testing.T) {
			l := newTestLog(t)
			replies := l.do(value("a"), remove, op)
			if replies[2].Type != command.ReplyAgain {
				t.Fatalf("a second owner in one entry: %s", shown(replies[2]))
			}
			if l.token("k") != 0 || l.token("bystander") != 0 {
				t.Fatal("the refused command had an effect")
			}
			if l.succeeds(op); l.token("k") == 0 {
				t.Fatal("the command does not run in the next entry")
			}
		})
	}
	t.Run("session end, hand-over and hand-over", func(t *testing.T) {
		l := newTestLog(t)
		first, second, third := l.opened(1000), l.opened(9000), l.opened(9000)
		l.do(acquire(first, "k", 0), acquire(second, "k", 9000), acquire(third, "k", 9000))
		l.now = 5000
		l.do(command.Expire{}, command.SessionClose{Session: second, SecretHash: scenarioSecret})
		if l.m.state.pending.len() != 1 || !l.m.HasWork() {
			t.Fatal("the third owner is not pending")
		}
		l.expect(setNX("k", "barge", 100), "nil")
		if token := l.token("k"); uint64(token) != l.index-1 {
			t.Fatalf("token %d at %d", token, l.index)
		}
	})
	t.Run("the rest of the connection waits too", func(t *testing.T) {
		l := newTestLog(t)
		applied := l.seal(command.Command{Lane: 1, Op: value("a")}, command.Command{Lane: 2, Op: value("b")}, command.Command{Lane: 2, Op: setNX("other", "x", 100)}, command.Command{Lane: 3, Op: setNX("other", "y", 100)})
		if applied.Replies[1].Type != command.ReplyAgain || applied.Replies[2].Type != command.ReplyAgain || shown(applied.Replies[3]) != "OK" {
			t.Fatalf("%+v", applied.Replies)
		}
	})
}

func (l *testLog) succeeds(op command.Op) {
	l.t.Helper()
	if got := l.do(op)[0]; got.IsError() || got.Type == command.ReplyAgain {
		l.t.Fatalf("%+v: %s", op, shown(got))
	}
}

func TestS08_ATokenIsReadOnlyWithTheValue(t *testing.T) {
	l := newTestLog(t)
	l.do(setNX("a:b", "mine", 100))
	l.now += 100
	l.do(setNX("a:b", "theirs", 100))
	for op, want := range map[*command.Fence]string{
		{Name: name("a:b"), HasValue: true, Value: []byte("mine")}:   "nil",
		{Name: name("a:b"), HasValue: true, Value: []byte("theirs")}: "2",
		{Name: name("a:b")}: "2",
		{Name: name("a"), HasValue: true, Value: []byte("b")}: "nil",
	} {
		l.expect(*op, want)
	}
	for virtual, want := range map[string]string{
		"coordd:fence:a:b": `"2"`, "coordd:fence:a": "nil", "coordd:fence-if:3:a:b:theirs": `"2"`, "coordd:fence-if:3:a:b:mine": "nil",
		"coordd:fence-if:1:a:b:theirs": "nil", "coordd:fence-if:99:a:b:theirs": "nil", "coordd:fence-if:-1:a": "nil", "coordd:other": "nil",
	} {
		l.expect(command.Get{Name: name(virtual)}, want)
	}
	for _, op := range []command.Op{
		command.Set{Name: name("coordd:fence:a:b"), Value: []byte("5")}, command.Delete{Names: []command.Name{name("a:b"), name("coordd:x")}},
		command.MultiSet{Pairs: []command.Pair{{Name: name("a:b")}, {Name: name("coordd:x")}}}, command.LockAcquire{Name: "coordd:x", TTLMilliseconds: 100},
	} {
		if got := l.do(op)[0]; got.Code != command.CodeReserved {
			t.Fatalf("%+v: %s", op, shown(got))
		}
	}
	l.expect(command.Get{Name: name("a:b")}, `"theirs"`)
}

func TestS10_NewerFormatsStopAndMalformedBytesAreRefusedAlike(t *testing.T) {
	good := command.AppendEntry(nil, command.Entry{Term: 1, Now: 5, Commands: []command.Command{{Op: command.Tick{}}}})
	newerVersion := bytes.Clone(good)
	newerVersion[2]++
	newerKind := []byte{0xC0, 0x0D, command.Version, 1, 0, 1, 63, 2, 0, 0}
	newerScript := command.AppendEntry(nil, command.Entry{Term: 1, Commands: []command.Command{{Op: command.Script{Program: []byte{99}}}}})
	for what, data := range map[string][]byte{"version": newerVersion, "kind": newerKind, "script": newerScript} {
		if applied := New().Apply(1, 1, data); applied.Fatal == nil {
			t.Errorf("a newer %s does not stop the machine: %+v", what, applied)
		}
	}
	m := New()
	for _, data := range [][]byte{nil, {1}, good[:len(good)-1], append(bytes.Clone(good), 0)} {
		before := m.state.index
		if applied := m.Apply(before+1, 1, data); applied.Fatal != nil || applied.TermMatched || len(applied.Replies) != 0 || m.Now() != 0 {
			t.Errorf("% x: %+v", data, applied)
		}
	}
}

// The table of S11 stands in testdata/transcripts/native_vs_redis.txt; here, no write that exists gets through, also not one that is added later: neither in the entry in which the name
// gets its holder, where nobody else gets it anyway, nor in a later one.
func TestS11_NoRedisCommandChangesANativeHold(t *testing.T) {
	for _, together := range []bool{true, false} {
		for _, pending := range []bool{false, true} {
			for i, op := range goldenOps(t) {
				if kind := op.Kind(); kind < command.KindSet || kind > command.KindScript {
					continue
				}
				l := newTestLog(t)
				commands := []command.Command{{Lane: 1, Op: command.LockAcquire{Name: "golden:a", TTLMilliseconds: 50_000}}}
				if pending {
					commands = []command.Command{
						{Lane: 1, Op: command.Set{Name: name("golden:a"), Value: []byte("v")}}, {Lane: 2, Op: command.LockAcquire{Name: "golden:a", TTLMilliseconds: 50_000, WaitMilliseconds: 5000}},
						{Lane: 3, Op: command.Delete{Names: []command.Name{name("golden:a")}}},
					}
				}
				writes := command.Command{Lane: 9, Op: op}
				if together {
					l.seal(append(commands, writes)...)
				} else {
					l.seal(commands...)
					l.seal(writes)
				}
				l.do(command.Tick{})
				record, _ := l.m.state.names.get(keyOf(name("golden:a")))
				if record.holding != holdingNative || record.deadline != l.now+50_000 {
					t.Errorf("op %d %+v changed a name that was held (pending %t, in the same entry %t): %+v", i, op, pending, together, record)
				}
			}
		}
	}
}

func TestS15_ReadsWaitForDeadlinesThatAreNotCommitted(t *testing.T) {
	l := newTestLog(t)
	session := l.opened(1000)
	l.do(setNX("k", "v", 500), acquire(session, "l", 0))
	for _, c := range []struct {
		clock command.Instant
		op    command.Op
		want  string
		wait  command.Instant
	}{
		{1499, command.Get{Name: name("k")}, `"v"`, 0},
		{1499, command.TimeToLive{Name: name("k"), Form: command.RemainingMilliseconds}, "1", 0},
		{1500, command.Get{Name: name("k")}, `"v"`, 1500},
		{1999, command.Get{Name: name("l")}, `"coordd:held:2-1"`, 0},
		{2500, command.Get{Name: name("l")}, `"coordd:held:2-1"`, 2000},
		{2500, command.MultiGet{Names: []command.Name{name("k"), name("l")}}, "", 2000},
		{2500, command.Get{Name: name("coordd:fence:l")}, `"2"`, 2000},
		{2500, command.DatabaseSize{}, "2", 2000},
		{2500, command.Get{Name: name("unrelated")}, "nil", 0},
	} {
		replies, wait := l.m.Read(c.clock, []command.Op{c.op})
		if wait != c.wait || c.want != "" && shown(replies[0]) != c.want {
			t.Errorf("%+v at %d: %s, wait %d", c.op, c.clock, shown(replies[0]), wait)
		}
	}
	// The clock passed the deadline, but the holder's renewal was committed first: the lock lives.
	l.now = 1900
	l.do(command.SessionKeepAlive{Session: session, SecretHash: scenarioSecret})
	if replies, wait := l.m.Read(2500, []command.Op{command.Get{Name: name("l")}}); wait != 0 || shown(replies[0]) == "nil" {
		t.Fatalf("%s, wait %d", shown(replies[0]), wait)
	}
}

func TestS17_OneEffectPerNumber(t *testing.T) {
	l := newTestLog(t)
	session := l.opened(60_000)
	request := func(number, mark uint64, op command.Op) command.Reply {
		return l.seal(command.Command{Request: command.Request{Session: session, Number: number, LowWater: mark}, Lane: 1, Op: op}).Replies[0]
	}
	increment := command.Increment{Name: name("n"), Delta: 1}
	for range 3 {
		if got := request(1, 0, increment); shown(got) != "1" {
			t.Fatalf("a retry was run again: %s", shown(got))
		}
	}
	request(2, 1, increment)
	if got := request(1, 0, increment); got.Code != command.CodeStaleRequest {
		t.Fatalf("a number below the mark was run: %s", shown(got))
	}
	// The window is full: nothing is dropped to make room, the command is refused.
	for number := uint64(3); number < 2+command.MaxRememberedResults; number++ {
		if got := request(number, 1, increment); got.IsError() {
			t.Fatalf("%d: %s", number, shown(got))
		}
	}
	full := uint64(2 + command.MaxRememberedResults)
	if got := request(full, 1, increment); got.Code != command.CodeLimit {
		t.Fatalf("beyond the window: %s", shown(got))
	}
	if got := request(3, 1, increment); shown(got) != "3" {
		t.Fatalf("the oldest result was lost: %s", shown(got))
	}
	if got := request(full, 2, increment); got.IsError() {
		t.Fatalf("after the mark moved: %s", shown(got))
	}
	// A remembered grant is answered with what became of it.
	mark := full
	first := request(full+1, mark, command.LockAcquire{Name: "l", TTLMilliseconds: 60_000})
	token := first.Elements[1].Integer
	if again := request(full+1, mark, command.LockAcquire{Name: "l", TTLMilliseconds: 60_000}); again.Elements[1].Integer != token {
		t.Fatalf("%s", shown(again))
	}
	l.do(command.LockRelease{Name: "l", Token: command.Token(token)})
	if again := request(full+1, mark, command.LockAcquire{Name: "l", TTLMilliseconds: 60_000}); again.Code != command.CodeNotHeld {
		t.Fatalf("a grant that has ended is told as held: %s", shown(again))
	}
	// An unknown session, and one that is over, run nothing.
	l.now += 100_000
	if got := request(full+2, mark, command.Set{Name: name("late"), Value: []byte("x")}); got.Code != command.CodeNoSession || l.token("late") != 0 {
		t.Fatalf("%s", shown(got))
	}
}

// An answer that is too long to be remembered is refused together with its effects, so that a snapshot can always be read back.
func TestS17_WhatIsRememberedIsBounded(t *testing.T) {
	l := newTestLog(t)
	session := l.opened(60_000)
	l.do(command.Set{Name: name("big"), Value: make([]byte, command.MaxValueBytes)})
	reads := func(count int) command.Transaction {
		op := command.Transaction{Ops: []command.Op{command.Increment{Name: name("n"), Delta: 1}}}
		for range count {
			op.Ops = append(op.Ops, command.Get{Name: name("big")})
		}
		return op
	}
	send := func(number uint64, op command.Op) command.Reply {
		return l.seal(command.Command{Request: command.Request{Session: session, Number: number}, Lane: 1, Op: op}).Replies[0]
	}
	if got := send(1, reads(16)); got.Code != command.CodeLimit || l.token("n") != 0 {
		t.Fatalf("%d bytes were remembered, token %d", replyCost(got), l.token("n"))
	}
	if got := send(2, reads(15)); got.IsError() || l.token("n") == 0 {
		t.Fatal(shown(got)[:100])
	}
	if err := New().Restore(bytes.NewReader(snapshotOf(l.m))); err != nil {
		t.Fatal(err)
	}
}

func TestS18_ANewOwnerIsANewNameOrANewValue(t *testing.T) {
	value := func(text string) command.Set { return command.Set{Name: name("k"), Value: []byte(text)} }
	keep := command.Expiry{Mode: command.ExpiryRelative, Milliseconds: 9000}
	for _, c := range []struct {
		op     command.Op
		grants bool
	}{
		{value("1"), false}, {value("2"), true}, {command.Increment{Name: name("k"), Delta: 1}, false}, {command.IncrementBy{Name: name("k"), Delta: "1.5"}, false},
		{command.ExpireKey{Name: name("k"), Expiry: keep}, false}, {command.Persist{Name: name("k")}, false}, {command.GetExpire{Name: name("k"), Expiry: keep}, false},
		{command.Set{Name: name("k"), Value: []byte("1"), Condition: command.IfPresent, Expiry: keep}, false},
		{command.Set{Name: name("k"), Value: []byte("2"), Condition: command.IfEqual, Operand: []byte("1")}, true},
		{command.MultiSet{Pairs: []command.Pair{{Name: name("k"), Value: []byte("1")}}}, false},
		{command.MultiSet{Pairs: []command.Pair{{Name: name("k"), Value: []byte("2")}}}, true},
		{command.Set{Name: name("k"), Value: []byte("2"), Reply: command.SetReplyOld}, true},
		{command.Set{Name: name("k"), Value: []byte("2"), Condition: command.IfAbsent}, false},
	} {
		l := newTestLog(t)
		l.do(value("1"))
		l.do(c.op)
		if granted := l.token("k") == 2; granted != c.grants || l.token("k") == 0 {
			t.Errorf("%+v: token %d", c.op, l.token("k"))
		}
	}
	l := newTestLog(t)
	l.do(command.Increment{Name: name("k"), Delta: 1})
	l.do(command.Increment{Name: name("k"), Delta: 1})
	if l.token("k") != 1 {
		t.Fatalf("INCR by another took the token: %d", l.token("k"))
	}
}

func TestS23_ACancelledAcquireHoldsNothing(t *testing.T) {
	l := newTestLog(t)
	session := l.opened(60_000)
	l.do(setNX("k", "v", 500), acquire(session, "k", 9000), acquire(session, "k", 9000))
	waits, next := command.WaiterID{Index: l.index, Offset: 1}, command.WaiterID{Index: l.index, Offset: 2}
	// The name's time is over, and nobody has looked since: the place is withdrawn and not granted first.
	l.now += 600
	applied := l.seal(command.Command{Op: command.LockCancel{Name: "k", Waiter: waits}})
	for _, event := range applied.Events {
		if event.Type == EventWaiterGranted && event.Waiter == waits {
			t.Fatal("the lock went to the one who left")
		}
	}
	if reply, done := l.m.WaiterOutcome("k", waits); !done || reply.Code != command.CodeCancelled {
		t.Fatalf("%t %s", done, shown(reply))
	}
	if reply, done := l.m.WaiterOutcome("k", next); !done || reply.IsError() {
		t.Fatalf("%t %s", done, shown(reply))
	}
	// The grant came first: it is released, and a repeated cancel is harmless.
	l.expect(command.LockCancel{Name: "k", Waiter: next}, "OK")
	l.expect(command.LockCancel{Name: "k", Waiter: next}, "OK")
	if l.token("k") != 0 {
		t.Fatal("a grant that nobody waits for stays")
	}
}

func TestS24_NothingIsHandedToTheDeadAndNobodyBarges(t *testing.T) {
	l := newTestLog(t)
	brief, long := l.opened(600), l.opened(60_000)
	l.do(setNX("k", "v", 500), acquire(brief, "k", 9000), command.LockAcquire{Name: "k", TTLMilliseconds: 1000, WaitMilliseconds: 650}, acquire(long, "k", 9000))
	l.now += 700
	// The value, the first waiter's session and the second one's wait are over, and no expire command came yet.
	if got := l.do(setNX("k", "barge", 500), command.Exists{Names: []command.Name{name("k")}}); shown(got[0]) != "nil" || shown(got[1]) != "1" {
		t.Fatalf("%s %s", shown(got[0]), shown(got[1]))
	}
	record, _ := l.m.state.names.get(keyOf(name("k")))
	if record.session != long {
		t.Fatalf("%+v owns it", record)
	}
	// A session that is closed in the same entry in which it would be granted does not get it, and a read says the same as a write.
	l.do(setNX("m", "v", 500))
	dead := l.opened(600)
	l.do(acquire(dead, "m", 9000))
	l.now += 700
	l.do(command.Tick{})
	if replies, _ := l.m.Read(l.now, []command.Op{command.Get{Name: name("m")}}); shown(replies[0]) != "nil" {
		t.Fatalf("a read sees %s where nobody is left", shown(replies[0]))
	}
	l.expect(setNX("m", "w", 500), "OK")
}

func TestS27_UnixTimeMovesNoDeadline(t *testing.T) {
	l := newTestLog(t)
	l.do(command.ClockOffset{Milliseconds: 1_000_000})
	l.do(command.Set{Name: name("k"), Value: []byte("v"), Expiry: command.Expiry{Mode: command.ExpiryAbsolute, Milliseconds: 1_003_000}})
	ttl := command.TimeToLive{Name: name("k"), Form: command.RemainingMilliseconds}
	l.expect(ttl, "2000")
	l.do(command.ClockOffset{Milliseconds: 5_000_000})
	l.expect(ttl, "2000")
	l.expect(command.TimeToLive{Name: name("k"), Form: command.DeadlineMilliseconds}, "5003000")
	l.expect(command.Time{}, `["5001", "0"]`)
	// An absolute time that is past by the new offset ends at once; no arithmetic overflows.
	for _, at := range []int64{1_003_000, -1 << 63, -1<<63 + 1} {
		l.do(command.Set{Name: name("x"), Value: []byte("v")})
		l.expect(command.ExpireKey{Name: name("x"), Expiry: command.Expiry{Mode: command.ExpiryAbsolute, Milliseconds: at}}, "1")
		l.expect(command.Exists{Names: []command.Name{name("x")}}, "0")
	}
	l.do(command.ClockOffset{Milliseconds: -5_000_000}, command.Set{Name: name("x"), Value: []byte("v"), Expiry: command.Expiry{Mode: command.ExpiryAbsolute, Milliseconds: 1<<63 - 1}})
	l.expect(command.Exists{Names: []command.Name{name("x")}}, "1")
}

// Everything that ends by itself shows as a deadline, so that the leader ticks while there is any.
func TestS30_EverythingThatEndsIsADeadline(t *testing.T) {
	l := newTestLog(t)
	none := func(when string) {
		t.Helper()
		if at, any := l.m.NextDeadline(); any {
			t.Fatalf("%s a deadline is left: %d", when, at)
		}
	}
	none("at first")
	session := l.opened(5000)
	for _, c := range []struct {
		op command.Op
		at command.Instant
	}{
		{acquire(session, "l", 0), 6000}, {command.LockAcquire{Name: "l", TTLMilliseconds: 60, WaitMilliseconds: 3000}, 4000},
		{command.LockAcquire{Name: "m", TTLMilliseconds: 2000}, 3000}, {setNX("k", "v", 1000), 2000},
	} {
		l.do(c.op)
		if at, any := l.m.NextDeadline(); !any || at != c.at {
			t.Fatalf("after %+v: %d %t", c.op, at, any)
		}
	}
	for at, any := l.m.NextDeadline(); any; at, any = l.m.NextDeadline() {
		l.now = at
		l.do(command.Expire{})
		if l.m.HasWork() {
			t.Fatalf("work is left at %d", at)
		}
	}
	none("at last")
	if _, _, names, _ := l.m.Counts(); names != 0 {
		t.Fatalf("%d names are left", names)
	}
}

func TestS36_AMachineThatDiffersSaysSo(t *testing.T) {
	l := newTestLog(t)
	l.do(setNX("k", "v", 500))
	index, hash := l.m.Hash()
	l.do(command.Tick{})
	l.do(command.Tick{HashIndex: index, Hash: hash})
	l.index++
	applied := l.m.Apply(l.index, 1, command.AppendEntry(nil, command.Entry{Term: 1, Now: l.now, Commands: []command.Command{{Op: command.Tick{HashIndex: index, Hash: hash + 1}}}}))
	if applied.Fatal == nil {
		t.Fatal("another hash at the same index was not noticed")
	}
	// Every part of the state is covered: a machine whose row was changed behind its back has another hash.
	for _, damage := range []func(*state){
		func(s *state) { s.names.put(keyOf(name("k")), nameRecord{holding: holdingString, token: 9}) },
		func(s *state) { s.names.remove(keyOf(name("k"))) }, func(s *state) { s.revision++ }, func(s *state) { s.clockOffset++ }, func(s *state) { s.tokenBase++ },
		func(s *state) { s.clusterName += "x" }, func(s *state) { s.settings.put("a", "b") }, func(s *state) { s.now++ },
	} {
		one, other := newTestLog(t), newTestLog(t)
		one.do(setNX("k", "v", 500))
		other.do(setNX("k", "v", 500))
		damage(other.m.state)
		one.do(command.Tick{})
		other.do(command.Tick{})
		if one.m.state.chain == other.m.state.chain {
			t.Errorf("a damage is not noticed: %+v", other.m.state.now)
		}
	}
}

// The way to a state does not count for the sum of hashes, nor when the sum was asked for on the way: only what is there at the end.
func TestS36_TheSumDependsOnTheStateAlone(t *testing.T) {
	straight := newState()
	straight.settings.put("a", "1")
	straight.settings.put("b", "2")
	straight.settleSum()
	steps := []func(*state){
		func(s *state) { s.settings.put("a", "0") }, func(s *state) { s.settings.put("b", "2") }, func(s *state) { s.settings.put("c", "3") },
		func(s *state) {
			s.begin()
			s.settings.put("a", "5")
			s.settings.remove("b")
			s.settings.put("d", "4")
			s.rollBack()
		},
		func(s *state) { s.settings.put("a", "1") }, func(s *state) { s.settings.remove("c") },
		func(s *state) { s.begin(); s.settings.remove("a"); s.settings.put("a", "1"); s.keep() },
	}
	for settled := range 1 << len(steps) {
		s := newState()
		for i, step := range steps {
			step(s)
			if settled>>i&1 == 1 {
				s.settleSum()
			}
		}
		if s.settleSum(); s.sum != straight.sum {
			t.Fatalf("the sum depends on the way, when it is asked for after the steps %b", settled)
		}
	}
}

// A session with many locks is over at once and gives back in slices; nobody is kept out by what is left.
func TestS37_ASessionsEndCountsAtOnce(t *testing.T) {
	for _, now := range []command.Instant{0, 1000} {
		l := newTestLog(t)
		l.now = now
		session := l.opened(60_000)
		const locks = 2*command.ExpireSlice + 10
		for start := 0; start < locks; start += 200 {
			var ops []command.Op
			for i := start; i < min(start+200, locks); i++ {
				ops = append(ops, acquire(session, fmt.Sprint("l", i), 0))
			}
			l.do(ops...)
		}
		l.do(command.SessionClose{Session: session, SecretHash: scenarioSecret})
		if _, left, _, _ := l.m.Counts(); left != locks-command.ExpireSlice || !l.m.HasWork() {
			t.Fatalf("%d locks left", left)
		}
		for i := range locks {
			if replies, _ := l.m.Read(l.now, []command.Op{command.Fence{Name: name(fmt.Sprint("l", i))}}); !replies[0].IsNil() {
				t.Fatalf("lock %d of a dead session is held at %d", i, now)
			}
		}
		l.expect(command.DatabaseSize{}, "0")
		var ops []command.Op
		for i := range locks {
			ops = append(ops, setNX(fmt.Sprint("l", i), "v", 500))
		}
		for i, reply := range l.do(ops...) {
			if shown(reply) != "OK" {
				t.Fatalf("lock %d: %s", i, shown(reply))
			}
		}
		for l.m.HasWork() {
			l.do(command.Expire{})
		}
		if sessions, left, names, _ := l.m.Counts(); sessions != 0 || left != 0 || names != locks {
			t.Fatalf("%d sessions, %d locks, %d names", sessions, left, names)
		}
	}
}
