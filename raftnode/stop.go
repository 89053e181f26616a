package raftnode

import (
	"context"
	"time"

	"github.com/hashicorp/raft"
)

// engineStopPatience bounds how long the end of Raft is waited for: a disk that hangs never lets it end.
const engineStopPatience = 5 * time.Second

// Stop hands leadership over if this node has it, finishes what is under way, and closes everything. When ctx ends first, the rest is done at once and
// without ceremony, as by a crash. It returns when nothing of the node runs any more, and may be called more than once.
func (n *Node) Stop(ctx context.Context) error {
	n.stopOnce.Do(func() {
		n.stopping.Store(true)
		n.finishUp(ctx)
		n.shutDown()
		close(n.stopped)
	})
	<-n.stopped
	return n.Err()
}

// finishUp is what a graceful end adds to a crash. A node that belongs to no cluster yet has only gossip to leave.
func (n *Node) finishUp(ctx context.Context) {
	if ctx.Err() != nil || n.running.Err() != nil {
		return
	}
	if n.engine() != nil {
		n.finishWork(ctx)
	}
	if n.gossip != nil && ctx.Err() == nil {
		_ = n.gossip.Leave(time.Second)
	}
}

// finishWork answers what is under way, and gives back what this node has in the cluster.
func (n *Node) finishWork(ctx context.Context) {
	_ = n.commandCourier.idle(ctx)
	_ = n.readCourier.idle(ctx)
	if ctx.Err() == nil {
		n.session.close(ctx)
	}
	if ctx.Err() == nil {
		n.handOver(ctx)
	}
}

// handOver gives leadership to another voter, if there is one.
func (n *Node) handOver(ctx context.Context) {
	if _, others := n.voters(); n.raft.State() != raft.Leader || len(others) == 0 {
		return
	}
	if err := n.transferHere(ctx, ""); err != nil {
		n.log.Warn("leadership could not be handed over; the others will elect a leader", "error", err)
	}
}

// shutDown closes everything, in the order in which each part stops needing the next.
func (n *Node) shutDown() {
	n.cancel()
	if n.engine() != nil {
		n.leadership.waitReigns(time.Second)
		ended := n.beginRaftEnd()
		waitFor(engineStopPatience, func() { _ = ended.Error() })
		close(n.raftEnded)
		_ = n.transport.Close() // Raft does not close it when it ends by itself, as a removed leader does
	}
	if n.port != nil {
		_ = n.port.Close()
	}
	n.tasks.Wait()
	if n.gossip != nil {
		_ = n.gossip.Close()
	}
	if n.stores != nil {
		_ = n.stores.Close()
	}
	if n.dir != nil {
		_ = n.dir.Close()
	}
}

// beginRaftEnd lets Raft end and answers the future of that. Only Raft's first answer can be waited for, so it is kept.
func (n *Node) beginRaftEnd() raft.Future {
	if n.engine() == nil {
		return nil
	}
	return n.raftEnd()
}

// waitFor waits until the function has returned, at most so long.
func waitFor(most time.Duration, function func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		function()
	}()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}
