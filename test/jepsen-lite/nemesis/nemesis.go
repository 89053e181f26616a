package nemesis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/test/jepsen-lite/clients"
	"github.com/coordd/coordd/test/jepsen-lite/cluster"
	"github.com/coordd/coordd/test/jepsen-lite/disk"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/network"
)

// Nemesis is one kind of fault.
type Nemesis struct {
	Name  string
	About string
	// Row is its row of the fault matrix.
	Row int
	// MinNodes is the smallest cluster that it makes sense for; 0 is any.
	MinNodes int
	// Workload is one that it makes no sense without; empty is any.
	Workload string
	// Needs says what is missing on this host, as a sentence; empty when nothing is. nil needs nothing.
	Needs func(Host) string
	// Inject does harm and returns when it was done for long enough. It may return early with the error of the context.
	Inject func(ctx context.Context, env *Env) error
}

// Host is what the machine and the build of coordd offer.
type Host struct {
	// Senders says that streams between nodes can be told apart, so that single links can be cut.
	Senders bool
	// Disks says that each node has a disk of its own; NoDisks says why not.
	Disks   bool
	NoDisks string
	// Failpoints says that coordd was built with the tag failpoints.
	Failpoints bool
}

// Env is what a nemesis works on.
type Env struct {
	Host    Host
	Cluster *cluster.Cluster
	Net     network.Network
	Clients *clients.Fleet
	Tracker *clients.Tracker
	Random  *rand.Rand
	// Disks are those of the nodes, by their names; empty without.
	Disks map[string]*disk.Disk
	// Workloads are the names of those that run.
	Workloads []string
	// TTL is that of the sessions and leases of the workloads.
	TTL time.Duration
	// Hold is for how long a fault stays, unless it says otherwise.
	Hold time.Duration
	// Admin is a way to the cluster that no fault touches.
	Admin *client.Client
	// Writer is the history of the run, for what a nemesis asks by itself.
	Writer *history.Writer
	// Printf writes a line for people.
	Printf func(format string, arguments ...any)
	// Kept are logs of nodes that were replaced, and Excused the parts of node logs that may tell of crashes; both grow while nemeses work.
	Kept    []Kept
	Excused []Excuse
	// Round is how much longer than usual the nodes' agreement on an entry may take while the fault lasts, as far as the nemesis knows: it sets it, and who calls it begins with 0.
	Round time.Duration

	balloons []string        // files that fill disks
	broken   []*cluster.Node // their disks fail
	absent   []*cluster.Node // were removed from the cluster and not added again yet
}

// OfLinks reports whether it harms nothing but links.
func (n Nemesis) OfLinks() bool {
	return slices.ContainsFunc(slices.Concat(partitionNemeses, linkNemeses), func(one Nemesis) bool { return one.Name == n.Name })
}

// Missing says why a nemesis cannot run here; empty if it can.
func (n Nemesis) Missing(host Host, nodes int, workloads []string) string {
	if n.Workload != "" && !slices.Contains(workloads, n.Workload) {
		return fmt.Sprintf("%s needs the workload %s", n.Name, n.Workload)
	}
	if nodes < n.MinNodes {
		return fmt.Sprintf("%s needs %d nodes or more, there are %d; add --nodes %d", n.Name, n.MinNodes, nodes, n.MinNodes)
	}
	if n.Needs != nil {
		return n.Needs(host)
	}
	return ""
}

// Requirements are what a nemesis cannot do without, in words; empty when it needs nothing.
func (n Nemesis) Requirements() (needs []string) {
	everything := Host{Senders: true, Disks: true, Failpoints: true}
	for _, one := range []struct {
		host  Host
		words string
	}{
		{Host{Disks: true, Failpoints: true}, "Linux"},
		{Host{Senders: true, Failpoints: true, NoDisks: "no"}, "root and mkfs.ext4 (Debian: e2fsprogs)"},
		{Host{Senders: true, Disks: true}, "--failpoints"},
	} {
		if n.Needs != nil && n.Needs(everything) == "" && n.Needs(one.host) != "" {
			needs = append(needs, one.words)
		}
	}
	if n.MinNodes > 1 {
		needs = append(needs, fmt.Sprintf("%d nodes", n.MinNodes))
	}
	if n.Workload != "" {
		needs = append(needs, "the workload "+n.Workload)
	}
	return needs
}

// partitionPrefix may stand before the names of partitions.
const partitionPrefix = "partition-"

