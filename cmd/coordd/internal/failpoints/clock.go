//go:build failpoints

package failpoints

import (
	"sync"
	"time"
)

// clock is a raftnode.Clock that can be bent. Its monotonic time never goes back, whatever the orders.
type clock struct {
	start time.Time

	mu      sync.Mutex
	offset  time.Duration // of the wall clock
	rate    float64
	since   time.Duration // real time at which the rate began
	reached time.Duration // monotonic time at that moment
}

func newClock(follower *follower) *clock {
	c := &clock{start: time.Now(), rate: 1}
	c.follow(*follower.orders.Load())
	return c
}

// Monotonic implements raftnode.Clock.
func (c *clock) Monotonic() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *clock) now() time.Duration {
	return c.reached + time.Duration(float64(time.Since(c.start)-c.since)*c.rate)
}

// Wall implements raftnode.Clock.
func (c *clock) Wall() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

// follow takes orders over.
func (c *clock) follow(orders Orders) {
	if orders.Rate <= 0 {
		orders.Rate = 1
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = time.Duration(orders.WallOffsetMs) * time.Millisecond
	if orders.Rate != c.rate {
		c.reached = c.now()
		c.since, c.rate = time.Since(c.start), orders.Rate
	}
}
