package gossip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/memberlist"
)

// Settings for a handful of nodes on one network. memberlist probes one other member each interval, suspects who does not answer, and declares it dead 1.2 s later, or 2.4 s if no other member
// confirms that. With five nodes a dead one is probed after 1.6 s at the latest by each of the others, and is declared dead within 4.4 s of its death; with three, within 3.6 s.
const (
	probeInterval    = 400 * time.Millisecond
	probeTimeout     = 250 * time.Millisecond
	suspicionMult    = 3
	suspicionMaxMult = 2
	gossipInterval   = 100 * time.Millisecond
	pushPullInterval = 10 * time.Second
	tcpTimeout       = 2 * time.Second
	// reclaimAfter is how long a dead node's name is kept from coming back under another address.
	reclaimAfter = 15 * time.Second
	// rejoinInterval is how often seeds and lost members are contacted again. memberlist by itself never finds its way back after
	// a long partition.
	rejoinInterval = 5 * time.Second
	// tellTimeout bounds how long SetMeta waits for the news to go out.
	tellTimeout = 2 * time.Second
)

// Config says how to join.
type Config struct {
	NodeID string
	// Meta is what a node tells. A member that is a worker tells Worker instead.
	Meta   Meta
	Worker Worker
	// ListenAddress is the host:port to bind, UDP and TCP; port 0 chooses a free one. AdvertiseAddress is the host:port that others use;
	// the one that was bound when empty.
	ListenAddress, AdvertiseAddress string
	// Seeds are host:port of other nodes' gossip ports. They are contacted from time to time for as long as somebody is missing.
	Seeds []string
	// SecretKey is 32 bytes, or empty for gossip in the clear.
	SecretKey []byte
	// OnConflict is told when another member uses this node's id, and at which peer address that member says it can be reached; empty when it says nothing. It is told again whenever that
	// is heard again, on a goroutine of its own, one at a time. May be nil.
	OnConflict func(err error, peerAddress string)
	// Logger may be nil.
	Logger hclog.Logger
}

// Gossip is a running member. Its methods may be called from many goroutines.
type Gossip struct {
	seeds   []string
	table   *table
	list    *memberlist.Memberlist
	cancel  context.CancelFunc
	running sync.WaitGroup
	stop    sync.Once
	stopErr error
}

