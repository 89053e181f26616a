package localcluster

import (
	"context"
	"encoding/base64"
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

// ClusterName is the name of the clusters that are founded here.
const ClusterName = "local"

// GossipKey is the key of their gossip.
func GossipKey() []byte {
	decoded, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		panic(err) // it stands above
	}
	return decoded
}

// Node is one `coordd serve`, started or not.
type Node struct {
	ID          string
	Redis, HTTP string // where it serves
	Process     *process.Process

	arguments []string
	group     *process.Group
}

// Cluster is a cluster of processes.
type Cluster struct {
	Voters []*Node
	Gossip []string // the addresses at which they gossip

	group  *process.Group
	binary string
	folder string
	made   int
}

// Build builds coordd into a folder. It must be called in the root of the repository.
func Build(ctx context.Context, folder string) (binary string, err error) {
	binary = filepath.Join(folder, "coordd")
	command := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/coordd")
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build coordd; run this from the root of the repository: %w\n%s", err, output)
	}
	return binary, nil
}

// Found starts a cluster of so many nodes, with their data below folder, and waits until it serves. The group ends it.
func Found(ctx context.Context, group *process.Group, binary, folder string, count int) (*Cluster, error) {
	c := &Cluster{group: group, binary: binary, folder: folder}
	for range count {
		address, err := freeport.Address()
		if err != nil {
			return nil, err
		}
		c.Gossip = append(c.Gossip, address)
	}
	for i := range count {
		n, err := c.make(c.Gossip[i], "--bootstrap-expect", fmt.Sprint(count))
		if err != nil {
			return nil, err
		}
		c.Voters = append(c.Voters, n)
		if err := n.Start(); err != nil {
			return nil, err
		}
	}
	for _, n := range c.Voters {
		if err := n.Ready(ctx); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// make prepares a node with ports and a data directory of its own.
func (c *Cluster) make(gossip string, more ...string) (*Node, error) {
	var addresses [3]string
	for i := range addresses {
		var err error
		if addresses[i], err = freeport.Address(); err != nil {
			return nil, err
		}
	}
	c.made++
	id := fmt.Sprintf("n%d", c.made)
	n := &Node{ID: id, Redis: addresses[0], HTTP: addresses[1], group: c.group}
	n.arguments = append([]string{c.binary, "serve", "--node-id", id, "--data-dir", filepath.Join(c.folder, id), "--redis-addr", n.Redis, "--http-addr", n.HTTP, "--peer-addr", addresses[2],
		"--cluster-name", ClusterName, "--gossip-addr", gossip, "--gossip-key", key, "--join", strings.Join(c.Gossip, ",")}, more...)
	return n, nil
}

// Newcomer prepares a node that only joins the gossip: nobody adds it to the cluster.
func (c *Cluster) Newcomer() (*Node, error) {
	gossip, err := freeport.Address()
	if err != nil {
		return nil, err
	}
	return c.make(gossip)
}

// Start starts the process, again if it had ended.
func (n *Node) Start() (err error) {
	n.Process, err = n.group.Start(process.Spec{Name: n.ID, Path: n.arguments[0], Args: n.arguments[1:]})
	return err
}

// Ready waits until the node serves, for half a minute at most.
func (n *Node) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.HTTP+"/readyz", nil)
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
		case <-n.Process.Exited():
			return n.Process.Wait(ctx)
		case <-ctx.Done():
			return fmt.Errorf("%s does not get ready; the end of its log:\n%s", n.ID, n.Process.LogTail(12))
		}
	}
}
