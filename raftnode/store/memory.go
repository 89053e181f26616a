package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

var (
	// ErrCrashed is what every operation on a handle gives after its disk crashed or was opened anew.
	ErrCrashed  = errors.New("the store has crashed")
	errNotFound = errors.New(notFoundSentence)
)

// Memory keeps in memory what a disk would keep, for tests. A write is durable when its call returns; one that is under way when the
// disk crashes is forgotten, and one that is under way when the stores are closed is waited for. All waiting is on channels and timers, so that a testing/synctest bubble can pass over it.
type Memory struct {
	mu      sync.Mutex
	seen    contents
	synced  contents
	handle  *memoryHandle
	delay   time.Duration
	failure error
	// careless lets writes count as done without being synced, as on a disk that lies.
	careless bool
	// off is set from PowerOff to Crash.
	off bool
	// trap is called instead of a write, when untilTrap more have been made.
	trap      func()
	untilTrap int
	// changed is closed and replaced when writes that wait are to look again.
	changed chan struct{}
}

// contents is what lies on the disk.
type contents struct {
	logs      map[uint64]*raft.Log
	values    map[string][]byte
	snapshots []*memorySnapshot
}

type memorySnapshot struct {
	meta  raft.SnapshotMeta
	state []byte
}

func (c contents) clone() contents {
	return contents{logs: maps.Clone(c.logs), values: maps.Clone(c.values), snapshots: slices.Clone(c.snapshots)}
}

// NewMemory makes an empty disk. Make it inside the bubble that uses it.
func NewMemory() *Memory {
	empty := contents{logs: make(map[uint64]*raft.Log), values: make(map[string][]byte)}
	return &Memory{seen: empty, synced: empty.clone(), changed: make(chan struct{})}
}

// Open opens the stores on this disk. A handle that was open before is cut off as by Crash. Options.Dir and Kind mean nothing here.
func (m *Memory) Open(options Options) (*Stores, error) {
	if options.OnFatal == nil {
		return nil, errors.New("the stores need an OnFatal")
	}
	m.Crash()
	handle := &memoryHandle{disk: m, cutOff: make(chan struct{})}
	m.mu.Lock()
	m.handle = handle
	m.mu.Unlock()
	return assemble(handle, handle, handle, options.OnFatal, []io.Closer{handle})
}

// Crash cuts off the open handle and forgets what was not synced.
func (m *Memory) Crash() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cutOffLocked()
	m.seen, m.off = m.synced.clone(), false
}

// PowerOff is the moment from which on nothing becomes durable any more. Writes under way and later ones return at once, as if they had been done, so that what
// still runs on the disk can come to its end; Crash then forgets them.
func (m *Memory) PowerOff() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.off = true
	m.wakeLocked()
}

func (m *Memory) wakeLocked() {
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *Memory) cutOffLocked() {
	if m.handle != nil {
		close(m.handle.cutOff)
		m.handle = nil
	}
}

// SetSyncDelay lets every write, also one under way, take this long before it is durable and its call returns.
func (m *Memory) SetSyncDelay(delay time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.delay = delay
	m.wakeLocked()
}

// SetWriteError lets every write from now on fail with err; nil ends that.
func (m *Memory) SetWriteError(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failure = err
}

// SetCareless lets writes count as done without being synced: Crash then forgets everything since. It is how a test shows that it would
// notice a store that does not sync.
func (m *Memory) SetCareless(careless bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.careless = careless
}

// SetTrap lets a function be called, once, by whoever is about to make a write durable after so many others: a power failure between two writes, for example, when it calls
// PowerOff. nil takes the trap away.
func (m *Memory) SetTrap(after int, trap func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.trap, m.untilTrap = trap, after
}

// sprung counts a write, and answers the trap that it has run into.
func (m *Memory) sprung() (trap func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.trap == nil:
	case m.untilTrap > 0:
		m.untilTrap--
	default:
		trap, m.trap = m.trap, nil
	}
	return trap
}

