package fsm

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/coordd/coordd/fsm/command"
)

// Sizes at the limit are taken, and one more is refused without effect.
func TestSizesAtTheLimit(t *testing.T) {
	text := func(n int) string { return strings.Repeat("x", n) }
	set := func(key string, value int) command.Op {
		return command.Set{Name: name(key), Value: make([]byte, value)}
	}
	for what, c := range map[string]struct {
		limit int
		op    func(n int) command.Op
	}{
		"name":         {command.MaxNameBytes, func(n int) command.Op { return set(text(n), 1) }},
		"value":        {command.MaxValueBytes, func(n int) command.Op { return set("k", n) }},
		"counter name": {command.MaxNameBytes, func(n int) command.Op { return command.Increment{Name: name(text(n)), Delta: 1} }},
		"float name":   {command.MaxNameBytes, func(n int) command.Op { return command.IncrementBy{Name: name(text(n)), Delta: "1"} }},
		"pair value": {command.MaxValueBytes, func(n int) command.Op {
			return command.MultiSet{Pairs: []command.Pair{{Name: name("k"), Value: make([]byte, n)}}}
		}},
		"lock name": {command.MaxNameBytes, func(n int) command.Op { return command.LockAcquire{Name: text(n), TTLMilliseconds: 100} }},
		"metadata":  {command.MaxMetadataBytes, func(n int) command.Op { return command.SessionOpen{TTLMilliseconds: 1000, Metadata: make([]byte, n)} }},
		"client":    {command.MaxClientNameBytes, func(n int) command.Op { return command.SessionOpen{TTLMilliseconds: 1000, ClientName: text(n)} }},
		"owner": {command.MaxOwnerBytes, func(n int) command.Op {
			return command.LockAcquire{Name: "k", Session: command.SessionID{Index: 1}, SecretHash: scenarioSecret, Owner: text(n)}
		}},
		"script":     {command.MaxScriptBytes, func(n int) command.Op { return command.ScriptLoad{Source: make([]byte, n)} }},
		"setting":    {command.MaxSettingBytes, func(n int) command.Op { return command.Setting{Key: "k", Value: text(n - 1)} }},
		"pairs":      {command.MaxNamesPerCommand, func(n int) command.Op { return command.MultiSet{Pairs: pairs(n)} }},
		"operations": {command.MaxOpsPerTransaction, func(n int) command.Op { return command.Transaction{Ops: append(make([]command.Op, 0), repeated(n)...)} }},
		"watches":    {command.MaxNamesPerCommand, func(n int) command.Op { return command.Transaction{Watches: watches(n), Ops: repeated(1)} }},
		"script arguments": {command.MaxScriptArguments, func(n int) command.Op {
			return command.Script{Program: compareAndDelete(t), Keys: [][]byte{[]byte("k")}, Arguments: make([][]byte, n-1)}
		}},
	} {
		for _, n := range []int{c.limit - 1, c.limit, c.limit + 1} {
			l := newTestLog(t)
			l.opened(1000)
			reply := l.do(c.op(n))[0]
			if refused := reply.IsError(); refused != (n > c.limit) || refused && reply.Code != command.CodeLimit {
				t.Errorf("%s of %d: %s", what, n, shown(reply))
			}
			if _, _, names, _ := l.m.Counts(); n > c.limit && names != 0 {
				t.Errorf("%s of %d was refused and had an effect", what, n)
			}
		}
	}
}

func pairs(n int) (pairs []command.Pair) {
	for i := range n {
		pairs = append(pairs, command.Pair{Name: name(fmt.Sprint(i)), Value: []byte("v")})
	}
	return pairs
}

func repeated(n int) (ops []command.Op) {
	for range n {
		ops = append(ops, command.Increment{Name: name("k"), Delta: 1})
	}
	return ops
}

func watches(n int) (watches []command.Watch) {
	for i := range n {
		watches = append(watches, command.Watch{Name: name(fmt.Sprint(i))})
	}
	return watches
}

// fill sends n ops, many to an entry, and expects them to be taken.
func (l *testLog) fill(n int, op func(i int) command.Op) {
	l.t.Helper()
	for start := 0; start < n; start += 2000 {
		var ops []command.Op
		for i := start; i < min(n, start+2000); i++ {
			ops = append(ops, op(i))
		}
		for i, reply := range l.do(ops...) {
			if reply.IsError() || reply.Type == command.ReplyAgain {
				l.t.Fatalf("%d of %d: %s", start+i, n, shown(reply))
			}
		}
	}
}

