//go:build failpoints

package failpoints

import (
	"os"
	"syscall"

	"github.com/hashicorp/raft"

	"github.com/coordd/coordd/raftnode/store"
)

// at kills the process if this is the point where it is to die.
func (f *follower) at(point string) {
	if f.armed(point) {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // until the signal arrives
	}
}

func (f *follower) armed(point string) bool { return f.orders.Load().Crash == point }

// guard puts the points around the stores.
func (f *follower) guard(stores *store.Stores) {
	stores.Log = &crashingLog{stores.Log, f}
	stores.Stable = &crashingStable{stores.Stable, f}
	stores.Snapshots = &crashingSnapshots{stores.Snapshots, f}
}

type crashingLog struct {
	raft.LogStore
	follower *follower
}

func (l *crashingLog) StoreLogs(logs []*raft.Log) error {
	l.follower.at("before-store")
	err := l.LogStore.StoreLogs(logs)
	l.follower.at("after-store")
	return err
}

func (l *crashingLog) StoreLog(log *raft.Log) error { return l.StoreLogs([]*raft.Log{log}) }

// IsMonotonic keeps visible what the store says.
func (l *crashingLog) IsMonotonic() bool {
	monotonic, ok := l.LogStore.(raft.MonotonicLogStore)
	return ok && monotonic.IsMonotonic()
}

// voteKey is the second of the two keys that the library writes when it votes.
const voteKey = "LastVoteCand"

type crashingStable struct {
	raft.StableStore
	follower *follower
}

func (s *crashingStable) Set(key, value []byte) error {
	if string(key) != voteKey {
		return s.StableStore.Set(key, value)
	}
	s.follower.at("before-vote")
	err := s.StableStore.Set(key, value)
	s.follower.at("after-vote")
	return err
}

type crashingSnapshots struct {
	raft.SnapshotStore
	follower *follower
}

func (s *crashingSnapshots) Create(version raft.SnapshotVersion, index, term uint64, configuration raft.Configuration, configurationIndex uint64, transport raft.Transport) (raft.SnapshotSink, error) {
	sink, err := s.SnapshotStore.Create(version, index, term, configuration, configurationIndex, transport)
	if err != nil {
		return nil, err
	}
	return &crashingSink{sink, s.follower}, nil
}

type crashingSink struct {
	raft.SnapshotSink
	follower *follower
}

func (s *crashingSink) Close() error {
	s.follower.at("before-snapshot")
	err := s.SnapshotSink.Close()
	s.follower.at("after-snapshot")
	return err
}
