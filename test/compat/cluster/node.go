package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/coordd/coordd/internal/process"
	"github.com/coordd/coordd/test/compat/resp"
)

// Node is one server process and where it listens. It keeps its addresses and
// its data directory over Kill and Start.
type Node struct {
	Name      string
	RedisAddr string
	// HTTPAddr is empty for a redis-server.
	HTTPAddr string
	DataDir  string

	group *process.Group
	spec  process.Spec
	child *process.Process
}

// Status is what a coordd node says about itself.
type Status struct {
	NodeID   string `json:"node_id"`
	Role     string `json:"role"`
	LeaderID string `json:"leader_id"`
	Term     uint64 `json:"term"`
}

var httpClient = &http.Client{Timeout: 2 * time.Second}

// Start starts the process; it does not wait until it is ready.
func (n *Node) Start() error {
	if n.Running() {
		return fmt.Errorf("%s already runs", n.Name)
	}
	child, err := n.group.Start(n.spec)
	if err != nil {
		return err
	}
	n.child = child
	return nil
}

// Running says whether the process is there.
func (n *Node) Running() bool { return n.child != nil && n.child.Running() }

// PID is the id of the process.
func (n *Node) PID() int { return n.child.PID() }

// Kill ends the process with SIGKILL.
func (n *Node) Kill() { n.child.Kill() }

// Stop ends the process in order.
func (n *Node) Stop() { n.child.Stop(10 * time.Second) }

// Log returns the last lines of the node's log.
func (n *Node) Log(lines int) string { return n.child.LogTail(lines) }

// Status asks the node how it stands.
func (n *Node) Status(ctx context.Context) (Status, error) {
	if n.HTTPAddr == "" {
		return Status{NodeID: n.Name, Role: "leader", LeaderID: n.Name}, nil
	}
	var status Status
	body, err := n.get(ctx, "/status")
	if err != nil {
		return status, err
	}
	if err := json.Unmarshal(body, &status); err != nil {
		return status, fmt.Errorf("%s answered /status with something else than JSON: %w", n.Name, err)
	}
	return status, nil
}

// Metrics returns the text of the node's /metrics.
func (n *Node) Metrics(ctx context.Context) (string, error) {
	body, err := n.get(ctx, "/metrics")
	return string(body), err
}

// Ready says whether the node can serve.
func (n *Node) Ready(ctx context.Context) error {
	if n.HTTPAddr != "" {
		_, err := n.get(ctx, "/readyz")
		return err
	}
	conn, err := resp.Dial(ctx, n.RedisAddr)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Do("PING")
	return err
}

// WaitReady waits until the node can serve, or ended, or ctx is done.
func (n *Node) WaitReady(ctx context.Context) error {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := n.Ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-n.child.Exited():
			return fmt.Errorf("%w (while waiting until it is ready)", n.child.Wait(ctx))
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready (%w): %w; the end of its log (%s):\n%s",
				n.Name, context.Cause(ctx), err, n.child.LogPath, n.Log(12))
		case <-ticker.C:
		}
	}
}

func (n *Node) get(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.HTTPAddr+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := httpClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", n.Name, path, err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s %s: %s: %.200s", n.Name, path, response.Status, body)
	}
	return body, nil
}

var errNoLeader = errors.New("no node says that it leads")
