package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
)

// sealedLog gives every entry a checksum when it is stored, and checks it when it is read. Neither log store does: bolt believes what its pages say, and the segments are checked only where
// they end. A bit that turned on this disk would otherwise become part of this node's state or, should it lead, of everybody's.
//
// The seal lies in the field that Raft keeps for layers like this one. It is taken off again before Raft sees the entry, so it never travels. Entries that were stored without one, by an older
// version, are believed.
type sealedLog struct {
	raft.LogStore
	fatal func(error)
}

// DamagedError says that an entry is not what was stored, and how that shows.
type DamagedError struct {
	Index uint64
	Sign  string
}

// Error implements error.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("entry %d of this node's log is damaged, %s; the disk may be failing: remove the node and add it anew with an empty directory on another one", e.Index, e.Sign)
}

// sealMark begins every seal. An entry whose mark has lost a bit counts as one without a seal; its other bytes are then sound.
const sealMark = "crc1"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sealOf is the seal of an entry: the mark, and the checksum of what Raft and the machine read of it.
func sealOf(log *raft.Log) []byte {
	var head [17]byte
	binary.BigEndian.PutUint64(head[:], log.Index)
	binary.BigEndian.PutUint64(head[8:], log.Term)
	head[16] = byte(log.Type)
	sum := crc32.Update(crc32.Checksum(head[:], castagnoli), castagnoli, log.Data)
	return binary.BigEndian.AppendUint32([]byte(sealMark), sum)
}

// StoreLog stores one entry.
func (l *sealedLog) StoreLog(log *raft.Log) error { return l.StoreLogs([]*raft.Log{log}) }

// StoreLogs stores sealed copies: the entries themselves belong to Raft.
func (l *sealedLog) StoreLogs(logs []*raft.Log) error {
	copies, sealed := make([]raft.Log, len(logs)), make([]*raft.Log, len(logs))
	for i, log := range logs {
		copies[i] = *log
		copies[i].Extensions = sealOf(log)
		sealed[i] = &copies[i]
	}
	return l.LogStore.StoreLogs(sealed)
}

// GetLog reads an entry. It returns a *DamagedError or *DamagedFileError, and raises the alarm, when that is not what was stored.
func (l *sealedLog) GetLog(index uint64, log *raft.Log) error {
	err := l.LogStore.GetLog(index, log)
	if errors.Is(err, wal.ErrCorrupt) {
		err = &DamagedError{index, err.Error()}
	}
	if IsDamage(err) {
		l.fatal(err)
	}
	if err != nil {
		return err
	}
	seal := string(log.Extensions)
	if len(seal) != len(sealMark)+crc32.Size || seal[:len(sealMark)] != sealMark {
		return nil
	}
	log.Extensions = nil
	if log.Index == index && seal == string(sealOf(log)) {
		return nil
	}
	damage := &DamagedError{index, "its checksum does not fit"}
	l.fatal(damage)
	return damage
}