// memoryHandle is one opening of a Memory: a LogStore, a StableStore and a SnapshotStore.
type memoryHandle struct {
	disk   *Memory
	cutOff chan struct{}
	// underWay counts the writes that have begun and not returned.
	underWay int
}

// write makes a change durable after the sync delay, unless the disk crashes first.
func (h *memoryHandle) write(change func(*contents)) error {
	h.begun(1)
	defer h.begun(-1)
	if err := h.sync(); err != nil {
		return err
	}
	if trap := h.disk.sprung(); trap != nil {
		trap()
	}
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if h.disk.handle != h {
		return ErrCrashed
	}
	change(&h.disk.seen)
	if !h.disk.careless && !h.disk.off {
		change(&h.disk.synced)
	}
	return nil
}

// begun counts a write that begins, or one that returns.
func (h *memoryHandle) begun(change int) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if h.underWay += change; h.underWay == 0 {
		h.disk.wakeLocked()
	}
}

// sync waits for as long as a write takes.
func (h *memoryHandle) sync() error {
	for start := time.Now(); ; {
		h.disk.mu.Lock()
		failure, changed, left := h.disk.failure, h.disk.changed, time.Until(start.Add(h.disk.delay))
		if h.disk.off {
			left = 0
		}
		h.disk.mu.Unlock()
		if failure != nil || left <= 0 {
			return failure
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
		case <-changed:
		case <-h.cutOff:
			timer.Stop()
			return ErrCrashed
		}
		timer.Stop()
	}
}

// read looks at what the disk shows.
func (h *memoryHandle) read(look func(contents) error) error {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if h.disk.handle != h {
		return ErrCrashed
	}
	return look(h.disk.seen)
}

// Close waits for the writes under way, as a file does, and cuts the handle off; what it wrote stays. A Raft that does not end because its disk hangs would panic if its write failed.
func (h *memoryHandle) Close() error {
	for {
		changed, closed := h.tryClose()
		if closed {
			return nil
		}
		<-changed
	}
}

// tryClose cuts the handle off, unless a write is under way; then it answers what to wait for.
func (h *memoryHandle) tryClose() (changed <-chan struct{}, closed bool) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	switch {
	case h.disk.handle != h:
		return nil, true
	case h.underWay > 0:
		return h.disk.changed, false
	}
	h.disk.cutOffLocked()
	return nil, true
}

// FirstIndex implements raft.LogStore.
func (h *memoryHandle) FirstIndex() (first uint64, err error) {
	err = h.read(func(c contents) error {
		for index := range c.logs {
			if first == 0 || index < first {
				first = index
			}
		}
		return nil
	})
	return first, err
}

// LastIndex implements raft.LogStore.
func (h *memoryHandle) LastIndex() (last uint64, err error) {
	err = h.read(func(c contents) error {
		for index := range c.logs {
			last = max(last, index)
		}
		return nil
	})
	return last, err
}

// GetLog implements raft.LogStore.
func (h *memoryHandle) GetLog(index uint64, log *raft.Log) error {
	return h.read(func(c contents) error {
		found, ok := c.logs[index]
		if !ok {
			return raft.ErrLogNotFound
		}
		*log = *found
		return nil
	})
}

// StoreLog implements raft.LogStore.
func (h *memoryHandle) StoreLog(log *raft.Log) error { return h.StoreLogs([]*raft.Log{log}) }

// StoreLogs implements raft.LogStore.
func (h *memoryHandle) StoreLogs(logs []*raft.Log) error {
	copies := make([]*raft.Log, len(logs))
	for i, log := range logs {
		copied := *log
		copied.Data = bytes.Clone(log.Data)
		copies[i] = &copied
	}
	return h.write(func(c *contents) {
		for _, log := range copies {
			c.logs[log.Index] = log
		}
	})
}

