package store

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// DefaultWriteLimit is how long one StoreLogs may take before the node counts as stuck.
const DefaultWriteLimit = 2 * time.Second

// watchdog calls its alarm once, when a write hangs or fails.
type watchdog struct {
	limit atomic.Int64
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

// guard runs one write under the limit.
func (w *watchdog) guard(what string, write func() error) error {
	limit := time.Duration(w.limit.Load())
	timer := time.AfterFunc(limit, func() {
		w.fatal(fmt.Errorf("%s has been hanging for %v; this node must stop, since Raft cannot step down while its disk hangs", what, limit))
	})
	err := write()
	timer.Stop()
	if err != nil {
		w.fatal(fmt.Errorf("%s failed; this node must stop, since it could not tell what its log holds: %w", what, err))
	}
	return err
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
