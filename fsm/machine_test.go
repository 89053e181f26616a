package fsm

import (
	"bytes"
	"testing"

	"github.com/coordd/coordd/fsm/command"
)

// log drives a machine as a leader would, one entry after the other.
type testLog struct {
	t       *testing.T
	m       *Machine
	index   uint64
	now     command.Instant
	entries [][]byte
}

func newTestLog(t *testing.T) *testLog { return &testLog{t: t, m: New(), now: 1000} }

// seal applies one entry with these commands.
func (l *testLog) seal(commands ...command.Command) Applied {
	l.t.Helper()
	l.index++
	data := command.AppendEntry(nil, command.Entry{Term: 1, Now: l.now, Commands: commands})
	l.entries = append(l.entries, data)
	applied := l.m.Apply(l.index, 1, data)
	if applied.Fatal != nil {
		l.t.Fatal(applied.Fatal)
	}
	return applied
}

// do applies one entry with anonymous ops of different connections.
func (l *testLog) do(ops ...command.Op) []command.Reply {
	l.t.Helper()
	commands := make([]command.Command, len(ops))
	for i, op := range ops {
		commands[i] = command.Command{Lane: uint64(i + 1), Op: op}
	}
	return l.seal(commands...).Replies
}

func name(key string) command.Name { return command.Name{Key: key} }

func setNX(key, value string, ttl int64) command.Set {
	return command.Set{Name: name(key), Value: []byte(value), Condition: command.IfAbsent, Expiry: command.Expiry{Mode: command.ExpiryRelative, Milliseconds: ttl}}
}

func (l *testLog) token(key string) int64 {
	l.t.Helper()
	return l.do(command.Fence{Name: name(key)})[0].Integer
}

func TestATokenRisesWithEveryOwner(t *testing.T) {
	l := newTestLog(t)
	if got := l.do(setNX("job", "me", 30_000))[0]; got.IsError() || got.IsNil() {
		t.Fatalf("%+v", got)
	}
	first := l.token("job")
	if first != 1 {
		t.Fatalf("token %d of a grant at index 1", first)
	}
	if got := l.do(setNX("job", "you", 30_000))[0]; !got.IsNil() {
		t.Fatalf("a second owner: %+v", got)
	}
	l.do(command.Delete{Names: []command.Name{name("job")}})
	l.do(setNX("job", "you", 30_000))
	if second := l.token("job"); second <= first {
		t.Fatalf("token %d after %d", second, first)
	}
}

func TestASnapshotIsTheState(t *testing.T) {
	l := newTestLog(t)
	l.do(setNX("a", "1", 100), setNX("b", "2", 200))
	l.do(command.SessionOpen{TTLMilliseconds: 5000, ClientName: "c"})
	l.do(command.LockAcquire{Name: "l", TTLMilliseconds: 1000})
	var out bytes.Buffer
	if _, err := l.m.Snapshot().WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	restored := New()
	if err := restored.Restore(bytes.NewReader(out.Bytes())); err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if _, err := restored.Snapshot().WriteTo(&again); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), again.Bytes()) {
		t.Fatal("a restored machine writes another snapshot")
	}
	for cut := 0; cut < out.Len(); cut++ {
		if err := New().Restore(bytes.NewReader(out.Bytes()[:cut])); err == nil {
			t.Fatalf("the first %d of %d bytes restore", cut, out.Len())
		}
	}
}

func TestAnOwnerThatAsksAgainGetsItsOwnGrant(t *testing.T) {
	l := newTestLog(t)
	opened := l.do(command.SessionOpen{TTLMilliseconds: 5000})[0]
	session, err := command.ParsePosition(string(opened.Elements[1].Text))
	if err != nil {
		t.Fatal(err)
	}
	acquire := func(owner string, wait int64) command.Reply {
		return l.do(command.LockAcquire{Name: "job", Session: session, Owner: owner, WaitMilliseconds: wait})[0]
	}
	first := acquire("h1", 0)
	if again := acquire("h1", 0); again.IsError() || again.Elements[1].Integer != first.Elements[1].Integer {
		t.Fatalf("first %+v, again %+v", first, again)
	}
	if other := acquire("h2", 0); other.Code != command.CodeHeld {
		t.Fatalf("another owner of the session: %+v", other)
	}
	place := acquire("h2", 1000)
	if again := acquire("h2", 1000); string(again.Elements[3].Text) != string(place.Elements[3].Text) {
		t.Fatalf("a second place: %+v then %+v", place, again)
	}
	if try := acquire("h2", 0); try.Code != command.CodeHeld {
		t.Fatalf("%+v", try)
	}
	if _, _, _, waiters := l.m.Counts(); waiters != 0 {
		t.Fatalf("%d waiters after the try gave the place up", waiters)
	}
	if nobody := acquire("", 0); nobody.Code != command.CodeHeld {
		t.Fatalf("%+v", nobody)
	}
}
