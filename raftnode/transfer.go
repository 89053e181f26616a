package raftnode

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport"
	"github.com/coordd/coordd/transport/peer"
	"github.com/hashicorp/raft"
)

// classLastIndex asks a node for the last index of its log. It is answered by every node, not only by the leader.
const classLastIndex frameClass = 5

// transferLag is how many entries a voter may lag behind to be made leader: a transfer to one that lags can leave Raft refusing every entry.
const transferLag = 64

// lagOf is how many entries of this leader's log a node does not have.
func (n *Node) lagOf(ctx context.Context, target peer.Target) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, n.config.RaftTimeout)
	defer cancel()
	answer, err := n.port.Forward(ctx, target, []byte{byte(classLastIndex)})
	if err != nil {
		return 0, err
	}
	index, width := binary.Uvarint(answer)
	if width <= 0 {
		return 0, fmt.Errorf("node %s did not tell how far its log goes", target.NodeID)
	}
	return subtract(n.raft.LastIndex(), index), nil
}

func subtract(a, b uint64) uint64 {
	if a < b {
		return 0
	}
	return a - b
}

// lastIndexAnswer is what lagOf reads.
func (n *Node) lastIndexAnswer() []byte {
	var index uint64
	if engine := n.engine(); engine != nil {
		index = engine.LastIndex()
	}
	return binary.AppendUvarint(nil, index)
}

// transferHere hands leadership to a caught-up voter, of its own choice when nodeID is empty, and returns when this node leads no more.
func (n *Node) transferHere(ctx context.Context, nodeID string) error {
	target, err := n.successor(ctx, nodeID)
	if err != nil || target.NodeID == n.self().NodeID {
		return err
	}
	done := make(chan error, 1)
	future := n.raft.LeadershipTransferToServer(raft.ServerID(target.NodeID), raft.ServerAddress(target.Address))
	go func() { done <- outcomeOf(future, n.raftEnded) }()
	timer := time.NewTimer(4 * n.config.RaftTimeout)
	defer timer.Stop()
	select {
	case err = <-done:
	case <-timer.C:
		err = fmt.Errorf("it did not end in %s", 4*n.config.RaftTimeout)
	case <-ctx.Done():
		err = ctx.Err()
	}
	n.leadership.look()
	if errors.Is(err, raft.ErrNotLeader) {
		return errNoLeader()
	}
	if err != nil {
		return transport.Errorf(command.CodeBusy, "leadership was not handed to %s: %v; retry", target.NodeID, err)
	}
	return nil
}

// successor finds a voter that has nearly all of the log: the one that was asked for, or the first that answers so.
func (n *Node) successor(ctx context.Context, nodeID string) (peer.Target, error) {
	_, others := n.voters()
	if nodeID == string(n.self().NodeID) {
		return n.self(), nil
	}
	reason := "there is no other voter"
	for _, other := range others {
		if nodeID != "" && nodeID != string(other.NodeID) {
			continue
		}
		lag, err := n.lagOf(ctx, other)
		switch {
		case err != nil:
			reason = fmt.Sprintf("%s cannot be asked: %v", other.NodeID, err)
		case lag > transferLag:
			reason = fmt.Sprintf("%s lags %d entries behind", other.NodeID, lag)
		default:
			return other, nil
		}
	}
	if _, known := n.find(nodeID); nodeID != "" && !known {
		reason = fmt.Sprintf("%s is not a member", nodeID)
	}
	return peer.Target{}, transport.Errorf(command.CodeGeneric, "leadership cannot be handed over: %s", reason)
}
