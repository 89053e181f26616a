package client

import (
	"context"
	"fmt"
	"time"
)

// A session that agreed to an early end may be over for the cluster before its TTL has passed: from EarlyEnd after its last renewal on, as soon as the leader has a reason to doubt its client. The client
// knows no reasons, but it knows the earliest moment. Until then it holds by the arithmetic of every lease. From then on it holds only as long as most of the nodes say that they take it for alive, and each
// answer carries it a moment: less than a worker must have been missed before a leader that said so itself proposes to end its session.
//
// The leader may be another than those that say so, and need not know yet that a client which was missed is back. So the gossip is asked from when a keepalive is late, and carries nothing any more once it
// was silent for longer than an answer is good for, until the session is renewed.
const (
	heardCarries = 250 * time.Millisecond
	askingPause  = 100 * time.Millisecond // from one question to the next, answered or not: an answer may take 150 ms, and one that takes 50 ms may be lost, without a gap
)

// WorkerGossip is this process's place in the gossip of the cluster's nodes. Package client/workergossip has one; this package has none, so that programs without it do not link it.
type WorkerGossip interface {
	// Present tells the nodes under which session a worker serves. It does not wait for them. An error says that the names can never be told, under no session.
	Present(pool, worker, session string) error
	// Heard reports whether most of the nodes say now that they take this process for alive. It returns when the context ends, at the latest. It is called while earlier calls have not returned.
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

// listen asks the gossip, when renewals stay away, for as long as the session lives. It does not wait for one answer before it asks again, since answers get lost.
func (s *Session) listen(heard func(context.Context) bool) {
	for s.awaitDoubt() {
		asked := s.client.clock.now()
		s.client.work(func() {
			ctx, cancel := context.WithTimeout(s.ctx, heardCarries)
			defer cancel()
			if heard(ctx) {
				s.hear(asked)
			}
		})
		_ = wait(s.ctx, askingPause) // the loop sees why
	}
}

// hear takes the gossip's word, asked for then, for as long as it is good. What was lost stays lost, and so does a word that was not there all along.
func (s *Session) hear(asked time.Duration) {
	defer s.look()
	s.mu.Lock()
	defer s.mu.Unlock()
	unbroken := max(s.heardUntil, s.doubtful()+heardCarries)
	if asked <= unbroken && s.client.clock.now() < s.ends() {
		s.heardUntil = max(s.heardUntil, asked+heardCarries)
	}
}

// doubtful is the moment from which on the gossip is asked: when a keepalive is late, and early enough for an answer. It is called with mu held.
func (s *Session) doubtful() time.Duration { return min(s.late(), s.certain-heardCarries) }

// awaitDoubt waits until the gossip is to be asked; false when the session has ended.
func (s *Session) awaitDoubt() bool {
	for s.ctx.Err() == nil {
		s.mu.Lock()
		until := s.doubtful() - s.client.clock.now()
		s.mu.Unlock()
		if until <= 0 {
			return true
		}
		_ = wait(s.ctx, until) // it was renewed meanwhile, as a rule
	}
	return false
}
