package store

import (
	"errors"
	"fmt"

	"github.com/hashicorp/raft"
)

// ErrStartAgain is why a node ends whose stores are right while its Raft believes in entries that are gone: opening it again is all that it needs.
var ErrStartAgain = errors.New("start this process again")

// gaplessLog is a LogStore that never contradicts the newest snapshot.
//
// When Raft has installed a snapshot that its leader sent, what the log held before may be worthless: this node may have led, been cut off, and kept entries that were never
// committed. Left where they are, below the snapshot, they would be sent on, as committed, to a node that lags even more. hashicorp/raft leaves them in a store that allows
// gaps, such as bolt; in one that says it is monotonic, it deletes the whole log. That is too much when a snapshot comes late, after an attempt that its leader had given up: the log may have
// gone beyond it, and what was acknowledged must not be forgotten. So every log says that it is monotonic, and when all of it is to go the rule of the Raft paper decides
// (figure 13, steps 6 and 7): a log that has the snapshot's last entry, with its term, stays.
type gaplessLog struct {
	raft.LogStore
	snapshots raft.SnapshotStore
	fatal     func(error)
}

// IsMonotonic makes Raft delete the log after it has installed a snapshot.
func (l *gaplessLog) IsMonotonic() bool { return true }

// DeleteRange deletes the entries from first to last. The whole log stays where a snapshot shows that it is right.
func (l *gaplessLog) DeleteRange(first, last uint64) error {
	whole, err := l.holds(first, last)
	if err != nil {
		return err
	}
	if !whole {
		return l.deletePart(first, last)
	}
	how, snapshot, err := compare(l.LogStore, l.snapshots, first, last)
	if err != nil || how == agrees {
		return err
	}
	if err := l.LogStore.DeleteRange(first, last); err != nil {
		return err
	}
	if how == contradicts {
		// Raft still believes that its last entry is the one it knew, would refuse everything from its leader, and be sent the same snapshot for ever.
		l.fatal(fmt.Errorf("entries of this node's log up to %d were never committed and are deleted, since a snapshot up to %d came in their place; %w", last, snapshot, ErrStartAgain))
	}
	return nil
}

// deletePart deletes a beginning or an end of the log. The newest snapshot's own last entry stays at the beginning. Raft may ask for it to be deleted with the others when entries come
// after it; and if those were never committed, a new leader must be able to compare this very entry to find where to go on. Raft looks for it in the log alone, and without it the leader could
// only send a snapshot, perhaps one from before, which this node has to refuse: neither would ever go on.
func (l *gaplessLog) deletePart(first, last uint64) error {
	lowest, err := l.FirstIndex()
	if err != nil {
		return err
	}
	list, err := l.snapshots.List()
	if err != nil {
		return err
	}
	if first == lowest && len(list) > 0 && list[0].Index == last {
		if first == last {
			return nil
		}
		last--
	}
	return l.LogStore.DeleteRange(first, last)
}

// holds reports whether the log goes exactly from first to last.
func (l *gaplessLog) holds(first, last uint64) (bool, error) {
	lowest, err := l.FirstIndex()
	if err != nil || lowest != first {
		return false, err
	}
	highest, err := l.LastIndex()
	return highest == last, err
}

// standing is how a log stands to the newest snapshot.
type standing int

const (
	apart       standing = iota // there is no snapshot, or its last entry lies before the log
	agrees                      // the log has the snapshot's last entry
	ends                        // the log ends before it
	lacks                       // there is a gap where it should be
	contradicts                 // the log has another entry there
)

// compare tells how a log that goes from first to last stands to the newest snapshot, and up to where that snapshot goes.
func compare(log raft.LogStore, snapshots raft.SnapshotStore, first, last uint64) (how standing, snapshot uint64, err error) {
	list, err := snapshots.List()
	if err != nil || len(list) == 0 {
		return apart, 0, err
	}
	newest := list[0]
	var entry raft.Log
	switch {
	case newest.Index < first:
		return apart, newest.Index, nil
	case newest.Index > last:
		return ends, newest.Index, nil
	}
	err = log.GetLog(newest.Index, &entry)
	switch {
	case errors.Is(err, raft.ErrLogNotFound):
		return lacks, newest.Index, nil
	case err != nil:
		return apart, newest.Index, fmt.Errorf("cannot read log entry %d, the last one in the newest snapshot: %w", newest.Index, err)
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
