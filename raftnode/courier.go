package raftnode

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/raftnode/metrics"
	"github.com/coordd/coordd/transport"
	"github.com/coordd/coordd/transport/peer"
)

const (
	// maxWaitingOps is how many ops may wait at one node for a leader or for room, before it answers busy.
	maxWaitingOps = 32768
	// maxFrames is how many frames a courier keeps under way to a remote leader. What arrives meanwhile shares the next one.
	maxFrames = 16
	// maxFrameOps and maxFrameBytes end a frame.
	maxFrameOps   = 2048
	maxFrameBytes = 1 << 20
	// retryPause is how long a courier waits before it asks the same leader again.
	retryPause = 10 * time.Millisecond
)

// frameClass says what a courier carries. The numbers travel in frames and are never reused.
type frameClass uint8

const (
	classCommands   frameClass = 1 // numbered by the node session
	classKeepalives frameClass = 2 // anonymous; they go before everything else and are shed last
	classReads      frameClass = 3
)

// courier carries jobs of one class to whoever leads, in batches, older ones first, and carries them again until their fate is known. One goroutine, run,
// sends; carry is called by as many as like.
type courier struct {
	class    frameClass
	leaders  *leadership
	caller   forwarder
	metrics  *metrics.Metrics
	hold     time.Duration                   // how long a job may wait without having been proposed
	outcome  time.Duration                   // how long the fate of one that may have been proposed is asked for
	timers   sync.Pool                       // *time.Timer, stopped
	question func(session command.SessionID) // asks the cluster whether a node session lives; the answer comes by answered

	mu          sync.Mutex
	numbers     *numbering // nil unless class is classCommands
	waiting     []*job     // in the order of arrival
	waitingOps  int
	asked       []*job
	underWay    int // jobs at the leader
	frames      int
	pausedUntil time.Time
	closed      bool
	kick        chan struct{}
}

// forwarder sends a frame to another node. *peer.Port is one.
type forwarder interface {
	Forward(ctx context.Context, to peer.Target, payload []byte) ([]byte, error)
}

// carry takes a job to the leader and returns when it has ended, when ctx ends, or when patience is over.
func (c *courier) carry(ctx context.Context, j *job) ([]command.Reply, error) {
	if err := c.enqueue(j); err != nil {
		return nil, err
	}
	timer := c.takeTimer(c.hold)
	defer c.keepTimer(timer)
	for extended := false; ; extended = true {
		select {
		case <-j.done:
			return j.outcome()
		case <-ctx.Done():
			return c.abandon(j)
		case <-timer.C:
			if extended || !c.maybeProposed(j) {
				return c.abandon(j)
			}
			timer.Reset(max(c.outcome-c.hold, 0))
		}
	}
}

// takeTimer gives a timer that runs for so long. One that was stopped leaves nothing in its channel, so it serves again.
func (c *courier) takeTimer(d time.Duration) *time.Timer {
	timer, ok := c.timers.Get().(*time.Timer)
	if !ok {
		return time.NewTimer(d)
	}
	timer.Reset(d)
	return timer
}

func (c *courier) keepTimer(timer *time.Timer) {
	timer.Stop()
	c.timers.Put(timer)
}

// outcome is what Execute returns of an ended job.
func (j *job) outcome() ([]command.Reply, error) {
	if j.err != nil {
		return j.replies, j.err
	}
	return j.replies, nil
}

func (c *courier) enqueue(j *job) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return errStopping()
	}
	if c.class != classKeepalives && c.waitingOps+len(j.ops) > maxWaitingOps {
		c.metrics.Busy.Add(1)
		return transport.Errorf(command.CodeBusy, "%d commands wait at this node; nothing was proposed; retry after a pause", c.waitingOps)
	}
	c.waiting = append(c.waiting, j)
	c.waitingOps += len(j.ops)
	nudge(c.kick)
	return nil
}

// maybeProposed reports whether the job's fate could be anything but "not proposed".
func (c *courier) maybeProposed(j *job) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.class != classReads && (j.maybeProposed || j.state == jobSent || j.state == jobAsked)
}

