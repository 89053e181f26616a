package world

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/raftnode/store"
	"github.com/hashicorp/raft"
)

// restoredBase is what tokens begin above in a cluster that was restored from a backup: more than were ever given before.
const restoredBase = command.Token(1) << 40

// restore makes the cluster one that was restored: every node is stopped, finds a snapshot with another base of tokens in place of its log, and starts again.
func (w *world) restore() {
	for place := range w.setup.nodes {
		w.kill(place)
	}
	snapshot, err := w.record.rebase(restoredBase)
	for place := 0; err == nil && place < w.setup.nodes; place++ {
		err = w.leaveBehind(place, snapshot)
	}
	if err != nil {
		w.t.Fatalf("the cluster could not be restored: %v", err)
	}
	for place := range w.setup.nodes {
		w.cluster.Restart(place)
	}
	for place := range w.setup.nodes {
		w.cluster.AwaitReady(place)
	}
	w.count("restored clusters")
	w.tell("restored at index %d, tokens begin above %d", w.record.newest(), restoredBase)
}

// rebase goes on from a snapshot of the state in which tokens have another base, and answers it.
func (r *record) rebase(base command.Token) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var plain bytes.Buffer
	if _, err := r.twin.Snapshot().WriteTo(&plain); err != nil {
		return nil, err
	}
	snapshot, err := withTokenBase(plain.Bytes(), uint64(base))
	if err != nil {
		return nil, err
	}
	r.base = base
	return snapshot, r.twin.Restore(bytes.NewReader(snapshot))
}

// leaveBehind puts a snapshot of the newest entry on a node's disk, and takes its log away.
func (w *world) leaveBehind(place int, snapshot []byte) error {
	stores, err := w.cluster.Disk(place).Open(store.Options{OnFatal: func(error) {}})
	if err != nil {
		return err
	}
	var configuration raft.Configuration
	for other := range w.setup.nodes {
		configuration.Servers = append(configuration.Servers, raft.Server{ID: raft.ServerID(fmt.Sprintf("node-%d", other)), Address: raft.ServerAddress(host(other) + ":7580")})
	}
	index := w.record.newest()
	sink, err := stores.Snapshots.Create(1, index, w.record.entries[index].term, configuration, 1, nil)
	if err == nil {
		_, err = sink.Write(snapshot)
		err = errors.Join(err, sink.Close())
	}
	if err != nil {
		return errors.Join(err, stores.Close())
	}
	first, err := stores.Log.FirstIndex()
	last, more := stores.Log.LastIndex()
	if err = errors.Join(err, more); err == nil && first > 0 {
		err = stores.Log.DeleteRange(first, last)
	}
	return errors.Join(err, stores.Close())
}

// withTokenBase writes another base of tokens into a snapshot. DESIGN.md of package fsm says how one is laid out: eight bytes and a version, the scalars with their length, of which the
// base of tokens is the fifth, the tables, and the hash of all that.
func withTokenBase(snapshot []byte, base uint64) ([]byte, error) {
	const head, tail, before = 9, 8, 4
	if len(snapshot) < head+tail {
		return nil, errors.New("the snapshot is too short")
	}
	rest := snapshot[head : len(snapshot)-tail]
	length, size := binary.Uvarint(rest)
	if size <= 0 || uint64(len(rest)-size) < length {
		return nil, errors.New("the scalars of the snapshot do not decode")
	}
	scalars, tables := rest[size:size+int(length)], rest[size+int(length):]
	at := 0
	for range before {
		_, width := binary.Uvarint(scalars[at:])
		at += max(width, 0)
	}
	_, width := binary.Uvarint(scalars[at:])
	if width <= 0 {
		return nil, errors.New("the base of tokens in the snapshot does not decode")
	}
	changed := slices.Concat(scalars[:at], binary.AppendUvarint(nil, base), scalars[at+width:])
	whole := slices.Concat(snapshot[:head], binary.AppendUvarint(nil, uint64(len(changed))), changed, tables)
	return binary.LittleEndian.AppendUint64(whole, xxhash.Sum64(whole)), nil
}
