package fsm

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coordd/coordd/fsm/command"
)

// The safety cases that touch native holds, one test each, by number. Each of them fails when its rule is taken out.

func (l *testLog) credentials(ttl int64) command.Credentials {
	l.t.Helper()
	return command.Credentials{Session: l.opened(ttl), Secret: scenarioSecret}
}

// number finds a number in a map reply.
func (l *testLog) number(reply command.Reply, key string) int64 {
	l.t.Helper()
	for i := 0; i+1 < len(reply.Elements); i += 2 {
		if string(reply.Elements[i].Text) == key {
			return reply.Elements[i+1].Integer
		}
	}
	l.t.Fatalf("no %s in %s", key, shown(reply))
	return 0
}

// Only a keepalive extends a session, it is never answered from memory, and a grant from the queue tells all deadlines that its holder has.
func TestS04_EveryDeadlineIsToldByAnAnswerOfNow(t *testing.T) {
	l := newTestLog(t)
	node := l.opened(60_000)
	by := l.credentials(5000)
	renew := command.Command{Request: command.Request{Session: node, Number: 1}, Op: command.SessionRenew{By: by}}
	first := l.seal(renew).Replies[0]
	l.now += 3000
	again := l.seal(renew).Replies[0]
	if l.number(again, "deadline_ms") != l.number(first, "deadline_ms")+3000 || l.number(again, "now_ms") != int64(l.now) {
		t.Fatalf("a keepalive sent again is answered %s, after %s", shown(again), shown(first))
	}
	// A numbered acquire that is sent again does not extend anything.
	op := hold(by, "k")
	op.MaxHold = 4000
	numbered := command.Numbered{By: by, Number: 1, Op: op}
	granted := l.do(numbered)[0]
	l.now += 1000
	repeated := l.do(numbered)[0]
	if l.number(granted, "until_ms") != int64(l.now)+3000 || l.number(granted, "deadline_ms") != l.number(granted, "until_ms") {
		t.Fatalf("the longest hold is not told: %s", shown(granted))
	}
	if l.number(repeated, "deadline_ms") != l.number(granted, "deadline_ms") || l.number(repeated, "remaining_ms") != l.number(granted, "remaining_ms")-1000 {
		t.Fatalf("an answer from memory promises more: %s, then %s", shown(granted), shown(repeated))
	}
	// No acquire extends the session, whether it is granted, has to wait or is sent again.
	session := func() int64 { return l.number(l.m.readOne(command.SessionInfo{Session: by.Session}), "deadline_ms") }
	if got, want := session(), l.number(again, "deadline_ms"); got != want {
		t.Fatalf("an acquire has moved its session's deadline from %d to %d", want, got)
	}
	// One that waited learns its maximum with the grant: it counts from there.
	waits := waiting(by, 9000, "k")
	waits.MaxHold, waits.Owner = 2000, "later"
	l.must(waits)
	id := command.WaiterID{Index: l.index}
	l.now += 500
	l.must(command.HoldCancel{Name: "k", Number: 1, By: by})
	if reply, done := l.m.WaiterOutcome("k", id); !done || l.number(reply, "until_ms") != int64(l.now)+2000 {
		t.Fatalf("%t %s", done, shown(reply))
	}
	if got, want := session(), l.number(again, "deadline_ms"); got != want {
		t.Fatalf("a wait has moved its session's deadline from %d to %d", want, got)
	}
}

// A live session hears of a hold that was taken away in every keepalive until it has said so, and nobody is granted before, or before the deadline that it had.
func TestS05_ALossIsToldUntilItIsAcknowledged(t *testing.T) {
	for _, acknowledged := range []bool{true, false} {
		l := newTestLog(t)
		by, next := l.credentials(5000), l.credentials(60_000)
		l.must(hold(by, "k"))
		id := command.WaiterID{Index: l.index}
		l.must(waiting(next, 50_000, "k"))
		l.now += 1000
		l.must(command.ForceUnlock{Name: "k", Reason: "test"})
		if l.token("k") != 0 {
			t.Fatal("the next holder was granted at once")
		}
		for range 3 {
			l.now += 900
			if losses := l.number(l.must(command.SessionRenew{By: by})[0], "losses_total"); losses != 1 {
				t.Fatalf("%d losses are told", losses)
			}
		}
		if l.token("k") != 0 {
			t.Fatal("the next holder was granted before the deadline that the last one had")
		}
		if acknowledged {
			l.must(command.SessionRenew{By: by, Acknowledged: []command.WaiterID{id}})
		} else {
			l.now = 1000 + 5000 // the deadline that it had when the hold ended, though its session lives on
			l.must(command.Expire{})
		}
		if l.token("k") == 0 {
			t.Fatalf("acknowledged %t, and nobody is granted", acknowledged)
		}
		if losses := l.number(l.must(command.SessionRenew{By: by})[0], "losses_total"); (losses == 0) != acknowledged {
			t.Fatalf("%d losses are told after acknowledging: %t", losses, acknowledged)
		}
	}
}

