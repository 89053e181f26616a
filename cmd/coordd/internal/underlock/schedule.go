package underlock

import "time"

// OnLost says what becomes of the command when the lock cannot be kept.
type OnLost string

// What can be asked for.
const (
	Term   OnLost = "term"   // SIGTERM, and SIGKILL when the grace is over
	Kill   OnLost = "kill"   // SIGKILL
	Ignore OnLost = "ignore" // the command goes on; only the fencing token protects what it does
)

// Schedule divides the last moments before the lock's deadline, so that the family is gone when it comes.
type Schedule struct {
	OnLost OnLost
	Grace  time.Duration // between SIGTERM and SIGKILL
	Settle time.Duration // between SIGKILL and the deadline, for the kernel and a busy machine to carry it out
}

// The bounds of what NewSchedule chooses.
const (
	maxGrace  = 5 * time.Second
	minSettle = 100 * time.Millisecond
	maxSettle = time.Second
)

// NewSchedule divides the time for a lock that lives ttl after each renewal. A grace below zero leaves the choice: a sixth of the TTL, at most five
// seconds. With both taken off, more than half of the TTL is left for renewals, the first of which is due after a third of it.
func NewSchedule(onLost OnLost, ttl, grace time.Duration) Schedule {
	if grace < 0 {
		grace = min(ttl/6, maxGrace)
	}
	return Schedule{OnLost: onLost, Grace: grace, Settle: min(max(ttl/12, minSettle), maxSettle)}
}

// urgency is what the time that is left asks for.
type urgency int

const (
	calm  urgency = iota // let the command run
	ask                  // ask it to end
	force                // kill it
)

// maxBlink bounds the sleep between two looks at the clock: timers stand still while the machine is suspended, the lock's clock does not.
const maxBlink = 250 * time.Millisecond

// judge says what to do when the lock is certainly held for left, and when to look again at the latest.
func (s Schedule) judge(left time.Duration) (urgency, time.Duration) {
	switch {
	case s.OnLost == Ignore:
		return calm, maxBlink
	case left <= s.Settle:
		return force, maxBlink
	case s.OnLost == Term && left <= s.Settle+s.Grace:
		return ask, min(left-s.Settle, maxBlink)
	case s.OnLost == Term:
		return calm, min(left-s.Settle-s.Grace, maxBlink)
	}
	return calm, min(left-s.Settle, maxBlink)
}

// strike is when the front kills by itself, because the keeper has let the moment for it pass: halfway between that moment and the deadline.
func (s Schedule) strike(deadline time.Duration) time.Duration { return deadline - s.Settle/2 }
