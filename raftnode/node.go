package raftnode

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/raftnode/bootstrap"
	"github.com/coordd/coordd/raftnode/datadir"
	"github.com/coordd/coordd/raftnode/gossip"
	"github.com/coordd/coordd/raftnode/metrics"
	"github.com/coordd/coordd/raftnode/store"
	"github.com/coordd/coordd/transport"
	"github.com/coordd/coordd/transport/peer"
	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"
)

// Node is one running node. Open makes it; it satisfies transport.Node and transport.Admin. It only holds the parts together: each part has its own goroutine
// or mutex, and doc.go tells in which order they may be taken.
type Node struct {
	config    Config
	log       *slog.Logger
	metrics   *metrics.Metrics
	startedAt time.Time

	dir         *datadir.Dir
	stores      *store.Stores
	roster      *peer.Roster
	port        *peer.Port
	gossip      *gossip.Gossip // nil without gossip
	founding    atomic.Pointer[bootstrap.Founding]
	membersSeen atomic.Int64 // servers in the configuration when the peer port was last told
	removals    removals
	refusals    refusalLog
	address     atomic.Pointer[string] // advertised, of the peer port

	machine    *fsm.Machine
	progress   *progress
	waits      *waits
	events     *transport.EventLog
	leadership *leadership
	suspicion  *suspicion

	raft      *raft.Raft // once started is closed
	transport *peer.RaftTransport
	raftEnd   func() raft.Future // begins Raft's end; every call answers the same future
	started   chan struct{}
	raftEnded chan struct{} // closed when Raft has ended, or its end is not waited for any more

	readCourier, urgentCourier, commandCourier *courier
	session                                    *nodeSession
	lanes                                      atomic.Uint64

	running  context.Context // ends when the node stops, for whatever reason
	cancel   context.CancelFunc
	tasks    sync.WaitGroup
	reigns   sync.WaitGroup // of goroutines that belong to a reign
	stopping atomic.Bool
	stopOnce sync.Once
	stopped  chan struct{}
	isMember atomic.Bool // a committed configuration that this node ran had it in
	isReady  atomic.Bool // this node has caught up with its leader once
	failure  atomic.Pointer[failure]

	contestTold atomic.Int64 // when a conflict about this node's id was last logged, on the monotonic clock; 0 for never
}

// failure is why a node cannot go on.
type failure struct{ err error }

var (
	_ transport.Node  = (*Node)(nil)
	_ transport.Admin = (*Node)(nil)
)

// Open starts a node and returns as soon as its directory, its stores and its ports are open; it serves when it has found its cluster and a leader, which
// Status().Ready tells. An error leaves nothing open. Errors of the network stay in the chain, so that a port in use can be told.
func Open(config Config) (*Node, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("the configuration of the node cannot be used: %w", err)
	}
	n := newNode(config.withDefaults())
	if err := n.open(); err != nil {
		n.shutDown()
		return nil, err
	}
	n.tasks.Go(n.live)
	return n, nil
}

// newNode makes the parts that need neither disk nor network.
func newNode(config Config) *Node {
	n := &Node{
		config: config, log: config.Logger, metrics: metrics.New(), startedAt: config.Clock.Wall(),
		roster: peer.NewRoster(), machine: fsm.New(), progress: &progress{}, waits: newWaits(), events: transport.NewEventLog(),
		started: make(chan struct{}), raftEnded: make(chan struct{}), stopped: make(chan struct{}),
	}
	address := config.PeerAdvertise
	setDefault(&address, config.PeerAddress)
	n.address.Store(&address)
	n.running, n.cancel = context.WithCancel(context.Background())
	n.leadership = newLeadership(n)
	n.suspicion = newSuspicion()
	n.readCourier = n.newCourier(classReads)
	n.urgentCourier = n.newCourier(classKeepalives)
	n.commandCourier = n.newCourier(classCommands)
	n.session = &nodeSession{node: n, ttl: config.NodeSessionTTL, urgent: n.urgentCourier, commands: n.commandCourier, questions: make(chan command.SessionID, 1)}
	n.commandCourier.numbers = newNumbering()
	n.commandCourier.question = n.session.ask
	return n
}

func (n *Node) newCourier(class frameClass) *courier {
	return &courier{
		class: class, leaders: n.leadership, caller: nodeCaller{n}, metrics: n.metrics, hold: n.config.LeaderHold, outcome: n.config.OutcomeHold, kick: make(chan struct{}, 1),
	}
}

// nodeCaller reaches the port, which is opened after the couriers are made.
type nodeCaller struct{ node *Node }

// Forward implements forwarder.
func (c nodeCaller) Forward(ctx context.Context, to peer.Target, payload []byte) ([]byte, error) {
	return c.node.port.Forward(ctx, to, payload)
}