// Start binds, listens, and begins to look for the seeds.
func Start(config Config) (*Gossip, error) {
	if config.NodeID == "" {
		return nil, errors.New("a gossip member needs a node id")
	}
	if config.Logger == nil {
		config.Logger = hclog.NewNullLogger()
	}
	table := &table{
		self:       config.NodeID,
		logger:     config.Logger,
		changed:    make(chan struct{}, 1),
		onConflict: config.OnConflict,
		questions:  make(chan question, maxQuestions),
		members:    make(map[string]Member),
		silences:   make(map[string]int),
		farewell:   make(map[string]time.Time),
	}
	if err := table.introduce(config); err != nil {
		return nil, err
	}
	settings, err := settings(config, table)
	if err != nil {
		return nil, err
	}
	list, err := memberlist.Create(settings)
	if err != nil {
		return nil, fmt.Errorf("gossip cannot listen on %s: %w", config.ListenAddress, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	g := &Gossip{seeds: config.Seeds, table: table, list: list, cancel: cancel}
	g.running.Go(func() { g.keepJoining(ctx) })
	if !table.worker { // a worker asks when it wants to know
		g.running.Go(func() { g.keepPinging(ctx) })
		g.running.Go(func() { g.keepAnswering(ctx) })
	}
	return g, nil
}

// introduce sets what this member tells, as a node or as a worker.
func (t *table) introduce(config Config) error {
	if config.Worker == (Worker{}) {
		return t.tell(config.Meta)
	}
	t.worker = true
	return t.tellWorker(config.Worker)
}

// settings turns a Config into memberlist's.
func settings(config Config, table *table) (*memberlist.Config, error) {
	if len(config.SecretKey) != 0 && len(config.SecretKey) != 32 {
		return nil, fmt.Errorf("the gossip key has %d bytes; it must have 32", len(config.SecretKey))
	}
	s := memberlist.DefaultLANConfig()
	var err error
	if s.BindAddr, s.BindPort, err = resolve(config.ListenAddress); err != nil {
		return nil, fmt.Errorf("gossip listen address %q: %w", config.ListenAddress, err)
	}
	s.AdvertisePort = s.BindPort
	if config.AdvertiseAddress != "" {
		if s.AdvertiseAddr, s.AdvertisePort, err = resolve(config.AdvertiseAddress); err != nil {
			return nil, fmt.Errorf("gossip advertise address %q: %w", config.AdvertiseAddress, err)
		}
	}
	s.Name, s.Label, s.SecretKey = config.NodeID, cmp.Or(config.Worker.ClusterName, config.Meta.ClusterName), config.SecretKey
	s.ProbeInterval, s.ProbeTimeout = probeInterval, probeTimeout
	s.SuspicionMult, s.SuspicionMaxTimeoutMult = suspicionMult, suspicionMaxMult
	s.GossipInterval, s.PushPullInterval, s.TCPTimeout = gossipInterval, pushPullInterval, tcpTimeout
	s.DeadNodeReclaimTime = reclaimAfter
	s.Delegate, s.Events, s.Conflict = table, table, table
	s.Logger = config.Logger.StandardLogger(&hclog.StandardLoggerOptions{InferLevels: true})
	return s, nil
}

// resolve splits host:port and gives the host as an IP, which is what memberlist wants.
func resolve(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	if port, err = strconv.Atoi(text); err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("%q is not a port", text)
	}
	if host == "" {
		return "0.0.0.0", port, nil
	}
	ip, err := net.ResolveIPAddr("ip", host)
	if err != nil {
		return "", 0, err
	}
	return ip.String(), port, nil
}

// keepJoining contacts seeds and lost members for as long as somebody is missing.
func (g *Gossip) keepJoining(ctx context.Context) {
	for {
		if missing := g.missing(); len(missing) > 0 {
			_, _ = g.list.Join(missing)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(rejoinInterval):
		}
	}
}

// missing lists the addresses of nodes at which nobody is known to be alive. Workers that are gone are not looked for: one that comes back looks for the nodes itself.
func (g *Gossip) missing() []string {
	alive := map[string]bool{g.Address(): true}
	var dead []string
	for _, member := range g.table.list(false) {
		if member.Alive() {
			alive[member.GossipAddress] = true
		} else {
			dead = append(dead, member.GossipAddress)
		}
	}
	var missing []string
	for _, address := range append(dead, g.seeds...) {
		host, port, err := resolve(address)
		if err == nil && !alive[net.JoinHostPort(host, strconv.Itoa(port))] {
			missing = append(missing, address)
		}
	}
	return missing
}

// Join contacts the addresses (host:port) now and returns how many answered.
func (g *Gossip) Join(addresses []string) (int, error) { return g.list.Join(addresses) }

// Members is a snapshot of the members that are nodes, this one included, ordered by id. Workers are no nodes: see Workers.
func (g *Gossip) Members() []Member { return g.table.list(false) }

// Changed holds a value after anything about the members changed. It has one reader.
func (g *Gossip) Changed() <-chan struct{} { return g.table.changed }

// SetMeta tells the others new facts about this node. The facts hold even when the error says that the news did not go out in time; the next
// exchange carries them.
func (g *Gossip) SetMeta(meta Meta) error {
	if err := g.table.tell(meta); err != nil {
		return err
	}
	return g.list.UpdateNode(tellTimeout)
}

// Address is the host:port that others use.
func (g *Gossip) Address() string { return g.list.LocalNode().Address() }

// Leave tells the others that this node goes, waiting at most timeout and a moment, and stops.
func (g *Gossip) Leave(timeout time.Duration) error {
	g.sayFarewell()
	err := g.list.Leave(timeout)
	return errors.Join(err, g.Close())
}

// Close stops without a word.
func (g *Gossip) Close() error {
	g.stop.Do(func() {
		g.cancel()
		g.stopErr = g.list.Shutdown()
		g.running.Wait()
	})
	return g.stopErr
}
