package store

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/metadb"
)

// snapshotDir is where the library keeps snapshots below the directory it is given.
const snapshotDir = "snapshots"

// Reader looks at the stores of a stopped node, or at a copy, and changes nothing.
type Reader struct {
	dir     string
	log     raft.LogStore
	stable  *boltStore
	closers []io.Closer
	// scratch is a copy of segment files that Close removes; the library has no way of opening them without writing.
	scratch string
}

// Vote is what a node keeps about elections.
type Vote struct {
	CurrentTerm uint64
	// VotedTerm and VotedFor are the last vote given; VotedFor has the form id@host:port.
	VotedTerm uint64
	VotedFor  string
}

// OpenReadOnly opens the stores in a directory that no process uses.
func OpenReadOnly(dir string) (*Reader, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("there is no store directory %s", dir)
	}
	r := &Reader{dir: dir}
	var err error
	if _, missing := os.Stat(filepath.Join(dir, walDir)); missing == nil {
		err = r.openSegments()
	} else {
		err = r.openDatabase(boltFile)
		r.log = r.stable
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	r.log = &sealedLog{LogStore: r.log, fatal: func(error) {}}
	return r, nil
}

// openDatabase opens the bolt file that holds term and vote.
func (r *Reader) openDatabase(name string) error {
	path := filepath.Join(r.dir, name)
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("%s holds no log of a node: %w", r.dir, err)
	}
	stable, err := openBolt(path, true)
	if err != nil {
		return err
	}
	r.stable = stable
	r.closers = append(r.closers, stable)
	return nil
}

// openSegments copies the segment files and opens the copy.
func (r *Reader) openSegments() error {
	if err := r.openDatabase(stableFile); err != nil {
		return err
	}
	source := filepath.Join(r.dir, walDir)
	lock, err := openBolt(filepath.Join(source, metadb.FileName), true)
	if err != nil {
		return err
	}
	defer lock.Close()
	r.scratch, err = os.MkdirTemp("", "coordd-inspect-")
	if err != nil {
		return err
	}
	if err := os.CopyFS(r.scratch, os.DirFS(source)); err != nil {
		return fmt.Errorf("cannot copy the log for reading: %w", err)
	}
	log, err := wal.Open(r.scratch)
	if err != nil {
		return fmt.Errorf("cannot open the log in %s: %w", source, err)
	}
	r.log = log
	r.closers = append(r.closers, log)
	return nil
}

// Bounds gives the first and last index of the log, 0 and 0 when it is empty.
func (r *Reader) Bounds() (first, last uint64, err error) {
	if first, err = r.log.FirstIndex(); err != nil {
		return 0, 0, err
	}
	last, err = r.log.LastIndex()
	return first, last, err
}

// Entry reads one entry. raft.ErrLogNotFound says that it is not there.
func (r *Reader) Entry(index uint64) (*raft.Log, error) {
	entry := &raft.Log{}
	if err := r.log.GetLog(index, entry); err != nil {
		return nil, err
	}
	return entry, nil
}

// Vote reads term and vote.
func (r *Reader) Vote() (Vote, error) {
	term, err := termIn(r.stable)
	if err != nil {
		return Vote{}, err
	}
	votedTerm, candidate, err := readVote(r.stable)
	if err != nil && err.Error() != notFoundSentence {
		return Vote{}, err
	}
	return Vote{CurrentTerm: term, VotedTerm: votedTerm, VotedFor: string(candidate)}, nil
}

// snapshotFile is a snapshot's meta.json as the library writes it.
type snapshotFile struct {
	raft.SnapshotMeta
	CRC []byte
}

// Snapshots lists the complete snapshots, newest first.
func (r *Reader) Snapshots() ([]raft.SnapshotMeta, error) {
	entries, err := os.ReadDir(filepath.Join(r.dir, snapshotDir))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var metas []raft.SnapshotMeta
	for _, entry := range entries {
		if !entry.IsDir() || strings.HasSuffix(entry.Name(), ".tmp") {
			continue
		}
		file, err := r.snapshotFile(entry.Name())
		if err != nil {
			return nil, err
		}
		metas = append(metas, file.SnapshotMeta)
	}
	slices.SortFunc(metas, func(a, b raft.SnapshotMeta) int {
		return cmp.Or(cmp.Compare(b.Term, a.Term), cmp.Compare(b.Index, a.Index), cmp.Compare(b.ID, a.ID))
	})
	return metas, nil
}

func (r *Reader) snapshotFile(id string) (snapshotFile, error) {
	var file snapshotFile
	text, err := os.ReadFile(filepath.Join(r.dir, snapshotDir, id, "meta.json"))
	if err != nil {
		return file, err
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return file, fmt.Errorf("the description of snapshot %s is damaged: %w", id, err)
	}
	return file, nil
}

// OpenSnapshot opens the state of one snapshot after checking its checksum.
func (r *Reader) OpenSnapshot(id string) (raft.SnapshotMeta, io.ReadCloser, error) {
	if id != filepath.Base(id) {
		return raft.SnapshotMeta{}, nil, fmt.Errorf("%q is not the id of a snapshot", id)
	}
	file, err := r.snapshotFile(id)
	if err != nil {
		return raft.SnapshotMeta{}, nil, err
	}
	state, err := os.Open(filepath.Join(r.dir, snapshotDir, id, "state.bin"))
	if err != nil {
		return raft.SnapshotMeta{}, nil, err
	}
	sum := crc64.New(crc64.MakeTable(crc64.ECMA))
	_, err = io.Copy(sum, state)
	if err == nil && !bytes.Equal(sum.Sum(nil), file.CRC) {
		err = fmt.Errorf("snapshot %s is damaged: its checksum does not fit", id)
	}
	if err == nil {
		_, err = state.Seek(0, io.SeekStart)
	}
	if err != nil {
		return raft.SnapshotMeta{}, nil, errors.Join(err, state.Close())
	}
	return file.SnapshotMeta, state, nil
}

// Close ends the reading.
func (r *Reader) Close() error {
	err := closeAll(r.closers)
	if r.scratch != "" {
		err = errors.Join(err, os.RemoveAll(r.scratch))
	}
	return err
}
