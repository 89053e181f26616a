package raftnode

import (
	"context"
	"errors"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport"
)

// Node is one running node. Open makes it; it satisfies transport.Node and transport.Admin.
type Node struct{}

var (
	_ transport.Node  = (*Node)(nil)
	_ transport.Admin = (*Node)(nil)
)

var errSkeleton = errors.New("not opened")

// Open starts a node and returns at once; it serves as soon as it has found its cluster and a leader, which Status().Ready tells.
func Open(config Config) (*Node, error) { return nil, errSkeleton }

// Stop hands leadership over if this node has it, finishes what is under way, and closes everything. It returns when that is done or ctx ends; either way
// nothing of the node runs afterwards. It may be called more than once.
func (n *Node) Stop(ctx context.Context) error { return nil }

// PeerAddr is the address on which the peer port listens.
func (n *Node) PeerAddr() string { return "" }

// GossipAddr is the address on which gossip listens, empty without gossip.
func (n *Node) GossipAddr() string { return "" }

// OpenLane implements transport.Node.
func (n *Node) OpenLane() (lane uint64) { return 0 }

// Execute implements transport.Node.
func (n *Node) Execute(ctx context.Context, lane uint64, ops []command.Op) ([]command.Reply, error) {
	return nil, errSkeleton
}

// Await implements transport.Node.
func (n *Node) Await(ctx context.Context, name string, waiter command.WaiterID) (command.Reply, error) {
	return command.Reply{}, errSkeleton
}

// Status implements transport.Node.
func (n *Node) Status() transport.Status { return transport.Status{} }

// AddMember implements transport.Admin.
func (n *Node) AddMember(ctx context.Context, nodeID, peerAddress string, voter bool) error {
	return errSkeleton
}

// RemoveMember implements transport.Admin.
func (n *Node) RemoveMember(ctx context.Context, nodeID string) error { return errSkeleton }

// TransferLeadership implements transport.Admin.
func (n *Node) TransferLeadership(ctx context.Context, nodeID string) error { return errSkeleton }
