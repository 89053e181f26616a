package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/coordd/coordd/internal/process"
)

// Node is one node over all its processes: it keeps its name, addresses and data directory. Its methods may be called from many goroutines.
type Node struct {
	// Name is the node's place in the run; its id in the cluster is the same until it is replaced.
	Name string
	// RedisAddr and HTTPAddr are where it really listens: the way of the harness itself, which no fault touches.
	RedisAddr, HTTPAddr string
	// PeerAdvertise is where the others reach it, through the network.
	PeerAdvertise string
	DataDir       string

	cluster              *Cluster
	peerAddr, gossipAddr string // where it really listens
	gossipAdvertise      string

	mu      sync.Mutex
	child   *process.Process // nil before the first start
	killed  *process.Process // the last one that Kill ended
	stopped bool             // by SIGSTOP
	starts  int
	joins   bool // it may not found a cluster any more
	renewed int  // how often it was replaced
}

// Status is what a node says about itself.
type Status struct {
	NodeID       string `json:"node_id"`
	Role         string `json:"role"`
	LeaderID     string `json:"leader_id"`
	Term         uint64 `json:"term"`
	CommitIndex  uint64 `json:"commit_index"`
	AppliedIndex uint64 `json:"applied_index"`
	StateHash    string `json:"state_hash"`
	Ready        bool   `json:"ready"`
	ReadyReason  string `json:"ready_reason"`
	Waiters      int    `json:"waiters"`
	Members      []struct {
		NodeID      string `json:"node_id"`
		Voter       bool   `json:"voter"`
		PeerAddress string `json:"peer_address"`
	} `json:"members"`
}

// ErrDown is returned for what needs a process that is not there.
var ErrDown = errors.New("the process does not run")

// Start starts the process, without waiting until it serves, and lets others dial it. Further flags may follow those of the cluster.
func (n *Node) Start(flags ...string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.running() {
		return fmt.Errorf("%s already runs", n.Name)
	}
	spec := process.Spec{Name: n.Name, Path: n.cluster.config.Binary, Args: append(n.arguments(), flags...)}
	if n.cluster.config.Failpoints {
		spec.Env = append(spec.Env, failpointsVariable+"="+n.ordersFile())
	}
	var child *process.Process
	err := n.cluster.Net.Inside(n.Name, func() (err error) {
		child, err = n.cluster.group.Start(spec)
		return err
	})
	if err != nil {
		return err
	}
	n.child, n.stopped = child, false
	n.starts++
	if err := n.cluster.Net.Up(n.Name); err != nil {
		child.Kill()
		return err
	}
	go n.watch(child)
	return nil
}

// watch lets dials be refused once the process has ended by itself, and tells of it.
func (n *Node) watch(child *process.Process) {
	<-child.Exited()
	n.mu.Lock()
	if n.child == child {
		n.cluster.Net.Down(n.Name)
	}
	killed := n.killed == child
	n.mu.Unlock()
	if tell := n.cluster.config.Ended; tell != nil && !killed {
		tell(n.Name, child.Wait(context.Background()))
	}
}

func (n *Node) running() bool { return n.child != nil && n.child.Running() }

// Running says whether the process is there; a stopped one is.
func (n *Node) Running() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.running()
}

// Stopped says whether the process was stopped by Stop.
func (n *Node) Stopped() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stopped && n.running()
}

// PeerAddr and GossipAddr are where the node really listens for the others: the way of those who do not belong to the cluster.
func (n *Node) PeerAddr() string { return n.peerAddr }

// GossipAddr is where the node really listens for gossip.
func (n *Node) GossipAddr() string { return n.gossipAddr }

// Starts is how often the process was started.
func (n *Node) Starts() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.starts
}

// PID is the id of the present or last process, 0 before the first.
func (n *Node) PID() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.child == nil {
		return 0
	}
	return n.child.PID()
}

// Kill ends the process with SIGKILL; no harm if there is none.
func (n *Node) Kill() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.running() {
		n.cluster.Net.Down(n.Name)
		n.killed = n.child
		n.child.Kill()
	}
}

