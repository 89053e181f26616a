package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"sync"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

// Session holds locks, and is kept alive in the background until it is closed or lost. One is enough for a process, however many locks it takes. All methods
// may be called from any goroutine.
type Session struct {
	client  *Client
	id      string
	secret  string
	ttl     time.Duration // as the cluster granted it
	early   time.Duration // how long without a renewal it must be before it may end early; 0: it did not agree to that
	ctx     context.Context
	end     context.CancelCauseFunc
	numbers numbers
	hurry   chan struct{} // room for one: a keepalive is wanted now

	mu       sync.Mutex
	deadline time.Duration // on the client's clock: until then the TTL has certainly not passed on the cluster
	// Of a session that agreed to an early end: until when the cluster has certainly not ended it, and until when the gossip's word carries it after that.
	certain, heardUntil time.Duration

	renewed time.Duration // when the last keepalive that was answered was sent
	known   reading       // from that keepalive
	state   State         // as last told
	changed chan struct{} // closed and replaced when state changes
	alarm   *time.Timer   // rings when a deadline comes
	holds   holds
}

// OpenSession opens a session. It lives until [Session.Close], or until it could not be renewed in time; the context bounds only the opening.
func (c *Client) OpenSession(ctx context.Context, options SessionOptions) (*Session, error) {
	return c.openSession(ctx, options, nil)
}

// openSession opens a session that asks whether the gossip hears this process; heard may be nil.
func (c *Client) openSession(ctx context.Context, options SessionOptions, heard func(context.Context) bool) (*Session, error) {
	options, err := options.withDefaults(c.options)
	if err != nil {
		return nil, err
	}
	arguments := []string{"SESSION.OPEN", "PX", strconv.FormatInt(options.TTL.Milliseconds(), 10)}
	if options.EarlyEnd != 0 {
		arguments = append(arguments, "EARLY", milliseconds(options.EarlyEnd))
	}
	if options.Name != "" {
		arguments = append(arguments, "NAME", options.Name)
	}
	if options.Metadata != "" {
		arguments = append(arguments, "META", options.Metadata)
	}
	// The moment before the first attempt is the send time: an attempt whose answer was lost may have opened another session, which ends by itself.
	sent := c.clock.now()
	answer, _, err := c.request(ctx, c.repeated(), arguments...)
	if err != nil {
		return nil, fmt.Errorf("opening a session: %w", err)
	}
	s := &Session{client: c, hurry: make(chan struct{}, 1), changed: make(chan struct{}), holds: newHolds()}
	s.ctx, s.end = context.WithCancelCause(c.ctx)
	if err := s.opened(answer, sent); err != nil {
		s.end(err)
		return nil, fmt.Errorf("opening a session: %w", err)
	}
	c.enter(s.ctx, s)
	c.work(s.renew)
	if s.early != 0 && heard != nil {
		c.work(func() { s.listen(heard) })
	}
	return s, nil
}

func (s *Session) opened(answer wire.Value, sent time.Duration) error {
	fields := mapOf(answer)
	s.id, s.secret, s.ttl = fields.text("session"), fields.text("secret"), fields.span("ttl_ms")
	s.early = fields.span("early_ms")
	if s.id == "" || s.secret == "" || s.ttl <= 0 {
		return errors.New("the answer has no session, secret or ttl_ms; is this a coordd cluster?")
	}
	return s.extend(answer, sent)
}

// extend moves the deadline by an answer of the cluster to a request that was sent then.
func (s *Session) extend(answer wire.Value, sent time.Duration) error {
	committed, hasNow := number(answer, "now_ms")
	end, hasEnd := number(answer, "deadline_ms")
	if !hasNow || !hasEnd {
		return errors.New("the answer has no now_ms or deadline_ms")
	}
	defer s.look()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deadline != 0 && s.ends() <= s.client.clock.now() {
		return s.lostInTime() // what was lost stays lost, whether or not somebody has noticed yet
	}
	known := reading{sent: sent, committedMs: committed}
	s.deadline = max(s.deadline, s.client.clock.deadline(known, end))
	s.certain = max(s.certain, s.client.clock.deadline(known, committed+s.early.Milliseconds()))
	if sent >= s.renewed {
		s.renewed, s.known = sent, known
	}
	s.holds.measure(s.client.clock, known)
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
	return max(0, s.ends()-s.client.clock.now())
}

// untilTTL is how long the session's TTL certainly has not passed on the cluster, whether or not it has ended.
func (s *Session) untilTTL() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(0, s.deadline-s.client.clock.now())
}