// DeleteRange implements raft.LogStore.
func (h *memoryHandle) DeleteRange(from, to uint64) error {
	return h.write(func(c *contents) {
		for index := from; index <= to; index++ {
			delete(c.logs, index)
		}
	})
}

// Set implements raft.StableStore.
func (h *memoryHandle) Set(key, value []byte) error {
	name, copied := string(key), bytes.Clone(value)
	return h.write(func(c *contents) { c.values[name] = copied })
}

// Get implements raft.StableStore.
func (h *memoryHandle) Get(key []byte) (value []byte, err error) {
	err = h.read(func(c contents) error {
		found, ok := c.values[string(key)]
		if !ok {
			return errNotFound
		}
		value = bytes.Clone(found)
		return nil
	})
	return value, err
}

// SetUint64 implements raft.StableStore.
func (h *memoryHandle) SetUint64(key []byte, value uint64) error {
	return h.Set(key, binary.BigEndian.AppendUint64(nil, value))
}

// GetUint64 implements raft.StableStore.
func (h *memoryHandle) GetUint64(key []byte) (uint64, error) {
	value, err := h.Get(key)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint64(value), nil
}

// Create implements raft.SnapshotStore.
func (h *memoryHandle) Create(version raft.SnapshotVersion, index, term uint64, configuration raft.Configuration, configurationIndex uint64, _ raft.Transport) (raft.SnapshotSink, error) {
	return &memorySink{handle: h, snapshot: &memorySnapshot{meta: raft.SnapshotMeta{
		Version:            version,
		ID:                 fmt.Sprintf("%d-%d-%d", term, index, time.Now().UnixMilli()),
		Index:              index,
		Term:               term,
		Configuration:      configuration,
		ConfigurationIndex: configurationIndex,
	}}}, nil
}

// List implements raft.SnapshotStore.
func (h *memoryHandle) List() (metas []*raft.SnapshotMeta, err error) {
	err = h.read(func(c contents) error {
		for _, snapshot := range slices.Backward(c.snapshots) {
			meta := snapshot.meta
			metas = append(metas, &meta)
		}
		return nil
	})
	slices.SortStableFunc(metas, func(a, b *raft.SnapshotMeta) int {
		return cmp.Or(cmp.Compare(b.Term, a.Term), cmp.Compare(b.Index, a.Index))
	})
	return metas, err
}

// Open implements raft.SnapshotStore.
func (h *memoryHandle) Open(id string) (meta *raft.SnapshotMeta, state io.ReadCloser, err error) {
	err = h.read(func(c contents) error {
		for _, snapshot := range c.snapshots {
			if snapshot.meta.ID == id {
				copied := snapshot.meta
				meta, state = &copied, io.NopCloser(bytes.NewReader(snapshot.state))
				return nil
			}
		}
		return fmt.Errorf("there is no snapshot %s", id)
	})
	return meta, state, err
}

// memorySink takes a snapshot that counts once it is closed.
type memorySink struct {
	handle   *memoryHandle
	snapshot *memorySnapshot
	finished bool
}

// Write takes a piece of the state.
func (s *memorySink) Write(piece []byte) (int, error) {
	s.snapshot.state = append(s.snapshot.state, piece...)
	return len(piece), nil
}

// ID names the snapshot.
func (s *memorySink) ID() string { return s.snapshot.meta.ID }

// Close makes the snapshot durable and lets older ones go.
func (s *memorySink) Close() error {
	if s.finished {
		return nil
	}
	s.finished = true
	s.snapshot.meta.Size = int64(len(s.snapshot.state))
	return s.handle.write(func(c *contents) {
		kept := append(slices.Clone(c.snapshots), s.snapshot)
		c.snapshots = kept[max(0, len(kept)-snapshotsKept):]
	})
}

// Cancel drops the snapshot.
func (s *memorySink) Cancel() error {
	s.finished = true
	return nil
}
