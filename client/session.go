package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

// Session holds locks, and is kept alive in the background until it is closed or lost. All methods may be called from any goroutine.
type Session struct {
	client *Client
	id     string
	secret string
	ttl    time.Duration // as the cluster granted it
	ctx    context.Context
	end    context.CancelCauseFunc

	mu       sync.Mutex
	deadline time.Duration // on the client's clock: until then the cluster has certainly not ended the session
	renewed  time.Duration // when the last keepalive that was answered was sent
}

// OpenSession opens a session. It lives until [Session.Close], or until it could not be renewed in time; the context bounds only the opening.
func (c *Client) OpenSession(ctx context.Context, options SessionOptions) (*Session, error) {
	options, err := options.withDefaults(c.options)
	if err != nil {
		return nil, err
	}
	arguments := []string{"SESSION.OPEN", "PX", strconv.FormatInt(options.TTL.Milliseconds(), 10)}
	if options.Name != "" {
		arguments = append(arguments, "NAME", options.Name)
	}
	if options.Metadata != "" {
		arguments = append(arguments, "META", options.Metadata)
	}
	// The moment before the first attempt is the send time: an attempt whose answer was lost may have opened another session, which ends by itself.
	sent := c.clock.now()
	answer, _, err := c.request(ctx, repeatable, arguments...)
	if err != nil {
		return nil, fmt.Errorf("opening a session: %w", err)
	}
	s := &Session{client: c, renewed: sent}
	if err := s.opened(answer, sent); err != nil {
		return nil, fmt.Errorf("opening a session: %w", err)
	}
	s.ctx, s.end = context.WithCancelCause(c.ctx)
	c.work(s.renew)
	c.work(s.watch)
	return s, nil
}

func (s *Session) opened(answer wire.Value, sent time.Duration) error {
	id, hasID := answer.Lookup("session")
	secret, hasSecret := answer.Lookup("secret")
	ttl, hasTTL := number(answer, "ttl_ms")
	if !hasID || !hasSecret || !hasTTL || ttl <= 0 {
		return errors.New("the answer has no session, secret or ttl_ms; is this a coordd cluster?")
	}
	s.id, s.secret, s.ttl = string(id.Text), string(secret.Text), time.Duration(ttl)*time.Millisecond
	return s.extend(answer, sent)
}

// extend moves the deadline by an answer of the cluster to a request that was sent then.
func (s *Session) extend(answer wire.Value, sent time.Duration) error {
	committed, hasNow := number(answer, "now_ms")
	end, hasEnd := number(answer, "deadline_ms")
	if !hasNow || !hasEnd {
		return errors.New("the answer has no now_ms or deadline_ms")
	}
	deadline := s.client.clock.deadline(sent, committed, end)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deadline != 0 && s.deadline <= s.client.clock.now() {
		return ErrLost // what was lost stays lost, whether or not somebody has noticed yet
	}
	s.deadline = max(s.deadline, deadline)
	s.renewed = max(s.renewed, sent)
	return nil
}

// ID names the session as operators see it, for example "812-3".
func (s *Session) ID() string { return s.id }

// TTL is what the cluster granted.
func (s *Session) TTL() time.Duration { return s.ttl }

// Remaining is how long the session certainly lives if no further keepalive reaches the cluster; 0 when it is lost or closed.
func (s *Session) Remaining() time.Duration {
	if s.ctx.Err() != nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(0, s.deadline-s.client.clock.now())
}

// Context ends when the session is closed or lost; its cause says which ([ErrClosed], [ErrLost]).
func (s *Session) Context() context.Context { return s.ctx }

// Close ends the session and frees everything it holds. The contexts of its locks end before the cluster is asked. After an error the cluster ends it
// when its TTL has passed.
func (s *Session) Close(ctx context.Context) error {
	lost := errors.Is(s.err(), ErrLost)
	s.end(ErrClosed)
	if lost {
		return nil // it ends on the cluster by itself
	}
	_, _, err := s.client.request(ctx, repeatable, "SESSION.CLOSE", s.id, s.secret)
	if err == nil || hasCode(err, "NOSESSION") {
		return nil
	}
	return fmt.Errorf("closing session %s: %w", s.id, err)
}

// err is why the session ended, nil while it lives. A deadline that has passed counts before anybody has acted on it.
func (s *Session) err() error {
	if s.Remaining() == 0 {
		s.end(ErrLost) // without effect if it ended before
	}
	return context.Cause(s.ctx)
}

// renewing says when the next keepalive is due, after the one that was last answered, and how long one attempt may take.
func (s *Session) renewing() (interval, patience time.Duration) { return s.ttl / 3, s.ttl / 6 }

// renew sends keepalives until the session ends.
func (s *Session) renew() {
	interval, patience := s.renewing()
	for {
		s.mu.Lock()
		due := s.renewed + interval - s.client.clock.now()
		s.mu.Unlock()
		if wait(s.ctx, due) != nil {
			return
		}
		err := s.keepAlive(patience)
		switch {
		case err == nil:
		case errors.Is(err, ErrLost):
			s.end(ErrLost)
			return
		case hasCode(err, "NOSESSION"):
			s.end(fmt.Errorf("%w: %w", ErrLost, err))
			return
		case wait(s.ctx, patience/16+rand.N(patience/16+1)) != nil:
			return
		}
	}
}

// keepAlive sends one keepalive. Each attempt has a send time of its own: the cluster never answers a keepalive from memory, so an answer
// was made after its own request was sent.
func (s *Session) keepAlive(patience time.Duration) error {
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	established, err := s.client.connection(ctx)
	if err != nil {
		return err
	}
	sent := s.client.clock.now()
	answer, _, err := established.do(ctx, wire.AppendRequest(nil, "SESSION.RENEW", s.id, s.secret))
	if err == nil {
		err = serverError(answer)
	}
	if err == nil {
		return s.extend(answer, sent)
	}
	if s.ctx.Err() == nil && !hasCode(err, "NOSESSION") {
		s.client.leave(established)
	}
	return err
}

// maxBlink bounds how late the end of a session may be noticed after the machine was suspended, since timers do not count suspended time.
const maxBlink = 250 * time.Millisecond

// watch ends the session at its deadline.
func (s *Session) watch() {
	for s.err() == nil {
		if wait(s.ctx, min(s.Remaining(), maxBlink)) != nil {
			return
		}
	}
}

// number reads a number of a map.
func number(answer wire.Value, key string) (int64, bool) {
	value, found := answer.Lookup(key)
	if !found {
		return 0, false
	}
	return value.Int()
}
