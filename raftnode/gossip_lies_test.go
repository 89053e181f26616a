package raftnode_test

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/internal/forgery"
	"github.com/coordd/coordd/raftnode"
	"github.com/coordd/coordd/raftnode/clustertest"
	"github.com/coordd/coordd/raftnode/gossip"
)

// Gossip never decides: while an impostor tells every node that all others are dead, and that it belongs to the cluster itself, each partition stays with its owner under its token, the
// members stay members, and nobody stands for election.
func TestLyingGossipMovesNothing(t *testing.T) {
	c := clustertest.Start(t, clustertest.Options{Founded: true, Configure: func(_ int, config *raftnode.Config) { config.GossipAddress = "127.0.0.1:0" }})
	leader := c.AwaitLeader(-1)
	status := c.Node(leader).Status()
	liar, err := gossip.Start(gossip.Config{NodeID: "liar", ListenAddress: "127.0.0.1:0",
		Meta: gossip.Meta{PeerAddress: status.Members[0].PeerAddress, ClusterName: status.ClusterName, ClusterID: status.ClusterID}})
	if err != nil {
		t.Fatal(err)
	}
	defer liar.Close()
	var addresses, ids []string
	for i := range c.Size() {
		addresses, ids = append(addresses, c.Node(i).GossipAddr()), append(ids, c.Node(i).Status().NodeID)
	}
	if _, err := liar.Join(addresses); err != nil {
		t.Fatal(err)
	}
	crew := enlist(t, c, leader)
	table := func() string { return fmt.Sprint(c.Do(leader, command.PoolTable{Pool: "p"})[0].Elements[17]) } // the rows
	before := table()
	believed := map[string]bool{} // states of nodes that live, as lies made them
	for round := range uint32(20) {
		lie(t, status.ClusterName, addresses, ids, 1_000_000+round)
		c.Do(leader, crew...)
		for i := range c.Size() {
			for _, g := range c.Node(i).Status().Gossip {
				believed[g.State] = true
			}
		}
		time.Sleep(25 * time.Millisecond) // between lies; nothing is judged by it
	}
	if !believed["dead"] && !believed["left"] {
		t.Errorf("the lies were not even heard: %v", believed)
	}
	if after := table(); after != before {
		t.Errorf("partitions went from %s to %s", before, after)
	}
	for i := range c.Size() {
		if now := c.Node(i).Status(); now.Term != status.Term || now.LeaderID != status.LeaderID || now.Voters() != c.Size() || len(now.Members) != c.Size() {
			t.Errorf("node %d is in term %d under %s with %d members; it was term %d under %s", i, now.Term, now.LeaderID, len(now.Members), status.Term, status.LeaderID)
		}
	}
}

// enlist makes a pool of two workers, and gives the commands that keep them alive.
func enlist(t *testing.T, c *clustertest.Cluster, leader int) (keepalives []command.Op) {
	t.Helper()
	c.Do(leader, command.PoolCreate{Pool: "p", Partitions: 32, Settings: command.PoolSettings{Drain: 1000}})
	for i := range 2 {
		opened := c.Do(leader, command.SessionOpen{TTLMilliseconds: 60_000})[0]
		session, err := command.ParsePosition(string(opened.Elements[1].Text))
		if err != nil {
			t.Fatal(err)
		}
		member := command.PoolMember{Pool: "p", Worker: fmt.Sprint("w", i), Session: session}
		if reply := c.Do(leader, command.PoolJoin{Member: member, Weight: 1})[0]; reply.IsError() {
			t.Fatal(string(reply.Text))
		}
		keepalives = append(keepalives, command.SessionKeepAlive{Session: session})
	}
	return keepalives
}

// lie tells every node that the others are dead.
func lie(t *testing.T, label string, addresses, ids []string, incarnation uint32) {
	t.Helper()
	for to, address := range addresses {
		conn, err := net.Dial("udp", address)
		if err != nil {
			t.Fatal(err)
		}
		for about, id := range ids {
			if about != to {
				_, _ = conn.Write(forgery.Death(label, id, id, incarnation)) // a packet may get lost; there are many
			}
		}
		conn.Close()
	}
}

// A member that comes under a node's id elsewhere stops nobody whom the configuration names; one that says it can be reached where the node can may be a copy of it, and stops it.
func TestANodesIDInTheGossip(t *testing.T) {
	c := clustertest.Start(t, clustertest.Options{Founded: true, Configure: func(_ int, config *raftnode.Config) { config.GossipAddress = "127.0.0.1:0" }})
	leader := c.AwaitLeader(-1)
	status := c.Node(leader).Status()
	come := func(peerAddress string) {
		t.Helper()
		other, err := gossip.Start(gossip.Config{NodeID: status.NodeID, ListenAddress: "127.0.0.1:0",
			Meta: gossip.Meta{PeerAddress: peerAddress, ClusterName: status.ClusterName, ClusterID: status.ClusterID}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = other.Close() })
		if _, err := other.Join([]string{c.Node(leader).GossipAddr()}); err != nil {
			t.Fatal(err)
		}
	}
	come("elsewhere:7580")
	for range 20 {
		if reply := c.Do(leader, set("k", "v"))[0]; reply.IsError() || c.Node(leader).Err() != nil {
			t.Fatalf("a member elsewhere under the node's id: %s, %v", reply.Text, c.Node(leader).Err())
		}
		time.Sleep(25 * time.Millisecond) // for the gossip to tell it again; nothing is judged by it
	}
	for _, member := range status.Members {
		if member.NodeID == status.NodeID {
			come(member.PeerAddress)
		}
	}
	for end := time.Now().Add(20 * time.Second); c.Node(leader).Err() == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a copy of the node at the same address went unnoticed")
		}
	}
}