// Context ends when the session is closed or lost; its cause says which ([ErrClosed], [ErrLost]).
func (s *Session) Context() context.Context { return s.ctx }

// State is the session's state now. A session that was closed is StateReleased.
func (s *Session) State() State {
	state, _ := s.reckon()
	return state
}

// States yields the present state and then each change, until the session has ended or the context does. Changes that pass while the body of the loop runs are left out.
func (s *Session) States(ctx context.Context) iter.Seq[State] { return follow(ctx, s.ctx, s.reckon) }

// reckon is the state now, and what is closed when it may have changed.
func (s *Session) reckon() (State, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stateLocked(), s.changed
}

func (s *Session) stateLocked() State {
	now := s.client.clock.now()
	switch {
	case s.ctx.Err() != nil && !errors.Is(context.Cause(s.ctx), ErrLost):
		return StateReleased
	case s.ctx.Err() != nil || now >= s.ends():
		return StateLost
	case now >= s.late():
		return StateJeopardy
	}
	return StateHeld
}

// late is the moment from which on a keepalive is late: the next one was due, and one attempt at it has failed.
func (s *Session) late() time.Duration {
	interval, patience := s.renewing()
	return s.renewed + interval + patience
}

// look ends the session at its deadline and the holds at theirs, tells of a change of state, and sets the alarm for the next.
func (s *Session) look() {
	s.mu.Lock()
	now := s.client.clock.now()
	state := s.stateLocked()
	if state != s.state {
		s.state = state
		close(s.changed)
		s.changed = make(chan struct{})
	}
	over := s.holds.over(now)
	s.setAlarm(now)
	s.mu.Unlock()
	for _, hold := range over {
		hold.end(hold.lost(LossMaxHold))
	}
	if state == StateLost {
		s.end(s.lostInTime()) // without effect if it ended before
	}
}

// setAlarm is called with mu held.
func (s *Session) setAlarm(now time.Duration) {
	if s.alarm == nil {
		s.alarm = time.AfterFunc(time.Hour, s.look)
	}
	if s.stateLocked().over() {
		s.alarm.Stop()
		return
	}
	next := s.holds.next(s.ends())
	if late := s.late(); late > now {
		next = min(next, late)
	}
	s.alarm.Reset(next - now)
}

// lostInTime is the cause of the end of a session that was not renewed.
func (s *Session) lostInTime() error { return &LostError{Session: s.id, Reason: LossUnrenewed} }

// lostByAnswer is the cause of the end of a session that the cluster does not know any more.
func (s *Session) lostByAnswer(err error) error {
	lost := &LostError{Session: s.id, Reason: LossSessionEnded, cause: err}
	lost.Why = detailsOf(err).text("killed")
	if lost.Why != "" {
		lost.Reason = LossKilled
	}
	return lost
}

// Close ends the session and frees everything it holds. The contexts of its locks end before the cluster is asked. After an error the cluster ends it
// when its TTL has passed.
func (s *Session) Close(ctx context.Context) error {
	lost := errors.Is(s.err(), ErrLost)
	s.end(ErrClosed)
	s.look()
	if lost {
		return nil // it ends on the cluster by itself
	}
	_, _, err := s.client.request(ctx, s.client.repeated(), "SESSION.CLOSE", s.id, s.secret)
	if err == nil || hasCode(err, "NOSESSION") {
		return nil
	}
	return fmt.Errorf("closing session %s: %w", s.id, err)
}

// leave closes a session that an operator has ended, once nothing that was held under it is left here. Until the cluster has been told that the work has stopped, it keeps the locks until
// the session's TTL has passed.
func (s *Session) leave() {
	var lost *LostError
	if !errors.As(context.Cause(s.ctx), &lost) || lost.Reason != LossKilled {
		return
	}
	s.mu.Lock()
	left := len(s.holds.of)
	s.mu.Unlock()
	span := s.untilTTL() // an early end has nothing to do with how long the cluster keeps what was killed
	if left > 0 || span <= 0 {
		return
	}
	limit, cancel := context.WithTimeout(s.client.ctx, span) // then it is over without a word
	defer cancel()
	_, _, _ = s.client.request(limit, s.client.repeated(), "SESSION.CLOSE", s.id, s.secret)
}

// err is why the session ended, nil while it lives. A deadline that has passed counts before anybody has acted on it.
func (s *Session) err() error {
	if s.Remaining() == 0 {
		s.end(s.lostInTime()) // without effect if it ended before
	}
	return context.Cause(s.ctx)
}
