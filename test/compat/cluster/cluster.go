package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/coordd/coordd/internal/freeport"
	"github.com/coordd/coordd/internal/process"
)

// Cluster is a set of servers behind one address.
type Cluster struct {
	// Address is the one address that clients are given.
	Address string
	// Nodes are the servers behind it.
	Nodes []*Node
	// IsCoordd is false for the redis-server control.
	IsCoordd bool
	// Binary is the coordd program, empty for the control.
	Binary string
}

// BuildCoordd builds the coordd program from the repository into the folder
// and returns its path.
func BuildCoordd(ctx context.Context, repository, folder string) (string, error) {
	binary := filepath.Join(folder, "coordd")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/coordd")
	build.Dir = repository
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build coordd: %w\n%s", err, output)
	}
	return binary, nil
}

// StartCoordd starts nodes of `coordd serve` with their data below folder,
// puts the load balancer in front of them, and waits until all are ready.
// Further flags of serve may follow.
func StartCoordd(ctx context.Context, group *process.Group, binary, folder string, count int, flags ...string) (*Cluster, error) {
	cluster, err := newCoordd(group, binary, folder, count, flags)
	if err != nil {
		return nil, err
	}
	if err := cluster.startAll(ctx); err != nil {
		return nil, err
	}
	return cluster, cluster.startProxy(ctx, group, folder)
}

func newCoordd(group *process.Group, binary, folder string, count int, flags []string) (*Cluster, error) {
	gossip, err := freeAddresses(count)
	if err != nil {
		return nil, err
	}
	cluster := &Cluster{IsCoordd: true, Binary: binary}
	for i := range count {
		addresses, err := freeAddresses(3)
		if err != nil {
			return nil, err
		}
		name := "node-" + strconv.Itoa(i+1)
		node := &Node{
			Name: name, RedisAddr: addresses[0], HTTPAddr: addresses[1],
			DataDir: filepath.Join(folder, name), group: group,
		}
		node.spec = process.Spec{Name: name, Path: binary, Args: append([]string{
			"serve",
			"--redis-addr", node.RedisAddr, "--http-addr", node.HTTPAddr,
			"--peer-addr", addresses[2], "--gossip-addr", gossip[i],
			"--join", strings.Join(gossip, ","),
			"--data-dir", node.DataDir, "--bootstrap-expect", strconv.Itoa(count),
		}, flags...)}
		cluster.Nodes = append(cluster.Nodes, node)
	}
	return cluster, nil
}

// StartRedis starts one redis-server with the given extra settings ("--name",
// "value", ...) and no load balancer.
func StartRedis(ctx context.Context, group *process.Group, folder, name string, settings ...string) (*Cluster, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, fmt.Errorf("redis-server is not installed (Debian: apt-get install redis-server): %w", err)
	}
	address, err := freeport.Address()
	if err != nil {
		return nil, err
	}
	node := &Node{Name: name, RedisAddr: address, DataDir: filepath.Join(folder, name), group: group}
	if err := os.MkdirAll(node.DataDir, 0o755); err != nil {
		return nil, err
	}
	_, port, _ := strings.Cut(address, ":")
	node.spec = process.Spec{Name: name, Path: path, Args: append([]string{
		"--port", port, "--bind", "127.0.0.1", "--dir", node.DataDir, "--save", "", "--daemonize", "no",
	}, settings...)}
	cluster := &Cluster{Address: address, Nodes: []*Node{node}}
	return cluster, cluster.startAll(ctx)
}

func (c *Cluster) startAll(ctx context.Context) error {
	for _, node := range c.Nodes {
		if err := node.Start(); err != nil {
			return err
		}
	}
	return c.WaitReady(ctx)
}

// WaitReady waits until every node is ready, for at most half a minute.
func (c *Cluster) WaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for _, node := range c.Nodes {
		if err := node.WaitReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Leader returns the node that leads, waiting for at most ten seconds until
// one says that it does. When two do, the one of the later term counts.
func (c *Cluster) Leader(ctx context.Context) (*Node, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		if leader := c.leaderNow(ctx); leader != nil {
			return leader, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w (%w)", errNoLeader, context.Cause(ctx))
		case <-ticker.C:
		}
	}
}

func (c *Cluster) leaderNow(ctx context.Context) *Node {
	var leader *Node
	var term uint64
	for _, node := range c.Nodes {
		if !node.Running() {
			continue
		}
		status, err := node.Status(ctx)
		if err == nil && status.Role == "leader" && (leader == nil || status.Term > term) {
			leader, term = node, status.Term
		}
	}
	return leader
}

// StopNodes ends every server in order, so that its data can be read.
func (c *Cluster) StopNodes() {
	for _, node := range c.Nodes {
		if node.Running() {
			node.Stop()
		}
	}
}

func freeAddresses(count int) ([]string, error) {
	addresses := make([]string, count)
	for i := range addresses {
		address, err := freeport.Address()
		if err != nil {
			return nil, err
		}
		addresses[i] = address
	}
	return addresses, nil
}
