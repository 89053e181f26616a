package raftnode

import (
	"context"
	"sync"

	"github.com/coordd/coordd/fsm/command"
)

// progress is how far this node's machine has come, for whoever must wait for it. Raft's own AppliedIndex counts what was queued for the machine and
// would let a read pass before the state is there.
type progress struct {
	mu      sync.Mutex
	index   uint64
	instant command.Instant
	moved   chan struct{} // closed when index or instant moves; nil while nobody waits
}

// publish moves the position forward; a smaller index or instant than before changes nothing, except through restart.
func (p *progress) publish(index uint64, instant command.Instant) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.index, p.instant = max(p.index, index), max(p.instant, instant)
	p.wake()
}

// restart sets the position to that of a restored snapshot.
func (p *progress) restart(index uint64, instant command.Instant) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.index, p.instant = index, instant
	p.wake()
}

func (p *progress) wake() {
	if p.moved != nil {
		close(p.moved)
		p.moved = nil
	}
}

// position is the highest log index whose effects are in the state, and the replicated instant of that state.
func (p *progress) position() (index uint64, instant command.Instant) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.index, p.instant
}

// waitIndex returns when the state holds everything up to the log index, or the error of ctx.
func (p *progress) waitIndex(ctx context.Context, index uint64) error {
	return p.wait(ctx, func() bool { return p.index >= index })
}

// waitInstant returns when the replicated instant of the state has come, or the error of ctx.
func (p *progress) waitInstant(ctx context.Context, instant command.Instant) error {
	return p.wait(ctx, func() bool { return p.instant >= instant })
}

func (p *progress) wait(ctx context.Context, arrived func() bool) error {
	for {
		p.mu.Lock()
		if arrived() {
			p.mu.Unlock()
			return nil
		}
		if p.moved == nil {
			p.moved = make(chan struct{})
		}
		moved := p.moved
		p.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
