package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
)

// raftNodeCommand is the first argument with which this program becomes one
// node of the raft system. The first node leads and also runs the load, since
// raft.Apply can only be called where the leader is.
const raftNodeCommand = "raft-node"

// raftOrder is one measurement that the leader is asked for, as a JSON line on
// its standard input; it answers with a sample, or an error, as a JSON line.
type raftOrder struct {
	Clients  int           `json:"clients"`
	WarmUp   time.Duration `json:"warm_up_ns"`
	Duration time.Duration `json:"duration_ns"`
}

type raftAnswer struct {
	Sample *sample `json:"sample,omitempty"`
	Error  string  `json:"error,omitempty"`
}

// entrySize is about what one acquire or release of a lock needs.
const entrySize = 64

func runRaftNode(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	set := flag.NewFlagSet(raftNodeCommand, flag.ContinueOnError)
	folder := set.String("folder", "", "where the log goes")
	members := set.String("members", "", "the addresses of all nodes, separated by commas")
	number := set.Int("number", 0, "which of them this node is; number 0 leads")
	if err := set.Parse(args); err != nil {
		return err
	}
	node, err := openRaft(*folder, strings.Split(*members, ","), *number)
	if err != nil {
		return err
	}
	defer func() { node.Shutdown().Error() }()
	if *number != 0 {
		<-ctx.Done()
		return nil
	}
	return serveOrders(ctx, node, in, out)
}

func openRaft(folder string, members []string, number int) (*raft.Raft, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	logger := hclog.New(&hclog.LoggerOptions{Name: raftNodeCommand, Level: hclog.Warn, Output: os.Stderr})
	store, err := raftboltdb.New(raftboltdb.Options{
		Path:        filepath.Join(folder, "raft.db"),
		BoltOptions: &bbolt.Options{NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, Timeout: time.Second},
	})
	if err != nil {
		return nil, err
	}
	transport, err := raft.NewTCPTransportWithLogger(members[number], nil, 3, 10*time.Second, logger)
	if err != nil {
		return nil, err
	}
	config := raft.DefaultConfig()
	config.LocalID = raft.ServerID(members[number])
	config.Logger = logger
	node, err := raft.NewRaft(config, counter{}, store, store, raft.NewInmemSnapshotStore(), transport)
	if err != nil || number != 0 {
		return node, err
	}
	servers := make([]raft.Server, len(members))
	for i, member := range members {
		servers[i] = raft.Server{ID: raft.ServerID(member), Address: raft.ServerAddress(member)}
	}
	return node, node.BootstrapCluster(raft.Configuration{Servers: servers}).Error()
}

// serveOrders measures what it is asked for until standard input ends.
func serveOrders(ctx context.Context, node *raft.Raft, in io.Reader, out io.Writer) error {
	entry := make([]byte, entrySize)
	cycle := func(context.Context, int) error {
		for range 2 {
			if err := node.Apply(entry, 10*time.Second).Error(); err != nil {
				return err
			}
		}
		return nil
	}
	orders, answers := bufio.NewScanner(in), json.NewEncoder(out)
	for orders.Scan() {
		var order raftOrder
		if err := json.Unmarshal(orders.Bytes(), &order); err != nil {
			return err
		}
		var answer raftAnswer
		sample, err := measureAsLeader(ctx, node, order, cycle)
		if err != nil {
			answer.Error = err.Error()
		}
		answer.Sample = sample
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
	return orders.Err()
}

func measureAsLeader(ctx context.Context, node *raft.Raft, order raftOrder, cycle cycle) (*sample, error) {
	for deadline := time.Now().Add(20 * time.Second); node.State() != raft.Leader; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			return nil, errors.New("the node that runs the load does not lead")
		}
		if node.State() == raft.Follower && node.Leader() != "" {
			return nil, fmt.Errorf("%s leads, and not the node that runs the load", node.Leader())
		}
	}
	return load(ctx, order.Clients, order.WarmUp, order.Duration, cycle)
}

// counter is a state machine that does next to nothing.
type counter struct{}

func (counter) Apply(log *raft.Log) any              { return len(log.Data) }
func (counter) Snapshot() (raft.FSMSnapshot, error)  { return counter{}, nil }
func (counter) Restore(snapshot io.ReadCloser) error { return snapshot.Close() }
func (counter) Persist(sink raft.SnapshotSink) error { return sink.Close() }
func (counter) Release()                             {}
