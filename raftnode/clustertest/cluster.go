package clustertest

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/raftnode"
	"github.com/coordd/coordd/raftnode/store"
	"github.com/coordd/coordd/transport"
	"github.com/coordd/coordd/transport/peer/memnet"
)

// Options says what kind of cluster to start. The zero is three nodes over an in-memory network.
type Options struct {
	// Nodes is how many nodes found the cluster; 0 means 3.
	Nodes int
	// Loopback uses TCP on 127.0.0.1 and real stores instead of memory.
	Loopback bool
	// Founded lets the nodes start as members of a cluster, without the second that finding each other takes where time is real.
	Founded bool
	// Configure may change each node's configuration, at every start.
	Configure func(place int, config *raftnode.Config)
	// Dir is where the nodes' directories lie; empty means a temporary one that ends with the test.
	Dir string
	// Patience bounds waits for the cluster; 0 means 20 s.
	Patience time.Duration
	// Log receives the nodes' lines; nil drops everything below a warning.
	Log *slog.Logger
}

// Cluster is a running cluster. Its methods are for one goroutine, except Node and those of the nodes; Kill, StopNode and Restart of different nodes may run
// beside each other.
type Cluster struct {
	// Network is the in-memory network, nil on loopback. Hosts are named n0, n1, ….
	Network *memnet.Network

	t       testing.TB
	options Options
	places  []*place
}

// place is one node of the cluster, over all its lives.
type place struct {
	config raftnode.Config
	disk   *store.Memory
	clock  *Clock
	node   atomic.Pointer[raftnode.Node]
}

// Start founds a cluster and returns when every node is ready. Everything ends with the test.
func Start(t testing.TB, options Options) *Cluster {
	t.Helper()
	if options.Nodes == 0 {
		options.Nodes = 3
	}
	if options.Patience == 0 {
		options.Patience = 20 * time.Second
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	c := &Cluster{t: t, options: options}
	if !options.Loopback {
		c.Network = memnet.New()
	}
	for i := range options.Nodes {
		c.places = append(c.places, c.newPlace(i, options.Nodes))
	}
	c.learnAddresses()
	if options.Founded {
		c.found()
	}
	for i := range c.places {
		c.Restart(i)
	}
	t.Cleanup(c.Stop)
	for i := range c.places {
		c.AwaitReady(i)
	}
	return c
}

// newPlace prepares a node.
func (c *Cluster) newPlace(i, expect int) *place {
	p := &place{clock: NewClock(), disk: store.NewMemory()}
	p.config = raftnode.DefaultConfig()
	dir := c.options.Dir
	if dir == "" {
		dir = c.t.TempDir()
	}
	p.config.DataDir = filepath.Join(dir, fmt.Sprintf("n%d", i))
	p.config.BootstrapExpect = expect
	p.config.Clock = p.clock
	p.config.Logger = c.options.Log.With("node", i)
	p.config.PeerAddress = "127.0.0.1:0"
	if c.Network != nil {
		p.config.PeerAddress = fmt.Sprintf("n%d:7580", i)
		p.config.Network = c.Network.Host(host(i))
		p.config.OpenStores = p.disk.Open
	}
	return p
}

// learnAddresses fixes the peer addresses, so that a restarted node is found where it was.
func (c *Cluster) learnAddresses() {
	var all []string
	for _, p := range c.places {
		if c.Network == nil {
			p.config.PeerAddress = freeAddress(c.t)
		}
		all = append(all, p.config.PeerAddress)
	}
	for _, p := range c.places {
		p.config.Join = all
	}
}

// Size is the number of places.
func (c *Cluster) Size() int { return len(c.places) }

// Node is the node at a place; nil while it is down.
func (c *Cluster) Node(i int) *raftnode.Node { return c.places[i].node.Load() }

// Clock is the clock of a place.
func (c *Cluster) Clock(i int) *Clock { return c.places[i].clock }

// Disk is the in-memory disk of a place; it means nothing on loopback.
func (c *Cluster) Disk(i int) *store.Memory { return c.places[i].disk }

// Config is the configuration with which a place starts.
func (c *Cluster) Config(i int) *raftnode.Config { return &c.places[i].config }

// Restart starts a node that is down, from what its disk has.
func (c *Cluster) Restart(i int) *raftnode.Node {
	c.t.Helper()
	p := c.places[i]
	if c.Network != nil {
		p.config.Network = c.Network.Host(host(i)) // a process of its own, if one died there
	}
	config := p.config
	if c.options.Configure != nil {
		c.options.Configure(i, &config)
	}
	node, err := raftnode.Open(config)
	if err != nil {
		c.t.Fatalf("node %d does not start: %v", i, err)
	}
	p.node.Store(node)
	return node
}

// Add starts one more node, with an empty directory, that waits to be added to the cluster.
func (c *Cluster) Add() (i int) {
	c.t.Helper()
	i = len(c.places)
	p := c.newPlace(i, 0)
	if c.Network == nil {
		p.config.PeerAddress = freeAddress(c.t)
	}
	for _, other := range c.places {
		p.config.Join = append(p.config.Join, other.config.PeerAddress)
	}
	c.places = append(c.places, p)
	c.Restart(i)
	return i
}

// Kill ends a node as SIGKILL and a power failure would: connections break, and the disk forgets what was not synced at this moment. It returns when nothing of
// the node runs any more.
func (c *Cluster) Kill(i int) {
	p := c.places[i]
	node := p.node.Swap(nil)
	if c.Network != nil {
		c.Network.Crash(host(i))
	}
	p.disk.PowerOff()
	atOnce, cancel := context.WithCancel(context.Background())
	cancel()
	_ = node.Stop(atOnce)
	p.disk.Crash() // only now: Raft panics when its stores fail under it
}

// StopNode ends a node gracefully.
func (c *Cluster) StopNode(i int) {
	ctx, cancel := context.WithTimeout(context.Background(), c.options.Patience)
	defer cancel()
	node := c.places[i].node.Swap(nil)
	_ = node.Stop(ctx)
}

// Stop ends every node at once.
func (c *Cluster) Stop() {
	for i, p := range c.places {
		if p.node.Load() != nil {
			c.Kill(i)
		}
	}
}

// Isolate cuts a node off from all others, in both directions; Rejoin undoes it. Only in memory.
func (c *Cluster) Isolate(i int) { c.Network.Isolate(host(i), c.others(i)...) }

// Rejoin connects a node again.
func (c *Cluster) Rejoin(i int) { c.Network.Rejoin(host(i), c.others(i)...) }

func host(i int) string { return fmt.Sprintf("n%d", i) }

func (c *Cluster) others(i int) (names []string) {
	for j := range c.places {
		if j != i {
			names = append(names, host(j))
		}
	}
	return names
}

// AwaitReady waits until a node serves.
func (c *Cluster) AwaitReady(i int) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), c.options.Patience)
	defer cancel()
	if err := c.Node(i).WaitReady(ctx); err != nil {
		c.t.Fatalf("node %d: %v", i, err)
	}
}

