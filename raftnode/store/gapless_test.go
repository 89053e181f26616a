package store

import (
	"io"
	"path/filepath"
	"slices"
	"testing"

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
func TestOfAWholeLogGoesOnlyWhatASnapshotCovers(t *testing.T) {
	cases := []struct {
		name        string
		first, last uint64 // of the log; its entries are of term 1
		index, term uint64 // of the snapshot
		want        []uint64
	}{
		{"the log ends before the snapshot, and what it has may never have been committed", 1, 20, 50, 2, nil},
		{"the log ends where the snapshot does, with another entry", 1, 20, 20, 2, nil},
		{"the log goes on beyond the snapshot, from another history", 1, 20, 10, 2, span(11, 20)},
		{"the snapshot came late: the log has its last entry and went on", 1, 20, 10, 1, span(1, 20)},
		{"the log has just what the snapshot has", 1, 20, 20, 1, span(1, 20)},
		{"the snapshot from which the log goes on came again", 11, 20, 10, 2, span(11, 20)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			stores, err := Open(Options{Dir: filepath.Join(t.TempDir(), "raft"), OnFatal: unexpected(t)})
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
			if index, term := stores.NewestSnapshot(); index != c.index || term != c.term {
				t.Errorf("the newest snapshot is told to end at %d of term %d", index, term)
			}
		})
	}
}

// While Raft asks for the whole log to go, a compaction takes its beginning away. It is still the whole log that is meant.
func TestOfALogThatWasShortenedMeanwhileGoesOnlyWhatASnapshotCovers(t *testing.T) {
	for name, c := range map[string]struct {
		index, term uint64
		want        []uint64
	}{
		"the snapshot came late":                        {15, 1, span(6, 20)},
		"the log is of another history":                 {15, 2, span(16, 20)},
		"the snapshot from which the log goes on again": {5, 1, span(6, 20)},
	} {
		t.Run(name, func(t *testing.T) {
			stores, err := Open(Options{Dir: filepath.Join(t.TempDir(), "raft"), OnFatal: unexpected(t)})
			if err != nil {
				t.Fatal(err)
			}
			defer stores.Close()
			if err := stores.Log.StoreLogs(entriesFrom(1, 20)); err != nil {
				t.Fatal(err)
			}
			if err := stores.Log.DeleteRange(1, 5); err != nil { // compacted after Raft had looked where it begins
				t.Fatal(err)
			}
			snapshotOf(t, stores, c.index, c.term)
			if err := stores.Log.DeleteRange(1, 20); err != nil {
				t.Fatal(err)
			}
			if got := indexes(t, stores.Log); !slices.Equal(got, c.want) {
				t.Errorf("the log has %v, want %v", got, c.want)
			}
		})
	}
}

// A log that begins right behind its snapshot is asked for as a whole when its leader has other entries from the first on. They come next, and are fewer: nothing of the old ones may be left.
func TestALogBehindItsSnapshotGivesWayToOtherEntries(t *testing.T) {
	for _, kind := range []Kind{Bolt, WAL} {
		for _, c := range []struct {
			next, last uint64 // of the entries that come after the deletion
			want       []uint64
		}{{11, 13, span(11, 13)}, {21, 22, span(11, 22)}} {
			stores, err := Open(Options{Dir: filepath.Join(t.TempDir(), "raft"), Kind: kind, OnFatal: unexpected(t)})
			if err != nil {
				t.Fatal(err)
			}
			defer stores.Close()
			snapshotOf(t, stores, 10, 1)
			if err := stores.Log.StoreLogs(entriesFrom(11, 20)); err != nil {
				t.Fatal(err)
			}
			if err := stores.Log.DeleteRange(11, 20); err != nil {
				t.Fatal(err)
			}
			for range 2 { // a second time nothing is to go any more
				if err := stores.Log.StoreLogs(entriesFrom(c.next, c.last)); err != nil {
					t.Fatal(err)
				}
				if got := indexes(t, stores.Log); !slices.Equal(got, c.want) {
					t.Errorf("%s: after entries %d to %d came the log has %v, want %v", kind, c.next, c.last, got, c.want)
				}
				if kind == WAL {
					break // which takes no entry twice
				}
			}
		}
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
