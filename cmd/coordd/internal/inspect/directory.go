package inspect

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/hashicorp/raft"

	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/raftnode/store"
)

// raftDir is where a data directory keeps the files of Raft.
const raftDir = "raft"

// Directory is the data of a stopped node, opened for reading.
type Directory struct {
	reader    *store.Reader
	snapshots []raft.SnapshotMeta // newest first
}

// Open opens a data directory, a copy of one, or the directory of Raft's files inside. A node that runs keeps its own closed to others; the error says so.
func Open(path string) (*Directory, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("there is no data directory %s: %w", path, err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s is not a directory; give a node's data directory", path)
	}
	inner := filepath.Join(path, raftDir)
	if info, err := os.Stat(inner); err == nil && info.IsDir() {
		path = inner
	}
	reader, err := store.OpenReadOnly(path)
	if err != nil {
		return nil, fmt.Errorf("%w (if a node runs there, stop it or inspect a copy)", err)
	}
	d := &Directory{reader: reader}
	if d.snapshots, err = reader.Snapshots(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Close closes the files.
func (d *Directory) Close() error { return d.reader.Close() }

// Newest is the newest snapshot; found is false when there is none.
func (d *Directory) Newest() (meta raft.SnapshotMeta, found bool) {
	if len(d.snapshots) == 0 {
		return raft.SnapshotMeta{}, false
	}
	return d.snapshots[0], true
}

// RestoreNewest makes a machine with the state of the newest snapshot.
func (d *Directory) RestoreNewest() (machine *fsm.Machine, err error) {
	meta, found := d.Newest()
	if !found {
		return nil, errors.New("there is no snapshot in this directory yet; coordd inspect log shows the entries")
	}
	_, source, err := d.reader.OpenSnapshot(meta.ID)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	machine = fsm.New()
	if err := machine.Restore(io.Reader(source)); err != nil {
		return nil, fmt.Errorf("snapshot %s cannot be read: %w", meta.ID, err)
	}
	return machine, nil
}
