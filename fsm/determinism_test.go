package fsm

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/coordd/coordd/fsm/command"
	_ "github.com/coordd/coordd/internal/rapidseed"
)

// drawn chooses either by rapid, which shrinks well but favours small numbers, or evenly from a seed.
func drawn(t *rapid.T) func(int) int {
	if seed := rapid.Uint64().Draw(t, "seed"); seed%4 != 0 {
		return rand.New(rand.NewPCG(seed, 0)).IntN
	}
	return func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "pick") }
}

func snapshotOf(m *Machine) []byte {
	var out bytes.Buffer
	if _, err := m.Snapshot().WriteTo(&out); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// Two machines that run one log agree after every entry, in replies, events and hash, and their tables never contradict each other.
func TestTwoMachinesAgreeAtEveryIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, twin := newScenario(drawn(t)), New()
		for range rapid.IntRange(1, 40).Draw(t, "entries") {
			entry, applied := s.step()
			again := twin.Apply(s.index, s.term, s.entries[len(s.entries)-1])
			if !reflect.DeepEqual(applied, again) {
				t.Fatalf("at %d %+v:\n one %+v\n two %+v", s.index, entry, applied, again)
			}
			if _, hash := twin.Hash(); hash != s.machine.state.chain {
				t.Fatalf("hashes differ at %d", s.index)
			}
			if len(applied.Replies) != len(entry.Commands) && applied.TermMatched {
				t.Fatalf("%d replies to %d commands", len(applied.Replies), len(entry.Commands))
			}
			if err := checkInvariants(s.machine); err != nil {
				t.Fatalf("after %d %+v: %v", s.index, entry, err)
			}
		}
	})
}

// A machine restored from a snapshot at any index goes on exactly as the one that ran from the start.
func TestASnapshotAtEveryIndexChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newScenario(drawn(t))
		var snapshots [][]byte
		var outcomes []Applied
		for range rapid.IntRange(1, 12).Draw(t, "entries") {
			snapshots = append(snapshots, snapshotOf(s.machine))
			_, applied := s.step()
			outcomes = append(outcomes, applied)
		}
		want := snapshotOf(s.machine)
		for k, data := range snapshots {
			m := New()
			if err := m.Restore(bytes.NewReader(data)); err != nil {
				t.Fatal(err)
			}
			if err := checkInvariants(m); err != nil {
				t.Fatalf("restored at %d: %v", k, err)
			}
			for i := k; i < len(s.entries); i++ {
				if applied := m.Apply(uint64(i+1), s.term, s.entries[i]); !reflect.DeepEqual(applied, outcomes[i]) {
					t.Fatalf("restored at %d, entry %d:\n got %+v\nwant %+v", k, i+1, applied, outcomes[i])
				}
			}
			if !bytes.Equal(snapshotOf(m), want) {
				t.Fatalf("restored at %d, the machine ends in another state", k)
			}
		}
	})
}

// A command that is answered "again" leaves the state as if it had not been in the entry, apart from low-water marks.
func TestAgainLeavesNoTrace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newScenario(drawn(t))
		other := New()
		compare := func(entry command.Entry, applied Applied) (again int) {
			again = takeOutAgain(entry, applied)
			other.Apply(s.index, s.term, command.AppendEntry(nil, entry))
			if !bytes.Equal(snapshotOf(s.machine), snapshotOf(other)) {
				t.Fatalf("at %d %+v the commands answered again changed something", s.index, entry)
			}
			return again
		}
		for range rapid.IntRange(1, 20).Draw(t, "entries") {
			compare(s.step())
		}
		// Whatever was drawn, the last entry gives a name two owners.
		only := name("only here")
		secondOwner := command.Entry{Term: s.term, Now: s.now, Commands: []command.Command{
			{Lane: 11, Op: command.Set{Name: only, Value: []byte("1")}},
			{Lane: 12, Op: command.Delete{Names: []command.Name{only}}},
			{Lane: 13, Op: command.Set{Name: only, Value: []byte("2")}},
		}}
		s.index++
		if compare(secondOwner, s.machine.Apply(s.index, s.term, command.AppendEntry(nil, secondOwner))) != 1 {
			t.Fatal("a second owner in one entry was not answered again")
		}
	})
}

// takeOutAgain replaces the commands that were answered "again" by one without effect, so that the others keep their places, and counts them. The request of
// the command that blocks its connection is kept, because its low-water mark counts.
func takeOutAgain(entry command.Entry, applied Applied) (again int) {
	blocked := map[lane]bool{}
	for i := range entry.Commands {
		if applied.Replies[i].Type != command.ReplyAgain || !applied.TermMatched {
			continue
		}
		again++
		c := &entry.Commands[i]
		from := lane{c.Request.Session, c.Lane}
		if blocked[from] && c.Lane != 0 {
			c.Request = command.Request{}
		}
		blocked[from] = true
		c.Op = command.Time{}
	}
	return again
}

// What Read answers is what the same op answers in the log, when nothing is due.
func TestReadAgreesWithApply(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newScenario(drawn(t))
		for range rapid.IntRange(1, 20).Draw(t, "entries") {
			s.step()
			for s.machine.HasWork() {
				s.index++
				data := command.AppendEntry(nil, command.Entry{Term: s.term, Now: s.machine.Now(), Commands: []command.Command{{Op: command.Expire{}}}})
				s.machine.Apply(s.index, s.term, data)
			}
			op := s.anyRead(true)
			s.index++
			data := command.AppendEntry(nil, command.Entry{Term: s.term, Now: s.machine.Now(), Commands: []command.Command{{Op: op}}})
			logged := s.machine.Apply(s.index, s.term, data).Replies[0]
			read, wait := s.machine.Read(s.machine.Now(), []command.Op{op})
			if wait != 0 {
				t.Fatalf("%+v waits for %d at %d", op, wait, s.machine.Now())
			}
			if !reflect.DeepEqual(read[0], logged) {
				t.Fatalf("%+v:\n read   %+v\n logged %+v", op, read[0], logged)
			}
		}
	})
}
