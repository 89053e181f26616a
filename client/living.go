package client

import (
	"context"
	"sync"
	"time"
)

// living are the sessions and leases of a client that have a deadline to be watched.
type living struct {
	mu       sync.Mutex
	sessions map[string]*Session
	watched  map[watched]struct{}
	watching bool
}

// watched is what ends at a deadline. Each has a timer of its own; look compares the deadline with the clock once more, and never waits.
type watched interface{ look() }

func newLiving() *living {
	return &living{sessions: map[string]*Session{}, watched: map[watched]struct{}{}}
}

// session finds a session by its id; nil when it has ended.
func (l *living) session(id string) *Session {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sessions[id]
}

// enter begins to watch until the context ends.
func (c *Client) enter(ctx context.Context, one watched) {
	l := c.living
	l.mu.Lock()
	l.watched[one] = struct{}{}
	if session, is := one.(*Session); is {
		l.sessions[session.id] = session
	}
	begin := !l.watching
	l.watching = true
	l.mu.Unlock()
	if begin {
		c.work(c.watchClock)
	}
	context.AfterFunc(ctx, func() { l.leave(one) })
}

func (l *living) leave(one watched) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.watched, one)
	if session, is := one.(*Session); is {
		delete(l.sessions, session.id)
	}
}

// maxBlink bounds how late the end of a session may be noticed after the machine was suspended, since timers do not count suspended time.
const maxBlink = 250 * time.Millisecond

// watchClock looks at every deadline now and then, as long as there is one. It is what notices that the machine was suspended; all else is noticed by the timers.
func (c *Client) watchClock() {
	for wait(c.ctx, maxBlink) == nil {
		for _, one := range c.living.all() {
			one.look()
		}
		if c.living.rest() {
			return
		}
	}
}

func (l *living) all() []watched {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]watched, 0, len(l.watched))
	for one := range l.watched {
		all = append(all, one)
	}
	return all
}

// rest ends the watching when there is nothing left to watch.
func (l *living) rest() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.watched) > 0 {
		return false
	}
	l.watching = false
	return true
}
