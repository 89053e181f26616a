package workergossip

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/raftnode/gossip"
)

// Config says where the nodes gossip. ClusterName and Nodes are needed.
type Config struct {
	// ClusterName is that of the nodes (--cluster-name of coordd serve).
	ClusterName string

	// Nodes are host:port of the nodes' gossip ports. One that answers is enough; those that do not are tried again for as long as the member lives.
	Nodes []string

	// Key is the 32 bytes of the nodes' gossip key, or empty if they gossip in the clear.
	Key []byte

	// ListenAddress is the host:port, UDP and TCP, on which the nodes reach this process; by default any address and a free port. AdvertiseAddress is what they use instead, where that differs.
	ListenAddress, AdvertiseAddress string

	// Logger is told what is out of order; by default nobody is.
	Logger *slog.Logger
}

// Member is this process in the gossip, on behalf of one worker. Its methods may be called from many goroutines.
type Member struct {
	cluster string
	gossip  *gossip.Gossip
	telling sync.WaitGroup
	end     chan struct{}
	once    sync.Once

	mu      sync.Mutex
	latest  gossip.Worker // what is to be told
	told    gossip.Worker
	talking bool
}

var _ client.WorkerGossip = (*Member)(nil)

// retell is how long after a word that did not go out in time it is tried again.
const retell = time.Second

// Join begins to look for the nodes, and does not wait for any. Nobody hears of a worker before [Member.Present].
func Join(config Config) (*Member, error) {
	switch {
	case config.ClusterName == "":
		return nil, errors.New("ClusterName is empty; give the name of the cluster whose nodes gossip")
	case len(config.Nodes) == 0:
		return nil, errors.New("Nodes is empty; give the host:port of at least one node's gossip port")
	}
	log := hclog.New(&hclog.LoggerOptions{Output: io.Discard})
	if config.Logger != nil {
		log = hclog.FromStandardLogger(slog.NewLogLogger(config.Logger.Handler(), slog.LevelWarn), &hclog.LoggerOptions{Name: "gossip", Level: hclog.Warn})
	}
	// A name of its own for each process: one that comes back under the same worker's id is another member, with another session, and never has to wait for the death of the first.
	started, err := gossip.Start(gossip.Config{
		NodeID: "worker-" + rand.Text(), Worker: gossip.Worker{ClusterName: config.ClusterName}, ListenAddress: cmp.Or(config.ListenAddress, ":0"),
		AdvertiseAddress: config.AdvertiseAddress, Seeds: config.Nodes, SecretKey: config.Key, Logger: log,
	})
	if err != nil {
		return nil, err
	}
	return &Member{cluster: config.ClusterName, gossip: started, end: make(chan struct{})}, nil
}

// Present implements client.WorkerGossip.
func (m *Member) Present(pool, worker, session string) error {
	word := gossip.Worker{ClusterName: m.cluster, Pool: pool, ID: worker, Session: session}
	if err := word.Check(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.latest = word
	if !m.talking && !m.over() {
		m.talking = true
		m.telling.Go(m.tell)
	}
	return nil
}

// tell tells the nodes the latest, until they have been told.
func (m *Member) tell() {
	for {
		m.mu.Lock()
		word := m.latest
		if m.told == word || m.over() {
			m.talking = false
			m.mu.Unlock()
			return
		}
		m.mu.Unlock()
		if m.gossip.SetWorker(word) == nil {
			m.mu.Lock()
			m.told = word
			m.mu.Unlock()
			continue
		}
		select {
		case <-time.After(retell):
		case <-m.end:
		}
	}
}

// Heard implements client.WorkerGossip: more than half of the nodes that are known must take this process for alive, and say so. A process that knows none is not heard.
func (m *Member) Heard(ctx context.Context) bool { return m.gossip.MostAnswer(ctx) }

// Nodes tells how many of the cluster's nodes take this process for alive and say so now, and of how many, this process counted as none.
func (m *Member) Nodes(ctx context.Context) (answering, known int) { return m.gossip.Answering(ctx) }

// Address is the host:port that the nodes use.
func (m *Member) Address() string { return m.gossip.Address() }

// Leave says farewell, waiting at most so long and a moment, and ends the member: the nodes do not miss it. Leave the pool first.
func (m *Member) Leave(timeout time.Duration) error {
	m.stop()
	return m.gossip.Leave(timeout)
}

// Close ends the member without a word, so that the nodes miss it.
func (m *Member) Close() error {
	m.stop()
	return m.gossip.Close()
}

// stop ends the telling.
func (m *Member) stop() {
	m.mu.Lock()
	m.once.Do(func() { close(m.end) })
	m.mu.Unlock()
	m.telling.Wait()
}

func (m *Member) over() bool {
	select {
	case <-m.end:
		return true
	default:
		return false
	}
}
