package store

import (
	"sync/atomic"

	"github.com/hashicorp/raft"
)

// place is an entry of the log, by its index and term.
type place struct{ index, term uint64 }

// notedSnapshots is a SnapshotStore that knows the last entry of its newest snapshot without looking.
type notedSnapshots struct {
	raft.SnapshotStore
	newest atomic.Pointer[place]
}

// note looks once, for the beginning.
func note(snapshots raft.SnapshotStore) (*notedSnapshots, error) {
	noted := &notedSnapshots{SnapshotStore: snapshots}
	noted.newest.Store(&place{})
	list, err := snapshots.List()
	if err == nil && len(list) > 0 {
		noted.newest.Store(&place{list[0].Index, list[0].Term})
	}
	return noted, err
}

// Create begins a snapshot, which counts once it is closed.
func (s *notedSnapshots) Create(version raft.SnapshotVersion, index, term uint64, configuration raft.Configuration, configurationIndex uint64, transport raft.Transport) (raft.SnapshotSink, error) {
	sink, err := s.SnapshotStore.Create(version, index, term, configuration, configurationIndex, transport)
	if err != nil {
		return nil, err
	}
	return &notedSink{sink, s, place{index, term}}, nil
}

// notedSink tells its store when it is closed.
type notedSink struct {
	raft.SnapshotSink
	store *notedSnapshots
	last  place
}

// Close makes the snapshot durable.
func (s *notedSink) Close() error {
	if err := s.SnapshotSink.Close(); err != nil {
		return err
	}
	for {
		newest := s.store.newest.Load()
		if newest.index >= s.last.index || s.store.newest.CompareAndSwap(newest, &s.last) {
			return nil
		}
	}
}
