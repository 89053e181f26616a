package raftnode

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/raftnode/store"
	"github.com/coordd/coordd/transport/peer"
	"github.com/hashicorp/raft"
)

// Config says who a node is, where it listens, and how patient it is. DefaultConfig gives a complete one except for DataDir; the zero of each tunable
// means its default, so a Config built by hand works too.
type Config struct {
	// ClusterName is what the operator calls the cluster: at most 128 bytes. Nodes of other names are refused. Empty means "coordd".
	ClusterName string
	// NodeID names an empty data directory; a random UUID is made when it is empty. A directory that has an id refuses any other.
	NodeID string
	// DataDir holds everything the node must remember. It is required, and belongs to one node at a time.
	DataDir string
	// Version is the build, for Status. It may be empty.
	Version string

	// PeerAddress is the host:port on which other nodes reach this one. Required; port 0 chooses a free one.
	PeerAddress string
	// PeerAdvertise is the host:port that stands in the configuration of the cluster and that others dial. Empty means the bound PeerAddress.
	PeerAdvertise string
	// GossipAddress is the host:port (UDP and TCP) on which nodes find each other. Empty means no gossip: Join then lists peer addresses.
	GossipAddress string
	// GossipAdvertise is what others use to reach GossipAddress. Empty means the bound one.
	GossipAdvertise string
	// GossipKey is 32 bytes that encrypt gossip, or empty for gossip in the clear.
	GossipKey []byte
	// RedisAdvertise and HTTPAdvertise are the host:port of this node's doors, told to others for Status. They may be empty.
	RedisAdvertise, HTTPAdvertise string
	// Join lists nodes to contact at start: gossip addresses when GossipAddress is set, peer addresses otherwise. An address of this node itself does no harm.
	Join []string
	// BootstrapExpect founds a new cluster as soon as exactly so many empty nodes of this name see each other; 1 founds a cluster of one at once. 0 waits to
	// be added to a cluster that exists. It means nothing in a directory that already belongs to a cluster.
	BootstrapExpect int
	// TLS encrypts the peer port and lets in only nodes with a certificate. nil leaves it open to whoever reaches it, for loopback only.
	TLS *peer.TLS

	// LogStore chooses where Raft's log lies; empty means store.Bolt.
	LogStore store.Kind
	// RaftTimeout is how long a follower waits for its leader before it stands for election, how long an election takes before it is repeated, and how long a
	// leader leads without hearing a majority. 0 means 300 ms; at least 50 ms. It must be longer than the slowest usual fsync.
	RaftTimeout time.Duration
	// EntriesInFlight is how many log entries a leader keeps unfinished at once, 1 to 8. 0 means 2.
	EntriesInFlight int
	// SnapshotThreshold is how many log entries make a snapshot worth taking. 0 means 8192.
	SnapshotThreshold uint64
	// TrailingLogs is how many entries stay in the log after a snapshot, for followers that lag. 0 means 8192.
	TrailingLogs uint64

	// SnapshotInterval is how often, at least, a node looks whether a snapshot is due. 0 means 30 s, and less with a smaller SnapshotThreshold.
	SnapshotInterval time.Duration

	// LeaderHold is how long a request is held while there is no leader, before it is refused with CodeNoLeader. 0 means 2.5 s.
	LeaderHold time.Duration
	// OutcomeHold is how long a request that may have been proposed is asked about again, under its own number, before the answer is CodeUnknownOutcome. 0 means 10 s.
	OutcomeHold time.Duration
	// NodeSessionTTL is how long the cluster keeps the answers of a node that cannot be reached. 0 means 60 s; at least 2 s.
	NodeSessionTTL time.Duration
	// DisableEarlyElection leaves elections to timeouts alone, even when a leader's process has visibly died.
	DisableEarlyElection bool

	// Clock is the machine's own when nil. Tests bend it.
	Clock Clock
	// Network carries the peer port; TCP when nil.
	Network peer.Network
	// OpenStores opens Raft's stores; store.Open when nil.
	OpenStores func(store.Options) (*store.Stores, error)
	// AroundMachine, when not nil, may put something around what Raft gives committed entries to. Tests let the process die there.
	AroundMachine func(raft.BatchingFSM) raft.BatchingFSM
	// OnApplied is told every entry that this node's machine has run, in the order of the log and before anybody else hears of it, by the goroutine that feeds the
	// machine: it must not block, and must not change what it is given. Entries that a snapshot brought are not told. nil means that nobody is told.
	OnApplied func(index, term uint64, entry []byte, applied fsm.Applied)
	// Logger is slog.Default() when nil.
	Logger *slog.Logger
	// OnFatal is called once, on a goroutine of its own, when the node cannot go on: a disk that hangs, a state that differs from the leader's, a node that was
	// removed. The process should print the sentence and exit; the node refuses everything from then on. nil means that the node only logs it and stops serving.
	OnFatal func(error)
}