// Two ownerships of one name never begin in one entry, whatever they are; permits and readers that join do not count.
func TestS07_HoldsOfOneEntryHaveOneBeginning(t *testing.T) {
	l := newTestLog(t)
	by := l.credentials(60_000)
	release := func(index uint64, offset uint32) command.HoldRelease {
		return command.HoldRelease{Name: "k", Hold: command.HoldRef{Waiter: command.WaiterID{Index: index, Offset: offset}}, By: by}
	}
	next := l.index + 1
	replies := l.do(shared(by, "k", "r1"), shared(by, "k", "r2"), release(next, 0), release(next, 1), hold(by, "k"))
	if replies[1].IsError() || replies[4].Type != command.ReplyAgain {
		t.Fatalf("%s, %s", shown(replies[1]), shown(replies[4]))
	}
	// Each of many permits may be granted in one entry, but not an exclusive hold after one of them.
	l.must(permits(by, "k", 1, 9))
	first, next := l.index, l.index+1
	replies = l.do(permits(by, "k", 2, 9), permits(by, "k", 3, 9), release(first, 0), release(next, 0), release(next, 1), hold(by, "k"))
	if replies[0].IsError() || replies[1].IsError() || replies[5].Type != command.ReplyAgain {
		t.Fatalf("%s, %s, %s", shown(replies[0]), shown(replies[1]), shown(replies[5]))
	}
	// A set waits as a whole when one of its names had an owner in this entry, and is granted first thing in the next.
	l.must(hold(by, "j"))
	held, next := l.index, l.index+1
	l.do(hold(by, "k"), waiting(by, 9000, "j", "k"), release(next, 0), command.HoldRelease{Name: "j", Hold: command.HoldRef{Waiter: command.WaiterID{Index: held}}, By: by}, setNX("j", "barge", 500))
	if l.m.state.pending.len() == 0 {
		t.Fatal("the set is not pending")
	}
	l.do(setNX("k", "barge", 500))
	if one, other := l.token("j"), l.token("k"); one != int64(next)+1 || other != one {
		t.Fatalf("tokens %d and %d of a set granted at %d", one, other, next+1)
	}
}

// Owners exclude each other also within one session; a lock is had twice only by an owner that asks for it.
func TestS12_OwnersOfOneSessionExcludeEachOther(t *testing.T) {
	l := newTestLog(t)
	by := l.credentials(60_000)
	own := func(owner string, reentrant bool) command.HoldAcquire {
		op := hold(by, "k")
		op.Owner, op.Reentrant = owner, reentrant
		return op
	}
	l.must(own("h1", false))
	for _, other := range []command.HoldAcquire{own("h2", false), own("h2", true), own("", false)} {
		if reply := l.do(other)[0]; reply.Code != command.CodeHeld {
			t.Fatalf("owner %q beside h1: %s", other.Owner, shown(reply))
		}
	}
	if count := l.number(l.must(own("h1", false))[0], "count"); count != 1 {
		t.Fatalf("asking again without wanting it twice counts %d", count)
	}
	again := command.Numbered{By: by, Number: 1, Op: own("h1", true)}
	if one, two := l.number(l.must(again)[0], "count"), l.number(l.must(again)[0], "count"); one != 2 || two != 2 {
		t.Fatalf("one request counts %d and %d", one, two)
	}
	// What looks like a circle of sessions is none of owners.
	other := l.credentials(60_000)
	lock := func(by command.Credentials, name, owner string, wait int64) command.HoldAcquire {
		op := waiting(by, wait, name)
		op.Owner = owner
		return op
	}
	l.must(lock(by, "x", "a1", 0), lock(other, "y", "b1", 0))
	l.must(lock(by, "y", "a2", 9000), lock(other, "x", "b2", 9000))
	// An owner without an id may be several, so it is never part of a circle.
	l.must(lock(by, "v", "", 0), lock(other, "w", "b3", 0))
	l.must(lock(other, "v", "b3", 9000), lock(by, "w", "", 9000))
}