// Stop stops the process with SIGSTOP: its connections stay, and it answers nothing.
func (n *Node) Stop() error { return n.signal(syscall.SIGSTOP, true) }

// Continue lets a stopped process go on; no harm if it was not stopped or is not there.
func (n *Node) Continue() {
	_ = n.signal(syscall.SIGCONT, false) // it may be gone
}

func (n *Node) signal(signal syscall.Signal, stopped bool) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.running() {
		return fmt.Errorf("%s: %w", n.Name, ErrDown)
	}
	n.stopped = stopped
	return syscall.Kill(n.child.PID(), signal)
}

// Wipe removes everything that a node remembers. Its process must not run.
func (n *Node) Wipe() error {
	if n.Running() {
		return fmt.Errorf("%s runs; kill it before its disk is wiped", n.Name)
	}
	entries, err := os.ReadDir(n.DataDir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := os.RemoveAll(filepath.Join(n.DataDir, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// ID is the node's present id in the cluster.
func (n *Node) ID() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.id()
}

func (n *Node) id() string {
	if n.renewed == 0 {
		return n.Name
	}
	return fmt.Sprintf("%s-%d", n.Name, n.renewed+1)
}

// Replace lets the node's place be taken by another, with a new id, that waits to be added: a removed node's id is used up. Its disk must be empty.
func (n *Node) Replace() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.joins = true
	n.renewed++
}

// Joins lets every later start wait to be added, instead of founding a cluster. A node that was emptied needs it beside a cluster that exists.
func (n *Node) Joins() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.joins = true
}

// Orders are what a node with failpoints can be told; the zero Orders are none.
type Orders struct {
	WallOffsetMs int64   `json:"wall_offset_ms,omitempty"`
	Rate         float64 `json:"rate,omitempty"`  // of its monotonic clock; 0 is 1
	Crash        string  `json:"crash,omitempty"` // the point where the process kills itself
}

// MidApply is the place between two entries of a batch that Raft gives to the machine.
const MidApply = "mid-apply"

// CrashPoints are the places at which a process can be told to die.
var CrashPoints = []string{"before-store", "after-store", "before-vote", "after-vote", "before-snapshot", "after-snapshot", MidApply}

// failpointsVariable names, for a node, the file with its orders.
const failpointsVariable = "COORDD_FAILPOINTS"

// Order tells a node with failpoints what holds from now on. The file is replaced at once, so that the node never reads half of it.
func (n *Node) Order(orders Orders) error {
	text, err := json.Marshal(orders)
	if err != nil {
		return err
	}
	path := n.ordersFile()
	if err := os.WriteFile(path+".new", text, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func (n *Node) ordersFile() string {
	return filepath.Join(n.cluster.config.LogDir, n.Name+".orders")
}

// WaitExit waits until the process has ended by itself.
func (n *Node) WaitExit(ctx context.Context) error {
	n.mu.Lock()
	child := n.child
	n.mu.Unlock()
	if child == nil {
		return nil
	}
	select {
	case <-child.Exited():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s still runs: %w", n.Name, context.Cause(ctx))
	}
}

// Log is the path of the node's log.
func (n *Node) Log() string { return filepath.Join(n.cluster.config.LogDir, n.Name+".log") }

// Tail is the end of the node's log, for a message.
func (n *Node) Tail(lines int) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.child == nil {
		return ""
	}
	return n.child.LogTail(lines)
}

var statusClient = &http.Client{Timeout: time.Second}

// Status asks the node how it stands.
func (n *Node) Status(ctx context.Context) (Status, error) {
	var status Status
	if n.Stopped() {
		return status, fmt.Errorf("%s is stopped", n.Name)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.HTTPAddr+"/status", nil)
	if err != nil {
		return status, err
	}
	response, err := statusClient.Do(request)
	if err != nil {
		return status, err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&status); err != nil {
		return status, fmt.Errorf("%s answered /status with something else than JSON: %w", n.Name, err)
	}
	return status, nil
}
