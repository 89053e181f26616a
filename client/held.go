package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"
)

// Held is a lock that is held: exclusively, shared with other readers, as permits of a semaphore, or as a set of locks. All methods may be called from any goroutine.
type Held struct {
	hold     *hold
	named    bool // by an owner that the program chose
	ctx      context.Context
	end      context.CancelCauseFunc
	release  sync.Once
	released chan struct{} // closed when the cluster has answered the release
	failure  error         // why it has not, once released is closed
}

// Name is the lock's name; of a multi-lock, the first.
func (h *Held) Name() string { return h.hold.grant.names[0] }

// Names are the names of a multi-lock, in the order in which they were given; of any other lock, its one name.
func (h *Held) Names() []string { return append([]string{}, h.hold.grant.names...) }

// Token is the fencing token: greater than that of every earlier exclusive holder of this lock. Send it along to what the lock protects, and have it refuse any
// token smaller than the greatest it has seen. Readers of one shared phase carry the same token. The permits of a semaphore are held side by side, so what they protect
// cannot go by the greatest token: it asks [Client.Check] about [Held.ID] instead.
func (h *Held) Token() uint64 { return h.hold.grant.token }

// ID names this hold and no other, such as "1205-0". It is how operators and [Client.Check] tell the holders of shared locks and semaphores apart.
func (h *Held) ID() string { return h.hold.grant.waiter }

// Session is the session that the lock is held under. When it is lost, so is the lock.
func (h *Held) Session() *Session { return h.hold.session }

// Mode is how the lock is held.
func (h *Held) Mode() Mode { return h.hold.grant.mode }

// Permits is how many permits of a semaphore are held; 1 for any other lock.
func (h *Held) Permits() int { return max(1, h.hold.grant.permits) }

// Waited is how long the lock was waited for, by the cluster's clock.
func (h *Held) Waited() time.Duration { return h.hold.grant.waited }

// Remaining is how long the lock is certainly held if nothing more is heard from the cluster; 0 when it is lost or released. Check it
// before a step that must not be begun late.
func (h *Held) Remaining() time.Duration {
	if h.ctx.Err() != nil {
		return 0
	}
	s := h.hold.session
	s.mu.Lock()
	defer s.mu.Unlock()
	end := s.ends()
	if h.hold.grant.untilMs != 0 {
		end = min(end, h.hold.deadline)
	}
	return max(0, end-s.client.clock.now())
}

// Context ends when the lock is released or lost; its cause says which ([ErrReleased], [ErrClosed], a [*LostError]). Work under the lock
// should be done with it. It ends before the cluster can give the lock to anybody else, as package documentation explains; only a forced unlock that does not wait for
// the holder may come earlier.
func (h *Held) Context() context.Context { return h.ctx }

// State is how sure the holder may be at this moment.
func (h *Held) State() State {
	state, _ := h.reckon()
	return state
}

// States yields the present state and then each change, until the lock is lost or released or the context ends. Changes that pass while the body of the loop runs are
// left out.
//
//	for state := range held.States(ctx) {
//		log.Printf("lock %s: %s, %v left", held.Name(), state, held.Remaining())
//	}
func (h *Held) States(ctx context.Context) iter.Seq[State] { return follow(ctx, h.ctx, h.reckon) }

// reckon is the state now, and what is closed when it may have changed, apart from an end of the context.
func (h *Held) reckon() (State, <-chan struct{}) {
	state, changed := h.hold.session.reckon()
	switch cause := context.Cause(h.ctx); {
	case cause == nil && !state.over() && h.Remaining() == 0:
		return StateLost, changed
	case cause == nil:
		return state, changed
	case errors.Is(cause, ErrLost):
		return StateLost, changed
	}
	return StateReleased, changed
}

// Release frees the lock. The context ends before the cluster is asked. A release of a lock that was lost is no error: it is free, or
// another's, either way not held here; the cluster is told that the work under it has stopped, so that the next one need not wait any longer. When the context ends before
// the cluster has answered, the release goes on in the background, and Release may be called again to wait for it.
func (h *Held) Release(ctx context.Context) error {
	h.release.Do(func() {
		h.end(ErrReleased)
		if !h.hold.session.client.work(h.giveBack) {
			close(h.released) // the client is closed: the session ends by itself
		}
	})
	select {
	case <-h.released:
		return h.failure
	default:
	}
	select {
	case <-h.released:
		return h.failure
	case <-ctx.Done():
		return fmt.Errorf("releasing lock %q (token %d): it goes on in the background: %w", h.Name(), h.Token(), context.Cause(ctx))
	}
}

// giveBack tells the cluster until it has answered or the session has ended, which frees the lock too.
func (h *Held) giveBack() {
	defer close(h.released)
	one := h.hold
	s := one.session
	last, loss := one.drop()
	over := true
	switch {
	case s.ctx.Err() != nil: // it goes with its session
	case loss != nil && last:
		_ = s.acknowledge(s.ctx, one.grant.waiter) // only the session's end ends it
	case loss == nil:
		over, h.failure = s.free(one)
	}
	if over {
		one.forget()
	}
	if h.named {
		s.unclaim(one.owner, one.grant.names)
	}
	s.leave()
}

// free releases one hold, or takes one off the count of a reentrant one; over tells that nothing is left of it.
func (s *Session) free(one *hold) (over bool, err error) {
	request := s.numbers.begin()
	defer request.done()
	words := []string{"LOCK.RELEASE", one.grant.names[0], one.grant.waiter, "SESSION", s.id, s.secret, "OWNER", one.owner}
	answer, _, err := s.client.request(s.ctx, persistent, append(words, request.options()...)...)
	if left, counted := answer.Int(); err == nil && counted && left > 0 {
		return false, nil
	}
	if err == nil || hasCode(err, "NOTHELD") || hasCode(err, "NOSESSION") || isUnreachable(err) {
		return true, nil // unreachable until the session's end
	}
	return true, fmt.Errorf("releasing lock %q (token %d): %w", one.grant.names[0], one.grant.token, err)
}

// Describe changes what others see of the holder, as [Metadata] does when the lock is taken; at most 1024 bytes.
func (h *Held) Describe(ctx context.Context, metadata string) error {
	s := h.hold.session
	_, _, err := s.client.request(ctx, s.client.repeated(), "LOCK.META", h.Name(), h.ID(), metadata, "SESSION", s.id, s.secret, "OWNER", h.hold.owner)
	if err != nil {
		return refusal(h.Name(), err)
	}
	return nil
}

// Check asks the cluster whether the lock is still held at this moment. It is nil if so, and otherwise a [*LostError], or another error when there was no answer. It says nothing
// about any later moment: what must not be done twice takes the token along.
func (h *Held) Check(ctx context.Context) error {
	checked, err := h.hold.session.client.Check(ctx, Hold{Name: h.Name(), ID: h.ID()})
	if err != nil {
		return err
	}
	if !checked[0].Valid {
		return h.hold.lost(LossReason(checked[0].State))
	}
	return nil
}
