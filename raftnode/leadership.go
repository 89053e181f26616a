package raftnode

import (
	"context"
	"sync"
	"time"

	"github.com/coordd/coordd/transport/peer"
	"github.com/hashicorp/raft"
)

// route is where commands go: the leader, as far as this node knows.
type route struct {
	leader peer.Target // empty NodeID: no leader is known
	reign  *reign      // set when this node leads and may serve
}

// known reports whether there is anybody to send to.
func (r route) known() bool { return r.reign != nil || r.leader.NodeID != "" }

// leadership follows who leads, and lets this node's reigns begin and end. One goroutine, run, owns the reign; everybody may read the route.
type leadership struct {
	node *Node
	// notices is Raft's NotifyCh. Raft blocks on it, so it is always drained; what it says is only a reason to look.
	notices chan bool
	// observed is a reason to look, from Raft's observer.
	observed chan raft.Observation
	looks    chan struct{}

	mu      sync.Mutex
	current route
	changed chan struct{} // closed when current changes

	lastLeader peer.NodeID   // owned by run, like the next
	changes    []time.Time   // when leaders changed, at most flapCount of them
	ended      chan struct{} // closed when run has returned
}

func newLeadership(node *Node) *leadership {
	return &leadership{
		node: node, notices: make(chan bool), observed: make(chan raft.Observation, 64), looks: make(chan struct{}, 1), changed: make(chan struct{}), ended: make(chan struct{}),
	}
}

// look asks for the state of Raft to be looked at again. It never blocks.
func (l *leadership) look() { nudge(l.looks) }

// route is where commands go now, and a channel that is closed when that changes.
func (l *leadership) route() (route, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current, l.changed
}

// set publishes a new route.
func (l *leadership) set(next route) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if next == l.current {
		return
	}
	l.current = next
	close(l.changed)
	l.changed = make(chan struct{})
}

// drain turns Raft's notices into reasons to look, until ctx ends.
func (l *leadership) drain(ctx context.Context) {
	for {
		select {
		case <-l.notices:
		case <-l.observed:
		case <-ctx.Done():
			return
		}
		l.look()
	}
}

// reignPause is how long a reign that could not begin is not tried again. Raft may refuse for as long as an election timeout, while it hands leadership over.
const reignPause = 50 * time.Millisecond

// attempt is how a reign began, or did not.
type attempt struct {
	term  uint64
	reign *reign
	err   error
}

// run lets reigns begin and end, until ctx ends.
func (l *leadership) run(ctx context.Context) {
	defer close(l.ended)
	var present *reign
	var trying uint64 // the term whose reign is being started
	began := make(chan attempt, 1)
	var refused uint64 // the term whose reign could not begin a moment ago
	rested := make(chan struct{}, 1)
	slow := time.NewTicker(time.Second) // notices collapse; this bounds what a lost one costs
	defer slow.Stop()
	for {
		term, leads := l.node.raft.CurrentTerm(), l.node.raft.State() == raft.Leader
		if present != nil && (!leads || present.term != term || present.over()) {
			present.end()
			present = nil
		}
		if present == nil && leads && trying == 0 && term != refused {
			trying = term
			l.node.tasks.Go(func() {
				reign, err := l.node.startReign(ctx, term)
				began <- attempt{term, reign, err}
			})
		}
		l.publish(present)
		select {
		case <-l.looks:
		case <-slow.C:
			l.node.tasks.Go(func() { l.node.askWhetherRemoved(ctx) })
		case a := <-began:
			trying = 0
			if a.err == nil {
				present = a.reign
				l.node.log.Info("this node leads", "term", a.term)
			} else if ctx.Err() == nil {
				l.node.log.Warn("a reign could not begin", "term", a.term, "error", a.err)
				refused = a.term
				time.AfterFunc(reignPause, func() { nudge(rested) })
			}
		case <-rested:
			refused = 0
		case <-ctx.Done():
			l.finish(present, trying, began)
			return
		}
	}
}

// finish ends the reign and waits for what it started.
func (l *leadership) finish(present *reign, trying uint64, began <-chan attempt) {
	if trying != 0 {
		if a := <-began; a.err == nil {
			present = a.reign
		}
	}
	l.set(route{})
	if present != nil {
		present.end()
	}
}

// waitReigns waits until nothing of this node's reigns runs any more, at most so long. The node's context must have ended.
func (l *leadership) waitReigns(most time.Duration) {
	waitFor(most, func() {
		<-l.ended
		l.node.reigns.Wait()
	})
}

// publish makes the route from what Raft says.
func (l *leadership) publish(present *reign) {
	address, id := l.node.raft.LeaderWithID()
	next := route{reign: present}
	switch {
	case present != nil:
		next.leader = l.node.self()
	case peer.NodeID(id) != l.node.self().NodeID && id != "":
		next.leader = peer.Target{NodeID: peer.NodeID(id), Address: string(address)}
	}
	if leader := peer.NodeID(id); leader != "" && leader != l.lastLeader {
		l.lastLeader = leader
		l.node.metrics.LeaderChanges.Add(1)
		l.watchFlapping()
	}
	l.set(next)
	l.node.refreshRoster()
}

// Leaders that change more often than this raise an alarm: replicated time gains nothing in reigns shorter than a tick, so leases do not end.
const (
	flapCount  = 4
	flapWindow = 10 * time.Second
)

// watchFlapping notes a change of leaders.
func (l *leadership) watchFlapping() {
	now := time.Now()
	l.changes = append(l.changes, now)
	if len(l.changes) < flapCount {
		return
	}
	if oldest := l.changes[len(l.changes)-flapCount]; now.Sub(oldest) < flapWindow {
		l.node.log.Warn("leaders change too often: look at the disks, the load and the network between the nodes", "changes", flapCount, "within", now.Sub(oldest))
	}
	l.changes = l.changes[len(l.changes)-flapCount+1:]
}
