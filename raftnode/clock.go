package raftnode

import "time"

// Clock tells a node the time. Two kinds are kept apart, because only one of them may ever decide about a lease: the monotonic clock measures how much
// time has passed on this machine since some fixed moment, and the wall clock is only one voice in the median that Unix time follows.
// Both may be called from many goroutines at once.
type Clock interface {
	// Monotonic is the time since a moment that never changes while the process lives. It never goes back and is never set.
	Monotonic() time.Duration
	// Wall is what this machine believes to be the time of day. It may jump.
	Wall() time.Time
}

// systemClock is the clock of the machine.
type systemClock struct{ start time.Time }

// newSystemClock starts counting now.
func newSystemClock() systemClock { return systemClock{start: time.Now()} }

// Monotonic implements Clock.
func (c systemClock) Monotonic() time.Duration { return time.Since(c.start) }

// Wall implements Clock.
func (c systemClock) Wall() time.Time { return time.Now() }
