package clients

import (
	"context"
	"strings"
	"sync"

	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/store"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
)

// Tracker follows the history while it is made. Its methods may be called from many goroutines.
type Tracker struct {
	mu       sync.Mutex
	changed  chan struct{}          // closed, and made anew, with every event
	invoked  map[string]int64       // instants of operations under way, by process
	progress map[string][]invokedAt // successes by workload
	thinking map[string]Thought     // by actor: it has read a register and not written yet
	readers  map[string]int         // how often a register was read, by somebody who holds its lock
	written  map[string]int64       // when a plain register was last written, by key
	granted  map[string]grants      // by workload
	served   map[string]int64       // when the last write to a partition of the pool that succeeded was begun, by key
}

// grants are how many there were, and the client process of the last.
type grants struct {
	count   int
	process string
}

type invokedAt int64

// Thought is an actor between reading and writing a register, under a lock.
type Thought struct {
	Actor, Key string
	Token      int64
	reader     int // it was the how manieth
}

// Process is the client process of the actor.
func (t Thought) Process() string {
	process, _, _ := strings.Cut(t.Actor, "/")
	return process
}

// NewTracker follows nothing yet.
func NewTracker() *Tracker {
	return &Tracker{changed: make(chan struct{}), invoked: map[string]int64{}, progress: map[string][]invokedAt{}, thinking: map[string]Thought{}, readers: map[string]int{}, written: map[string]int64{}, granted: map[string]grants{}, served: map[string]int64{}}
}

// Observe takes one event in.
func (t *Tracker) Observe(event history.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch event.Type {
	case history.Invoke:
		t.invoked[event.Process] = event.At
	case history.OK:
		t.progress[event.Workload] = append(t.progress[event.Workload], invokedAt(t.invoked[event.Process]))
		if event.Op == workload.OpWrite {
			t.served[event.Key] = max(t.served[event.Key], t.invoked[event.Process])
		}
		delete(t.invoked, event.Process)
		if event.Op == workload.OpAcquire {
			t.granted[event.Workload] = grants{t.granted[event.Workload].count + 1, Thought{Actor: event.Process}.Process()}
		}
		if event.Workload == "register" && event.Op == workload.OpSet {
			t.written[event.Key] = event.At
		}
	case history.Fail, history.Info:
		delete(t.invoked, event.Process)
	case history.Note:
		t.note(event)
	}
	close(t.changed)
	t.changed = make(chan struct{})
}

func (t *Tracker) note(event history.Event) {
	if _, ofPool := workload.PoolPartition(event.Key); ofPool {
		return // its owners are no holders of a lock
	}
	switch {
	case event.Op == workload.OpExpired:
		t.progress[event.Workload] = append(t.progress[event.Workload], invokedAt(event.At))
	case event.Process != store.Process:
	case event.Op == store.OpRead:
		t.readers[event.Key]++
		t.thinking[event.Holder] = Thought{event.Holder, event.Key, event.Token, t.readers[event.Key]}
	case event.Op == store.OpAccepted || event.Op == store.OpRefused || event.Op == store.OpLostUpdate:
		delete(t.thinking, event.Holder)
	}
}

// Until waits until the condition, which is evaluated under the tracker's lock, holds.
func (t *Tracker) until(ctx context.Context, condition func() bool) error {
	for {
		t.mu.Lock()
		holds, changed := condition(), t.changed
		t.mu.Unlock()
		if holds {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Progress waits until so many operations of each workload that were begun after the instant have succeeded, and returns the workloads that lack some when
// the context ends before.
func (t *Tracker) Progress(ctx context.Context, workloads []string, since int64, count int) (lacking []string, err error) {
	err = t.until(ctx, func() bool {
		lacking = lacking[:0]
		for _, name := range workloads {
			if t.since(name, since) < count {
				lacking = append(lacking, name)
			}
		}
		return len(lacking) == 0
	})
	return lacking, err
}

// since is called with mu held. Later successes stand later in the list, give or take what overlaps.
func (t *Tracker) since(name string, instant int64) int {
	count := 0
	list := t.progress[name]
	for i := len(list) - 1; i >= 0 && i > len(list)-1000; i-- {
		if int64(list[i]) >= instant {
			count++
		}
	}
	return count
}

// Served waits until every partition of the pool has been written to by an owner that began after the instant, and returns those that were not when the context ends before.
func (t *Tracker) Served(ctx context.Context, since int64) (lacking []int, err error) {
	err = t.until(ctx, func() bool {
		lacking = lacking[:0]
		for partition := range workload.PoolPartitions {
			if t.served[workload.PoolKey(partition)] < since {
				lacking = append(lacking, partition)
			}
		}
		return len(lacking) == 0
	})
	return lacking, err
}

// Written waits until plain registers have been written since the instant, and names them.
func (t *Tracker) Written(ctx context.Context, since int64) (keys []string, err error) {
	err = t.until(ctx, func() bool {
		keys = keys[:0]
		for key, at := range t.written {
			if at >= since {
				keys = append(keys, key)
			}
		}
		return len(keys) > 0
	})
	return keys, err
}

// NextRead waits until somebody who holds its lock reads a register, from now on.
func (t *Tracker) NextRead(ctx context.Context) error {
	total := func() (sum int) {
		for _, count := range t.readers {
			sum += count
		}
		return sum
	}
	t.mu.Lock()
	before := total()
	t.mu.Unlock()
	return t.until(ctx, func() bool { return total() > before })
}

// Thinking waits for an actor that is between reading and writing a register.
func (t *Tracker) Thinking(ctx context.Context) (found Thought, err error) {
	err = t.until(ctx, func() bool {
		for _, found = range t.thinking {
			return true
		}
		return false
	})
	return found, err
}

// StillThinking says whether it has not written since.
func (t *Tracker) StillThinking(thought Thought) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.thinking[thought.Actor] == thought
}

// Wrote waits until it has written.
func (t *Tracker) Wrote(ctx context.Context, thought Thought) error {
	return t.until(ctx, func() bool { return t.thinking[thought.Actor] != thought })
}

// Succeeded waits until another has read the register too, and so holds the lock.
func (t *Tracker) Succeeded(ctx context.Context, thought Thought) error {
	return t.until(ctx, func() bool { return t.readers[thought.Key] > thought.reader })
}

// gone forgets a client process.
func (t *Tracker) gone(process string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for name := range t.thinking {
		if strings.HasPrefix(name, process+"/") {
			delete(t.thinking, name)
		}
	}
	for name := range t.invoked {
		if strings.HasPrefix(name, process+"/") {
			delete(t.invoked, name)
		}
	}
}

// Successes counts the operations that succeeded so far.
func (t *Tracker) Successes() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	count := 0
	for _, list := range t.progress {
		count += len(list)
	}
	return count
}

// NextGrant waits until somebody is granted a lock of the workload, and tells the client process.
func (t *Tracker) NextGrant(ctx context.Context, workload string) (process string, err error) {
	t.mu.Lock()
	before := t.granted[workload].count
	t.mu.Unlock()
	err = t.until(ctx, func() bool {
		process = t.granted[workload].process
		return t.granted[workload].count > before
	})
	return process, err
}