// Alias is the other name under which a nemesis is found: partitions have one. Its Name is what stands in ledgers and reports.
func (n Nemesis) Alias() string {
	if slices.ContainsFunc(partitionNemeses, func(one Nemesis) bool { return one.Name == n.Name }) {
		return partitionPrefix + n.Name
	}
	return ""
}

// Find finds a nemesis by its name, or by its alias.
func Find(name string) (Nemesis, error) {
	for _, one := range All() {
		if name != "" && (one.Name == name || one.Alias() == name) {
			return one, nil
		}
	}
	return Nemesis{}, fmt.Errorf("there is no nemesis %q; see jepsen-lite list", name)
}

// All are the nemeses in the order in which they are listed.
func All() []Nemesis {
	return slices.Concat([]Nemesis{{
		Name: "none", About: "nothing goes wrong; the control", Row: 1,
		Inject: func(ctx context.Context, env *Env) error { return cluster.Pause(ctx, env.Hold) },
	}}, processNemeses, partitionNemeses, linkNemeses, adminNemeses, diskNemeses, rotNemeses, rogueNemeses, clockNemeses, crashNemeses, clientClockNemeses, suspendNemeses, randomNemeses())
}

// Heal makes everything well: links, stopped processes, full disks, dead nodes. It waits until every member of the cluster can serve.
func (e *Env) Heal(ctx context.Context) error {
	e.Net.Heal()
	if err := e.mend(); err != nil {
		return err
	}
	for _, node := range e.Cluster.Nodes() {
		node.Continue()
		if e.Host.Failpoints {
			if err := node.Order(cluster.Orders{}); err != nil {
				return err
			}
		}
	}
	e.Clients.Heal()
	if err := e.Cluster.Start(); err != nil {
		return err
	}
	for _, node := range slices.Clone(e.absent) {
		node.Kill()
		if err := e.removeMember(ctx, node); err != nil {
			return err
		}
		if err := e.comeBackEmpty(ctx, node); err != nil {
			return err
		}
	}
	if err := e.awaitAll(ctx); err != nil {
		return err
	}
	e.endExcuses()
	return nil
}

// mostRestarts bounds how often a node that ends while all are awaited is started again.
const mostRestarts = 5

// awaitAll waits until every node can serve. One that ends meanwhile, as a node does whose disk hung, is started again by whoever looks after it: so all are looked after at once,
// since none of them is ready without a majority of the others.
func (e *Env) awaitAll(ctx context.Context) error {
	restarts := map[*cluster.Node]int{}
	for {
		var waiting error
		for _, node := range e.Cluster.Nodes() {
			if !node.Running() {
				if restarts[node]++; restarts[node] > mostRestarts {
					return fmt.Errorf("%s ended %d times while it was awaited; the end of its log (%s):\n%s", node.Name, restarts[node], node.Log(), node.Tail(12))
				}
				if err := node.Start(); err != nil {
					return err
				}
			}
			status, err := node.Status(ctx)
			switch {
			case err != nil:
				waiting = fmt.Errorf("%s is not ready: %w", node.Name, err)
			case !status.Ready:
				waiting = fmt.Errorf("%s is not ready: %s", node.Name, status.ReadyReason)
			}
		}
		if waiting == nil {
			return nil
		}
		if cluster.Pause(ctx, 50*time.Millisecond) != nil {
			return waiting
		}
	}
}

// anyNode is one of the nodes.
func (e *Env) anyNode() *cluster.Node {
	nodes := e.Cluster.Nodes()
	return nodes[e.Random.IntN(len(nodes))]
}

// leaderPatience bounds the search for a leader. Without one the fault hits any node.
const leaderPatience = 10 * time.Second

func (e *Env) leader(ctx context.Context) *cluster.Node {
	ctx, cancel := context.WithTimeout(ctx, leaderPatience)
	defer cancel()
	leader, err := e.Cluster.Leader(ctx)
	if err != nil {
		return e.anyNode()
	}
	return leader
}

// shuffled are the names of the nodes in any order.
func (e *Env) shuffled() []string {
	var names []string
	for _, node := range e.Cluster.Nodes() {
		names = append(names, node.Name)
	}
	e.Random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names
}

// between draws a time.
func (e *Env) between(least, most time.Duration) time.Duration {
	return least + time.Duration(e.Random.Int64N(int64(most-least)+1))
}