// A numbered op of a client has one effect, and a cancel that names its number has the last word.
func TestS17_AClientsNumbersHaveOneEffect(t *testing.T) {
	l := newTestLog(t)
	by := l.credentials(60_000)
	numbered := func(number, low uint64, op command.Op) command.Numbered {
		return command.Numbered{By: by, Number: number, LowWater: low, Op: op}
	}
	first := l.number(l.must(numbered(1, 0, hold(by, "k")))[0], "token")
	id := command.WaiterID{Index: l.index}
	if again := l.number(l.must(numbered(1, 0, hold(by, "k")))[0], "token"); again != first {
		t.Fatalf("token %d, then %d", first, again)
	}
	release := numbered(2, 0, command.HoldRelease{Name: "k", Hold: command.HoldRef{Waiter: id}, By: by})
	l.must(release)
	l.must(numbered(3, 0, hold(by, "k")))
	l.expect(release, "OK") // from memory: it does not touch the hold that came after it
	if l.token("k") == 0 {
		t.Fatal("a release that was sent again ended another hold")
	}
	if reply := l.do(numbered(1, 0, hold(by, "k")))[0]; reply.Code != command.CodeNotHeld {
		t.Fatalf("a remembered grant is answered %s after its end", shown(reply))
	}
	if reply := l.do(numbered(4, 3, hold(by, "m")), numbered(3, 3, hold(by, "n")))[1]; reply.Code != command.CodeStaleRequest || l.token("n") != 0 {
		t.Fatalf("below the mark: %s", shown(reply))
	}
	wrong := numbered(9, 0, hold(by, "n"))
	wrong.By.Secret[0]++
	if reply := l.do(wrong)[0]; reply.Code != command.CodeBadSecret {
		t.Fatalf("with a wrong secret: %s", shown(reply))
	}
	// The window is bounded.
	l.fill(command.MaxRememberedResults-1, func(i int) command.Op { return numbered(uint64(100+i), 3, hold(by, fmt.Sprint("filler", i))) })
	if reply := l.do(numbered(50_000, 3, hold(by, "n")))[0]; reply.Code != command.CodeLimit || l.token("n") != 0 {
		t.Fatalf("beyond the window: %s", shown(reply))
	}
	l.must(numbered(50_001, 50_000, hold(by, "n")))
}

// Readers of one phase share the token of its first grant and the next exclusive grant is larger; permits are checked one by one.
func TestS19_TokensOfReadersAndPermits(t *testing.T) {
	l := newTestLog(t)
	by := l.credentials(60_000)
	first := l.number(l.must(shared(by, "k", "r1"))[0], "token")
	second := l.number(l.must(shared(by, "k", "r2"))[0], "token")
	if first != second {
		t.Fatalf("readers of one phase have tokens %d and %d", first, second)
	}
	l.must(command.HoldRelease{Name: "k", Hold: command.HoldRef{Token: command.Token(first)}, By: by, Owner: "r1"})
	third := l.number(l.must(shared(by, "k", "r3"))[0], "token")
	for _, owner := range []string{"r2", "r3"} {
		l.must(command.HoldRelease{Name: "k", Hold: command.HoldRef{Token: command.Token(first)}, By: by, Owner: owner})
	}
	writer := l.number(l.must(hold(by, "k"))[0], "token")
	if third != first || writer <= first {
		t.Fatalf("readers %d and %d, the writer behind them %d", first, third, writer)
	}
	// The older of two permits is as good as the newer one, until it is given back.
	olderToken := l.number(l.must(permits(by, "p", 1, 2))[0], "token")
	older := command.WaiterID{Index: l.index}
	newerToken := l.number(l.must(permits(by, "p", 1, 2))[0], "token")
	newer := command.WaiterID{Index: l.index}
	if newerToken <= olderToken {
		t.Fatalf("permits with tokens %d and %d: each has its own", olderToken, newerToken)
	}
	check := func(want string) {
		t.Helper()
		reply := l.m.readOne(command.HoldCheck{Checks: []command.Check{
			{Name: "p", Hold: command.HoldRef{Waiter: older}}, {Name: "p", Hold: command.HoldRef{Waiter: newer}}, {Name: "p", Hold: command.HoldRef{Token: command.Token(newer.Index)}}, {Name: "p", Hold: command.HoldRef{Token: 1 << 40}}}})
		var states []string
		for _, one := range reply.Elements {
			states = append(states, string(one.Elements[7].Text))
		}
		if got := strings.Join(states, " "); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	}
	check("current current needs_waiter needs_waiter")
	l.must(command.HoldRelease{Name: "p", Hold: command.HoldRef{Waiter: older}, By: by})
	check("stale current needs_waiter needs_waiter")
	l.must(command.ForceUnlock{Name: "p", Reason: "test", Now: true})
	check("ended ended ended unknown")
}

