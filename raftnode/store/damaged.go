package store

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
)

// DamagedFileError says that a file does not hold what was stored in it: its end was torn off, or pages of it are not what they were.
type DamagedFileError struct {
	Path string
	// Cause is what the library met.
	Cause any
}

// Error implements error.
func (e *DamagedFileError) Error() string {
	return fmt.Sprintf("%s is damaged (%v); the disk may be failing: remove the node and add it anew with an empty directory on another one. Nothing that the cluster acknowledged is lost as long as most nodes have theirs", e.Path, e.Cause)
}

// IsDamage says whether an error tells of a file, or of an entry, that is not what was stored.
func IsDamage(err error) bool {
	var file *DamagedFileError
	var entry *DamagedError
	return errors.As(err, &file) || errors.As(err, &entry)
}

// soundly reads a bolt file. bolt believes what pages say: in a damaged file it follows pages that are none, and panics, or touches memory behind the end of the file, which would end the process without a word to
// its operator.
func soundly(path string, read func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // of this goroutine alone
	defer func() {
		if cause := recover(); cause != nil {
			err = &DamagedFileError{path, cause}
		}
	}()
	if err = read(); errors.Is(err, bbolt.ErrInvalid) || errors.Is(err, bbolt.ErrChecksum) {
		return &DamagedFileError{path, err}
	}
	return err
}

// boltStore is a bolt file of which reading never panics. Writing may: what it would write then must not be believed.
type boltStore struct {
	*raftboltdb.BoltStore
	path string
}

// FirstIndex gives the first index of the log, 0 when it is empty.
func (b *boltStore) FirstIndex() (index uint64, err error) {
	err = soundly(b.path, func() error {
		index, err = b.BoltStore.FirstIndex()
		return err
	})
	return index, err
}

// LastIndex gives the last index of the log, 0 when it is empty.
func (b *boltStore) LastIndex() (index uint64, err error) {
	err = soundly(b.path, func() error {
		index, err = b.BoltStore.LastIndex()
		return err
	})
	return index, err
}

// GetLog reads an entry. raft.ErrLogNotFound says that it is not there, and a *DamagedError that what is there is none.
func (b *boltStore) GetLog(index uint64, log *raft.Log) error {
	err := soundly(b.path, func() error { return b.BoltStore.GetLog(index, log) })
	if err == nil || IsDamage(err) || errors.Is(err, raft.ErrLogNotFound) || errors.Is(err, bbolt.ErrDatabaseNotOpen) {
		return err
	}
	return &DamagedError{index, err.Error()}
}

// Get reads a value of the stable store.
func (b *boltStore) Get(key []byte) (value []byte, err error) {
	err = soundly(b.path, func() error {
		value, err = b.BoltStore.Get(key)
		return err
	})
	return value, err
}

// GetUint64 reads a number of the stable store.
func (b *boltStore) GetUint64(key []byte) (value uint64, err error) {
	err = soundly(b.path, func() error {
		value, err = b.BoltStore.GetUint64(key)
		return err
	})
	return value, err
}
