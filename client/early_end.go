package client

import (
	"context"
	"fmt"
	"time"
)

// A session that agreed to an early end may be over for the cluster before its TTL has passed: from EarlyEnd after its last renewal on, as soon as the leader has a reason to doubt its client. The client
// knows no reasons, but it knows the earliest moment. Until then it holds by the arithmetic of every lease. From then on it holds only as long as the nodes' gossip answers it, which is what keeps an
// honest leader from doubting it, and each answer carries it a moment: less than the time in which a node that stops hearing it begins to suspect it.
const (
	heardCarries = 250 * time.Millisecond
	askingPause  = 100 * time.Millisecond // from one question to the next: an answer may take 150 ms without a gap
)

// WorkerGossip is this process's place in the gossip of the cluster's nodes. Package client/workergossip has one; this package has none, so that programs without it do not link it.
type WorkerGossip interface {
	// Present tells the nodes under which session a worker serves. It does not wait for them. An error says that the names can never be told, under no session.
	Present(pool, worker, session string) error
	// Heard reports whether most of the nodes answer now. It returns when the context ends, at the latest.
	Heard(ctx context.Context) bool
}

// checkEarlyEnd refuses what the cluster would refuse.
func (o SessionOptions) checkEarlyEnd() error {
	if o.EarlyEnd != 0 && (o.EarlyEnd < MinEarlyEnd || o.EarlyEnd > o.TTL || o.EarlyEnd%time.Millisecond != 0) {
		return fmt.Errorf("EarlyEnd %v is not a whole number of milliseconds between %v and the session's TTL, %v", o.EarlyEnd, MinEarlyEnd, o.TTL)
	}
	return nil
}

// lease is how long the cluster keeps the session in any case, without another renewal.
func (s *Session) lease() time.Duration {
	if s.early != 0 {
		return s.early
	}
	return s.ttl
}

// ends is the moment from which on the session counts as lost. It is called with mu held.
func (s *Session) ends() time.Duration {
	if s.early == 0 {
		return s.deadline
	}
	return min(s.deadline, max(s.certain, s.heardUntil))
}

// listen asks the gossip, when renewals stay away, for as long as the session lives.
func (s *Session) listen(heard func(context.Context) bool) {
	for s.awaitDoubt() {
		asked := s.client.clock.now()
		ctx, cancel := context.WithTimeout(s.ctx, heardCarries)
		answered := heard(ctx)
		cancel()
		if answered {
			s.mu.Lock()
			s.heardUntil = asked + heardCarries
			s.mu.Unlock()
			s.look()
		}
		next := max(askingPause-(s.client.clock.now()-asked), askingPause/4)
		_ = wait(s.ctx, next) // the loop sees why
	}
}

// awaitDoubt waits until the cluster may soon have ended the session; false when the session has ended.
func (s *Session) awaitDoubt() bool {
	for s.ctx.Err() == nil {
		s.mu.Lock()
		until := s.certain - heardCarries - s.client.clock.now()
		s.mu.Unlock()
		if until <= 0 {
			return true
		}
		_ = wait(s.ctx, until) // it was renewed meanwhile, as a rule
	}
	return false
}