// However an acquire is named, a cancel leaves nothing of it: no place, no hold, and no way to come later.
func TestS23_ACancelIsTheLastWord(t *testing.T) {
	for _, granted := range []bool{false, true} {
		for _, way := range []string{"waiter", "owner", "number"} {
			l := newTestLog(t)
			by := l.credentials(60_000)
			blocker := l.credentials(60_000)
			if !granted {
				l.must(hold(blocker, "k"))
			}
			op := waiting(by, 9000, "k")
			op.Owner = "o"
			l.must(command.Numbered{By: by, Number: 7, Op: op})
			cancel := map[string]command.HoldCancel{
				"waiter": {Name: "k", Waiter: command.WaiterID{Index: l.index}, By: by}, "owner": {Name: "k", Owner: "o", By: by}, "number": {Name: "k", Number: 7, By: by},
			}[way]
			foreign := cancel
			foreign.By = blocker
			l.do(foreign)
			if _, _, _, waiters := l.m.Counts(); granted && l.token("k") == 0 || !granted && waiters != 1 {
				t.Fatalf("another session cancelled by %s", way)
			}
			l.expect(cancel, "OK")
			l.expect(cancel, "OK")
			if _, _, _, waiters := l.m.Counts(); waiters != 0 || granted && l.token("k") != 0 {
				t.Fatalf("cancelled by %s, granted %t: %d wait, token %d", way, granted, waiters, l.token("k"))
			}
			if way != "number" {
				continue
			}
			if reply := l.do(command.Numbered{By: by, Number: 7, Op: op})[0]; reply.Code != command.CodeCancelled {
				t.Fatalf("a cancelled request that is sent again: %s", shown(reply))
			}
			l.expect(command.HoldCancel{Name: "k", Number: 8, By: by}, "OK")
			if reply := l.do(command.Numbered{By: by, Number: 8, Op: op})[0]; reply.Code != command.CodeCancelled {
				t.Fatalf("a request that was cancelled before it came: %s", shown(reply))
			}
		}
	}
}

// Nobody who is dead or late is granted, and whom they stood before is, at once; nobody overtakes.
func TestS24_HoldsSkipTheDeadAndNobodyBarges(t *testing.T) {
	l := newTestLog(t)
	alive, brief := l.credentials(60_000), l.credentials(600)
	l.must(shared(alive, "k", "r0"))
	l.must(waiting(brief, 9000, "k"), waiting(alive, 650, "k"), waiting(alive, 9000, "j", "k"))
	reader := shared(alive, "k", "r1")
	reader.WaitMilliseconds = 9000
	l.must(reader)
	if reply := l.do(shared(alive, "k", "late"))[0]; reply.Code != command.CodeHeld {
		t.Fatalf("a reader overtook the writers that wait: %s", shown(reply))
	}
	// The first writer's session and the second one's wait are over, and nobody has looked since. The set is still there, so readers wait.
	l.now += 700
	if reply := l.do(shared(alive, "k", "later"))[0]; reply.Code != command.CodeHeld || l.m.state.waiters.len() != 3 {
		t.Fatalf("%s, %d places", shown(reply), l.m.state.waiters.len())
	}
	// When it is withdrawn the reader behind it joins the one who holds the name.
	l.must(command.HoldCancel{Name: "k", Waiter: command.WaiterID{Index: 4, Offset: 2}, By: alive})
	if holders := l.number(l.m.readOne(command.LockInfo{Name: "k"}), "holders_total"); holders != 2 {
		t.Fatalf("%d readers", holders)
	}
	// A session that ends between its deadline and anybody's notice is granted nothing.
	dead := l.credentials(600)
	l.must(hold(alive, "m"))
	held := command.WaiterID{Index: l.index}
	l.must(waiting(dead, 9000, "m"), waiting(alive, 9000, "m"))
	l.now += 700
	l.must(command.HoldRelease{Name: "m", Hold: command.HoldRef{Waiter: held}, By: alive})
	if _, a, _ := l.m.state.firstHolder(keyOf(name("m"))); a.session != alive.Session {
		t.Fatalf("session %s has it", a.session)
	}
}