// The defaults, where a Config says nothing.
const (
	DefaultClusterName     = "coordd"
	DefaultRaftTimeout     = 300 * time.Millisecond
	DefaultEntriesInFlight = 2
	DefaultLeaderHold      = 2500 * time.Millisecond
	DefaultOutcomeHold     = 10 * time.Second
	DefaultNodeSessionTTL  = 60 * time.Second
	defaultSnapshotEntries = 8192
	minSnapshotPause       = 10 * time.Millisecond
	minRaftTimeout         = 50 * time.Millisecond
	minNodeSessionTTL      = 2 * time.Second
	maxEntriesInFlight     = 8
	maxBootstrapExpect     = 9
	gossipKeyBytes         = 32
)

// DefaultConfig is a node on loopback with every default spelled out. DataDir is left for the caller.
func DefaultConfig() Config {
	return Config{PeerAddress: "127.0.0.1:7580"}.withDefaults()
}

// withDefaults replaces each zero by what it means.
func (c Config) withDefaults() Config {
	setDefault(&c.ClusterName, DefaultClusterName)
	setDefault(&c.LogStore, store.Bolt)
	setDefault(&c.RaftTimeout, DefaultRaftTimeout)
	setDefault(&c.EntriesInFlight, DefaultEntriesInFlight)
	setDefault(&c.SnapshotThreshold, defaultSnapshotEntries)
	setDefault(&c.TrailingLogs, defaultSnapshotEntries)
	setDefault(&c.SnapshotInterval, snapshotPause(c.SnapshotThreshold))
	setDefault(&c.LeaderHold, DefaultLeaderHold)
	setDefault(&c.OutcomeHold, DefaultOutcomeHold)
	setDefault(&c.NodeSessionTTL, DefaultNodeSessionTTL)
	if c.Clock == nil {
		c.Clock = newSystemClock()
	}
	if c.Network == nil {
		c.Network = peer.TCP{}
	}
	if c.OpenStores == nil {
		c.OpenStores = store.Open
	}
	if c.OnApplied == nil {
		c.OnApplied = func(uint64, uint64, []byte, fsm.Applied) {}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// setDefault replaces a zero value.
func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate checks everything that can be checked without touching the disk or the network, and tells all that is wrong at once.
func (c Config) Validate() error {
	c = c.withDefaults()
	return errors.Join(
		check(c.DataDir != "", "DataDir is empty: name a directory that belongs to this node alone"),
		check(len(c.ClusterName) <= peer.MaxClusterNameLength, "ClusterName has %d bytes; at most %d are allowed", len(c.ClusterName), peer.MaxClusterNameLength),
		check(len(c.NodeID) <= peer.MaxNodeIDLength, "NodeID has %d bytes; at most %d are allowed", len(c.NodeID), peer.MaxNodeIDLength),
		checkAddress("PeerAddress", c.PeerAddress, true),
		checkAddress("PeerAdvertise", c.PeerAdvertise, false),
		checkAddress("GossipAddress", c.GossipAddress, false),
		checkAddress("GossipAdvertise", c.GossipAdvertise, false),
		checkJoin(c.Join),
		check(len(c.GossipKey) == 0 || len(c.GossipKey) == gossipKeyBytes, "GossipKey has %d bytes; it must have %d, or none", len(c.GossipKey), gossipKeyBytes),
		check(c.BootstrapExpect >= 0 && c.BootstrapExpect <= maxBootstrapExpect, "BootstrapExpect is %d; it must lie between 0 and %d", c.BootstrapExpect, maxBootstrapExpect),
		check(c.LogStore == store.Bolt || c.LogStore == store.WAL, "LogStore %q is unknown; choose %q or %q", c.LogStore, store.Bolt, store.WAL),
		check(c.RaftTimeout >= minRaftTimeout, "RaftTimeout is %s; below %s a busy machine loses its leader for nothing", c.RaftTimeout, minRaftTimeout),
		check(c.EntriesInFlight >= 1 && c.EntriesInFlight <= maxEntriesInFlight, "EntriesInFlight is %d; it must lie between 1 and %d", c.EntriesInFlight, maxEntriesInFlight),
		check(c.SnapshotInterval >= minSnapshotPause, "SnapshotInterval is %s; it must be at least %s", c.SnapshotInterval, minSnapshotPause),
		check(c.LeaderHold > 0 && c.OutcomeHold > 0, "LeaderHold and OutcomeHold must not be negative"),
		check(c.NodeSessionTTL >= minNodeSessionTTL, "NodeSessionTTL is %s; below %s a slow election would cost the clients of this node their connections", c.NodeSessionTTL, minNodeSessionTTL),
	)
}

// check makes an error of a sentence unless the condition holds.
func check(holds bool, format string, arguments ...any) error {
	if holds {
		return nil
	}
	return fmt.Errorf(format, arguments...)
}

// checkAddress wants host:port with a number as port.
func checkAddress(field, address string, required bool) error {
	if address == "" {
		return check(!required, "%s is empty: give host:port, for example 127.0.0.1:7580", field)
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s %q is not host:port: %w", field, address, err)
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return check(err == nil, "%s %q: %q is not a port number from 0 to 65535", field, address, port)
}

// checkJoin checks every address of the list.
func checkJoin(addresses []string) error {
	var all error
	for _, address := range addresses {
		all = errors.Join(all, checkAddress("Join", address, true))
	}
	return all
}
