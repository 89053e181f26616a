package transporttest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport"
)

// Node is a transport.Node over one machine. Its replicated time is the time since it was made, plus what Advance added.
type Node struct {
	// Intercept, when set before the first use, sees every Execute first. An error it returns is the outcome, and nothing is run.
	Intercept func(ctx context.Context, ops []command.Op) error

	machine *fsm.Machine
	events  *transport.EventLog
	started time.Time
	frozen  bool
	added   atomic.Int64 // ms, by Advance
	lanes   atomic.Uint64
	entries atomic.Uint64

	mu      sync.Mutex // one entry at a time
	index   uint64
	applied chan struct{}               // closed and replaced when an entry was applied or the clock moved
	gone    map[command.WaiterID]string // why waiters left their queues without a grant
}

var _ transport.Node = (*Node)(nil)

// term is the only term of such a node.
const term = 1

// NewNode makes a node whose clock runs.
func NewNode() *Node { return newNode(false) }

// NewFrozenNode makes a node whose clock moves with Advance alone.
func NewFrozenNode() *Node { return newNode(true) }

func newNode(frozen bool) *Node {
	n := &Node{machine: fsm.New(), events: transport.NewEventLog(), started: time.Now(), frozen: frozen, applied: make(chan struct{}), gone: map[command.WaiterID]string{}}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.apply(
		command.Identity{ClusterID: "00000000-0000-4000-8000-000000000001", ClusterName: "test"},
		command.ClockOffset{Milliseconds: n.started.UnixMilli() - int64(n.now())},
	)
	return n
}

// now is the replicated instant that an entry sealed now would carry. It begins at 1 s, so that it never looks like "none".
func (n *Node) now() command.Instant {
	instant := command.Instant(1000 + n.added.Load())
	if n.frozen {
		return instant
	}
	return instant.Add(time.Since(n.started).Milliseconds())
}

// Advance moves the clock and ends what is due then.
func (n *Node) Advance(d time.Duration) {
	n.added.Add(d.Milliseconds())
	n.mu.Lock()
	defer n.mu.Unlock()
	n.expire()
	n.announce()
}

// Machine is the machine behind the node, for looking at.
func (n *Node) Machine() *fsm.Machine { return n.machine }

// Entries counts the log entries so far.
func (n *Node) Entries() uint64 { return n.entries.Load() }

// announce wakes everybody who waits for a change. mu is held.
func (n *Node) announce() {
	close(n.applied)
	n.applied = make(chan struct{})
}

// apply runs ops as one entry. mu is held.
func (n *Node) apply(ops ...command.Op) []command.Reply {
	entry := command.Entry{Term: term, Now: n.now()}
	for _, op := range ops {
		entry.Commands = append(entry.Commands, command.Command{Op: op})
	}
	n.index++
	n.entries.Add(1)
	outcome := n.machine.Apply(n.index, term, command.AppendEntry(nil, entry))
	if outcome.Fatal != nil {
		panic(fmt.Sprintf("the machine refused an entry for good: %v", outcome.Fatal))
	}
	for _, event := range outcome.Events {
		if event.Type == fsm.EventWaiterGone {
			n.gone[event.Waiter] = event.Reason
		}
	}
	n.events.Add(n.index, outcome.Now, outcome.Events)
	n.announce()
	return outcome.Replies
}

// Events implements transport.Node.
func (n *Node) Events(ctx context.Context, after command.Position, most int, wanted func(*fsm.Event) bool, wait bool) (transport.EventPage, error) {
	return n.events.Read(ctx, after, most, wanted, wait)
}

// expire ends what is due. mu is held.
func (n *Node) expire() {
	for {
		deadline, any := n.machine.NextDeadline()
		if !n.machine.HasWork() && (!any || deadline > n.now()) {
			return
		}
		n.apply(command.Expire{})
	}
}

// OpenLane implements transport.Node.
func (n *Node) OpenLane() uint64 { return n.lanes.Add(1) }