// open opens what lies on disk and on the network, in the order in which each needs the one before.
func (n *Node) open() (err error) {
	n.dir, err = datadir.Open(datadir.Options{Path: n.config.DataDir, ClusterName: n.config.ClusterName, NodeID: n.config.NodeID})
	if err != nil {
		return err
	}
	n.stores, err = n.config.OpenStores(store.Options{Dir: n.dir.RaftDir(), Kind: n.config.LogStore, OnFatal: n.fatal, Logger: n.hclog("store")})
	if err != nil {
		return err
	}
	n.port, err = peer.Listen(peer.Config{
		Identity: n.identity, ListenAddress: n.config.PeerAddress, Network: n.config.Network, TLS: n.config.TLS,
		Authorizer: n.roster, Handler: &peerHandler{n}, Observer: &peerObserver{n}, Logger: n.hclog("peer"),
	})
	if err != nil {
		return err
	}
	if bound := n.port.Addr().String(); n.config.PeerAdvertise == "" {
		n.address.Store(&bound) // it differs when the configuration left the port open
	}
	if err := n.startGossip(); err != nil {
		return err
	}
	if err := n.prepareFounding(); err != nil {
		return err
	}
	if n.clusterID() != "" {
		return n.startRaft()
	}
	return nil
}

// live does what Open does not wait for: finding or founding a cluster, and then leading and following in it.
func (n *Node) live() {
	if n.clusterID() == "" {
		err := n.findCluster(n.running)
		if err == nil {
			err = n.startRaft()
		}
		if err != nil {
			if n.running.Err() == nil {
				n.fatal(err)
			}
			return
		}
	}
	n.tasks.Go(func() { n.leadership.drain(n.running) })
	n.tasks.Go(func() { n.leadership.run(n.running) })
	n.tasks.Go(func() { n.readCourier.run(n.running) })
	n.tasks.Go(func() { n.urgentCourier.run(n.running) })
	n.tasks.Go(func() { n.commandCourier.run(n.running) })
	n.tasks.Go(func() { n.session.run(n.running) })
	n.tasks.Go(func() { n.tuneWatchdog(n.running) })
	if !n.config.DisableEarlyElection {
		n.tasks.Go(func() { n.standEarly(n.running) })
	}
}

// identity is what this node says of itself in handshakes.
func (n *Node) identity() peer.Identity {
	known := n.dir.Identity()
	return peer.Identity{ClusterName: n.config.ClusterName, ClusterID: known.ClusterID, NodeID: peer.NodeID(known.NodeID), Address: *n.address.Load()}
}

// self is where other nodes reach this one.
func (n *Node) self() peer.Target {
	return peer.Target{NodeID: peer.NodeID(n.dir.Identity().NodeID), Address: *n.address.Load()}
}

func (n *Node) clusterID() string { return n.dir.Identity().ClusterID }

// appliedInstant is the replicated instant of this node's state.
func (n *Node) appliedInstant() command.Instant {
	_, instant := n.progress.position()
	return instant
}

// engine is Raft, or nil before it was started.
func (n *Node) engine() *raft.Raft {
	select {
	case <-n.started:
		return n.raft
	default:
		return nil
	}
}

// fatal is called by whatever finds that this node must not go on. The first call counts.
func (n *Node) fatal(err error) {
	if !n.failure.CompareAndSwap(nil, &failure{err}) {
		return
	}
	n.log.Error("this node stops", "reason", err)
	n.cancel()
	go func() {
		n.beginRaftEnd() // not waited for: a disk that hangs never lets it end
		if n.config.OnFatal != nil {
			n.config.OnFatal(err)
		}
	}()
}

// Err is why the node cannot go on, nil while it can.
func (n *Node) Err() error {
	if failed := n.failure.Load(); failed != nil {
		return failed.err
	}
	return nil
}

// refusal is why nothing new is taken, nil while the node serves.
func (n *Node) refusal() error {
	if err := n.Err(); err != nil {
		return transport.Errorf(command.CodeShuttingDown, "this node cannot go on (%v); nothing was proposed; another node serves", err)
	}
	if n.stopping.Load() || n.running.Err() != nil {
		return errStopping()
	}
	return nil
}

// PeerAddr is the address on which the peer port listens.
func (n *Node) PeerAddr() string { return n.port.Addr().String() }

// GossipAddr is the address on which gossip listens, empty without gossip.
func (n *Node) GossipAddr() string {
	if n.gossip == nil {
		return ""
	}
	return n.gossip.Address()
}

// Collector hands the node's counters to Prometheus.
func (n *Node) Collector() prometheus.Collector { return n.metrics }

// Metrics are the node's counters, for tests and reports.
func (n *Node) Metrics() *metrics.Metrics { return n.metrics }

// WaitReady returns when the node serves, when it cannot go on, or when ctx ends.
func (n *Node) WaitReady(ctx context.Context) error {
	for {
		if err := n.Err(); err != nil {
			return err
		}
		status := n.Status()
		if status.Ready {
			return nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-n.running.Done():
			return errors.Join(errStopping(), n.Err())
		case <-ctx.Done():
			return fmt.Errorf("the node is not ready: %s: %w", status.ReadyReason, ctx.Err())
		}
	}
}
