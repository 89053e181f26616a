package client

import (
	"context"
	"iter"
)

// State is how sure a holder may be that it holds.
type State int

// The states. A lock that was lost never comes back: another acquire gives another [Held].
const (
	StateHeld     State = iota // keepalives are answered in time
	StateJeopardy              // a keepalive is late; the lock is still held, until [Held.Remaining] has passed
	StateLost                  // the lock must be considered another's
	StateReleased              // the lock was released, or its session or client closed
)

// String is the state's name in lower case.
func (s State) String() string {
	switch s {
	case StateHeld:
		return "held"
	case StateJeopardy:
		return "jeopardy"
	case StateLost:
		return "lost"
	case StateReleased:
		return "released"
	}
	return "unknown"
}

// over reports whether no other state can follow.
func (s State) over() bool { return s == StateLost || s == StateReleased }

// follow yields the present state and each that follows, until one is the last or the context ends. States that pass while the loop's body runs are left out.
func follow(ctx, ended context.Context, state func() (State, <-chan struct{})) iter.Seq[State] {
	return func(yield func(State) bool) {
		for first, last := true, StateHeld; ; {
			now, changed := state()
			if first || now != last {
				if !yield(now) || now.over() {
					return
				}
				first, last = false, now
				continue
			}
			select {
			case <-changed:
			case <-ended.Done():
			case <-ctx.Done():
				return
			}
		}
	}
}
