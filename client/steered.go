package client

import (
	"context"
	"time"

	"github.com/coordd/coordd/client/internal/steer"
)

// Steered makes the options of a client whose time package clienttest moves. Programs cannot call it.
func (o Options) Steered(wheel *steer.Wheel) Options {
	o.steering, o.Clock = wheel, wheel.Now
	return o
}

// steered is a client as package steer sees it.
type steered struct{ client *Client }

// join lets the client be steered until it is closed.
func (c *Client) join(wheel *steer.Wheel) {
	context.AfterFunc(c.ctx, wheel.Join(steered{c}))
}

// answerPause is how long a keepalive that became due by moving the time is waited for. Where no answer can come this is what each step costs; a late one counts all the same.
const answerPause = 20 * time.Millisecond

// TimeMoved implements steer.Steered.
func (s steered) TimeMoved() {
	var due []*Session
	for _, one := range s.client.living.all() {
		one.look()
		if session, is := one.(*Session); is && session.isDue() {
			due = append(due, session)
		}
	}
	answered := make(chan struct{}, len(due))
	for _, session := range due {
		s.client.work(func() {
			_ = session.keepAlive(session.ctx) // the next one is due soon, and the renewing goroutine sends them too
			answered <- struct{}{}
		})
	}
	enough := time.NewTimer(answerPause)
	defer enough.Stop()
	for range due {
		select {
		case <-answered:
		case <-enough.C:
			return
		case <-s.client.ctx.Done():
			return
		}
	}
}

// LoseSession implements steer.Steered.
func (s steered) LoseSession(id string) bool {
	session := s.client.living.session(id)
	if session == nil {
		return false
	}
	session.end(session.lostInTime())
	session.look()
	return true
}

// isDue reports whether the next keepalive is due.
func (s *Session) isDue() bool {
	interval, _ := s.renewing()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ctx.Err() == nil && s.renewed+interval <= s.client.clock.now()
}
