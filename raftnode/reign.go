package raftnode

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/coordd/coordd/fsm/command"
	"github.com/hashicorp/raft"
)

// reign is this node's leadership of one term: a clock, a proposer and reads that live and die with it. Nothing of one reign is used in another, because Raft
// does not say when a node lost its term and won a later one in between.
type reign struct {
	term     uint64
	clock    *leaderClock
	unix     *unixClock
	proposer *proposer
	reads    *reads

	cancel context.CancelFunc
	ended  context.Context // done once the reign is over
}

// startReign waits until a barrier of the term is applied and starts what leads. It returns an error when the term was lost meanwhile.
func (n *Node) startReign(ctx context.Context, term uint64) (*reign, error) {
	unix := newUnixClock()
	var looking sync.WaitGroup
	looking.Go(func() { n.lookAtClocks(ctx, unix) })
	defer looking.Wait()
	if err := n.passBarrier(ctx, term); err != nil {
		return nil, err
	}
	looking.Wait()
	ended, cancel := context.WithCancel(ctx)
	clock := newLeaderClock(n.config.Clock.Monotonic, n.appliedInstant)
	r := &reign{term: term, clock: clock, unix: unix, ended: ended, cancel: cancel}
	r.proposer = n.newProposer(r)
	r.reads = n.newReads(r)
	n.reigns.Go(r.proposer.run)
	n.reigns.Go(func() { r.reads.run(ended) })
	n.reigns.Go(func() { n.watchClocks(ended, r) })
	if n.gossip != nil {
		n.reigns.Go(func() { n.doubtWorkers(ended, r) })
	}
	context.AfterFunc(ended, func() { close(r.proposer.stop) })
	return r, nil
}

// end ends the reign without waiting.
func (r *reign) end() { r.cancel() }

// over reports whether the reign has ended.
func (r *reign) over() bool { return r.ended.Err() != nil }

// passBarrier commits a barrier in the term and waits until it is applied: then the state holds everything that earlier terms committed.
func (n *Node) passBarrier(ctx context.Context, term uint64) error {
	barrier := n.raft.Barrier(flightDeadline)
	passed := make(chan error, 1)
	go func() { passed <- outcomeOf(barrier, n.raftEnded) }()
	select {
	case err := <-passed:
		if err != nil {
			return fmt.Errorf("barrier of term %d: %w", term, err)
		}
	case <-time.After(flightDeadline):
		return fmt.Errorf("barrier of term %d did not pass within %s", term, flightDeadline)
	case <-ctx.Done():
		// A barrier that still lies in Raft's channels when Raft ends is never answered, so its end is waited for: committed, or lost with the leader's lease.
		waitFor(2*n.config.RaftTimeout, func() { <-passed })
		return ctx.Err()
	}
	if _, leads := n.leads(term); !leads {
		return fmt.Errorf("term %d was lost before its barrier had passed", term)
	}
	// Barriers and the first entry of a term never reach the machine, so a read that waits for their index would wait for ever without this.
	if indexed, ok := barrier.(raft.IndexFuture); ok {
		n.progress.publish(indexed.Index(), 0)
	}
	return nil
}

func (n *Node) newProposer(r *reign) *proposer {
	p := &proposer{
		term: r.term, log: n.raft, clock: r.clock, machine: n.machine, unix: r.unix, metrics: n.metrics,
		maxFlights: n.config.EntriesInFlight, patience: 2 * n.config.RaftTimeout, fatal: n.fatal, lost: func() { r.end(); n.leadership.look() },
		raftEnded: n.raftEnded,
		kick:      make(chan struct{}, 1), landed: make(chan *flight, maxEntriesInFlight), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	if id, _ := n.machine.Identity(); id == "" {
		p.opening = append(p.opening, command.Identity{ClusterID: n.clusterID(), ClusterName: n.config.ClusterName})
	}
	if r.unix.known() {
		p.opening = append(p.opening, command.ClockOffset{})
	}
	p.lastStamp = r.clock.monotonic()
	return p
}

func (n *Node) newReads(r *reign) *reads {
	return &reads{
		term: r.term, ballot: n, ask: n.port, clock: r.clock, machine: n.machine, progress: n.progress, metrics: n.metrics, patience: n.config.RaftTimeout,
		nudge: func() { nudge(r.proposer.kick) }, lost: func() { r.end(); n.leadership.look() },
		kick: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
}

// lookAtClocks asks the voters once for their wall clocks, and reports whether a majority answered and by how much Unix time moved.
func (n *Node) lookAtClocks(ctx context.Context, unix *unixClock) (moved time.Duration, ok bool) {
	voters, others := n.voters()
	distance, ok := measureUnixTime(ctx, n.port, others, voters, n.config.Clock)
	if !ok {
		return 0, false
	}
	return unix.set(distance), true
}

// offsetGrain is the difference below which a look at the clocks is not worth an entry.
const offsetGrain = 5 * time.Millisecond

// watchClocks looks at the voters' clocks once a minute, and at once when time was lost, for as long as the reign lasts. A look that fails is repeated soon.
func (n *Node) watchClocks(ctx context.Context, r *reign) {
	next := offsetInterval
	if !r.unix.known() {
		next = time.Second
	}
	timer := time.NewTimer(next)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-r.unix.again:
		case <-ctx.Done():
			return
		}
		next = offsetInterval
		switch moved, ok := n.lookAtClocks(ctx, r.unix); {
		case !ok:
			next = time.Second
		case moved >= offsetGrain:
			r.proposer.submit([]*parcel{newParcel([]command.Command{{Op: command.ClockOffset{}}}, true, func(result) {})})
		}
		timer.Reset(next)
	}
}
