package world

import (
	"math/rand/v2"
	"time"

	"github.com/coordd/coordd/raftnode"
	"github.com/coordd/coordd/transport/peer/memnet"
)

// setup is what a seed fixes before anything runs.
type setup struct {
	nodes           int
	raftTimeout     time.Duration
	earlyElection   bool
	snapshotEvery   uint64
	trailing        uint64
	snapshotPause   time.Duration
	entriesInFlight int
	nodeSessionTTL  time.Duration
	sessionTTL      time.Duration // of clients
	drift           float64       // no clock's rate is further from 1
	link            memnet.Link   // of every direction, while nothing is wrong
	trouble         time.Duration // how long faults are injected
	faultEvery      time.Duration // about
	faultsAtOnce    int
	quiet           bool  // nothing goes wrong
	restored        bool  // the cluster was restored from a backup before clients come
	favourites      []int // faults that this seed injects more often than others, by their place in the table
}

// stream numbers the sources of chance that a seed is split into, so that each part draws the same numbers whatever the others do.
type stream uint64

const (
	streamSetup stream = iota
	streamNetwork
	streamFaults
	streamClients // and upwards, one for each client
)

// source is the chance of one part of a world.
func source(seed uint64, of stream) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(of))) }

// draw makes the setup of a seed.
func draw(seed uint64) setup {
	r := source(seed, streamSetup)
	s := setup{
		nodes:           pick(r, 3, 3, 3, 5),
		raftTimeout:     pick[time.Duration](r, 300, 500, 900) * time.Millisecond,
		earlyElection:   r.IntN(2) == 0,
		snapshotEvery:   pick[uint64](r, 15, 50, 200),
		trailing:        pick[uint64](r, 4, 20, 100),
		snapshotPause:   pick[time.Duration](r, 100, 400, 1500) * time.Millisecond,
		entriesInFlight: pick(r, 1, 2, 2, 4),
		nodeSessionTTL:  pick[time.Duration](r, 2, 4, 60) * time.Second,
		sessionTTL:      pick[time.Duration](r, 1500, 2500, 5000) * time.Millisecond,
		drift:           pick(r, 0, 0.02, 0.1),
		trouble:         pick[time.Duration](r, 4, 7, 10) * time.Second,
		faultEvery:      pick[time.Duration](r, 300, 600, 1200) * time.Millisecond,
		faultsAtOnce:    pick(r, 1, 2, 3),
	}
	s.link = memnet.Link{Delay: pick[time.Duration](r, 0, 200, 1000, 4000) * time.Microsecond}
	if r.IntN(2) == 0 {
		s.link.Jitter = pick[time.Duration](r, 500, 3000) * time.Microsecond
	}
	if r.IntN(3) == 0 {
		s.link.Loss, s.link.Retransmit = pick(r, 0.002, 0.02), 200*time.Millisecond
	}
	for range r.IntN(4) {
		s.favourites = append(s.favourites, r.IntN(len(faults)))
	}
	s.quiet = r.IntN(16) == 0
	s.restored = r.IntN(3) == 0
	return s
}

// pick chooses one of several values.
func pick[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }

// between chooses a duration from an interval.
func between(r *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(r.Int64N(int64(most-least)))
}

// configure gives a node what the setup says.
func (s setup) configure(config *raftnode.Config) {
	config.RaftTimeout = s.raftTimeout
	config.DisableEarlyElection = !s.earlyElection
	config.SnapshotThreshold, config.TrailingLogs, config.SnapshotInterval = s.snapshotEvery, s.trailing, s.snapshotPause
	config.EntriesInFlight = s.entriesInFlight
	config.NodeSessionTTL = s.nodeSessionTTL
}
