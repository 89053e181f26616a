package raftnode

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/coordd/coordd/transport/peer"
	"github.com/hashicorp/raft"
)

// A crashed leader need not be waited for. When its process has visibly died - its connection ended and two dials were refused - and a majority of the voters
// saw the same, a follower stands for election at once. A refused dial is a hint and never a proof: a wrong guess costs an election, not a lock. So that two
// nodes that merely cannot reach each other do not depose each other for ever, one voter that still hears the leader is a veto, a node stands once per term,
// and it pauses, longer each time, when it stood less than a minute ago.
const (
	refusedDials      = 2
	dialPatience      = 100 * time.Millisecond
	rankStagger       = 25 * time.Millisecond
	voteAsking        = 20 * time.Millisecond  // between two rounds of asking the voters
	earlyWindow       = 400 * time.Millisecond // after so long, ordinary timeouts have done it
	earlyPause        = time.Second
	earlyPauseMost    = time.Minute
	earlyForgivenness = time.Minute
)

// loss is a leader that was lost, in a term.
type loss struct {
	term   uint64
	leader peer.NodeID
}

// suspicion is what a follower has seen of its leader's death. Its methods may be called from many goroutines.
type suspicion struct {
	mu      sync.Mutex
	ended   map[peer.NodeID]time.Time // when a connection with the node ended last
	lost    loss                      // the leader whose connection ended and whose dials were refused
	wake    chan struct{}
	lastAt  time.Time // of the last early election; only standEarly uses this and the next
	pausing time.Duration
	stood   uint64 // the term in which this node stood last
}

func newSuspicion() *suspicion {
	return &suspicion{ended: make(map[peer.NodeID]time.Time), wake: make(chan struct{}, 1)}
}

// connectionEnded notes the end of a connection. It never blocks.
func (s *suspicion) connectionEnded(remote peer.NodeID) {
	s.mu.Lock()
	s.ended[remote] = time.Now()
	s.mu.Unlock()
	nudge(s.wake)
}

// justEnded reports whether a connection with the node ended a moment ago.
func (s *suspicion) justEnded(remote peer.NodeID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.ended[remote]) <= earlyWindow
}

func (s *suspicion) setLost(l loss) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = l
}

// verdict answers another voter's question about a leader, given what Raft says here.
func (s *suspicion) verdict(question peer.LostLeaderQuestion, term uint64, leader peer.NodeID) peer.LostLeaderVerdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case term > question.Term:
		return peer.LostLeaderVeto
	case s.lost == loss{question.Term, question.Leader}:
		return peer.LostLeaderYes
	case leader == question.Leader && time.Since(s.ended[leader]) > earlyWindow:
		return peer.LostLeaderVeto
	}
	return peer.LostLeaderNo
}

// judgeLoss answers another voter.
func (n *Node) judgeLoss(question peer.LostLeaderQuestion) peer.LostLeaderVerdict {
	engine := n.engine()
	if engine == nil {
		return peer.LostLeaderNo
	}
	_, leader := engine.LeaderWithID()
	return n.suspicion.verdict(question, engine.CurrentTerm(), peer.NodeID(leader))
}

// standEarly follows the ends of connections, until ctx ends.
func (n *Node) standEarly(ctx context.Context) {
	for {
		select {
		case <-n.suspicion.wake:
			n.suspect(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// suspect goes from a connection that ended to an election, or stops where the rule says so.
func (n *Node) suspect(ctx context.Context) {
	lost, target, ok := n.followed()
	if !ok || !n.suspicion.justEnded(lost.leader) || !n.dialsRefused(ctx, target) {
		return
	}
	n.suspicion.setLost(lost)
	rank, ok := n.rank(lost.leader)
	if !ok || !n.suspicion.mayStand(lost.term) {
		return
	}
	pause(ctx, time.Duration(rank)*rankStagger)
	for deadline := time.Now().Add(earlyWindow); time.Now().Before(deadline) && ctx.Err() == nil; pause(ctx, voteAsking) {
		if !n.stillLost(lost) {
			return
		}
		if n.majorityLost(ctx, lost) && n.stillLost(lost) {
			n.suspicion.standing(lost.term)
			n.metrics.EarlyElections.Add(1)
			n.log.Info("the leader's process has died; this node stands for election at once", "leader", string(lost.leader), "term", lost.term)
			if err := n.transport.StandNow(ctx); err != nil {
				n.log.Warn("the early election could not be started", "error", err)
			}
			return
		}
	}
}

// followed is the leader that this node follows, in which term, and where it is.
func (n *Node) followed() (loss, peer.Target, bool) {
	address, id := n.raft.LeaderWithID()
	leader := peer.NodeID(id)
	return loss{n.raft.CurrentTerm(), leader}, peer.Target{NodeID: leader, Address: string(address)}, leader != "" && n.raft.State() == raft.Follower
}

// stillLost reports whether this node is still a follower in the term whose leader it lost.
func (n *Node) stillLost(lost loss) bool {
	return n.raft.State() == raft.Follower && n.raft.CurrentTerm() == lost.term
}

func (n *Node) dialsRefused(ctx context.Context, target peer.Target) bool {
	for range refusedDials {
		dial, cancel := context.WithTimeout(ctx, dialPatience)
		err := n.port.CheckDial(dial, target)
		cancel()
		if !peer.IsRefused(err) {
			return false
		}
	}
	return true
}

// rank is this node's place among the voters without the lost leader; ok is false when it is no voter.
func (n *Node) rank(leader peer.NodeID) (rank int, ok bool) {
	count, others := n.voters()
	if count == len(others) {
		return 0, false
	}
	slices.SortFunc(others, func(a, b peer.Target) int { return cmp.Compare(a.NodeID, b.NodeID) })
	for _, other := range others {
		if other.NodeID != leader && other.NodeID < n.self().NodeID {
			rank++
		}
	}
	return rank, true
}

// majorityLost asks the other voters. It is true when a majority, this node included, lost the same leader, and nobody objects.
func (n *Node) majorityLost(ctx context.Context, lost loss) bool {
	ctx, cancel := context.WithTimeout(ctx, dialPatience)
	defer cancel()
	count, others := n.voters()
	verdicts := make(chan peer.LostLeaderVerdict, len(others))
	asked := 0
	for _, other := range others {
		if other.NodeID == lost.leader {
			continue
		}
		asked++
		go func() {
			verdict, err := n.port.LostLeader(ctx, other, peer.LostLeaderQuestion{Term: lost.term, Leader: lost.leader})
			if err != nil {
				verdict = peer.LostLeaderNo
			}
			verdicts <- verdict
		}()
	}
	agreed := 1
	for range asked {
		switch <-verdicts {
		case peer.LostLeaderVeto:
			return false
		case peer.LostLeaderYes:
			agreed++
		}
	}
	return agreed >= count/2+1
}

// mayStand says whether this node has not stood in the term yet, and not too lately.
func (s *suspicion) mayStand(term uint64) bool {
	return s.stood < term && (s.lastAt.IsZero() || time.Since(s.lastAt) >= s.pausing)
}

// standing notes that this node stands now.
func (s *suspicion) standing(term uint64) {
	switch {
	case s.lastAt.IsZero() || time.Since(s.lastAt) > earlyForgivenness:
		s.pausing = earlyPause
	default:
		s.pausing = min(2*s.pausing, earlyPauseMost)
	}
	s.stood, s.lastAt = term, time.Now()
}
