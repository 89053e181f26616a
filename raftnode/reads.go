package raftnode

import (
	"context"
	"sync"
	"time"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/raftnode/metrics"
	"github.com/coordd/coordd/transport/peer"
)

// maxQueuedReads is how many read requests may wait at a leader before it answers busy.
const maxQueuedReads = 65536

// readRequest asks for the replies of ops that only read, at one moment. done is called once, from any goroutine.
type readRequest struct {
	ops  []command.Op
	done func(result)
}

// ballot is what a read round needs of Raft.
type ballot interface {
	// leads reports whether this node leads in the term, and the highest log index it knows to be committed.
	leads(term uint64) (commitIndex uint64, ok bool)
	// voters is the number of voters and the others among them.
	voters() (count int, others []peer.Target)
}

// readable is what a read needs of the machine. *fsm.Machine is one.
type readable interface {
	Read(clock command.Instant, ops []command.Op) (replies []command.Reply, wait command.Instant)
}

// reads answers linearizable reads for one term, in rounds: whatever waits when a round begins is answered by it, and the next one begins when it has ended.
// One goroutine, run, drives the rounds; submit may be called from any goroutine.
type reads struct {
	term     uint64
	ballot   ballot
	ask      termAsker
	clock    *leaderClock
	machine  readable
	progress *progress
	metrics  *metrics.Metrics
	patience time.Duration // how long a round may take
	nudge    func()        // lets the proposer look at its duties
	lost     func()        // called when a round shows that this node leads no more

	company company // owned by run

	mu      sync.Mutex
	waiting []readRequest
	closed  bool
	kick    chan struct{}
	stopped chan struct{}
}

// submit hands over requests. Each one's done is called exactly once.
func (r *reads) submit(requests []readRequest) {
	r.mu.Lock()
	why := fateDone
	switch {
	case r.closed:
		why = fateNotProposed
	case len(r.waiting)+len(requests) > maxQueuedReads:
		why = fateBusy
	default:
		r.waiting = append(r.waiting, requests...)
	}
	r.mu.Unlock()
	if why == fateDone {
		nudge(r.kick)
		return
	}
	answerAll(requests, result{fate: why})
}

func answerAll(requests []readRequest, answer result) {
	for _, request := range requests {
		request.done(answer)
	}
}

// run drives rounds until ctx ends, and then refuses what waits.
func (r *reads) run(ctx context.Context) {
	defer close(r.stopped)
	var answering sync.WaitGroup
	defer answering.Wait()
	for {
		select {
		case <-r.kick:
		case <-ctx.Done():
			r.close()
			return
		}
		r.linger(ctx)
		requests := r.take()
		if len(requests) == 0 {
			continue
		}
		r.company.served(len(requests), time.Now())
		if !r.round(ctx) {
			answerAll(requests, result{fate: fateNotProposed})
			continue
		}
		r.metrics.ReadRounds.Add(1)
		r.metrics.Reads.Add(len(requests))
		r.answer(ctx, requests, &answering)
	}
}

// Rounds are so cheap that, when many ask again and again, each would serve only the few that came while the last one ran. So above lingerAbove reads in about
// lingerMost a round waits until as many are there as are known to come: that number is found by waiting for lingerMost once in lingerProbe rounds, and whenever
// they do not come. Below that load nothing waits.
const (
	lingerAbove = 32
	lingerMost  = 3 * time.Millisecond
	lingerProbe = 32
)

// company decides how long a read round waits for others. One goroutine uses it.
type company struct {
	lately float64   // reads served in about the last lingerMost
	known  int       // how many come
	rounds int       // so far
	began  time.Time // the last round
}

// served notes a round.
func (c *company) served(requests int, now time.Time) {
	past := float64(now.Sub(c.began)) / float64(lingerMost)
	c.lately = c.lately*max(0, 1-past) + float64(requests)
	c.rounds, c.began = c.rounds+1, now
}

// complete reports whether a round may begin, when so many wait.
func (c *company) complete(waiting int) bool {
	return c.lately < lingerAbove || c.rounds%lingerProbe != 0 && waiting >= c.known
}

// linger waits for company, when there is reason to expect it.
func (r *reads) linger(ctx context.Context) {
	timer := time.NewTimer(max(lingerMost-time.Since(r.company.began), 0))
	defer timer.Stop()
	for !r.company.complete(r.waits()) {
		select {
		case <-r.kick:
			continue
		case <-timer.C:
		case <-ctx.Done():
		}
		break
	}
	r.company.known = r.waits()
}

// waits is how many requests wait.
func (r *reads) waits() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.waiting)
}

func (r *reads) take() []readRequest {
	r.mu.Lock()
	defer r.mu.Unlock()
	requests := r.waiting
	r.waiting = nil
	return requests
}

func (r *reads) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	answerAll(r.take(), result{fate: fateNotProposed})
}

// round returns true when the machine's state is at least as new as everything that was committed when the round began, anywhere. A leader of a later term
// would need the vote of one of the voters that still say this term, and a voter raises its term before it answers a request for its vote.
func (r *reads) round(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	index, ok := r.ballot.leads(r.term)
	if !ok {
		r.lost()
		return false
	}
	if !r.majoritySaysTerm(ctx) {
		return false
	}
	if _, ok := r.ballot.leads(r.term); !ok {
		r.lost()
		return false
	}
	return r.progress.waitIndex(ctx, index) == nil
}

// majoritySaysTerm asks the other voters for their current term. This node itself counts as one vote; the caller asks it afterwards.
func (r *reads) majoritySaysTerm(ctx context.Context) bool {
	voters, others := r.ballot.voters()
	agreed, needed := 1, voters/2+1
	if agreed >= needed {
		return true
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan uint64, len(others))
	for _, other := range others {
		go func() {
			answer, err := r.ask.Term(ctx, other)
			if err != nil {
				answer.Term = 0
			}
			answers <- answer.Term
		}()
	}
	for range others {
		switch term := <-answers; {
		case term == r.term:
			agreed++
		case term > r.term:
			r.lost()
			return false
		}
		if agreed >= needed {
			return true
		}
	}
	return false
}

// answer reads for every request of a round. What must wait for an instant that is not committed yet waits on a goroutine of its own.
func (r *reads) answer(ctx context.Context, requests []readRequest, answering *sync.WaitGroup) {
	for _, request := range requests {
		replies, wait := r.machine.Read(r.clock.now(), request.ops)
		if wait == 0 {
			request.done(result{replies: replies, fate: fateDone})
			continue
		}
		r.nudge()
		answering.Go(func() { r.answerLater(ctx, request, wait) })
	}
}

// answerLater waits until the instant is in the state, and reads again.
func (r *reads) answerLater(ctx context.Context, request readRequest, wait command.Instant) {
	for {
		if r.progress.waitInstant(ctx, wait) != nil {
			request.done(result{fate: fateNotProposed})
			return
		}
		var replies []command.Reply
		if replies, wait = r.machine.Read(r.clock.now(), request.ops); wait == 0 {
			request.done(result{replies: replies, fate: fateDone})
			return
		}
		r.nudge()
	}
}
