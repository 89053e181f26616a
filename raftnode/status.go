package raftnode

import (
	"context"
	"fmt"

	"github.com/coordd/coordd/transport"
	"github.com/hashicorp/raft"
)

// Status implements transport.Node.
func (n *Node) Status() transport.Status {
	known := n.dir.Identity()
	_, instant := n.progress.position()
	index, hash := n.machine.Hash()
	status := transport.Status{
		NodeID: known.NodeID, ClusterID: known.ClusterID, ClusterName: n.config.ClusterName, Role: transport.RoleWaiting,
		AppliedIndex: index, NowMs: int64(instant), StateHash: fmt.Sprintf("%016x", hash),
		StartedAt: n.startedAt, Version: n.config.Version, DataDirectory: n.config.DataDir, Gossip: n.gossipers(), Workers: n.gossipWorkers(),
	}
	status.Sessions, status.Locks, status.Names, status.Waiters = n.machine.Counts()
	if engine := n.engine(); engine != nil {
		n.addRaft(&status, engine)
	}
	status.ReadyReason = n.notReady(status)
	status.Ready = status.ReadyReason == ""
	return status
}

// addRaft adds what Raft knows.
func (n *Node) addRaft(status *transport.Status, engine *raft.Raft) {
	_, leader := engine.LeaderWithID()
	status.LeaderID, status.Term = string(leader), engine.CurrentTerm()
	status.CommitIndex, status.LastIndex = engine.CommitIndex(), engine.LastIndex()
	status.Role = roleOf(engine.State())
	gossiped := n.gossiped()
	for _, server := range engine.GetConfiguration().Configuration().Servers {
		member := transport.Member{
			NodeID: string(server.ID), Voter: server.Suffrage == raft.Voter, Leader: server.ID == leader, Self: string(server.ID) == status.NodeID,
			PeerAddress: string(server.Address), Gossip: "unknown",
		}
		if seen, ok := gossiped[member.NodeID]; ok {
			member.Gossip, member.RedisAddress, member.HTTPAddress = seen.Gossip, seen.RedisAddress, seen.HTTPAddress
		}
		if member.Self {
			member.RedisAddress, member.HTTPAddress = n.config.RedisAdvertise, n.config.HTTPAdvertise
		}
		status.Members = append(status.Members, member)
	}
}

// gossiped is what gossip adds to the members, by node id.
func (n *Node) gossiped() map[string]transport.Member {
	seen := make(map[string]transport.Member)
	if n.gossip == nil {
		return seen
	}
	for _, member := range n.gossip.Members() {
		seen[member.NodeID] = transport.Member{Gossip: string(member.State), RedisAddress: member.Meta.RedisAddress, HTTPAddress: member.Meta.HTTPAddress}
	}
	return seen
}

// gossipers are the nodes that gossip knows, members of the cluster or not.
func (n *Node) gossipers() (all []transport.Gossiper) {
	if n.gossip == nil {
		return nil
	}
	for _, member := range n.gossip.Members() {
		all = append(all, transport.Gossiper{
			NodeID: member.NodeID, State: string(member.State), Since: member.Since, GossipAddress: member.GossipAddress, PeerAddress: member.Meta.PeerAddress,
			RedisAddress: member.Meta.RedisAddress, HTTPAddress: member.Meta.HTTPAddress, ClusterID: member.Meta.ClusterID,
		})
	}
	return all
}

// gossipWorkers are the workers that gossip knows.
func (n *Node) gossipWorkers() (all []transport.GossipWorker) {
	if n.gossip == nil {
		return nil
	}
	for _, member := range n.gossip.Workers() {
		if len(all) == transport.MaxGossipWorkers {
			break
		}
		all = append(all, transport.GossipWorker{
			Pool: member.Worker.Pool, ID: member.Worker.ID, Session: member.Worker.Session, State: string(member.State), Since: member.Since, GossipAddress: member.GossipAddress,
		})
	}
	return all
}

func roleOf(state raft.RaftState) transport.Role {
	switch state {
	case raft.Leader:
		return transport.RoleLeader
	case raft.Follower:
		return transport.RoleFollower
	case raft.Candidate:
		return transport.RoleCandidate
	}
	return transport.RoleStopped
}

// notReady says why the node does not serve; empty when it does.
func (n *Node) notReady(status transport.Status) string {
	if err := n.Err(); err != nil {
		return "this node cannot go on: " + err.Error()
	}
	switch route, _ := n.leadership.route(); {
	case n.stopping.Load() || n.running.Err() != nil:
		return "this node is stopping"
	case status.ClusterID == "" && n.config.BootstrapExpect > 0:
		return fmt.Sprintf("this node waits until exactly %d nodes of cluster %q see each other, to found it", n.config.BootstrapExpect, n.config.ClusterName)
	case status.ClusterID == "":
		return fmt.Sprintf("this node looks for cluster %q; name one of its nodes in the list to join", n.config.ClusterName)
	case len(status.Members) == 0:
		return fmt.Sprintf("this node waits to be added: on any node of the cluster, add member %s at %s", status.NodeID, n.self().Address)
	case !route.known():
		return "no leader is known"
	case !n.isReady.Load():
		return "this node has not caught up with its leader yet"
	}
	return ""
}

// caughtUp lets the node be ready as soon as its own machine has run the entry that the leader answered for.
func (n *Node) caughtUp(ctx context.Context, index uint64) {
	n.tasks.Go(func() {
		if n.progress.waitIndex(ctx, index) == nil {
			n.isReady.Store(true)
		}
	})
}
