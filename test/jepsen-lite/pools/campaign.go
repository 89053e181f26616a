package pools

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/internal/freeport"
	"github.com/coordd/coordd/internal/process"
	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/cluster"
	"github.com/coordd/coordd/test/jepsen-lite/nemesis"
	"github.com/coordd/coordd/test/jepsen-lite/network"
)

// campaign is one that runs.
type campaign struct {
	plan    Plan
	place   Place
	random  *rand.Rand
	net     *network.Net
	nodes   *cluster.Cluster
	fleet   *fleet
	store   *child
	router  *child
	workers map[string]*child // those that live, by their ids
	next    int               // number of the next worker
	admin   *client.Client
	pool    *client.Pool
	table   *client.Router // of the harness itself
	found   findings
	lies    falseDeaths

	endBeside context.CancelFunc
	beside    sync.WaitGroup
	mu        sync.Mutex    // guards dead, and the starting of nodes
	dead      *cluster.Node // killed on purpose
}

// findings is what the harness itself has seen.
type findings struct {
	orphans  []orphan
	harms    map[string]int
	rolled   int   // workers that were restarted one after the other
	before   int64 // versions of the pool before and after
	after    int64
	owners   []string // by partition, before
	problems []string // what kept the campaign from proving anything
	lost     int64    // datagrams of gossip
	stopped  int      // nodes that ended by themselves
	twins    int      // second processes under a live worker's id
	twinsIn  []string // those that had an effect
}

const (
	settlePatience = 90 * time.Second
	startPatience  = time.Minute
)

// Do runs a campaign and judges it.
func Do(ctx context.Context, plan Plan, place Place) (check.Verdict, error) {
	c := &campaign{plan: plan, place: place, random: rand.New(rand.NewPCG(plan.Seed, 1)), net: network.New(plan.Seed), workers: map[string]*child{}, found: findings{harms: map[string]int{}}}
	defer c.net.Close()
	group := process.NewGroup(place.Out)
	defer group.Close(5 * time.Second)
	c.fleet = newFleet(place.Program, group)
	data, err := os.MkdirTemp(place.Out, "data-")
	if err != nil {
		return "", err
	}
	config := cluster.Config{Binary: place.Binary, DataDir: data, LogDir: place.Out, Nodes: 3, TrailingEntries: 1 << 30, FirstTrailingEntries: 1 << 30}
	if plan.Election > 0 {
		config.Flags = []string{"--election-timeout", plan.Election.String()}
	}
	if c.nodes, err = cluster.New(config, group, c.net); err != nil {
		return "", err
	}
	if err := c.begin(ctx); err != nil {
		return "", err
	}
	defer c.admin.Close()
	if err := c.harmAndRoll(ctx); err != nil {
		c.problem("%v", err)
	}
	if err := c.end(); err != nil {
		c.problem("%v", err)
	}
	for _, node := range c.nodes.Nodes() {
		node.Kill()
	}
	return c.judge(ctx)
}

func (c *campaign) printf(format string, arguments ...any) {
	fmt.Fprintf(c.place.Say, "%s  "+format+"\n", append([]any{time.Now().Format("15:04:05")}, arguments...)...)
}

func (c *campaign) problem(format string, arguments ...any) {
	text := fmt.Sprintf(format, arguments...)
	c.found.problems = append(c.found.problems, text)
	c.printf("PROBLEM: %s", text)
}

// begin starts the cluster, the store, the workers and the router.
func (c *campaign) begin(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*startPatience)
	defer cancel()
	if err := c.nodes.Start(); err != nil {
		return err
	}
	if err := c.nodes.WaitReady(ctx, c.nodes.Nodes()...); err != nil {
		return err
	}
	var err error
	if c.admin, err = client.Dial(ctx, client.Options{Endpoints: c.endpoints(0), Name: "campaign"}); err != nil {
		return err
	}
	c.pool = c.admin.Pool(poolName)
	if _, err := c.pool.Create(ctx, client.PoolSettings{Partitions: c.plan.Partitions, Debounce: 500 * time.Millisecond}); err != nil {
		return err
	}
	if c.table, err = c.pool.Router(ctx); err != nil {
		return err
	}
	if c.store, err = c.fleet.start("store", order{Role: "store", File: c.storeLog()}); err != nil {
		return err
	}
	ready, err := c.fleet.await(ctx, c.store, KindReady)
	if err != nil {
		return err
	}
	c.store.order.Store = ready.Text
	for range c.plan.Workers {
		c.next++
		if _, err := c.startWorker(workerID(c.next), c.next, startPatience); err != nil {
			return err
		}
	}
	if c.router, err = c.fleet.start("router", order{Role: "router", Endpoints: c.endpoints(1), Partitions: c.plan.Partitions, Lookups: c.plan.Lookups, Requests: c.plan.Requests, Seed: c.plan.Seed}); err != nil {
		return err
	}
	if err := c.settle(ctx); err != nil {
		return err
	}
	c.printf("%d workers share %d partitions", len(c.workers), c.plan.Partitions)
	return c.disturbGossip(ctx)
}

func (c *campaign) storeLog() string { return filepath.Join(c.place.Out, "store.log.bin") }

func workerID(number int) string { return fmt.Sprintf("w%02d", number) }

// endpoints are the nodes' Redis doors, beginning with the one at a place.
func (c *campaign) endpoints(first int) (endpoints []string) {
	nodes := c.nodes.Nodes()
	for i := range nodes {
		endpoints = append(endpoints, nodes[(first+i)%len(nodes)].RedisAddr)
	}
	return endpoints
}

