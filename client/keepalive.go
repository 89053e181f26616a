package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

// renewing says when the next keepalive is due, after the one that was last answered, and how long one attempt may take.
func (s *Session) renewing() (interval, patience time.Duration) {
	return s.lease() / 3, s.lease() / 6
}

// renew sends keepalives until the session ends. An outage brings all sessions of all clients into step, since each sends its keepalive as soon as there is somebody to answer; the
// first one after it is therefore sent early by a time of each session's own, so that they do not come in one burst from then on.
func (s *Session) renew() {
	interval, patience := s.renewing()
	troubled, early := false, time.Duration(0)
	for s.awaitDue(interval - early) {
		err := s.keepAlive(s.ctx)
		early = 0
		if err == nil && troubled {
			early = rand.N(interval * 3 / 4)
		}
		troubled = err != nil
		switch {
		case err == nil:
		case errors.Is(err, ErrLost):
			s.end(err)
		case hasCode(err, "NOSESSION"):
			s.end(s.lostByAnswer(err))
		case wait(s.ctx, patience/16+rand.N(patience/16+1)) != nil:
		}
	}
	s.look()
}

// awaitDue waits until the next keepalive is due, so long after the last one that was answered, or somebody is in a hurry; false when the session has ended.
func (s *Session) awaitDue(interval time.Duration) bool {
	s.mu.Lock()
	due := s.renewed + interval - s.client.clock.now()
	s.mu.Unlock()
	timer := time.NewTimer(due)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.hurry:
	case <-s.ctx.Done():
	}
	return s.ctx.Err() == nil
}

// errLate says that a keepalive was not answered in the time that one attempt has.
var errLate = errors.New("a keepalive was not answered in time")

// keepAlive sends one keepalive, with the losses that can be acknowledged. Each attempt has a send time of its own: the cluster never answers a keepalive from
// memory, so an answer was made after its own request was sent. A node that is late is left for the next, but its answer still counts when it comes: on a cluster that is
// slow rather than gone, another attempt would be as late.
func (s *Session) keepAlive(ctx context.Context) error {
	_, patience := s.renewing()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var over atomic.Pointer[connection]
	answered := make(chan error, 1)
	if !s.client.work(func() { answered <- s.exchange(&over) }) {
		return ErrClosed
	}
	select {
	case err := <-answered:
		return err
	case <-ctx.Done():
	}
	if established := over.Load(); established != nil && s.ctx.Err() == nil {
		s.client.leave(established)
	}
	return errLate
}

// exchange sends a keepalive, tells over which connection, and waits for the answer as long as it is of use: until the session has ended, or its TTL has passed. A session that gossip's word carries
// from moment to moment remains for a moment only, and yet an answer is worth waiting for.
func (s *Session) exchange(over *atomic.Pointer[connection]) error {
	ctx, cancel := context.WithTimeout(s.ctx, s.untilTTL())
	defer cancel()
	established, err := s.client.connection(ctx)
	if err != nil {
		return err
	}
	over.Store(established)
	words := []string{"SESSION.RENEW", s.id, s.secret}
	acknowledged := s.unacknowledged()
	if len(acknowledged) > 0 {
		words = append(append(words, "ACK"), acknowledged...)
	}
	sent := s.client.clock.now()
	answer, _, err := established.do(ctx, wire.AppendRequest(nil, words...))
	if err == nil {
		err = serverError(answer)
	}
	if err != nil {
		if s.ctx.Err() == nil && !hasCode(err, "NOSESSION") {
			s.client.leave(established)
		}
		return err
	}
	s.acknowledged(acknowledged)
	for _, loss := range mapOf(answer).list("losses") {
		s.lose(loss)
	}
	return s.extend(answer, sent)
}
