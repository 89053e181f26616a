package fsm

import (
	"bytes"
	"encoding/binary"
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
		for _, op := range []command.Op{command.Expire{}, command.Delete{Names: []command.Name{name("golden:a")}}, command.LockAcquire{Name: "golden:n", TTLMilliseconds: 100, WaitMilliseconds: 100}} {
			m.Apply(index, 1, command.AppendEntry(nil, command.Entry{Term: 1, Now: m.Now().Add(100_000), Commands: []command.Command{{Op: op}}}))
		}
	})
}
