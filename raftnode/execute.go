package raftnode

import (
	"context"
	"slices"

	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport"
)

// OpenLane implements transport.Node.
func (n *Node) OpenLane() (lane uint64) { return n.lanes.Add(1) }

// Execute implements transport.Node.
func (n *Node) Execute(ctx context.Context, lane uint64, ops []command.Op) ([]command.Reply, error) {
	if err := n.refusal(); err != nil {
		return nil, err
	}
	switch {
	case len(ops) == 0:
		return nil, nil
	case all(ops, command.Op.ReadOnly):
		return n.readCourier.carry(ctx, newJob(lane, ops, bytesOf(ops)))
	case all(ops, isKeepalive):
		return n.urgentCourier.carry(ctx, newJob(lane, ops, bytesOf(ops)))
	}
	return n.executeThroughLog(ctx, lane, ops)
}

// executeThroughLog carries out a pipeline piece by piece.
func (n *Node) executeThroughLog(ctx context.Context, lane uint64, ops []command.Op) ([]command.Reply, error) {
	var replies []command.Reply
	for len(ops) > 0 {
		count, bytes := piece(ops)
		if at := slices.IndexFunc(ops[:count], tooLarge); at == 0 {
			return replies, transport.Errorf(command.CodeLimit, "the command has more than %d KiB, which is more than a log entry holds; nothing was done", maxCommandBytes>>10)
		} else if at > 0 {
			count = at
		}
		some, err := n.commandCourier.carry(ctx, newJob(lane, ops[:count], bytes))
		replies = append(replies, some...)
		if err != nil {
			return replies, err
		}
		ops = ops[count:]
	}
	return replies, nil
}

func all(ops []command.Op, holds func(command.Op) bool) bool {
	for _, op := range ops {
		if !holds(op) {
			return false
		}
	}
	return true
}

func bytesOf(ops []command.Op) int {
	bytes := 0
	for _, op := range ops {
		bytes += opBytes(op)
	}
	return bytes
}

func isKeepalive(op command.Op) bool {
	switch op.(type) {
	case command.SessionKeepAlive, command.SessionRenew:
		return true
	}
	return false
}

// Await implements transport.Node.
func (n *Node) Await(ctx context.Context, name string, waiter command.WaiterID) (command.Reply, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(n.running, cancel)()
	// The waiter was answered by the leader; this node may not have run that entry yet.
	err := n.progress.waitIndex(ctx, waiter.Index)
	if err == nil {
		var reply command.Reply
		if reply, err = n.waits.await(ctx, n.machine, name, waiter); err == nil {
			return reply, nil
		}
	}
	if n.running.Err() != nil {
		return command.Reply{}, errStopping()
	}
	return command.Reply{}, transport.Errorf(command.CodeBusy, "nobody waits for the lock any more: %v; the waiter still stands in its queue until it is cancelled", err)
}

// Events implements transport.Node.
func (n *Node) Events(ctx context.Context, after command.Position, most int, wanted func(*fsm.Event) bool, wait bool) (transport.EventPage, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(n.running, cancel)()
	return n.events.Read(ctx, after, most, wanted, wait)
}
