package fsm

import (
	"bytes"
	"testing"

	"github.com/coordd/coordd/fsm/command"
)

// agreed opens a session that may end after three seconds of silence, of a TTL of ten.
func (l *testLog) agreed() command.SessionID {
	l.do(command.SessionOpenEarly{SecretHash: scenarioSecret, TTLMilliseconds: 10_000, EarlyMilliseconds: 3000})
	return command.SessionID{Index: l.index}
}

// A renewal and an early end are in the log together: whichever comes first wins, and the session is never both renewed and ended.
func TestS28_AnEarlyEndNeverTakesARenewedSession(t *testing.T) {
	for _, renewsFirst := range []bool{true, false} {
		l := newTestLog(t)
		session := l.agreed()
		renewed, due, ok := l.m.EarlyEnd(session)
		if !ok || due != renewed+3000 {
			t.Fatalf("renewed %d, may end from %d on, %t", renewed, due, ok)
		}
		l.now = due
		end, renew := command.SessionEndEarly{Session: session, Renewed: renewed}, command.SessionKeepAlive{Session: session, SecretHash: scenarioSecret}
		ops := []command.Op{end, renew}
		if renewsFirst {
			ops = []command.Op{renew, end}
		}
		l.do(ops...)
		if _, _, lives := l.m.EarlyEnd(session); lives != renewsFirst {
			t.Errorf("the renewal first: %t; the session lives: %t", renewsFirst, lives)
		}
	}
}

// Whatever is claimed to have been seen, a session that was renewed less than its silence ago lives, and one that did not agree lives until its deadline.
func TestS28_NoClaimEndsASessionThatRenewsOrDidNotAgree(t *testing.T) {
	l := newTestLog(t)
	session, other := l.agreed(), l.opened(10_000)
	for range 20 {
		l.now += 2999
		for claim := l.now - 3001; claim <= l.now; claim++ {
			l.do(command.SessionEndEarly{Session: session, Renewed: claim}, command.SessionEndEarly{Session: other, Renewed: claim})
		}
		l.do(command.SessionKeepAlive{Session: session, SecretHash: scenarioSecret}, command.SessionKeepAlive{Session: other, SecretHash: scenarioSecret})
		if !l.m.state.alive(session) || !l.m.state.alive(other) {
			t.Fatalf("at %d the session that agreed lives: %t, and the other: %t", l.now, l.m.state.alive(session), l.m.state.alive(other))
		}
	}
}

// The partitions of a worker whose session ends early go to the others in that entry, under larger tokens; those of nobody else are touched.
func TestS28_AnEarlyEndGivesItsPartitionsToOthers(t *testing.T) {
	l := newTestLog(t)
	silent, lives := l.agreed(), l.agreed()
	l.do(command.PoolCreate{Pool: "p", Partitions: 8, Settings: command.PoolSettings{Drain: 5000}})
	l.do(command.PoolJoin{Member: command.PoolMember{Pool: "p", Worker: "silent", Session: silent, SecretHash: scenarioSecret}, Weight: 1},
		command.PoolJoin{Member: command.PoolMember{Pool: "p", Worker: "lives", Session: lives, SecretHash: scenarioSecret}, Weight: 1})
	for range 8 {
		l.now += 1000
		l.do(command.SessionKeepAlive{Session: lives, SecretHash: scenarioSecret}, command.SessionKeepAlive{Session: silent, SecretHash: scenarioSecret}, command.Expire{})
	}
	owners := func() map[string]int {
		counts := map[string]int{}
		pool, _ := l.m.state.pools.get("p")
		for _, part := range l.m.state.partitionsOf("p", pool) {
			counts[part.owner]++
		}
		return counts
	}
	before := owners()
	if before["silent"] == 0 || before["silent"]+before["lives"] != 8 {
		t.Fatalf("%v", before)
	}
	renewed, due, _ := l.m.EarlyEnd(silent)
	l.now = due
	l.do(command.SessionKeepAlive{Session: lives, SecretHash: scenarioSecret}, command.SessionEndEarly{Session: silent, Renewed: renewed})
	if after := owners(); after["lives"] != 8 {
		t.Fatalf("%v, and before %v", after, before)
	}
	restored := New()
	if err := restored.Restore(bytes.NewReader(snapshotOf(l.m))); err != nil {
		t.Fatal(err)
	}
	if one, other := restored.state.chain, l.m.state.chain; one != other {
		t.Fatal("a snapshot of sessions that agreed leads to another state")
	}
	if _, _, ok := restored.EarlyEnd(lives); !ok {
		t.Error("a snapshot forgot that a session agreed")
	}
}
