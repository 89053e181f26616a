// Package store opens what Raft keeps on disk: the log, the term and vote, and the snapshots.
package store

import (
	"errors"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// Kind chooses the log store.
type Kind string

// The log stores. Term and vote are in bolt with either.
const (
	Bolt Kind = "bolt"
	WAL  Kind = "wal"
)

// DefaultWriteLimit is how long one StoreLogs may take before the node counts as stuck.
const DefaultWriteLimit = 2 * time.Second

// Options says what to open.
type Options struct {
	// Dir is the directory for everything; it is made with mode 0700.
	Dir string
	// Kind is Bolt when empty.
	Kind Kind
	// SnapshotsKept is how many snapshots stay on disk; 2 when zero.
	SnapshotsKept int
	// OnFatal is called at most once, when a StoreLogs took longer than the limit or failed. The process must exit then: a Raft whose disk hangs keeps
	// leading and cannot step down. It is called on a goroutine of its own and must not be nil.
	OnFatal func(error)
	// Logger may be nil.
	Logger hclog.Logger
}

// Stores is what raft.NewRaft needs.
type Stores struct {
	Log       raft.LogStore
	Stable    raft.StableStore
	Snapshots raft.SnapshotStore
}

// Open opens or creates the stores in a directory.
func Open(options Options) (*Stores, error) { return nil, errors.New("not opened") }

// SetWriteLimit sets how long one StoreLogs may take: min(2 s, a fifth of the smallest session TTL). It may be called at any time.
func (s *Stores) SetWriteLimit(limit time.Duration) {}

// HasState reports whether Raft has ever kept anything here.
func (s *Stores) HasState() (bool, error) { return raft.HasExistingState(s.Log, s.Stable, s.Snapshots) }

// CurrentTerm is the term that the stable store holds, 0 when there is none.
func (s *Stores) CurrentTerm() (uint64, error) { return 0, nil }

// Close closes the stores. Raft must have been shut down.
func (s *Stores) Close() error { return nil }

// Memory keeps in memory what a disk would keep, for tests: what was not synced is forgotten by Crash.
type Memory struct{}

// NewMemory makes an empty disk.
func NewMemory() *Memory { return &Memory{} }

// Open opens the stores on this disk. The handle that was open before, if any, is cut off as by Crash. Options.Dir and Kind mean nothing here.
func (m *Memory) Open(options Options) (*Stores, error) { return nil, errors.New("not opened") }

// Crash cuts off the open handle and forgets what it had not synced.
func (m *Memory) Crash() {}

// SetSyncDelay lets every write take this long before it is durable.
func (m *Memory) SetSyncDelay(delay time.Duration) {}
