package raftnode_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/internal/freeport"
	"github.com/coordd/coordd/raftnode"
	"github.com/coordd/coordd/raftnode/clustertest"
	"github.com/coordd/coordd/raftnode/gossip"
)

const earlyAfter = time.Second // the least that a session may agree to

// gossiping is a founded cluster whose nodes gossip on the loopback, and its leader.
func gossiping(t *testing.T) (c *clustertest.Cluster, leader int, seeds []string) {
	t.Helper()
	c = clustertest.Start(t, clustertest.Options{Founded: true, Configure: func(_ int, config *raftnode.Config) { config.GossipAddress = "127.0.0.1:0" }})
	leader = c.AwaitLeader(-1)
	for i := range c.Size() {
		seeds = append(seeds, c.Node(i).GossipAddr())
	}
	g, err := gossip.Start(gossip.Config{NodeID: "introducer", ListenAddress: "127.0.0.1:0", Worker: gossip.Worker{ClusterName: c.Node(leader).Status().ClusterName}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if _, err := g.Join(seeds); err != nil { // the nodes were started without seeds
		t.Fatal(err)
	}
	return c, leader, seeds
}

// opens opens a session with a TTL of a minute, which agrees to an early end or not.
func opens(t *testing.T, c *clustertest.Cluster, leader int, agrees bool) command.SessionID {
	t.Helper()
	var op command.Op = command.SessionOpen{TTLMilliseconds: 60_000}
	if agrees {
		op = command.SessionOpenEarly{TTLMilliseconds: 60_000, EarlyMilliseconds: earlyAfter.Milliseconds()}
	}
	reply := c.Do(leader, op)[0]
	if reply.IsError() {
		t.Fatal(string(reply.Text))
	}
	id, err := command.ParsePosition(string(reply.Elements[1].Text))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// appears makes a worker of a session appear in the gossip, to every node.
func appears(t *testing.T, c *clustertest.Cluster, seeds []string, session command.SessionID) *gossip.Gossip {
	t.Helper()
	g, err := gossip.Start(gossip.Config{NodeID: "worker-" + session.String(), ListenAddress: "127.0.0.1:0",
		Worker: gossip.Worker{ClusterName: c.Node(0).Status().ClusterName, Pool: "p", ID: "w", Session: session.String()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	if n, err := g.Join(seeds); n != len(seeds) {
		t.Fatalf("%d of %d nodes heard of a worker: %v", n, len(seeds), err)
	}
	return g
}

func sessionLives(c *clustertest.Cluster, leader int, id command.SessionID) bool {
	return !c.Do(leader, command.SessionInfo{Session: id})[0].IsError()
}

// Of five workers that gossip misses, or that gossip never saw, only the one ends early that agreed to it and does not renew: its silence in the gossip made the leader look sooner. And a worker that
// says that it leaves is not missed.
func TestS28_GossipMakesTheLeaderLookSoonerAndDecidesNothing(t *testing.T) {
	c, leader, seeds := gossiping(t)
	dies, renews, declines, unseen, leaves := opens(t, c, leader, true), opens(t, c, leader, true), opens(t, c, leader, false), opens(t, c, leader, true), opens(t, c, leader, true)
	farewell := appears(t, c, seeds, leaves)
	var members []*gossip.Gossip
	for _, session := range []command.SessionID{dies, renews, declines} {
		members = append(members, appears(t, c, seeds, session))
	}
	renew := func() { c.Do(leader, command.SessionKeepAlive{Session: renews}) }
	for range 10 {
		c.Do(leader, command.SessionKeepAlive{Session: dies})
		renew()
		time.Sleep(earlyAfter / 5) // all are heard, and nothing ends; nothing is judged by it
	}
	for _, id := range []command.SessionID{dies, renews, declines, unseen, leaves} {
		if !sessionLives(c, leader, id) {
			t.Fatalf("session %s ended while its worker was heard", id)
		}
	}
	if err := farewell.Leave(5 * time.Second); err != nil {
		t.Fatal(err)
	}
	for _, member := range members {
		_ = member.Close() // without a word, as a process that is killed
	}
	died := time.Now()
	for sessionLives(c, leader, dies) {
		if time.Since(died) > 30*time.Second {
			t.Fatal("a silent session that agreed to end early did not")
		}
		renew()
		time.Sleep(earlyAfter / 20)
	}
	t.Logf("the session of a worker that died ended after %v; its TTL is a minute", time.Since(died).Round(time.Millisecond))
	for range 10 {
		renew()
		time.Sleep(earlyAfter / 5)
	}
	for what, id := range map[string]command.SessionID{"a session that is renewed": renews, "one that did not agree": declines, "one that gossip never showed": unseen, "one whose worker left": leaves} {
		if !sessionLives(c, leader, id) {
			t.Errorf("%s ended by what gossip says", what)
		}
	}
}

// Whoever has reached the gossip can declare a worker dead as often as he likes, and claim that its session is his own and die: as long as the worker renews, its session stays, and no entry is written.
func TestS28_ALiarEndsNoSessionThatIsRenewed(t *testing.T) {
	c, leader, seeds := gossiping(t)
	for attempt := 1; ; attempt++ {
		longest := renewUnderLies(t, c, leader, seeds)
		if longest < earlyAfter {
			return
		}
		if attempt == 5 {
			t.Skipf("five times the machine was so busy that a renewal took long, the last one %v, after which the session may end: nothing is shown", longest)
		}
	}
}

// renewUnderLies renews a session of a worker that is said to be dead all the time, and gives the longest time that it was not renewed. Was that short enough, then the session must live.
func renewUnderLies(t *testing.T, c *clustertest.Cluster, leader int, seeds []string) (longest time.Duration) {
	t.Helper()
	session := opens(t, c, leader, true)
	worker := appears(t, c, seeds, session)
	defer worker.Close()
	impersonate(t, c, seeds, session)
	before := c.Node(leader).Status().AppliedIndex
	renewals, begin := uint64(0), time.Now()
	renewed := begin
	for round := uint32(0); time.Since(begin) < 3*earlyAfter; round++ {
		lie(t, c.Node(0).Status().ClusterName, seeds, []string{"", "worker-" + session.String()}, 1_000_000+round)
		c.Do(leader, command.SessionKeepAlive{Session: session})
		longest, renewed = max(longest, time.Since(renewed)), time.Now()
		renewals++
		time.Sleep(earlyAfter / 10)
	}
	lives, took := sessionLives(c, leader, session), time.Since(begin)
	if longest = max(longest, time.Since(renewed)); longest >= earlyAfter {
		return longest
	}
	if !lives {
		t.Error("a liar ended the session of a worker that renews")
	}
	// Beside the renewals there are ticks, at most four a second, and the entries of nodes about themselves.
	if entries := c.Node(leader).Status().AppliedIndex - before; entries > 2*renewals+50+4*uint64(took/time.Second) {
		t.Errorf("the lies cost %d entries beside %d renewals", entries-renewals, renewals)
	}
	return longest
}

// impersonate lets somebody appear who says that the session is his, and die without a word.
func impersonate(t *testing.T, c *clustertest.Cluster, seeds []string, session command.SessionID) {
	t.Helper()
	impostor, err := gossip.Start(gossip.Config{NodeID: "impostor-" + session.String(), ListenAddress: "127.0.0.1:0",
		Worker: gossip.Worker{ClusterName: c.Node(0).Status().ClusterName, Session: session.String()}})
	if err != nil {
		t.Fatal(err)
	}
	defer impostor.Close()
	if _, err := impostor.Join(seeds); err != nil {
		t.Fatal(err)
	}
}

// S22: a cluster is founded by exactly so many nodes that see each other. Workers that gossip under the cluster's name already are none of them, and are no members afterwards.
func TestS22_WorkersInTheGossipFoundNoCluster(t *testing.T) {
	var workers []*gossip.Gossip
	var addresses []string
	for i := range 2 {
		g, err := gossip.Start(gossip.Config{NodeID: fmt.Sprint("worker-", i), ListenAddress: "127.0.0.1:0", Worker: gossip.Worker{ClusterName: raftnode.DefaultClusterName, Session: "1-0"}})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		workers, addresses = append(workers, g), append(addresses, g.Address())
	}
	for range 3 {
		address, err := freeport.Address()
		if err != nil {
			t.Fatal(err)
		}
		addresses = append(addresses, address)
	}
	c := clustertest.Start(t, clustertest.Options{Configure: func(i int, config *raftnode.Config) {
		config.GossipAddress, config.Join = addresses[len(workers)+i], addresses // which begin with the workers'
	}})
	leader := c.AwaitLeader(-1)
	for end := time.Now().Add(20 * time.Second); len(c.Node(leader).Status().Workers) != len(workers); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the leader hears %d workers of %d", len(c.Node(leader).Status().Workers), len(workers))
		}
	}
	if status := c.Node(leader).Status(); len(status.Members) != 3 || status.Voters() != 3 || len(status.Gossip) != 3 {
		t.Errorf("with workers in the gossip there are %d members, %d voters, and gossip shows %d nodes", len(status.Members), status.Voters(), len(status.Gossip))
	}
}
