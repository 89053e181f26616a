package workergossip

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coordd/coordd/raftnode/gossip"
)

// startNodes starts so many nodes that only gossip.
func startNodes(t *testing.T, count int) (nodes []*gossip.Gossip, addresses []string) {
	t.Helper()
	for i := range count {
		node, err := gossip.Start(gossip.Config{NodeID: fmt.Sprint("n", i), ListenAddress: "127.0.0.1:0", Seeds: addresses, Meta: gossip.Meta{ClusterName: "test", PeerAddress: fmt.Sprint("n", i, ":1")}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = node.Close() })
		nodes, addresses = append(nodes, node), append(addresses, node.Address())
	}
	return nodes, addresses
}

func join(t *testing.T, nodes []string) *Member {
	t.Helper()
	member, err := Join(Config{ClusterName: "test", Nodes: nodes, ListenAddress: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = member.Close() })
	return member
}

// awaitWord waits until a node shows one worker, written as pool/id/session state.
func awaitWord(t *testing.T, node *gossip.Gossip, want string) {
	t.Helper()
	var got []string
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		got = got[:0]
		for _, m := range node.Workers() {
			got = append(got, fmt.Sprintf("%s/%s/%s %s", m.Worker.Pool, m.Worker.ID, m.Worker.Session, m.State))
		}
		if len(got) == 1 && got[0] == want {
			return
		}
	}
	t.Fatalf("the workers are %v, not %s", got, want)
}

// However fast sessions follow each other, the nodes are told the last, and a worker that leaves is not missed.
func TestTheNodesAreToldTheLatestSession(t *testing.T) {
	nodes, addresses := startNodes(t, 2)
	member := join(t, addresses[:1])
	for i := range 20 {
		if err := member.Present("orders", "w1", fmt.Sprintf("%d-0", i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, node := range nodes {
		awaitWord(t, node, "orders/w1/19-0 alive")
	}
	if err := member.Leave(5 * time.Second); err != nil {
		t.Fatal(err)
	}
	awaitWord(t, nodes[0], "orders/w1/19-0 left")
	if err := member.Present("orders", "w1", "20-0"); err != nil { // without effect, and without harm
		t.Error(err)
	}
}

// A pool may have a longer name than gossip carries. Its worker is told so at once, whatever session it serves under, and the nodes go on to hear what can be told.
func TestNamesThatGossipCannotCarryAreRefused(t *testing.T) {
	nodes, addresses := startNodes(t, 1)
	member := join(t, addresses)
	for _, c := range []struct{ pool, worker, because string }{
		{strings.Repeat("p", 256), "w1", "longer than 255"},
		{"orders", strings.Repeat("w", 256), "longer than 255"},
		{strings.Repeat("p", 240), strings.Repeat("w", 240), "use shorter names"},
	} {
		for _, session := range []string{"1-0", "18446744073709551615-4294967295"} {
			if err := member.Present(c.pool, c.worker, session); err == nil || !strings.Contains(err.Error(), c.because) {
				t.Errorf("names of %d and %d bytes, session %s: %v", len(c.pool), len(c.worker), session, err)
			}
		}
	}
	if err := member.Present(strings.Repeat("p", 200), strings.Repeat("w", 240), "1-0"); err != nil {
		t.Fatal(err)
	}
	awaitWord(t, nodes[0], strings.Repeat("p", 200)+"/"+strings.Repeat("w", 240)+"/1-0 alive")
}

// joinThree starts three nodes and a member that all of them answer.
func joinThree(t *testing.T) ([]*gossip.Gossip, *Member) {
	t.Helper()
	nodes, addresses := startNodes(t, 3)
	member := join(t, addresses)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if answering, known := member.Nodes(t.Context()); answering == 3 && known == 3 {
			return nodes, member
		}
		if time.Now().After(end) {
			t.Fatal("the nodes do not answer")
		}
	}
}

// A node that has died keeps no answer waiting: what most of the nodes say is known as soon as they have said it, while the word still has most of its time before it.
func TestADeadNodeDelaysNobodysHearing(t *testing.T) {
	nodes, member := joinThree(t)
	if err := nodes[0].Close(); err != nil {
		t.Fatal(err)
	}
	fastest := time.Hour // of a few, since the machine may be doing something else
	for range 5 {
		asked := time.Now()
		if !member.Heard(t.Context()) {
			t.Fatal("two of three nodes answer, and a worker is not heard")
		}
		fastest = min(fastest, time.Since(asked))
	}
	if fastest > 150*time.Millisecond {
		t.Errorf("with one of three nodes gone a worker was heard after %v at best", fastest)
	}
}

// A worker is heard while most of the nodes answer: one that died does not silence it, and one alone of three does not speak for all.
func TestHeardByMostOfTheNodes(t *testing.T) {
	nodes, member := joinThree(t)
	for gone, want := range []bool{true, true, false, false} {
		if gone > 0 {
			_ = nodes[gone-1].Close()
		}
		if heard := member.Heard(t.Context()); heard != want {
			t.Errorf("with %d of 3 nodes gone a worker is heard: %t", gone, heard)
		}
	}
}

func TestConfigsThatCannotWork(t *testing.T) {
	for what, config := range map[string]Config{
		"no name": {Nodes: []string{"127.0.0.1:1"}}, "no nodes": {ClusterName: "test"},
		"a short key": {ClusterName: "test", Nodes: []string{"127.0.0.1:1"}, Key: []byte("short")},
		"no address":  {ClusterName: "test", Nodes: []string{"127.0.0.1:1"}, ListenAddress: "nowhere"},
	} {
		if member, err := Join(config); err == nil {
			_ = member.Close()
			t.Errorf("%s was taken", what)
		}
	}
	alone := join(t, []string{"127.0.0.1:1"})
	if alone.Heard(t.Context()) {
		t.Error("a process that knows no node is heard")
	}
}
