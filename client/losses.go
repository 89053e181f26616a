package client

import (
	"context"

	"github.com/coordd/coordd/transport/resp/wire"
)

const (
	maxAcknowledged = 64   // losses named by one keepalive
	maxStrangeLost  = 1024 // losses of holds that were not known, kept in case their grant is still on its way
)

// lose takes note of a hold that ended although its holder did not ask for it. The cluster tells it again with every keepalive until it is acknowledged, and that
// is only done when the work under the lock has stopped: until then, or until the deadline that the holder had, nobody else is granted the lock.
func (s *Session) lose(told wire.Value) {
	loss := lossOf(told)
	loss.Session = s.id
	waiter := mapOf(told).text("waiter")
	s.mu.Lock()
	lost := s.holds.of[waiter]
	if lost != nil && lost.handles > 0 {
		lost.loss = loss
	} else {
		lost = nil // released already, or granted by an answer that is still on its way
		s.holds.strange(waiter, loss)
		s.holds.acknowledge(waiter)
		s.renewSoon()
	}
	s.mu.Unlock()
	if lost != nil {
		lost.end(loss)
	}
}

// renewSoon lets a keepalive go out now.
func (s *Session) renewSoon() {
	select {
	case s.hurry <- struct{}{}:
	default:
	}
}

// unacknowledged are losses that the next keepalive can acknowledge.
func (s *Session) unacknowledged() (waiters []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for waiter := range s.holds.unacknowledged {
		if len(waiters) < maxAcknowledged {
			waiters = append(waiters, waiter)
		}
	}
	return waiters
}

// acknowledged forgets losses whose acknowledgement was answered.
func (s *Session) acknowledged(waiters []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, waiter := range waiters {
		delete(s.holds.unacknowledged, waiter)
	}
	if len(s.holds.unacknowledged) > 0 {
		s.renewSoon()
	}
}

// acknowledge tells the cluster that a loss was seen and the work under the lock has stopped, and repeats it until it is answered or the context ends.
func (s *Session) acknowledge(ctx context.Context, waiter string) error {
	s.mu.Lock()
	s.holds.acknowledge(waiter)
	s.mu.Unlock()
	for attempt := 1; ; attempt++ {
		err := s.keepAlive(ctx)
		if err == nil || hasCode(err, "NOSESSION") {
			return nil
		}
		if cause := pause(ctx, attempt); cause != nil {
			return cause
		}
	}
}
