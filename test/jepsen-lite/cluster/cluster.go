package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coordd/coordd/internal/process"
	"github.com/coordd/coordd/test/jepsen-lite/network"
)

// Config says what to run.
type Config struct {
	Binary string
	// DataDir holds a folder for each node. LogDir takes their logs, and must exist.
	DataDir, LogDir string
	Nodes           int
	// LogStore is bolt or wal; bolt when empty.
	LogStore string
	// SnapshotEntries and TrailingEntries are flags of coordd serve; 0 leaves the program's defaults. The first node keeps FirstTrailingEntries instead, so that
	// one log at least can be judged.
	SnapshotEntries, TrailingEntries, FirstTrailingEntries int
	// Failpoints says that the binary was built with the tag failpoints, so that nodes follow orders.
	Failpoints bool
	// Flags are further flags of coordd serve.
	Flags []string
	// Ended, if it is not nil, is told of every node whose process ended without having been killed by the harness, and how.
	Ended func(node string, how error)
}

// WholeLog is more entries than any run writes: nodes that keep so many behind a snapshot can be judged from their first entry.
const WholeLog = 1 << 29

// Cluster is the nodes of one run.
type Cluster struct {
	Net network.Network

	config Config
	group  *process.Group

	mu    sync.Mutex
	nodes []*Node
}

// Build builds a program from the repository, with further arguments of go build, into the path.
func Build(ctx context.Context, repository, program, path string, arguments ...string) error {
	build := exec.CommandContext(ctx, "go", append(append([]string{"build", "-o", path}, arguments...), program)...)
	build.Dir = repository
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", program, err, output)
	}
	return nil
}

// New prepares the nodes and their addresses; Start starts them. The group ends their processes.
func New(config Config, group *process.Group, net network.Network) (*Cluster, error) {
	c := &Cluster{Net: net, config: config, group: group}
	for i := range config.Nodes {
		if _, err := c.AddNode("n" + strconv.Itoa(i+1)); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// AddNode prepares one more node. It is started without --bootstrap-expect if the cluster was started before.
func (c *Cluster) AddNode(name string) (*Node, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	addresses, err := c.Net.AddNode(name, c.processes)
	if err != nil {
		return nil, err
	}
	node := &Node{
		Name: name, cluster: c, DataDir: filepath.Join(c.config.DataDir, name),
		RedisAddr: addresses.Redis, HTTPAddr: addresses.HTTP, peerAddr: addresses.Peer, gossipAddr: addresses.Gossip,
		PeerAdvertise: addresses.PeerAdvertise, gossipAdvertise: addresses.GossipAdvertise,
	}
	if err := os.MkdirAll(node.DataDir, 0o700); err != nil {
		return nil, err
	}
	c.nodes = append(c.nodes, node)
	return node, nil
}

// loopback is the host of a network that keeps to the machine's own loopback.
const loopback = "127.0.0.1"

// arguments are those of coordd serve.
func (n *Node) arguments() []string {
	c := n.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	var join []string
	for _, other := range c.nodes {
		join = append(join, other.gossipAdvertise)
	}
	arguments := []string{
		"serve", "--node-id", n.id(), "--data-dir", n.DataDir, "--join", strings.Join(join, ","),
		"--redis-addr", n.RedisAddr, "--http-addr", n.HTTPAddr,
		"--peer-addr", n.peerAddr, "--advertise-peer-addr", n.PeerAdvertise,
		"--gossip-addr", n.gossipAddr, "--advertise-gossip-addr", n.gossipAdvertise,
	}
	if !n.joins && slices.Index(c.nodes, n) < c.config.Nodes {
		arguments = append(arguments, "--bootstrap-expect", strconv.Itoa(c.config.Nodes))
	}
	if c.Net.Host() != loopback {
		arguments = append(arguments, "--insecure") // nobody else is in that network
	}
	if c.config.LogStore != "" {
		arguments = append(arguments, "--log-store", c.config.LogStore)
	}
	if c.config.SnapshotEntries > 0 {
		arguments = append(arguments, "--snapshot-entries", strconv.Itoa(c.config.SnapshotEntries))
	}
	trailing := c.config.TrailingEntries
	if c.nodes[0] == n {
		trailing = c.config.FirstTrailingEntries
	}
	if trailing > 0 {
		arguments = append(arguments, "--trailing-entries", strconv.Itoa(trailing))
	}
	return append(arguments, c.config.Flags...)
}

// processes gives the names of the running nodes by process id.
func (c *Cluster) processes() map[int]string {
	names := map[int]string{}
	for _, node := range c.Nodes() {
		if pid := node.PID(); pid != 0 {
			names[pid] = node.Name
		}
	}
	return names
}

// Nodes are all nodes, those that were added later last.
func (c *Cluster) Nodes() []*Node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.nodes)
}

// Binary is the program that the nodes run.
func (c *Cluster) Binary() string { return c.config.Binary }

// Start starts every node that does not run.
func (c *Cluster) Start() error {
	for _, node := range c.Nodes() {
		if !node.Running() {
			if err := node.Start(); err != nil {
				return err
			}
		}
	}
	return nil
}

const pollInterval = 20 * time.Millisecond

// WaitReady waits until all the nodes say that they can serve.
func (c *Cluster) WaitReady(ctx context.Context, nodes ...*Node) error {
	for _, node := range nodes {
		if err := node.waitReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (n *Node) waitReady(ctx context.Context) error {
	for {
		status, err := n.Status(ctx)
		switch {
		case err == nil && status.Ready:
			return nil
		case err == nil:
			err = errors.New(status.ReadyReason)
		}
		if !n.Running() {
			return fmt.Errorf("%s ended before it was ready; the end of its log (%s):\n%s", n.Name, n.Log(), n.Tail(12))
		}
		if Pause(ctx, pollInterval) != nil {
			return fmt.Errorf("%s is not ready: %w", n.Name, err)
		}
	}
}

// ErrNoLeader is returned when no node said in time that it leads.
var ErrNoLeader = errors.New("no node says that it leads")

// Leader waits for a node that says that it leads, and whose followers agree: of several, the one of the latest term.
func (c *Cluster) Leader(ctx context.Context) (*Node, error) {
	for {
		if leader := c.leaderNow(ctx); leader != nil {
			return leader, nil
		}
		if Pause(ctx, pollInterval) != nil {
			return nil, fmt.Errorf("%w (%w)", ErrNoLeader, context.Cause(ctx))
		}
	}
}

// LeaderOtherThan waits for a leader that is not this node, which need not even answer.
func (c *Cluster) LeaderOtherThan(ctx context.Context, node *Node) (*Node, error) {
	for {
		for _, other := range c.Nodes() {
			if other == node || !other.Running() {
				continue
			}
			if status, err := other.Status(ctx); err == nil && status.Role == "leader" {
				return other, nil
			}
		}
		if Pause(ctx, pollInterval) != nil {
			return nil, fmt.Errorf("%w (%w)", ErrNoLeader, context.Cause(ctx))
		}
	}
}

func (c *Cluster) leaderNow(ctx context.Context) *Node {
	var leader *Node
	var term uint64
	for _, node := range c.Nodes() {
		if !node.Running() || node.Stopped() {
			continue
		}
		status, err := node.Status(ctx)
		if err == nil && status.Role == "leader" && status.Term > term {
			leader, term = node, status.Term
		}
	}
	return leader
}

// Pause waits for a time; it returns an error when the context ends before.
func Pause(ctx context.Context, span time.Duration) error {
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
