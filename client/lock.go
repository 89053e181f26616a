package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

// Held is a lock that is held. All methods may be called from any goroutine.
type Held struct {
	session *Session
	name    string
	token   uint64
	ctx     context.Context
	end     context.CancelCauseFunc
	doubted string // the owner, if an earlier attempt at this acquire may take effect yet; else empty
}

// TryLock takes a lock if it is free, and otherwise returns a *HeldError that says who holds it. Each Held is an owner of its own: two
// goroutines that share a session exclude each other.
func (s *Session) TryLock(ctx context.Context, name string) (*Held, error) {
	owner := rand.Text()
	answer, unsure, err := s.client.request(ctx, repeatable, s.acquire(name, owner)...)
	held, err := s.granted(name, answer, err)
	switch {
	case unsure && err == nil:
		held.doubted = owner
	case unsure:
		s.client.work(func() { s.withdraw(name, owner) })
	}
	return held, err
}

// Lock takes a lock and waits for it, first come first served, until the context ends; without a deadline for at most a day. A connection that breaks
// while it waits costs the place in the queue.
func (s *Session) Lock(ctx context.Context, name string) (*Held, error) {
	waiting, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.ctx, func() { cancel(context.Cause(s.ctx)) })()
	answer, _, err := s.client.persist(waiting, repeatable, func() (wire.Value, bool, error) { return s.queue(waiting, name) })
	if hasCode(err, "TIMEOUT") {
		err = fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
	}
	return s.granted(name, answer, err)
}

// maxWait is the longest wait that the cluster accepts.
const maxWait = 24 * time.Hour

// queue takes a place in the queue and waits there, once. Each attempt is an owner of its own: the node withdraws the waiter of a connection that broke,
// at some time after that, and must not take away what the next attempt was granted meanwhile.
func (s *Session) queue(ctx context.Context, name string) (answer wire.Value, sent bool, err error) {
	patience := maxWait
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(maxWait, time.Until(deadline))
	}
	owner := rand.Text()
	arguments := append(s.acquire(name, owner), "WAIT", strconv.FormatInt(max(1, patience.Milliseconds()), 10))
	answer, sent, err = s.client.waiting.do(ctx, wire.AppendRequest(nil, arguments...))
	if sent && err != nil {
		s.client.work(func() { s.withdraw(name, owner) })
	}
	return answer, sent, err
}

func (s *Session) acquire(name, owner string) []string {
	return []string{"LOCK.ACQUIRE", name, "SESSION", s.id, s.secret, "OWNER", owner}
}

// granted makes a Held, or an error for people, of the answer to an acquire.
func (s *Session) granted(name string, answer wire.Value, err error) (*Held, error) {
	if ended := s.err(); ended != nil {
		return nil, fmt.Errorf("lock %q in session %s: %w", name, s.id, ended)
	}
	if err == nil {
		token, found := number(answer, "token")
		if found && token > 0 {
			held := &Held{session: s, name: name, token: uint64(token)}
			held.ctx, held.end = context.WithCancelCause(s.ctx)
			return held, nil
		}
		err = errors.New("the answer has no token; is this a coordd cluster?")
	}
	var refused *ServerError
	if errors.As(err, &refused) && refused.Code == "HELD" {
		return nil, heldError(name, wire.ReplyError(refused.Text))
	}
	if hasCode(err, "NOSESSION") {
		s.end(fmt.Errorf("%w: %w", ErrLost, err))
	}
	return nil, fmt.Errorf("lock %q: %w", name, err)
}

// lateness is how long after a node was last heard of it may still carry out what it was asked: as long as it holds requests while there is no
// leader, and asks about them again.
const lateness = 15 * time.Second

// withdraw makes sure that an owner whose acquire was not answered holds nothing, because the session's keepalives would hold for good
// what nobody knows of. It does so at once, and again when nothing of that acquire can be under way any more.
func (s *Session) withdraw(name, owner string) {
	s.withdrawNow(name, owner)
	if wait(s.ctx, lateness) == nil {
		s.withdrawNow(name, owner)
	}
}

// withdrawNow tries once more to acquire as the same owner, which takes the owner out of the queue or tells its token, and then releases. It goes on until the cluster has
// answered or the session has ended.
func (s *Session) withdrawNow(name, owner string) {
	for s.ctx.Err() == nil {
		answer, _, err := s.client.request(s.ctx, repeatable, s.acquire(name, owner)...)
		if err == nil {
			token, _ := number(answer, "token")
			err = s.release(s.ctx, name, uint64(token))
		}
		var refused *ServerError
		if err == nil || errors.As(err, &refused) {
			return
		}
	}
}

// Name is the lock's name.
func (h *Held) Name() string { return h.name }

// Token is the fencing token: greater than that of every earlier holder of this lock. Send it along to what the lock protects, and have it refuse any
// token smaller than the greatest it has seen.
func (h *Held) Token() uint64 { return h.token }

// Remaining is how long the lock is certainly held if nothing more is heard from the cluster; 0 when it is lost or released. Check it
// before a step that must not be begun late.
func (h *Held) Remaining() time.Duration {
	if h.ctx.Err() != nil {
		return 0
	}
	return h.session.Remaining()
}

// Context ends when the lock is released or lost; its cause says which ([ErrReleased], [ErrClosed], [ErrLost]). Work under the lock
// should be done with it.
func (h *Held) Context() context.Context { return h.ctx }

// Release frees the lock. The context ends before the cluster is asked. A release of a lock that was lost is no error: it is free, or
// another's, either way not held here. After another error the lock may still be held by the session, and Release may be called again.
func (h *Held) Release(ctx context.Context) error {
	h.end(ErrReleased)
	if h.session.ctx.Err() != nil {
		return nil // it went with its session
	}
	err := h.session.release(ctx, h.name, h.token)
	if err == nil && h.doubted != "" {
		h.session.client.work(func() { h.session.withdraw(h.name, h.doubted) })
	}
	return err
}

func (s *Session) release(ctx context.Context, name string, token uint64) error {
	_, _, err := s.client.request(ctx, repeatable, "LOCK.RELEASE", name, strconv.FormatUint(token, 10), "SESSION", s.id, s.secret)
	if err == nil || hasCode(err, "NOTHELD") || hasCode(err, "NOSESSION") {
		return nil
	}
	return fmt.Errorf("releasing lock %q (token %d): %w", name, token, err)
}