// A session with many holds, sets and losses ends at once for everybody, and is given back in slices.
func TestS37_ASessionsHoldsEndAtOnce(t *testing.T) {
	l := newTestLog(t)
	by := l.credentials(60_000)
	const locks = command.ExpireSlice + 200
	l.fill(locks, func(i int) command.Op { return hold(by, fmt.Sprint("a", i), fmt.Sprint("b", i), fmt.Sprint("c", i)) })
	for i := range 3 {
		l.must(command.ForceUnlock{Name: fmt.Sprint("a", i), Reason: "test"})
	}
	l.must(command.SessionClose{Session: by.Session, SecretHash: by.Secret})
	if !l.m.HasWork() {
		t.Fatal("everything was given back in one entry")
	}
	for i := range locks {
		for _, set := range []string{"a", "b", "c"} {
			key := fmt.Sprint(set, i)
			if reply := l.m.readOne(command.HoldCheck{Checks: []command.Check{{Name: key, Hold: command.HoldRef{Token: 2}}}}); l.number(reply.Elements[0], "valid") != 0 {
				t.Fatalf("%s of a dead session is held", key)
			}
		}
	}
	if reply := l.do(setNX(fmt.Sprint("c", locks-1), "v", 500))[0]; shown(reply) != "OK" {
		t.Fatalf("what is not given back yet is not free: %s", shown(reply))
	}
	for entries := 0; l.m.HasWork(); entries++ {
		if entries > 3*locks {
			t.Fatal("giving back never ends")
		}
		l.do(command.Expire{})
		if err := checkInvariants(l.m); err != nil {
			t.Fatal(err)
		}
	}
	if sessions, left, names, _ := l.m.Counts(); sessions != 0 || left != 0 || names != 1 {
		t.Fatalf("%d sessions, %d locks, %d names are left", sessions, left, names)
	}
}

// A floor outlives the process that held the lock: a run that crashed counts as a run.
func TestS38_AFloorOutlivesItsHolder(t *testing.T) {
	for end, op := range map[string]func(by command.Credentials) command.Op{
		"released": func(by command.Credentials) command.Op {
			return command.HoldRelease{Name: "cron", Hold: command.HoldRef{Token: 2}, By: by}
		},
		"closed": func(by command.Credentials) command.Op {
			return command.SessionClose{Session: by.Session, SecretHash: by.Secret}
		},
		"cancelled": func(by command.Credentials) command.Op {
			return command.HoldCancel{Name: "cron", Waiter: command.WaiterID{Index: 2}, By: by}
		},
		"crashed": nil,
	} {
		l := newTestLog(t)
		by := l.credentials(2000)
		run := hold(by, "cron")
		run.AtLeast = 50_000
		l.must(run)
		granted := l.now
		l.now += 10
		if op != nil {
			l.must(op(by))
		}
		for _, at := range []command.Instant{granted + 10, granted + 2000, granted + 30_000, granted + 49_999} {
			l.now = at
			l.must(command.Expire{})
			if reply := l.do(command.HoldAcquire{Names: []string{"cron"}, TTLMilliseconds: 1000})[0]; reply.Code != command.CodeHeld {
				t.Fatalf("%s: another run after %d ms: %s", end, at-granted, shown(reply))
			}
			l.expect(setNX("cron", "v", 100), "nil")
		}
		l.now = granted + 50_000
		l.must(command.HoldAcquire{Names: []string{"cron"}, TTLMilliseconds: 1000})
	}
}
