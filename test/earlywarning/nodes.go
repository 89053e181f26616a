package main

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/coordd/coordd/internal/freeport"
	"github.com/coordd/coordd/internal/process"
)

// key is what gossip is encrypted with here: 32 bytes in base64.
const key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// node is one `coordd serve`.
type node struct {
	id, redis, http string
	arguments       []string
	group           *process.Group
	process         *process.Process
}

// cluster is what the trials are made on.
type cluster struct {
	group  *process.Group
	binary string
	folder string
	gossip []string // of the voters
	voters []*node
	made   int
}

func build(ctx context.Context, folder string) (binary string, err error) {
	binary = filepath.Join(folder, "coordd")
	command := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/coordd")
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build coordd; run this from the root of the repository: %w\n%s", err, output)
	}
	return binary, nil
}

// found starts a cluster and waits until it serves.
func found(ctx context.Context, group *process.Group, binary, folder string, count int) (*cluster, error) {
	c := &cluster{group: group, binary: binary, folder: folder}
	for range count {
		address, err := freeport.Address()
		if err != nil {
			return nil, err
		}
		c.gossip = append(c.gossip, address)
	}
	for i := range count {
		n, err := c.make(c.gossip[i], "--bootstrap-expect", fmt.Sprint(count))
		if err != nil {
			return nil, err
		}
		c.voters = append(c.voters, n)
		if err := n.start(); err != nil {
			return nil, err
		}
	}
	for _, n := range c.voters {
		if err := n.ready(ctx); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// make prepares a node with ports and a data directory of its own.
func (c *cluster) make(gossip string, more ...string) (*node, error) {
	var addresses [3]string
	for i := range addresses {
		var err error
		if addresses[i], err = freeport.Address(); err != nil {
			return nil, err
		}
	}
	c.made++
	id := fmt.Sprintf("n%d", c.made)
	n := &node{id: id, redis: addresses[0], http: addresses[1], group: c.group}
	n.arguments = append([]string{c.binary, "serve", "--node-id", id, "--data-dir", filepath.Join(c.folder, id), "--redis-addr", n.redis, "--http-addr", n.http, "--peer-addr", addresses[2],
		"--gossip-addr", gossip, "--gossip-key", key, "--join", strings.Join(c.gossip, ",")}, more...)
	return n, nil
}

// newcomer prepares a node that only joins the gossip: nobody adds it to the cluster.
func (c *cluster) newcomer() (*node, error) {
	gossip, err := freeport.Address()
	if err != nil {
		return nil, err
	}
	return c.make(gossip)
}

func (n *node) start() (err error) {
	n.process, err = n.group.Start(process.Spec{Name: n.id, Path: n.arguments[0], Args: n.arguments[1:]})
	return err
}

// ready waits until the node serves.
func (n *node) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.http+"/readyz", nil)
		if err != nil {
			return err
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-n.process.Exited():
			return n.process.Wait(ctx)
		case <-ctx.Done():
			return fmt.Errorf("%s does not get ready; the end of its log:\n%s", n.id, n.process.LogTail(12))
		}
	}
}
