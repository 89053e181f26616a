package fsm

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/cespare/xxhash/v2"

	"github.com/coordd/coordd/fsm/command"
)

// fromBytes makes choices out of fuzzed bytes, and zeros when they are used up.
func fromBytes(data *[]byte) func(int) int {
	return func(n int) int {
		if len(*data) == 0 {
			return 0
		}
		b := (*data)[0]
		*data = (*data)[1:]
		return int(b) % n
	}
}

// FuzzApply gives two machines the same entries: some are made up from the bytes, one is the bytes themselves. They never panic and always agree.
func FuzzApply(f *testing.F) {
	for _, op := range goldenOps(&testing.T{}) {
		f.Add([]byte("seed"), command.AppendEntry(nil, command.Entry{Term: 1, Now: 2000, Commands: []command.Command{{Lane: 1, Op: op}}}))
	}
	f.Add(bytes.Repeat([]byte{1, 2, 3, 5, 8, 13, 21, 34, 55}, 40), []byte{})
	f.Fuzz(func(t *testing.T, choices, raw []byte) {
		s, twin := newScenario(fromBytes(&choices)), New()
		for i := 0; i < 64 && len(choices) > 0; i++ {
			_, applied := s.step()
			if again := twin.Apply(s.index, s.term, s.entries[len(s.entries)-1]); !reflect.DeepEqual(applied, again) {
				t.Fatalf("entry %d: %+v and %+v", s.index, applied, again)
			}
		}
		one, other := s.machine.Apply(s.index+1, s.term, raw), twin.Apply(s.index+1, s.term, raw)
		if one.Fatal != nil && other.Fatal != nil {
			return
		}
		if !reflect.DeepEqual(one, other) || s.machine.state.chain != twin.state.chain {
			t.Fatalf("% x: %+v and %+v", raw, one, other)
		}
		if err := checkInvariants(twin); err != nil {
			t.Fatal(err)
		}
		restored := New()
		if err := restored.Restore(bytes.NewReader(snapshotOf(twin))); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzRestore gives hostile bytes to the snapshot reader, with a right hash at their end so that they reach it. It never panics, and a machine that refuses a
// snapshot is what it was before. One that accepts it survives what comes next.
func FuzzRestore(f *testing.F) {
	s := newScenario(func(n int) int { return n / 2 })
	f.Add(snapshotOf(s.machine))
	for _, op := range goldenOps(&testing.T{}) {
		s.seal(op)
	}
	f.Add(snapshotOf(s.machine))
	for _, format := range []string{"v1", "v2", "v3"} { // the newest has rows in every table
		snapshot, err := os.ReadFile(filepath.Join(golden, format, "snapshot.bin"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(snapshot)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) >= 8 {
			body := data[:len(data)-8]
			data = binary.LittleEndian.AppendUint64(bytes.Clone(body), xxhash.Sum64(body))
		}
		m := New()
		m.Apply(1, 1, command.AppendEntry(nil, command.Entry{Term: 1, Now: 5, Commands: []command.Command{{Op: command.Set{Name: name("k"), Value: []byte("v")}}}}))
		before := snapshotOf(m)
		if err := m.Restore(bytes.NewReader(data)); err != nil {
			if !bytes.Equal(snapshotOf(m), before) {
				t.Fatal("a snapshot that was refused changed the machine")
			}
			return
		}
		if !bytes.Equal(snapshotOf(m), data) {
			t.Fatal("a snapshot that was accepted is not canonical")
		}
		index := m.AppliedIndex() + 1
		if index == 0 {
			return
		}
		for _, op := range opsOnAll(m) {
			m.Apply(index, 1, command.AppendEntry(nil, command.Entry{Term: 1, Now: m.Now().Add(1000), Commands: []command.Command{{Op: op}}}))
			index++
		}
	})
}

// opsOnAll asks for everything that can be asked about the first names, sessions and acquires of a state.
func opsOnAll(m *Machine) (ops []command.Op) {
	const few = 6
	var names []string
	m.state.names.all(func(key nameKey, _ nameRecord) bool {
		names = append(names, key.key)
		return len(names) < few
	})
	var holds []command.Op
	m.state.acquires.all(func(id command.WaiterID, a acquireRecord) bool {
		by, hold := command.Credentials{Session: a.session, Secret: scenarioSecret}, command.HoldRef{Waiter: id}
		for _, name := range a.names {
			holds = append(holds, command.HoldOutcome{Name: name, Waiter: id}, command.HoldRenew{Name: name, Hold: hold}, command.ElectionTransfer{Name: name, Hold: hold, By: by, Candidate: a.owner},
				command.HoldRelease{Name: name, Hold: hold, By: by, Owner: a.owner}, command.HoldCancel{Name: name, Waiter: id, By: by})
		}
		return len(holds) < 8*few
	})
	m.state.sessions.all(func(id command.SessionID, _ sessionRecord) bool {
		by := command.Credentials{Session: id, Secret: scenarioSecret}
		holds = append(holds, command.SessionInfo{Session: id}, command.SessionRenew{By: by})
		for _, name := range names {
			holds = append(holds, command.HoldAcquire{Names: []string{name}, By: by, Owner: "o", WaitMilliseconds: 5000}, command.HoldAcquire{Names: []string{name}, Mode: command.Shared, By: by})
		}
		renewed, _, _ := m.EarlyEnd(id)
		holds = append(holds, command.SessionEndEarly{Session: id, Renewed: renewed}, command.SessionKill{Session: id, Reason: "fuzz", Now: true})
		return len(holds) < 32*few
	})
	for _, one := range names {
		ops = append(ops, command.LockInfo{Name: one}, command.LockHistory{Name: one, Count: 9}, command.ElectionLeader{Name: one}, command.LockAcquire{Name: one, TTLMilliseconds: 100, WaitMilliseconds: 100},
			command.HoldAcquire{Names: []string{one}, TTLMilliseconds: 100, WaitMilliseconds: 100}, command.Set{Name: name(one), Value: []byte("v"), Condition: command.IfAbsent})
	}
	ops = append(append(ops, command.Expire{}), holds...)
	for _, one := range names {
		ops = append(ops, command.ForceUnlock{Name: one, Reason: "fuzz", Now: true}, command.Delete{Names: []command.Name{name(one)}})
	}
	return append(ops, command.LockList{Count: 100, Redis: true}, command.SessionList{Count: 100, Nodes: true}, command.Expire{})
}
