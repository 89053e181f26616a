package raftnode

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/raftnode/metrics"
	"github.com/hashicorp/raft"
)

const (
	// maxQueuedCommands is how many commands may wait at a leader before it answers busy.
	maxQueuedCommands = 16384
	// maxQueuedKeepalives is the same for keepalives, which are shed last.
	maxQueuedKeepalives = 4 * maxQueuedCommands
	// flightDeadline is how long an entry may be under way before its fate counts as unknown. Raft's futures need not resolve by themselves.
	flightDeadline = 5 * time.Second
	// refusalPause is how long nothing is sealed after Raft refused an entry.
	refusalPause = 10 * time.Millisecond
)

// entryLog is the part of Raft that a proposer needs. *raft.Raft is one.
type entryLog interface {
	Apply(data []byte, timeout time.Duration) raft.ApplyFuture
}

// proposer turns what waits into log entries, for one term. One goroutine, run, owns everything below the mailbox: it gathers, seals, keeps a few entries in
// flight, and hands results back. submit may be called from any goroutine.
type proposer struct {
	term       uint64
	log        entryLog
	clock      *leaderClock
	machine    *fsm.Machine
	unix       *unixClock
	metrics    *metrics.Metrics
	maxFlights int
	patience   time.Duration // how long Raft may refuse entries for a leadership transfer before the process must exit
	fatal      func(error)
	lost       func()        // called when Raft says that this node does not lead any more
	raftEnded  chan struct{} // see outcomeOf

	mailbox mailbox
	kick    chan struct{}
	landed  chan *flight
	stop    chan struct{}
	stopped chan struct{}

	urgent, waiting []*parcel
	queued          int          // commands that are not finished, as of the last collect
	opening         []command.Op // sealed at the head of the first entry
	flights         []*flight
	crowd           crowd
	lastStamp       time.Duration
	lastTick        time.Duration
	refused         bool          // Raft refused the last entry because of a leadership transfer
	refusedSince    time.Duration // monotonic, with refused
	pausedUntil     time.Duration // monotonic: nothing is sealed before
	closing         bool
}

// flight is an entry that Raft has and that has not come back.
type flight struct {
	slots     []slot
	leading   int // commands of housekeeping at the head
	trailing  int // and at the end
	expiring  bool
	sealedAt  time.Duration
	future    raft.ApplyFuture
	abandoned bool // its fate was declared unknown
	err       error
	applied   fsm.Applied
}

// mailbox is where submit leaves parcels.
type mailbox struct {
	mu             sync.Mutex
	urgent, normal []*parcel
	urgentCommands int // not finished, here and in the proposer's lists
	normalCommands int
	closed         bool
}

// submit hands parcels over. Each one's done is called exactly once, later, from the proposer's goroutine, or at once when it is refused.
func (p *proposer) submit(parcels []*parcel) {
	var refused []*parcel
	var why fate
	p.mailbox.mu.Lock()
	for _, one := range parcels {
		switch {
		case p.mailbox.closed || one.largest() > command.MaxEntryBytes-entryFrameBytes:
			refused, why = append(refused, one), fateNotProposed
		case one.urgent && p.mailbox.urgentCommands < maxQueuedKeepalives:
			p.mailbox.urgent = append(p.mailbox.urgent, one)
			p.mailbox.urgentCommands += len(one.commands)
		case !one.urgent && p.mailbox.normalCommands < maxQueuedCommands:
			p.mailbox.normal = append(p.mailbox.normal, one)
			p.mailbox.normalCommands += len(one.commands)
		default:
			refused, why = append(refused, one), fateBusy
		}
	}
	p.mailbox.mu.Unlock()
	nudge(p.kick)
	for _, one := range refused {
		one.done(result{fate: why})
	}
}

// collect takes what was submitted.
func (p *proposer) collect() {
	p.mailbox.mu.Lock()
	p.urgent = append(p.urgent, p.mailbox.urgent...)
	p.waiting = append(p.waiting, p.mailbox.normal...)
	p.mailbox.urgent, p.mailbox.normal = p.mailbox.urgent[:0], p.mailbox.normal[:0]
	p.queued = p.mailbox.normalCommands + p.mailbox.urgentCommands
	p.mailbox.mu.Unlock()
	p.metrics.SetQueued(p.queued)
}

// run is the proposer's goroutine. It returns when stop is closed and nothing is in flight any more.
func (p *proposer) run() {
	defer close(p.stopped)
	waiter := make(chan *flight, p.maxFlights)
	defer close(waiter)
	go p.awaitFutures(waiter)
	timer := time.NewTimer(0)
	defer timer.Stop()
	stop := p.stop
	for {
		runtime.Gosched() // whoever is about to submit does so first
		p.collect()
		wait := p.sealWhatIsDue(waiter)
		if p.closing {
			p.refuseAll()
			if len(p.flights) == 0 {
				return
			}
		}
		timer.Reset(p.nextWake(wait))
		select {
		case <-p.kick:
		case landed := <-p.landed:
			p.land(landed)
		case <-timer.C:
		case <-stop:
			p.closing, stop = true, nil
		}
		p.abandonOverdue()
	}
}

// awaitFutures waits for the futures in the order of the entries, which is the order in which Raft resolves them.
func (p *proposer) awaitFutures(flights <-chan *flight) {
	for f := range flights {
		if f.err = outcomeOf(f.future, p.raftEnded); f.err == nil {
			switch response := f.future.Response().(type) {
			case fsm.Applied:
				f.applied = response
			case error:
				f.err = response
			}
		}
		select {
		case p.landed <- f:
		case <-p.stopped:
		}
	}
}

