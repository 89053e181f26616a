package raftnode

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/peer"
)

const (
	// offsetInterval is how often a leader asks the voters for their wall clocks.
	offsetInterval = time.Minute
	// offsetPatience is how long it waits for their answers. Serving waits for the first look, so it is short.
	offsetPatience = 100 * time.Millisecond
)

// unixClock is what a leader believes of Unix time: the median of the voters' wall clocks, carried on by its own monotonic clock between two looks. One
// wrong clock among three moves nothing. Its methods may be called from many goroutines.
type unixClock struct {
	mu       sync.Mutex
	distance time.Duration // Unix time minus the monotonic reading
	measured bool
	again    chan struct{} // nudged when a look is due at once
}

func newUnixClock() *unixClock { return &unixClock{again: make(chan struct{}, 1)} }

// known reports whether a majority of the voters has ever answered in this term.
func (u *unixClock) known() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.measured
}

// set takes the outcome of a look and reports by how much it differs from what was believed.
func (u *unixClock) set(distance time.Duration) (moved time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	moved = (distance - u.distance).Abs()
	u.distance, u.measured = distance, true
	return moved
}

// lookAgain asks for a look at once: time was lost, so the machine may have been stopped or set.
func (u *unixClock) lookAgain() { nudge(u.again) }

// correct fills in the clock offsets of an entry, for the instant with which it is stamped.
func (u *unixClock) correct(commands []command.Command, instant command.Instant, monotonic time.Duration) {
	u.mu.Lock()
	unix := (u.distance + monotonic).Milliseconds()
	u.mu.Unlock()
	for i := range commands {
		if _, ok := commands[i].Op.(command.ClockOffset); ok {
			commands[i].Op = command.ClockOffset{Milliseconds: unix - int64(instant)}
		}
	}
}

// termAsker asks another node for its term and wall clock. *peer.Port is one.
type termAsker interface {
	Term(ctx context.Context, to peer.Target) (peer.TermAnswer, error)
}

// measureUnixTime asks the voters, this node included, for their wall clocks. It answers the median of Unix time minus monotonic time; ok is false when
// fewer than a majority answered in time.
func measureUnixTime(ctx context.Context, ask termAsker, others []peer.Target, voters int, clock Clock) (distance time.Duration, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, offsetPatience)
	defer cancel()
	distances := []time.Duration{time.Duration(clock.Wall().UnixMilli())*time.Millisecond - clock.Monotonic()}
	answers := make(chan []time.Duration, len(others))
	for _, other := range others {
		go func() { answers <- distanceOf(ctx, ask, other, clock) }()
	}
	for range others {
		distances = append(distances, <-answers...)
	}
	return median(distances), len(distances) > voters/2
}

// distanceOf asks one node; no value when it did not answer. Its clock is taken to have been read in the middle between question and answer.
func distanceOf(ctx context.Context, ask termAsker, other peer.Target, clock Clock) []time.Duration {
	sent := clock.Monotonic()
	answer, err := ask.Term(ctx, other)
	if err != nil {
		return nil
	}
	middle := sent + (clock.Monotonic()-sent)/2
	return []time.Duration{time.Duration(answer.WallUnixMs)*time.Millisecond - middle}
}

// median is the middle of the values; of an even number the smaller of the two in the middle, so that it is always a value that a node really told.
func median(values []time.Duration) time.Duration {
	slices.Sort(values)
	return values[(len(values)-1)/2]
}