// startWorker starts a worker process. It waits for nothing.
func (c *campaign) startWorker(id string, number int, patience time.Duration) (*child, error) {
	o := order{Role: "worker", Worker: id, Number: number, Endpoints: c.endpoints(number), Store: c.store.order.Store, Partitions: c.plan.Partitions, TTL: c.plan.TTL, Patience: patience}
	if err := c.joinGossip(&o); err != nil {
		return nil, err
	}
	started, err := c.fleet.start(id, o)
	if err == nil {
		c.workers[id] = started
	}
	return started, err
}

// joinGossip lets a worker take part in the gossip, if the plan says so.
func (c *campaign) joinGossip(o *order) (err error) {
	if c.plan.Early == 0 {
		return nil
	}
	o.Early, o.Gossipers = c.plan.Early, nil
	if o.Gossip, err = freeport.Address(); err != nil {
		return err
	}
	c.nodes.Net.Introduce(o.Gossip, o.Worker)
	for _, node := range c.nodes.Nodes() {
		o.Gossipers = append(o.Gossipers, node.GossipAddr()) // streams of strangers do not pass the doors; datagrams do, now
	}
	return nil
}

// settle waits until exactly the workers that live are members, and every partition has the owner that it should have.
func (c *campaign) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settlePatience)
	defer cancel()
	for {
		info, err := c.pool.Info(ctx)
		if err == nil && info.Settled() && c.areAll(info.Workers) {
			return nil
		}
		if cluster.Pause(ctx, 50*time.Millisecond) != nil {
			return fmt.Errorf("the pool did not settle in %v: %d workers of %d, %d partitions owned, %d draining, %d waiting, %d free (%w)",
				settlePatience, len(info.Workers), len(c.workers), info.Owned, info.Draining, info.Waiting, info.Free, errors.Join(err, context.Cause(ctx)))
		}
	}
}

func (c *campaign) areAll(members []client.WorkerInfo) bool {
	for _, member := range members {
		if c.workers[member.ID] == nil || member.State != "active" || member.Owned == 0 {
			return false
		}
	}
	return len(members) == len(c.workers)
}

// disturbGossip does to the gossip what the plan says, until the end, and looks after nodes that end by themselves.
func (c *campaign) disturbGossip(ctx context.Context) error {
	ctx, c.endBeside = context.WithCancel(context.WithoutCancel(ctx))
	c.beside.Go(func() { c.keepNodes(ctx) })
	switch c.plan.Gossip {
	case GossipCut:
		for _, from := range c.nodes.Nodes() {
			for _, to := range c.nodes.Nodes() {
				if from != to {
					c.net.Set(from.Name, to.Name, network.Gossip, network.Fault{Cut: network.Drop})
				}
			}
		}
		c.printf("no datagram of gossip passes between the nodes from now on")
	case GossipRogue:
		rogue, err := nemesis.Find("rogue-gossip")
		if err != nil {
			return err
		}
		env := &nemesis.Env{Cluster: c.nodes, Net: c.net, Random: rand.New(rand.NewPCG(c.plan.Seed, 2)), Hold: rogueSpan, Printf: c.printf}
		c.beside.Go(func() { c.watchLies(ctx) })
		c.beside.Go(func() {
			for ctx.Err() == nil {
				if err := rogue.Inject(ctx, env); err != nil && ctx.Err() == nil {
					c.printf("the rogue member of the gossip gave up: %v", err)
				}
				_ = cluster.Pause(ctx, roguePause)
			}
		})
	}
	return nil
}

const (
	rogueSpan  = 3 * time.Second  // for which somebody gossips who does not belong to the cluster
	roguePause = 10 * time.Second // before the next one does
)

// keepNodes starts nodes again that have ended by themselves, as a supervisor does: one whose id somebody else gossips under stops, because its data directory may have been copied, and a leader
// whose disk hangs does.
func (c *campaign) keepNodes(ctx context.Context) {
	for cluster.Pause(ctx, time.Second) == nil {
		for _, node := range c.nodes.Nodes() {
			c.mu.Lock()
			if node != c.dead && !node.Running() {
				c.found.stopped++
				if err := node.Start(); err != nil {
					c.printf("%s cannot be started again: %v", node.Name, err)
				}
			}
			c.mu.Unlock()
		}
	}
}

// killNode kills a node, which stays dead until it is started.
func (c *campaign) killNode(node *cluster.Node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = node
	node.Kill()
}

func (c *campaign) startNode(node *cluster.Node) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = nil
	return node.Start()
}

// end ends everything that writes, workers first, so that the store's log is whole.
func (c *campaign) end() error {
	ctx, cancel := context.WithTimeout(context.Background(), startPatience)
	defer cancel()
	failures := []error{c.router.end(ctx)}
	for _, worker := range c.workers {
		_ = worker.input.Close() // all of them at once
	}
	for _, worker := range c.workers {
		failures = append(failures, worker.wait(ctx))
	}
	if c.endBeside != nil {
		c.endBeside()
		c.beside.Wait()
	}
	c.found.lost = c.net.Effects().Lost
	if err := c.fleet.unreadable(); err != nil {
		failures = append(failures, err)
	}
	c.table.Close()
	return errors.Join(append(failures, c.store.end(ctx))...)
}

// summary is what was done, for people.
func (f *findings) summary() string {
	var parts []string
	for _, one := range harms {
		if f.harms[one.name] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d times", one.name, f.harms[one.name]))
		}
	}
	return strings.Join(parts, ", ")
}
