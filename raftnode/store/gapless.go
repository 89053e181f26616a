package store

import (
	"errors"
	"fmt"
	"sync"

	"github.com/hashicorp/raft"
)

// gaplessLog is a LogStore that never contradicts the newest snapshot, and never forgets what may have been acknowledged.
//
// When Raft has installed a snapshot that its leader sent, what the log held before may be worthless: this node may have led, been cut off, and kept entries that were never
// committed. Left where they are, below the snapshot, they would be sent on, as committed, to a node that lags even more. hashicorp/raft leaves them in a store that allows
// gaps, such as bolt; in one that says it is monotonic, it deletes the whole log. That is too much: a snapshot can come late, after an attempt that its leader had given up, or
// twice, and the log may have gone beyond it. So every log says that it is monotonic, and when all of it is to go, the rule of the Raft paper decides (figure 13, steps 6 and 7): a log that
// has the snapshot's last entry, with its term, stays. Of another only what the snapshot covers goes. What lies behind it stays too, though it may be of another history: Raft in
// memory still counts it as its end, and takes it for what its next leader may overwrite, as it does with every entry that was not committed.
//
// A log that begins right behind the snapshot may be asked for as a whole for two reasons which look the same from here. The snapshot that it goes on from has come again, and the log
// must stay. Or its leader has other entries from the first on, and it must go; then those entries are stored next. So it goes when they come.
type gaplessLog struct {
	raft.LogStore
	snapshots raft.SnapshotStore

	mu   sync.Mutex
	void uint64 // up to here the log was asked to go, and goes from where the next entries begin; 0: it was not
}

// IsMonotonic makes Raft delete the log after it has installed a snapshot.
func (l *gaplessLog) IsMonotonic() bool { return true }

// StoreLog stores one entry.
func (l *gaplessLog) StoreLog(log *raft.Log) error { return l.StoreLogs([]*raft.Log{log}) }

// StoreLogs stores entries, in the place of those that were to go.
func (l *gaplessLog) StoreLogs(logs []*raft.Log) error {
	if len(logs) == 0 {
		return nil
	}
	if err := l.makeRoom(logs[0].Index); err != nil {
		return err
	}
	return l.LogStore.StoreLogs(logs)
}

// makeRoom deletes what was to go, from the first of the next entries on.
func (l *gaplessLog) makeRoom(first uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if first <= l.void {
		if err := l.LogStore.DeleteRange(first, l.void); err != nil {
			return fmt.Errorf("cannot delete log entries %d to %d, which others take the place of: %w", first, l.void, err)
		}
	}
	l.void = 0
	return nil
}

// DeleteRange deletes the entries from first to last. Of the whole log goes only what the newest snapshot covers, and not even that where it shows that the log is right.
func (l *gaplessLog) DeleteRange(first, last uint64) error {
	lowest, highest, err := l.ends()
	if err != nil {
		return err
	}
	if lowest == 0 || first > lowest || last < highest {
		return l.LogStore.DeleteRange(first, last)
	}
	how, snapshot, err := compare(l.LogStore, l.snapshots, lowest, highest)
	if err != nil {
		return err
	}
	switch {
	case how == agrees:
		return nil
	case how == follows:
		l.mu.Lock()
		l.void = highest
		l.mu.Unlock()
		return nil
	case how == none:
		return l.LogStore.DeleteRange(first, last)
	}
	return l.LogStore.DeleteRange(lowest, min(highest, snapshot))
}

// ends are the log's first and last entry, 0 when it is empty. Its beginning may have moved since Raft looked: compactions run beside its main loop.
func (l *gaplessLog) ends() (lowest, highest uint64, err error) {
	if lowest, err = l.FirstIndex(); err != nil {
		return 0, 0, err
	}
	highest, err = l.LastIndex()
	return lowest, highest, err
}

// standing is how a log stands to the newest snapshot.
type standing int

const (
	none        standing = iota // there is no snapshot
	follows                     // the log begins behind it
	agrees                      // the log has the snapshot's last entry
	ends                        // the log ends before it
	lacks                       // there is a gap where it should be
	contradicts                 // the log has another entry there
)

// compare tells how a log that goes from first to last stands to the newest snapshot, and up to where that snapshot goes.
func compare(log raft.LogStore, snapshots raft.SnapshotStore, first, last uint64) (how standing, snapshot uint64, err error) {
	list, err := snapshots.List()
	if err != nil || len(list) == 0 {
		return none, 0, err
	}
	newest := list[0]
	var entry raft.Log
	switch {
	case newest.Index < first:
		return follows, newest.Index, nil
	case newest.Index > last:
		return ends, newest.Index, nil
	}
	err = log.GetLog(newest.Index, &entry)
	switch {
	case errors.Is(err, raft.ErrLogNotFound):
		return lacks, newest.Index, nil
	case err != nil:
		return none, newest.Index, fmt.Errorf("cannot read log entry %d, the last one in the newest snapshot: %w", newest.Index, err)
	case entry.Term != newest.Term:
		return contradicts, newest.Index, nil
	}
	return agrees, newest.Index, nil
}

// reconcile finishes what a crash may have left undone between a snapshot that was installed and the log before it. It is for opening, before Raft has looked.
func reconcile(log raft.LogStore, snapshots raft.SnapshotStore) error {
	first, err := log.FirstIndex()
	if err != nil || first == 0 {
		return err
	}
	last, err := log.LastIndex()
	if err != nil {
		return err
	}
	how, snapshot, err := compare(log, snapshots, first, last)
	if err != nil {
		return err
	}
	switch how {
	case ends, contradicts:
		return log.DeleteRange(first, last)
	case lacks:
		return log.DeleteRange(first, snapshot)
	}
	return nil
}
