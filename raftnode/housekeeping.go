package raftnode

import (
	"time"

	"github.com/coordd/coordd/fsm/command"
)

// tickInterval is how long nothing may be stamped while the state holds a deadline.
const tickInterval = 250 * time.Millisecond

// hashInterval is how long a leader goes on without telling the hash of its state, when entries are sealed anyway: without it a busy cluster, which never
// ticks, would not notice a node whose state differs.
const hashInterval = time.Second

// offsetTolerance is the surplus that may be dropped before Unix time is set right: TIME lags by that much at most.
const offsetTolerance = time.Second

// duties is what a leader knows when it asks itself whether the state needs an entry of its own.
type duties struct {
	now         command.Instant // of the leader's clock
	sinceStamp  time.Duration   // since an entry was sealed
	deadline    command.Instant // the nearest of the state, with hasDeadline
	hasDeadline bool
	hasWork     bool // grants are pending, or something is due already at the applied instant
	expiring    bool // an Expire is in flight
	corrects    bool // Unix time lags behind, because surplus was dropped
}

// errand is what housekeeping asks for.
type errand uint8

const (
	nothing errand = iota
	tick           // carry replicated time on
	expire         // end what is due
)

// due says what must be sealed now, and otherwise when to ask again; a wait of zero means: not before something happens.
func (d duties) due() (errand, time.Duration) {
	if !d.expiring && (d.hasWork || d.hasDeadline && d.deadline <= d.now) {
		return expire, 0
	}
	if d.corrects {
		return tick, 0
	}
	if !d.hasDeadline {
		return nothing, 0
	}
	untilTick := tickInterval - d.sinceStamp
	if untilTick <= 0 {
		return tick, 0
	}
	untilDeadline := time.Duration(d.deadline-d.now) * time.Millisecond
	if d.expiring || untilDeadline <= 0 || untilDeadline > untilTick {
		return nothing, untilTick
	}
	return nothing, untilDeadline
}