// sealWhatIsDue seals as many entries as there is reason and room for, and says when housekeeping wants to be asked again.
func (p *proposer) sealWhatIsDue(waiter chan<- *flight) time.Duration {
	for {
		errand, wait := p.duties().due()
		if p.closing || len(p.flights) >= p.maxFlights || p.clock.monotonic() < p.pausedUntil {
			return wait
		}
		if errand == nothing && len(p.opening) == 0 {
			enough, patience := p.enoughWaits()
			if patience > 0 && (wait == 0 || patience < wait) {
				wait = patience
			}
			if !enough {
				return wait
			}
		}
		if !p.seal(errand, waiter) {
			return wait
		}
	}
}

// enoughWaits decides whether the next entry is worth opening: when nothing is under way at once, or as soon as a crowd has gathered, within a patience;
// otherwise when at least as much waits as is under way. So entries grow with the load, and a lone command never waits for one that is not there.
func (p *proposer) enoughWaits() (enough bool, patience time.Duration) {
	underWay := 0
	for _, f := range p.flights {
		underWay += len(f.slots)
	}
	waiting := p.queued - underWay
	if waiting > 0 && len(p.flights) == 0 {
		patience = p.crowd.patience(p.clock.monotonic(), waiting)
	}
	return waiting > 0 && waiting >= underWay && patience == 0, patience
}

// duties looks at the state.
func (p *proposer) duties() duties {
	d := duties{now: p.clock.now(), sinceStamp: p.clock.monotonic() - p.lastStamp, hasWork: p.machine.HasWork()}
	d.deadline, d.hasDeadline = p.machine.NextDeadline()
	d.corrects = p.unixLags()
	for _, f := range p.flights {
		d.expiring = d.expiring || f.expiring
	}
	return d
}

// unixLags reports that so much surplus was dropped that Unix time is to be set right.
func (p *proposer) unixLags() bool { return p.unix.known() && p.clock.droppedSince() > offsetTolerance }

// nextWake is how long run may sleep, when nothing happens.
func (p *proposer) nextWake(housekeeping time.Duration) time.Duration {
	wake := time.Minute
	if housekeeping > 0 && !p.closing {
		wake = min(wake, housekeeping)
	}
	if pause := p.pausedUntil - p.clock.monotonic(); pause > 0 {
		wake = min(wake, pause)
	}
	for _, f := range p.flights {
		wake = min(wake, max(f.sealedAt+flightDeadline-p.clock.monotonic(), time.Millisecond))
	}
	return wake
}

// land takes an entry back: replies go to their parcels, what was answered "again" to the head of the queue.
func (p *proposer) land(f *flight) {
	p.dropFlight(f)
	p.crowd.landed(p.clock.monotonic(), f.sealedAt, p.queued)
	if f.abandoned {
		return
	}
	touched := f.parcels()
	for _, one := range touched {
		one.inFlight = false
	}
	p.notice(f.err)
	switch {
	case f.err == nil:
		p.metrics.EntryCommitted(p.clock.monotonic() - f.sealedAt)
		p.metrics.Again.Add(f.deal())
	case definitelyNotProposed(f.err):
		p.finishAll(touched, fateNotProposed)
		return
	default:
		p.finishAll(touched, fateUnknown)
		return
	}
	p.finishComplete(touched)
	if !f.applied.TermMatched {
		p.lost()
	}
}

// parcels lists each parcel of the entry once.
func (f *flight) parcels() []*parcel {
	list := make([]*parcel, 0, len(f.slots))
	for _, s := range f.slots {
		if s.parcel.listedBy != f {
			s.parcel.listedBy = f
			list = append(list, s.parcel)
		}
	}
	for _, one := range list {
		one.listedBy = nil
	}
	return list
}

// deal gives each command its reply, and counts those answered "again". What follows one in a parcel stays without a reply, so that the order of the lane is kept.
func (f *flight) deal() (again int) {
	replies := f.applied.Replies[f.leading : len(f.applied.Replies)-f.trailing]
	for i, s := range f.slots {
		if replies[i].Type != command.ReplyAgain && s.index == len(s.parcel.replies) {
			s.parcel.replies = append(s.parcel.replies, replies[i])
			continue
		}
		again++
	}
	return again
}

// finishComplete calls done for parcels with all their replies. The others wait on where they stand: at the head of their list.
func (p *proposer) finishComplete(touched []*parcel) {
	for _, one := range touched {
		if one.left() == 0 {
			p.forget(one)
			one.done(result{replies: one.replies, fate: fateDone})
		}
	}
	p.compact()
}

// finishAll ends parcels that an entry has failed.
func (p *proposer) finishAll(touched []*parcel, why fate) {
	for _, one := range touched {
		p.forget(one)
		one.done(result{replies: one.replies, fate: why})
	}
	p.compact()
}

// notice draws the conclusions from what Raft answered. A leadership transfer that does not end leaves a leader that takes nothing; then only a new process helps.
func (p *proposer) notice(err error) {
	switch {
	case err == nil:
		p.refused = false
	case errors.Is(err, raft.ErrLeadershipTransferInProgress):
		now := p.clock.monotonic()
		if !p.refused {
			p.refused, p.refusedSince = true, now
		}
		p.pausedUntil = now + refusalPause
		if refusedFor := now - p.refusedSince; refusedFor > p.patience {
			p.fatal(fmt.Errorf("raft has refused entries for %s because of a leadership transfer that does not end; start this process again", refusedFor.Round(time.Millisecond)))
			p.lost()
		}
	default:
		p.lost()
	}
}

// definitelyNotProposed reports that the entry never reached the log.
func definitelyNotProposed(err error) bool {
	return errors.Is(err, raft.ErrNotLeader) || errors.Is(err, raft.ErrLeadershipTransferInProgress) || errors.Is(err, raft.ErrEnqueueTimeout)
}
