package pools

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// Plan says what to do. Default gives one.
type Plan struct {
	Duration   time.Duration // for how long things go wrong; a rolling restart follows
	Workers    int
	Partitions int
	TTL        time.Duration // of the workers' sessions
	Early      time.Duration // after which without a renewal they agree to end; the workers then take part in the gossip. 0: they do not
	Gossip     string        // ok, cut or rogue
	Duplicate  bool          // a second process under a live worker's id comes every now and then
	Lookups    int           // of the router, a second
	Requests   int           // that the router sends, a second
	Seed       uint64        // chooses victims and times
	Election   time.Duration // the nodes' --election-timeout; 0: their default, which a machine that is busy with other things may not keep
}

// Default is the plan of the command without flags.
func Default() Plan {
	return Plan{Duration: time.Minute, Workers: 20, Partitions: 4096, TTL: 5 * time.Second, Gossip: GossipOK, Lookups: 50_000, Requests: 100, Seed: 1}
}

// What becomes of the gossip between the nodes.
const (
	GossipOK    = "ok"
	GossipCut   = "cut"
	GossipRogue = "rogue"
)

// Validate refuses what makes no sense.
func (p Plan) Validate() error {
	var faults []error
	if p.Duration <= 0 || p.TTL < time.Second {
		faults = append(faults, fmt.Errorf("duration %v and TTL %v: the first must be positive, the second at least 1 s", p.Duration, p.TTL))
	}
	if p.Early != 0 && (p.Early < time.Second || p.Early > p.TTL) {
		faults = append(faults, fmt.Errorf("an early end after %v; it is between 1 s and the TTL, %v", p.Early, p.TTL))
	}
	if p.Workers < 2 || p.Workers > maxWorkers {
		faults = append(faults, fmt.Errorf("%d workers; between 2 and %d can be run", p.Workers, maxWorkers))
	}
	if p.Partitions < p.Workers || p.Partitions > 65536 {
		faults = append(faults, fmt.Errorf("%d partitions; there must be one for each of %d workers, and at most 65536", p.Partitions, p.Workers))
	}
	if p.Gossip != GossipOK && p.Gossip != GossipCut && p.Gossip != GossipRogue {
		faults = append(faults, fmt.Errorf("gossip is ok, cut or rogue, not %q", p.Gossip))
	}
	if p.Lookups < 0 || p.Requests < 0 {
		faults = append(faults, errors.New("lookups and requests must not be negative"))
	}
	return errors.Join(faults...)
}

const maxWorkers = 100

// Place says where a campaign happens.
type Place struct {
	Out     string // folder for logs
	Binary  string // the coordd program
	Program string // this program, which is started for workers, store and router
	Say     io.Writer
}

// poolName is the pool of a campaign.
const poolName = "campaign"