// Collections are filled to one below the limit; one more is taken, and the next is refused.
func TestCollectionsAtTheLimit(t *testing.T) {
	session := command.SessionID{Index: 1}
	for what, c := range map[string]struct {
		limit int
		op    func(i int) command.Op
	}{
		"waiters of a lock": {command.MaxWaitersPerLock, func(int) command.Op {
			return command.LockAcquire{Name: "busy", TTLMilliseconds: 100, WaitMilliseconds: 1000}
		}},
		"waiters of a session": {command.MaxWaitersPerSession, func(i int) command.Op { return acquire(session, fmt.Sprint("busy", i%4), 1000) }},
		"locks of a session":   {command.MaxLocksPerSession, func(i int) command.Op { return acquire(session, fmt.Sprint("free", i), 0) }},
		"sessions":             {command.MaxSessions - 1, func(int) command.Op { return command.SessionOpen{TTLMilliseconds: 60_000} }},
		"settings":             {command.MaxSettings, func(i int) command.Op { return command.Setting{Key: fmt.Sprint(i), Value: "v"} }},
	} {
		t.Run(what, func(t *testing.T) {
			l := newTestLog(t)
			l.opened(60_000)
			for _, key := range []string{"busy", "busy0", "busy1", "busy2", "busy3"} {
				l.do(setNX(key, "v", 60_000))
			}
			l.fill(c.limit-1, c.op)
			before, _ := l.m.Hash()
			if got := l.do(c.op(c.limit - 1))[0]; got.IsError() {
				t.Fatalf("the last that fits, after %d: %s", before, shown(got))
			}
			if got := l.do(c.op(c.limit))[0]; got.Code != command.CodeLimit {
				t.Fatalf("one too many: %s", shown(got))
			}
		})
	}
}

// Script texts are the one collection that forgets: the oldest goes first.
func TestScriptsForgetTheOldest(t *testing.T) {
	l := newTestLog(t)
	sums := map[int]string{}
	for i := range command.MaxScripts + 1 {
		sums[i] = string(l.do(command.ScriptLoad{Source: fmt.Append(nil, i)})[0].Text)
	}
	exists := l.do(command.ScriptExists{SHA1s: []string{sums[0], sums[1], sums[command.MaxScripts]}})[0]
	if shown(exists) != "[0, 1, 1]" {
		t.Fatal(shown(exists))
	}
}

// Cursors stay below 2^53, and a walk meets every name that is there all the time exactly once while others come and go.
func TestScanMeetsEveryNameOnce(t *testing.T) {
	l := newTestLog(t)
	l.fill(2000, func(i int) command.Op { return command.Set{Name: name(fmt.Sprint("stays", i)), Value: []byte("v")} })
	seen := map[string]int{}
	cursor := uint64(0)
	for round := 0; ; round++ {
		reply := l.do(command.Scan{Cursor: cursor, Count: 7})[0]
		for _, found := range reply.Elements[1].Elements {
			seen[string(found.Text)]++
		}
		if cursor = uint64(mustInt(t, string(reply.Elements[0].Text))); cursor == 0 {
			break
		}
		if cursor >= 1<<53 {
			t.Fatalf("cursor %d", cursor)
		}
		l.do(command.Set{Name: name(fmt.Sprint("comes", round)), Value: []byte("v")}, command.Delete{Names: []command.Name{name(fmt.Sprint("comes", round-3))}})
	}
	for i := range 2000 {
		if key := fmt.Sprint("stays", i); seen[key] != 1 {
			t.Fatalf("%s was met %d times", key, seen[key])
		}
	}
	l.expect(command.Scan{Cursor: 1<<64 - 1}, `["0", []]`)
}

// Replies share memory with the state, and neither later commands nor the entry's own bytes change it.
func TestRepliesAndStateDoNotChangeUnderneath(t *testing.T) {
	l := newTestLog(t)
	value := []byte("first")
	entry := command.AppendEntry(nil, command.Entry{Term: 1, Now: 1, Commands: []command.Command{{Op: command.Set{Name: name("k"), Value: value}}, {Op: command.ScriptLoad{Source: []byte("text")}}}})
	l.index++
	l.m.Apply(l.index, 1, entry)
	sum := l.do(command.ScriptLoad{Source: []byte("text")})[0].Text
	clear(entry)
	held := l.do(command.Get{Name: name("k")})[0]
	l.expect(command.ScriptSource{SHA1: string(sum)}, `"text"`)
	l.do(command.Set{Name: name("k"), Value: []byte("other")})
	l.do(command.Increment{Name: name("n"), Delta: 1})
	n := l.do(command.Get{Name: name("n")})[0]
	l.do(command.Increment{Name: name("n"), Delta: 8})
	if string(held.Text) != "first" || string(n.Text) != "1" || !bytes.Equal(value, []byte("first")) {
		t.Fatalf("%q %q", held.Text, n.Text)
	}
}