// AwaitLeader waits until some running node says that it leads, and answers its place. With except not negative that node does not count.
func (c *Cluster) AwaitLeader(except int) int {
	c.t.Helper()
	for deadline := time.Now().Add(c.options.Patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if leader := c.Leader(); leader >= 0 && leader != except {
			return leader
		}
	}
	c.t.Fatal("no leader was elected")
	return -1
}

// Leader is the place of the leader of the highest term, -1 when nobody says that it leads.
func (c *Cluster) Leader() int {
	leader, term := -1, uint64(0)
	for i, p := range c.places {
		node := p.node.Load()
		if node == nil {
			continue
		}
		if status := node.Status(); status.Role == transport.RoleLeader && status.Term >= term {
			leader, term = i, status.Term
		}
	}
	return leader
}

// Follower is the place of a running node that does not lead.
func (c *Cluster) Follower() int {
	leader := c.AwaitLeader(-1)
	for i, p := range c.places {
		if p.node.Load() != nil && i != leader {
			return i
		}
	}
	c.t.Fatal("there is no follower")
	return -1
}

// Do executes ops on a node, on a lane of their own, and fails the test when that does.
func (c *Cluster) Do(i int, ops ...command.Op) []command.Reply {
	c.t.Helper()
	replies, err := c.Try(i, ops...)
	if err != nil {
		c.t.Fatalf("node %d: %v", i, err)
	}
	return replies
}

// Try executes ops on a node, on a lane of their own.
func (c *Cluster) Try(i int, ops ...command.Op) ([]command.Reply, error) {
	node := c.Node(i)
	ctx, cancel := context.WithTimeout(context.Background(), c.options.Patience)
	defer cancel()
	return node.Execute(ctx, node.OpenLane(), ops)
}
