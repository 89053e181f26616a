package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	wal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/metadb"
	"go.etcd.io/bbolt"
)

// Kind chooses the log store.
type Kind string

// The log stores. Term and vote are in bolt with either.
const (
	Bolt Kind = "bolt"
	WAL  Kind = "wal"
)

// Names in the directory of the stores.
const (
	boltFile   = "raft.db"
	stableFile = "stable.db"
	walDir     = "wal"
)

// Settings of the stores.
const (
	openTimeout      = time.Second
	initialMapSize   = 128 << 20
	cachedEntries    = 1024
	snapshotsKept    = 2
	currentTermKey   = "CurrentTerm"
	notFoundSentence = "not found"
)

// Options says what to open.
type Options struct {
	// Dir is the directory for everything; it is made with mode 0700.
	Dir string
	// Kind is Bolt when empty. A directory keeps the kind it began with.
	Kind Kind
	// SnapshotsKept is how many snapshots stay on disk; 2 when zero.
	SnapshotsKept int
	// OnFatal is called at most once, on a goroutine of its own, when a StoreLogs took longer than the limit or failed. The process must
	// exit then: a Raft whose disk hangs keeps leading and cannot step down. Required.
	OnFatal func(error)
	// Logger may be nil.
	Logger hclog.Logger
}

// Stores is what raft.NewRaft needs.
type Stores struct {
	Log       raft.LogStore
	Stable    raft.StableStore
	Snapshots raft.SnapshotStore

	noted    *notedSnapshots
	watchdog *watchdog
	closers  []io.Closer
}

// Open opens or creates the stores in a directory.
func Open(options Options) (*Stores, error) {
	if options.OnFatal == nil {
		return nil, errors.New("the stores need an OnFatal")
	}
	if options.Logger == nil {
		options.Logger = hclog.NewNullLogger()
	}
	if options.SnapshotsKept == 0 {
		options.SnapshotsKept = snapshotsKept
	}
	if err := os.MkdirAll(options.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the store directory: %w", err)
	}
	kind, err := settleKind(options.Dir, options.Kind)
	if err != nil {
		return nil, err
	}
	log, stable, closers, err := openLog(options.Dir, kind, options.Logger)
	if err != nil {
		return nil, err
	}
	snapshots, err := openSnapshots(options)
	if err != nil {
		return nil, errors.Join(err, closeAll(closers))
	}
	return assemble(log, stable, snapshots, options.OnFatal, closers)
}

// assemble puts the wrappers around bare stores.
func assemble(log raft.LogStore, stable raft.StableStore, snapshots raft.SnapshotStore, onFatal func(error), closers []io.Closer) (*Stores, error) {
	watchdog := newWatchdog(onFatal)
	sealed := &sealedLog{LogStore: log, fatal: watchdog.fatal}
	gapless := &gaplessLog{LogStore: &watchedLog{LogStore: sealed, watchdog: watchdog}, snapshots: snapshots}
	cache, err := raft.NewLogCache(cachedEntries, gapless)
	if err == nil {
		err = reconcile(sealed, snapshots)
	}
	noted, listing := note(snapshots)
	err = errors.Join(err, listing)
	if err != nil {
		return nil, errors.Join(err, closeAll(closers))
	}
	return &Stores{
		Log:       cache,
		Stable:    &voteKeeper{StableStore: stable},
		Snapshots: noted,
		noted:     noted,
		watchdog:  watchdog,
		closers:   closers,
	}, nil
}

// settleKind finds the kind a directory began with and refuses another.
func settleKind(dir string, wanted Kind) (Kind, error) {
	if wanted != "" && wanted != Bolt && wanted != WAL {
		return "", fmt.Errorf("log store %q is not known; use %q or %q", wanted, Bolt, WAL)
	}
	found := Kind("")
	if _, err := os.Stat(filepath.Join(dir, boltFile)); err == nil {
		found = Bolt
	}
	if _, err := os.Stat(filepath.Join(dir, walDir)); err == nil {
		found = WAL
	}
	switch {
	case found == "" && wanted == "":
		return Bolt, nil
	case found == "":
		return wanted, nil
	case wanted != "" && wanted != found:
		return "", fmt.Errorf("the log in %s is of kind %q and cannot be opened as %q; start with --log-store=%s", dir, found, wanted, found)
	}
	return found, nil
}

// openLog opens the bare log and stable stores.
func openLog(dir string, kind Kind, logger hclog.Logger) (raft.LogStore, raft.StableStore, []io.Closer, error) {
	if kind == Bolt {
		bolt, err := openBolt(filepath.Join(dir, boltFile), false)
		if err != nil {
			return nil, nil, nil, err
		}
		return bolt, bolt, []io.Closer{bolt}, nil
	}
	stable, err := openBolt(filepath.Join(dir, stableFile), false)
	if err != nil {
		return nil, nil, nil, err
	}
	segments := filepath.Join(dir, walDir)
	if err := os.MkdirAll(segments, 0o700); err != nil {
		return nil, nil, nil, errors.Join(err, stable.Close())
	}
	log, err := openWAL(segments, logger)
	if err != nil {
		return nil, nil, nil, errors.Join(fmt.Errorf("cannot open the log in %s: %w", segments, err), stable.Close())
	}
	return log, stable, []io.Closer{log, stable}, nil
}

