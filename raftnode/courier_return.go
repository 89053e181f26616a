package raftnode

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport"
	"github.com/coordd/coordd/transport/peer"
)

func errStopping() *transport.Error {
	return transport.Errorf(command.CodeShuttingDown, "this node is stopping; nothing was proposed; another node serves")
}

func errNoLeader() *transport.Error {
	return transport.Errorf(command.CodeNoLeader, "coordd has no leader; retry")
}

func errUnknown() *transport.Error {
	return transport.Errorf(command.CodeUnknownOutcome, "the command was proposed and its fate is not known; it may have taken effect, or may yet")
}

// sendHere gives a batch to the reign of this node.
func (c *courier) sendHere(reign *reign, batch []*job, lowWater uint64) {
	if c.class == classReads {
		requests := make([]readRequest, len(batch))
		for i, j := range batch {
			requests[i] = readRequest{ops: j.ops, done: func(r result) { c.back(j, r) }}
		}
		reign.reads.submit(requests)
		return
	}
	parcels := make([]*parcel, len(batch))
	for i, j := range batch {
		parcels[i] = newParcel(j.commands(lowWater), c.class == classKeepalives, func(r result) { c.back(j, r) })
	}
	reign.proposer.submit(parcels)
}

// sendThere sends a batch to another node and waits for the answer.
func (c *courier) sendThere(ctx context.Context, leader peer.Target, batch []*job, lowWater uint64) {
	frame := newFrame(c.class, len(batch))
	for _, j := range batch {
		frame = appendJob(frame, j.commands(lowWater))
	}
	answer, err := c.caller.Forward(ctx, leader, frame)
	results := make([]result, len(batch))
	switch {
	case err == nil:
		results = decodeAnswer(answer, len(batch))
	case errors.Is(err, peer.ErrTooLarge):
		fill(results, result{fate: fateTooLarge})
	case peer.Unsent(err):
		fill(results, result{fate: fateNotProposed})
	default:
		fill(results, result{fate: fateUnknown})
	}
	c.mu.Lock()
	c.frames--
	c.mu.Unlock()
	for i, j := range batch {
		c.back(j, results[i])
	}
	nudge(c.kick)
}

func fill(results []result, with result) {
	for i := range results {
		results[i] = with
	}
}

// back takes a job back after an attempt: it ends, or waits to be sent again under the same numbers.
func (c *courier) back(j *job, r result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if j.state != jobSent {
		return
	}
	c.underWay--
	if j.number != 0 && c.sessionRefused(j, r.replies) {
		return
	}
	j.replies = append(j.replies, r.replies...)
	switch {
	case len(j.replies) == len(j.ops):
		c.end(j, nil)
	case r.fate == fateTooLarge:
		c.end(j, transport.Errorf(command.CodeLimit, "the request or its answer is larger than %d MiB, which is more than one node hands another; ask for less at a time", peer.MaxFrameSize>>20))
	case r.fate == fateBusy && !j.maybeProposed && !j.abandoned:
		c.metrics.Busy.Add(1)
		c.end(j, transport.Errorf(command.CodeBusy, "too much is under way at the leader; nothing was proposed; retry after a pause"))
	default:
		c.again(j, r.fate)
	}
}

// again lets a job wait to be sent once more, unless nobody waits for it or its numbers have died with their session. c.mu is held.
func (c *courier) again(j *job, why fate) {
	j.maybeProposed = j.maybeProposed || why == fateUnknown && c.class != classReads
	dead := j.number != 0 && c.numbers.dead[j.session]
	switch {
	case j.abandoned:
		c.end(j, nil)
	case dead && j.maybeProposed:
		c.endUnknown(j)
	case c.closed:
		c.endClosed(j)
	default:
		if dead {
			j.number = 0 // it was never run under the old number, and cannot be any more
		}
		c.metrics.Resent.Add(1)
		c.requeue(j)
	}
}

func (c *courier) endUnknown(j *job) {
	c.metrics.UnknownOutcomes.Add(1)
	c.end(j, errUnknown())
}

func (c *courier) endClosed(j *job) {
	if j.maybeProposed {
		c.endUnknown(j)
		return
	}
	c.end(j, errStopping())
}

// requeue puts a job back where its number belongs: older ones go first. c.mu is held.
func (c *courier) requeue(j *job) {
	j.state = jobWaiting
	at, _ := slices.BinarySearchFunc(c.waiting, j, func(a, b *job) int { return cmp.Compare(rank(a), rank(b)) })
	c.waiting = slices.Insert(c.waiting, at, j)
	c.waitingOps += len(j.ops)
	c.pausedUntil = time.Now().Add(retryPause)
	nudge(c.kick)
}

// rank orders waiting jobs: those with numbers in their order, then those without.
func rank(j *job) uint64 {
	if j.number == 0 {
		return 1<<64 - 1
	}
	return j.number
}

// sessionRefused looks for the answer that the node session is gone. What was answered before it stands; the rest is set aside until the cluster was asked
// whether that is so, since the answer could also speak of a session that the command names. c.mu is held.
func (c *courier) sessionRefused(j *job, replies []command.Reply) bool {
	at := slices.IndexFunc(replies, func(reply command.Reply) bool {
		return reply.Code == command.CodeNoSession && speaksOf(reply, j.session)
	})
	if at < 0 {
		return false
	}
	j.replies = append(j.replies, replies[:at]...)
	if c.numbers.dead[j.session] {
		c.again(j, fateNotProposed)
		return true
	}
	j.state, j.setAside = jobAsked, replies[at:]
	c.asked = append(c.asked, j)
	c.question(j.session)
	return true
}

// speaksOf reports whether a refusal names the session.
func speaksOf(reply command.Reply, session command.SessionID) bool {
	return bytes.Contains(reply.Text, []byte("session "+session.String()+" "))
}

// opened starts numbering under a new session.
func (c *courier) opened(session command.SessionID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.numbers.open(session)
	nudge(c.kick)
}

// answered is told whether a node session lives. When it is gone, jobs under its numbers that may have been proposed end as unknown: a second number would
// risk a second effect.
func (c *courier) answered(session command.SessionID, alive bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !alive {
		c.numbers.lose(session)
	}
	asked := c.asked
	c.asked = nil
	for _, j := range asked {
		switch {
		case j.session != session:
			c.asked = append(c.asked, j)
		case alive:
			j.replies = append(j.replies, j.setAside...)
			c.end(j, nil)
		default:
			c.again(j, fateNotProposed)
		}
	}
	if !alive {
		c.endDead(session)
	}
	nudge(c.kick)
}

// endDead ends what waits under numbers of a dead session. c.mu is held.
func (c *courier) endDead(session command.SessionID) {
	kept := c.waiting[:0]
	for _, j := range c.waiting {
		if j.number != 0 && j.session == session && j.maybeProposed {
			c.waitingOps -= len(j.ops)
			c.endUnknown(j)
			continue
		}
		if j.session == session {
			j.number = 0
		}
		kept = append(kept, j)
	}
	clear(c.waiting[len(kept):])
	c.waiting = kept
}

// close refuses everything that waits, for good.
func (c *courier) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, j := range append(c.waiting, c.asked...) {
		c.endClosed(j)
	}
	c.waiting, c.asked, c.waitingOps = nil, nil, 0
}

// idle reports whether no job is under way.
func (c *courier) idle(ctx context.Context) error {
	for {
		c.mu.Lock()
		busy := len(c.waiting) > 0 || c.underWay > 0
		c.mu.Unlock()
		if !busy {
			return nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
