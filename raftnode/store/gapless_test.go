package store

import (
	"errors"
	"io"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// indexes lists the entries that a log has.
func indexes(t *testing.T, log raft.LogStore) (list []uint64) {
	t.Helper()
	first, err := log.FirstIndex()
	if err != nil {
		t.Fatal(err)
	}
	last, err := log.LastIndex()
	if err != nil {
		t.Fatal(err)
	}
	for index := first; index <= last && last > 0; index++ {
		if log.GetLog(index, new(raft.Log)) == nil {
			list = append(list, index)
		}
	}
	return list
}

func span(first, last uint64) (list []uint64) {
	for index := first; index <= last; index++ {
		list = append(list, index)
	}
	return list
}

// snapshotOf writes a snapshot up to an entry.
func snapshotOf(t *testing.T, stores *Stores, index, term uint64) {
	t.Helper()
	_, transport := raft.NewInmemTransport("a:1")
	sink, err := stores.Snapshots.Create(1, index, term, raft.Configuration{}, 1, transport)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(sink, "state"); err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
}

// Raft installs a snapshot and tells the log to forget everything. What happens depends on how the two stand to each other.
func TestALogIsDeletedUnlessASnapshotShowsThatItIsRight(t *testing.T) {
	cases := []struct {
		name        string
		first, last uint64 // of the log; its entries are of term 1
		index, term uint64 // of the snapshot
		want        []uint64
		stops       bool
	}{
		{"the log ends before the snapshot, and what it has may never have been committed", 1, 20, 50, 2, nil, false},
		{"the log ends where the snapshot does, with another entry", 1, 20, 20, 2, nil, true},
		{"the log goes on beyond the snapshot, from another history", 1, 20, 10, 2, nil, true},
		{"the snapshot came late: the log has its last entry and went on", 1, 20, 10, 1, span(1, 20), false},
		{"the log has just what the snapshot has", 1, 20, 20, 1, span(1, 20), false},
		{"the snapshot lies before the log, which is cut because its leader has another", 11, 20, 10, 2, nil, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			stopped := make(chan error, 1)
			stores, err := Open(Options{Dir: filepath.Join(t.TempDir(), "raft"), OnFatal: func(err error) { stopped <- err }})
			if err != nil {
				t.Fatal(err)
			}
			defer stores.Close()
			if err := stores.Log.StoreLogs(entriesFrom(c.first, c.last)); err != nil {
				t.Fatal(err)
			}
			snapshotOf(t, stores, c.index, c.term)
			if err := stores.Log.DeleteRange(c.first, c.last); err != nil {
				t.Fatal(err)
			}
			if got := indexes(t, stores.Log); !slices.Equal(got, c.want) {
				t.Errorf("the log has %v, want %v", got, c.want)
			}
			select {
			case err := <-stopped:
				if !c.stops || !errors.Is(err, ErrStartAgain) {
					t.Errorf("the node must stop: %v", err)
				}
			case <-time.After(50 * time.Millisecond):
				if c.stops {
					t.Error("the node goes on with a Raft that believes in entries that are gone")
				}
			}
		})
	}
}

func TestPartsOfALogAreDeletedAsTold(t *testing.T) {
	stores, err := Open(Options{Dir: filepath.Join(t.TempDir(), "raft"), OnFatal: unexpected(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer stores.Close()
	if err := stores.Log.StoreLogs(entriesFrom(1, 20)); err != nil {
		t.Fatal(err)
	}
	snapshotOf(t, stores, 10, 1)
	if err := stores.Log.DeleteRange(1, 5); err != nil { // compaction
		t.Fatal(err)
	}
	if err := stores.Log.DeleteRange(15, 20); err != nil { // a conflict
		t.Fatal(err)
	}
	if got := indexes(t, stores.Log); !slices.Equal(got, span(6, 14)) {
		t.Errorf("the log has %v", got)
	}
}

// The process died after a snapshot was installed and before the log was dealt with.
func TestOpeningFinishesWhatASnapshotBegan(t *testing.T) {
	cases := []struct {
		name        string
		logs        []*raft.Log
		index, term uint64
		want        []uint64
	}{
		{"the log ends before the snapshot", entriesFrom(1, 20), 50, 2, nil},
		{"the log has another entry there", entriesFrom(1, 20), 10, 2, nil},
		{"the log agrees", entriesFrom(1, 20), 10, 1, span(1, 20)},
		{"the log begins behind the snapshot", entriesFrom(11, 20), 10, 1, span(11, 20)},
		{"the log has a gap there, as bolt could have", append(entriesFrom(1, 20), entriesFrom(51, 60)...), 50, 1, span(51, 60)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			options := Options{Dir: filepath.Join(t.TempDir(), "raft"), OnFatal: unexpected(t)}
			stores, err := Open(options)
			if err != nil {
				t.Fatal(err)
			}
			if err := stores.Log.StoreLogs(c.logs); err != nil {
				t.Fatal(err)
			}
			snapshotOf(t, stores, c.index, c.term)
			if err := stores.Close(); err != nil {
				t.Fatal(err)
			}
			if stores, err = Open(options); err != nil {
				t.Fatal(err)
			}
			defer stores.Close()
			if got := indexes(t, stores.Log); !slices.Equal(got, c.want) {
				t.Errorf("the log has %v, want %v", got, c.want)
			}
		})
	}
}

// A snapshot's last entry is what a new leader compares to find where to go on, when those after it were never committed. Seed 1600 of the simulation stood still without it.
func TestCompactingKeepsTheSnapshotsLastEntry(t *testing.T) {
	stores, err := Open(Options{Dir: filepath.Join(t.TempDir(), "raft"), OnFatal: unexpected(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer stores.Close()
	if err := stores.Log.StoreLogs(entriesFrom(1, 20)); err != nil {
		t.Fatal(err)
	}
	snapshotOf(t, stores, 15, 1)
	for _, step := range []struct {
		first, last uint64
		want        []uint64
	}{{1, 15, span(15, 20)}, {15, 15, span(15, 20)}, {18, 20, span(15, 17)}} {
		if err := stores.Log.DeleteRange(step.first, step.last); err != nil {
			t.Fatal(err)
		}
		if left := indexes(t, stores.Log); !slices.Equal(left, step.want) {
			t.Errorf("without %d to %d the log has %v, want %v", step.first, step.last, left, step.want)
		}
	}
}