// openWAL opens segment files. The library describes them in a bolt file of its own.
func openWAL(segments string, logger hclog.Logger) (log *wal.WAL, err error) {
	if err := checkBolt(filepath.Join(segments, metadb.FileName)); err != nil {
		return nil, err
	}
	err = soundly(segments, func() error {
		log, err = wal.Open(segments, wal.WithLogger(logger))
		return err
	})
	return log, err
}

// openBolt opens one bolt database, after a look at all of it. It returns a *DamagedFileError when the file is not one any more.
func openBolt(path string, readOnly bool) (*boltStore, error) {
	if readOnly {
		return openChecked(path)
	}
	if err := checkBolt(path); err != nil {
		return nil, err
	}
	return openUnchecked(path, false)
}

// checkBolt looks at a database that may not have been made yet.
func checkBolt(path string) error {
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		return nil
	}
	checked, err := openChecked(path)
	if err != nil {
		return err
	}
	return checked.Close()
}

// openChecked opens a database for reading only, and looks at its pages while nobody can write to it.
func openChecked(path string) (*boltStore, error) {
	store, err := openUnchecked(path, true)
	if err != nil {
		return nil, err
	}
	if err := checkPages(path); err != nil {
		return nil, errors.Join(&DamagedFileError{path, err}, store.Close())
	}
	return store, nil
}

func openUnchecked(path string, readOnly bool) (*boltStore, error) {
	var bolt *raftboltdb.BoltStore
	err := soundly(path, func() (err error) {
		bolt, err = raftboltdb.New(raftboltdb.Options{
			Path: path,
			BoltOptions: &bbolt.Options{
				Timeout:         openTimeout,
				NoFreelistSync:  true,
				FreelistType:    bbolt.FreelistMapType,
				InitialMmapSize: initialMapSize,
				ReadOnly:        readOnly,
			},
		})
		return err
	})
	switch {
	case err == nil:
		return &boltStore{bolt, path}, nil
	case errors.Is(err, bbolt.ErrTimeout):
		return nil, fmt.Errorf("%s is in use by another process; stop it, or look at a copy", path)
	case IsDamage(err):
		return nil, err
	}
	return nil, fmt.Errorf("cannot open %s: %w", path, err)
}

// openSnapshots opens the snapshot files. Their directory is made here, because the library would make it readable by all.
func openSnapshots(options Options) (raft.SnapshotStore, error) {
	if err := os.MkdirAll(filepath.Join(options.Dir, snapshotDir), 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the snapshot directory: %w", err)
	}
	snapshots, err := raft.NewFileSnapshotStoreWithLogger(options.Dir, options.SnapshotsKept, options.Logger)
	if err != nil {
		return nil, fmt.Errorf("cannot open the snapshots in %s: %w", options.Dir, err)
	}
	return snapshots, nil
}

// SetLeads says how to learn whether this node leads. A node that does not may wait for its disk for FollowerWriteLimit. It may be called at any time.
func (s *Stores) SetLeads(leads func() bool) { s.watchdog.setLeads(leads) }

// SetWriteLimit sets how long one StoreLogs of a leader may take: min(2 s, a fifth of the smallest session TTL). It may be called at any time and
// holds for the writes that begin after it. DefaultWriteLimit holds until then.
func (s *Stores) SetWriteLimit(limit time.Duration) { s.watchdog.setLimit(limit) }

// NewestSnapshot gives the index and term of the last entry in the newest snapshot, 0 without one. It may be called at any time.
func (s *Stores) NewestSnapshot() (index, term uint64) {
	newest := s.noted.newest.Load()
	return newest.index, newest.term
}

// HasState reports whether Raft has ever kept anything here.
func (s *Stores) HasState() (bool, error) { return raft.HasExistingState(s.Log, s.Stable, s.Snapshots) }

// CurrentTerm is the term that the stable store holds, 0 when there is none.
func (s *Stores) CurrentTerm() (uint64, error) { return termIn(s.Stable) }

func termIn(stable raft.StableStore) (uint64, error) {
	term, err := stable.GetUint64([]byte(currentTermKey))
	if err != nil && err.Error() == notFoundSentence {
		return 0, nil
	}
	return term, err
}

// Bootstrap writes the first configuration of a new cluster, unless a log or a snapshot is already here. Unlike raft.BootstrapCluster
// it may be repeated after a crash in its middle, between the term and the entry.
func (s *Stores) Bootstrap(configuration raft.Configuration) error {
	last, err := s.Log.LastIndex()
	if err != nil || last > 0 {
		return err
	}
	snapshots, err := s.Snapshots.List()
	if err != nil || len(snapshots) > 0 {
		return err
	}
	term, err := s.CurrentTerm()
	if err != nil {
		return err
	}
	if term == 0 {
		if err := s.Stable.SetUint64([]byte(currentTermKey), 1); err != nil {
			return fmt.Errorf("cannot write the first term: %w", err)
		}
	}
	first := &raft.Log{Index: 1, Term: 1, Type: raft.LogConfiguration, Data: raft.EncodeConfiguration(configuration)}
	if err := s.Log.StoreLog(first); err != nil {
		return fmt.Errorf("cannot write the first configuration: %w", err)
	}
	return nil
}

// Close closes the stores. Raft must have been shut down.
func (s *Stores) Close() error { return closeAll(s.closers) }

func closeAll(closers []io.Closer) error {
	var failures []error
	for _, closer := range closers {
		failures = append(failures, closer.Close())
	}
	return errors.Join(failures...)
}
