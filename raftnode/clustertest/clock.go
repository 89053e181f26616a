package clustertest

import (
	"sync"
	"time"
)

// Clock is a raftnode.Clock that can be bent while a node runs on it. The zero rate error and offset is the true time.
type Clock struct {
	mu      sync.Mutex
	started time.Time     // true time at which the present stretch began
	before  time.Duration // monotonic reading at that moment
	rate    float64       // monotonic seconds per true second
	wall    time.Duration // wall clock minus true time
}

// NewClock makes a clock that tells the true time.
func NewClock() *Clock { return &Clock{started: time.Now(), rate: 1} }

// Monotonic implements raftnode.Clock.
func (c *Clock) Monotonic() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.monotonicLocked()
}

func (c *Clock) monotonicLocked() time.Duration {
	return c.before + time.Duration(float64(time.Since(c.started))*c.rate)
}

// Wall implements raftnode.Clock.
func (c *Clock) Wall() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.wall)
}

// SetRate lets the monotonic clock run at so many seconds per true second from now on.
func (c *Clock) SetRate(rate float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.before, c.started, c.rate = c.monotonicLocked(), time.Now(), rate
}

// Jump moves the monotonic clock forward, as if the process had been stopped for so long.
func (c *Clock) Jump(forward time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.before += forward
}

// SetWallOffset makes the wall clock differ from true time.
func (c *Clock) SetWallOffset(offset time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall = offset
}
