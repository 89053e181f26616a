package httpguard

import (
	"context"
	"fmt"
	"sync"

	"github.com/coordd/coordd/client/guard"
)

// Marks remember the newest token of each lock and let in the requests of one token at a time.
type Marks interface {
	// Enter lets a request in, or returns a *[guard.StaleError] when a newer token was seen. A newer token than any before is remembered first, then waits until all requests that were let in with
	// older ones have left. leave must be called exactly once. When the context ends before, the error is its cause; the token is remembered all the same.
	Enter(ctx context.Context, fence guard.Fence) (leave func(), err error)
}

// DefaultMaxLocks is how many locks [Memory] and [File] remember.
const DefaultMaxLocks = 1 << 16

// Memory keeps marks as long as the process lives.
type Memory struct {
	mu       sync.Mutex
	gates    map[string]*gate
	maxLocks int
	remember func(guard.Fence) error // makes a new mark durable; nil for nothing
}

// gate is one lock's mark and the requests that are inside.
type gate struct {
	newest uint64
	active uint64        // the token of those inside
	inside int           // how many
	empty  chan struct{} // closed when the last one leaves; nil while nobody waits for it
}

// NewMemory keeps the marks of up to maxLocks locks, 0 for [DefaultMaxLocks]. A mark is never dropped to make room, since that would forget a newest token: further locks are refused.
func NewMemory(maxLocks int) *Memory {
	if maxLocks <= 0 {
		maxLocks = DefaultMaxLocks
	}
	return &Memory{gates: map[string]*gate{}, maxLocks: maxLocks}
}

// Enter implements [Marks].
func (m *Memory) Enter(ctx context.Context, fence guard.Fence) (leave func(), err error) {
	if err := fence.Validate(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	g, err := m.mark(fence)
	if err != nil {
		return nil, err
	}
	for g.inside > 0 && g.active != fence.Token() {
		if g.empty == nil {
			g.empty = make(chan struct{})
		}
		empty := g.empty
		m.mu.Unlock()
		select {
		case <-empty:
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		m.mu.Lock()
		if err != nil {
			return nil, fmt.Errorf("%d requests with token %d of lock %q have not been answered: %w", g.inside, g.active, fence.Lock(), err)
		}
		if g.newest > fence.Token() { // a newer one came while this one waited
			return nil, &guard.StaleError{Fence: fence, Newest: g.newest}
		}
	}
	g.active = fence.Token()
	g.inside++
	return func() { m.leave(g) }, nil
}

// mark advances a lock's mark, or refuses. It is called with mu held.
func (m *Memory) mark(fence guard.Fence) (*gate, error) {
	g, found := m.gates[fence.Lock()]
	if found && g.newest > fence.Token() {
		return nil, &guard.StaleError{Fence: fence, Newest: g.newest}
	}
	if found && g.newest == fence.Token() {
		return g, nil
	}
	if !found && len(m.gates) >= m.maxLocks {
		return nil, fmt.Errorf("marks of %d locks are kept already, and none may be forgotten; raise the limit", m.maxLocks)
	}
	if m.remember != nil {
		if err := m.remember(fence); err != nil {
			return nil, err
		}
	}
	if !found {
		g = &gate{}
		m.gates[fence.Lock()] = g
	}
	g.newest = fence.Token()
	return g, nil
}

func (m *Memory) leave(g *gate) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if g.inside--; g.inside == 0 && g.empty != nil {
		close(g.empty)
		g.empty = nil
	}
}
