package run

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/nemesis"
	"github.com/coordd/coordd/test/jepsen-lite/network"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
)

// Plan says what to run. Its fields stand in the report, and Command gives the command that runs it again.
type Plan struct {
	Workloads []string      `json:"workloads"`
	Nemeses   []string      `json:"nemeses"`
	Nodes     int           `json:"nodes"`
	Clients   int           `json:"clients"`
	Duration  time.Duration `json:"duration_ns"`
	Seed      uint64        `json:"seed"`
	TTL       time.Duration `json:"ttl_ns"`
	LogStore  string        `json:"log_store"`
	// SnapshotEntries is after how many entries a node takes a snapshot. With Compact all nodes but the first also forget the entries before, so that nodes that lag
	// are sent a snapshot. The log is judged from the first node's, unless that was sent a snapshot itself.
	SnapshotEntries int  `json:"snapshot_entries"`
	Compact         bool `json:"compact"`
	// Hold is for how long a fault stays, and Calm for how long it is quiet in between.
	Hold time.Duration `json:"hold_ns"`
	Calm time.Duration `json:"calm_ns"`
	// Network is network.Proxies or network.Namespaces; empty is proxies.
	Network string `json:"network,omitempty"`
	// StopEarly ends the run at the first violation that is seen while it goes on.
	StopEarly bool `json:"stop_early,omitempty"`
	// Mutant is the name of the bug that was planted; empty for none.
	Mutant string `json:"mutant,omitempty"`
	// Failpoints builds coordd with the tag failpoints.
	Failpoints bool `json:"failpoints,omitempty"`
	// Endpoints are those of a cluster that runs already.
	Endpoints []string `json:"endpoints,omitempty"`
	User      string   `json:"user,omitempty"`
	Password  string   `json:"-"`
}

// Defaults of a plan.
const (
	DefaultDuration = 60 * time.Second
	DefaultTTL      = 2 * time.Second
	DefaultHold     = 3 * time.Second
	DefaultCalm     = time.Second
	minTTL          = 500 * time.Millisecond
	maxNodes        = 9
)

// Default is a whole plan.
func Default() Plan {
	return Plan{
		Workloads: []string{"lock", "fenced-register"}, Nemeses: []string{"kill-leader"}, Nodes: 3, Clients: 3, Duration: DefaultDuration, Seed: 1, TTL: DefaultTTL,
		LogStore: "bolt", SnapshotEntries: 100, Hold: DefaultHold, Calm: DefaultCalm,
	}
}

// Validate says everything that is wrong with a plan.
func (p Plan) Validate() error {
	var faults []error
	complain := func(condition bool, format string, arguments ...any) {
		if condition {
			faults = append(faults, fmt.Errorf(format, arguments...))
		}
	}
	complain(len(p.Workloads) == 0, "no workload is named; see jepsen-lite list")
	for _, name := range p.Workloads {
		_, err := workload.Find(name)
		complain(err != nil, "%w", err)
	}
	for _, name := range p.Nemeses {
		_, err := nemesis.Find(name)
		complain(err != nil, "%w", err)
	}
	complain(p.Nodes < 1 || p.Nodes > maxNodes, "--nodes is %d; it lies between 1 and %d", p.Nodes, maxNodes)
	complain(p.Clients < 1 || p.Clients > 64, "--clients is %d; it lies between 1 and 64", p.Clients)
	complain(p.Duration < time.Second || p.Duration > 7*24*time.Hour, "--duration is %v; it lies between 1s and a week", p.Duration)
	complain(p.TTL < minTTL, "--ttl is %v; a session lives at least %v", p.TTL, minTTL)
	complain(p.LogStore != "bolt" && p.LogStore != "wal", "--log-store is %q; it is bolt or wal", p.LogStore)
	complain(p.Hold <= 0 || p.Calm < 0, "--hold must be positive, and --calm must not be negative")
	complain(p.Network != "" && p.Network != network.Proxies && p.Network != network.Namespaces, "--network is %q; it is %s or %s", p.Network, network.Proxies, network.Namespaces)
	complain(p.InNamespaces() && len(p.Endpoints) > 0, "--network %s is for nodes that the harness starts; leave --endpoints out", network.Namespaces)
	complain(p.SnapshotEntries < 1, "--snapshot-entries is %d; at least 1 is needed", p.SnapshotEntries)
	return errors.Join(faults...)
}

// InNamespaces says that nodes and clients live in network namespaces of their own.
func (p Plan) InNamespaces() bool { return p.Network == network.Namespaces }

// ClockTolerance is by how much the clocks of a run may be bent: as much as coordd's clients allow for, if a nemesis bends rates.
func ClockTolerance(plan Plan) float64 {
	for _, name := range plan.Nemeses {
		if plan.Failpoints && nemesis.BendsNodeRates(name) {
			return nemesis.RateTolerance
		}
	}
	return 0
}

// Command is what one types to run the plan again.
func (p Plan) Command() string {
	standard := Default()
	words := []string{"go run ./test/jepsen-lite run", "--workload " + strings.Join(p.Workloads, ",")}
	if len(p.Endpoints) > 0 {
		words = append(words, "--endpoints "+strings.Join(p.Endpoints, ","))
	} else {
		words = append(words, "--nemesis "+strings.Join(p.Nemeses, ","), "--nodes "+strconv.Itoa(p.Nodes))
	}
	words = append(words, "--duration "+p.Duration.String(), "--seed "+strconv.FormatUint(p.Seed, 10))
	add := func(differs bool, word string) {
		if differs {
			words = append(words, word)
		}
	}
	add(p.Clients != standard.Clients, "--clients "+strconv.Itoa(p.Clients))
	add(p.TTL != standard.TTL, "--ttl "+p.TTL.String())
	add(p.LogStore != standard.LogStore, "--log-store "+p.LogStore)
	add(p.SnapshotEntries != standard.SnapshotEntries, "--snapshot-entries "+strconv.Itoa(p.SnapshotEntries))
	add(p.Compact, "--compact")
	add(p.Hold != standard.Hold, "--hold "+p.Hold.String())
	add(p.Calm != standard.Calm, "--calm "+p.Calm.String())
	add(p.InNamespaces(), "--network "+p.Network)
	add(p.Failpoints, "--failpoints")
	add(p.Mutant != "", "--mutant "+p.Mutant)
	add(p.StopEarly, "--stop-early")
	return strings.Join(words, " ")
}