// abandon gives a job up and says what is known of it. One that is at the leader is left to itself; it is not sent again.
func (c *courier) abandon(j *job) ([]command.Reply, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if j.state == jobEnded {
		return j.outcome()
	}
	j.abandoned = true
	unknown := c.class != classReads && (j.maybeProposed || j.state != jobWaiting)
	if j.state == jobWaiting {
		c.waiting = slices.DeleteFunc(c.waiting, func(other *job) bool { return other == j })
		c.waitingOps -= len(j.ops)
		c.end(j, nil)
	}
	if unknown {
		c.metrics.UnknownOutcomes.Add(1)
		return j.replies, errUnknown()
	}
	if route, _ := c.leaders.route(); route.known() && c.class == classCommands {
		return j.replies, transport.Errorf(command.CodeBusy, "the command waited too long for its turn; it was not proposed; retry after a pause")
	}
	return j.replies, errNoLeader()
}

// end finishes a job. c.mu is held.
func (c *courier) end(j *job, err *transport.Error) {
	j.state, j.err = jobEnded, err
	if j.number != 0 && c.numbers != nil {
		c.numbers.retire(j.session, j.number, len(j.ops), j.replyBytes())
	}
	close(j.done)
}

// leg is the time during which a courier sends to one leader.
type leg struct {
	ctx    context.Context
	cancel context.CancelFunc
}

func newLeg(ctx context.Context) leg {
	ctx, cancel := context.WithCancel(ctx)
	return leg{ctx, cancel}
}

// run sends what waits, until ctx ends. Then everything that waits is refused.
func (c *courier) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var aim route
	present := newLeg(ctx)
	defer func() { present.cancel() }()
	for {
		route, changed := c.leaders.route()
		if route != aim {
			present.cancel() // what is under way to the former leader comes back, and goes to the new one under the same numbers
			present = newLeg(ctx)
			aim = route
			c.unpause()
		}
		// Whoever is about to enqueue does so first: then one frame carries what would be many. It costs nothing when nobody is.
		runtime.Gosched()
		if route.known() {
			c.sendAll(present.ctx, route)
		}
		if pause := c.pause(); pause > 0 {
			timer.Reset(pause)
		}
		select {
		case <-c.kick:
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
			c.close()
			return
		}
	}
}

func (c *courier) unpause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pausedUntil = time.Time{}
}

// pause is how long nothing may be sent, while something waits.
func (c *courier) pause() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 || c.pausedUntil.IsZero() {
		return 0
	}
	return max(time.Until(c.pausedUntil), time.Millisecond)
}

// sendAll sends frames until nothing waits or too many are under way.
func (c *courier) sendAll(ctx context.Context, to route) {
	for {
		batch, lowWater := c.take(to.reign == nil)
		if len(batch) == 0 {
			return
		}
		if to.reign != nil {
			c.sendHere(to.reign, batch, lowWater)
			continue
		}
		c.metrics.Forwarded.Add(len(batch))
		go c.sendThere(ctx, to.leader, batch, lowWater)
	}
}

// take removes the next batch from the queue and numbers what has no number yet. Jobs for which there is no number now keep waiting, and so do all behind them.
func (c *courier) take(remote bool) (batch []*job, lowWater uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if remote && c.frames >= maxFrames || time.Until(c.pausedUntil) > 0 {
		return nil, 0
	}
	ops, bytes := 0, 0
	for _, j := range c.waiting {
		if ops > 0 && (ops+len(j.ops) > maxFrameOps || bytes+j.bytes > maxFrameBytes) || !c.number(j) {
			break
		}
		ops, bytes = ops+len(j.ops), bytes+j.bytes
		j.state = jobSent
		batch = append(batch, j)
	}
	c.waiting = slices.Delete(c.waiting, 0, len(batch))
	c.waitingOps -= ops
	c.underWay += len(batch)
	if remote && len(batch) > 0 {
		c.frames++
	}
	if c.numbers != nil {
		lowWater = c.numbers.lowWater
	}
	return batch, lowWater
}

// number makes sure that a job has its number. c.mu is held.
func (c *courier) number(j *job) bool {
	if c.numbers == nil || j.number != 0 {
		return true
	}
	first, ok := c.numbers.assign(len(j.ops))
	if ok {
		j.session, j.number = c.numbers.session, first
	}
	return ok
}
