package store

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// DefaultWriteLimit is how long one StoreLogs of a leader may take before the node counts as stuck.
const DefaultWriteLimit = 2 * time.Second

// FollowerWriteLimit is how long one StoreLogs may take on a node that does not lead. A follower that waits for its disk holds up nobody as long as the others are a majority, and when
// all disks of a cluster stall together, as virtual ones do, its end would cost that majority.
const FollowerWriteLimit = 10 * time.Second

// watchdog calls its alarm once, when a write hangs or fails.
type watchdog struct {
	limit atomic.Int64
	leads atomic.Pointer[func() bool]
	once  sync.Once
	alarm func(error)
}

func newWatchdog(alarm func(error)) *watchdog {
	w := &watchdog{alarm: alarm}
	w.limit.Store(int64(DefaultWriteLimit))
	return w
}

// setLimit sets the limit; what is not positive brings the default back.
func (w *watchdog) setLimit(limit time.Duration) {
	if limit <= 0 {
		limit = DefaultWriteLimit
	}
	w.limit.Store(int64(limit))
}

// fatal raises the alarm, on a goroutine of its own so that neither Raft nor a timer waits for it.
func (w *watchdog) fatal(err error) {
	w.once.Do(func() { go w.alarm(err) })
}

// setLeads says how to learn whether this node leads. Until then it counts as a leader.
func (w *watchdog) setLeads(leads func() bool) { w.leads.Store(&leads) }

// follows reports whether this node is known not to lead. That cannot change while a write hangs: Raft's main loop is what waits for it.
func (w *watchdog) follows() bool {
	leads := w.leads.Load()
	return leads != nil && !(*leads)()
}

// guard runs one write under the limit.
func (w *watchdog) guard(what string, write func() error) error {
	limit := time.Duration(w.limit.Load())
	ended := make(chan struct{})
	timer := time.AfterFunc(limit, func() {
		if !w.follows() || limit >= FollowerWriteLimit {
			w.fatal(hanging(what, limit))
			return
		}
		rest := time.NewTimer(FollowerWriteLimit - limit)
		defer rest.Stop()
		select {
		case <-rest.C:
			w.fatal(hanging(what, FollowerWriteLimit))
		case <-ended:
		}
	})
	err := write()
	timer.Stop()
	close(ended)
	if err != nil {
		w.fatal(fmt.Errorf("%s failed; this node must stop, since it could not tell what its log holds: %w", what, err))
	}
	return err
}

func hanging(what string, limit time.Duration) error {
	return fmt.Errorf("%s has been hanging for %v; this node must stop, since Raft cannot step down while its disk hangs", what, limit)
}

// watchedLog is a LogStore whose writes stand under a watchdog.
type watchedLog struct {
	raft.LogStore
	watchdog *watchdog
}

// StoreLog stores one entry.
func (l *watchedLog) StoreLog(log *raft.Log) error { return l.StoreLogs([]*raft.Log{log}) }

// StoreLogs stores entries, and raises the alarm when that hangs or fails.
func (l *watchedLog) StoreLogs(logs []*raft.Log) error {
	return l.watchdog.guard("writing log entries", func() error { return l.LogStore.StoreLogs(logs) })
}
