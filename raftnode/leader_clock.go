package raftnode

import (
	"sync"
	"time"

	"github.com/coordd/coordd/fsm/command"
)

// maxLead is how far a leader's clock may run ahead of the last applied instant.
const maxLead = 500 * time.Millisecond

// leaderClock is replicated time as its leader tells it, for one term. It begins at the instant of the state in which the term's barrier was applied, and goes
// on with the monotonic clock. It never runs more than maxLead ahead of the last applied instant: what would exceed that is dropped for ever, so time in which
// the leader was stopped, or nothing could commit, does not count against a lease. Its methods may be called from many goroutines.
type leaderClock struct {
	monotonic func() time.Duration
	applied   func() command.Instant

	mu      sync.Mutex
	base    command.Instant
	start   time.Duration
	told    command.Instant // the latest instant that was told: the clock never goes back
	dropped time.Duration   // surplus dropped and not yet settled
}

// newLeaderClock starts the clock of a term. applied is the replicated instant of this node's state, now and later; monotonic is the machine's clock.
func newLeaderClock(monotonic func() time.Duration, applied func() command.Instant) *leaderClock {
	base := applied()
	return &leaderClock{monotonic: monotonic, applied: applied, base: base, told: base, start: monotonic()}
}

// now is the replicated instant at this moment.
func (c *leaderClock) now() command.Instant {
	instant, _ := c.reading()
	return instant
}

// reading is the replicated instant at this moment and the monotonic reading that belongs to it.
func (c *leaderClock) reading() (command.Instant, time.Duration) {
	applied := c.applied()
	c.mu.Lock()
	defer c.mu.Unlock()
	monotonic := c.monotonic()
	instant := c.base.Add((monotonic - c.start).Milliseconds())
	if limit := applied.Add(maxLead.Milliseconds()); instant > limit {
		surplus := time.Duration(instant-limit) * time.Millisecond
		c.base = c.base.Add(-surplus.Milliseconds())
		c.dropped += surplus
		instant = limit
	}
	c.told = max(c.told, instant)
	return c.told, monotonic
}

// droppedSince is the surplus dropped since the last settle.
func (c *leaderClock) droppedSince() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dropped
}

// settle forgets surplus that a new clock offset has made good for.
func (c *leaderClock) settle(surplus time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropped -= surplus
}