// Execute implements transport.Node.
func (n *Node) Execute(ctx context.Context, _ uint64, ops []command.Op) ([]command.Reply, error) {
	if n.Intercept != nil {
		if err := n.Intercept(ctx, ops); err != nil {
			return nil, err
		}
	}
	if ctx.Err() != nil {
		return nil, transport.Errorf(command.CodeShuttingDown, "the request was given up")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.expire()
	if allReadOnly(ops) {
		return n.read(ops), nil
	}
	replies := make([]command.Reply, 0, len(ops))
	for _, op := range ops {
		reply := n.apply(op)[0]
		for reply.Type == command.ReplyAgain {
			reply = n.apply(op)[0]
		}
		replies = append(replies, reply)
	}
	n.expire()
	return replies, nil
}

func allReadOnly(ops []command.Op) bool {
	for _, op := range ops {
		if !op.ReadOnly() {
			return false
		}
	}
	return true
}

// read answers ops without an entry, after those that their deadlines ask for. mu is held.
func (n *Node) read(ops []command.Op) []command.Reply {
	for {
		replies, wait := n.machine.Read(n.now(), ops)
		if wait == 0 {
			return replies
		}
		n.apply(command.Expire{})
	}
}

// Await implements transport.Node.
func (n *Node) Await(ctx context.Context, name string, waiter command.WaiterID) (command.Reply, error) {
	for {
		n.mu.Lock()
		n.expire()
		reply, done := n.outcome(name, waiter)
		changed, due := n.applied, n.untilDeadline()
		n.mu.Unlock()
		if done {
			return reply, nil
		}
		select {
		case <-changed:
		case <-due:
		case <-ctx.Done():
			return command.Reply{}, transport.Errorf(command.CodeShuttingDown, "the wait for %q was given up", name)
		}
	}
}

// outcome is how a wait ended, if it has. mu is held.
func (n *Node) outcome(name string, waiter command.WaiterID) (command.Reply, bool) {
	reason, gone := n.gone[waiter]
	if !gone {
		return n.machine.WaiterOutcome(name, waiter)
	}
	switch reason {
	case fsm.ReasonTimeout:
		return command.Errorf(command.CodeWaitTimeout, "%q was not free in the time that the acquire gave itself", name), true
	case fsm.ReasonSessionEnded, fsm.ReasonClosed, fsm.ReasonKilled:
		return command.Errorf(command.CodeNoSession, "the session of the acquire of %q has ended", name), true
	}
	return command.Errorf(command.CodeCancelled, "the acquire of %q was withdrawn", name), true
}

// untilDeadline fires when the next deadline is due; never when the clock is frozen.
func (n *Node) untilDeadline() <-chan time.Time {
	deadline, any := n.machine.NextDeadline()
	if !any || n.frozen {
		return nil
	}
	return time.After(time.Duration(deadline-n.now()+1) * time.Millisecond)
}

// Status implements transport.Node: a leader among three voters, of which the others exist on paper only.
func (n *Node) Status() transport.Status {
	sessions, locks, names, waiters := n.machine.Counts()
	clusterID, clusterName := n.machine.Identity()
	index := n.machine.AppliedIndex()
	const self = "00000000-0000-4000-8000-000000000002"
	return transport.Status{
		NodeID: self, ClusterID: clusterID, ClusterName: clusterName, Role: transport.RoleLeader, LeaderID: self, Term: term,
		CommitIndex: index, AppliedIndex: index, LastIndex: index, NowMs: int64(n.machine.Now()), Ready: true, StartedAt: n.started,
		Sessions: sessions, Locks: locks, Names: names, Waiters: waiters, Version: "test",
		Members: []transport.Member{
			{NodeID: self, Voter: true, Leader: true, Self: true},
			{NodeID: "00000000-0000-4000-8000-000000000003", Voter: true},
			{NodeID: "00000000-0000-4000-8000-000000000004", Voter: true},
		},
	}
}
