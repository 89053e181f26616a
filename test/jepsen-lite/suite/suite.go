package suite

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/nemesis"
	"github.com/coordd/coordd/test/jepsen-lite/network"
	"github.com/coordd/coordd/test/jepsen-lite/run"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
)

// Suite is a list of runs.
type Suite struct {
	Name  string
	About string
	Runs  []Run
}

// Run is one of them, under a name that says what it is.
type Run struct {
	Name string
	Plan run.Plan
}

// All are the suites.
func All() []Suite {
	return []Suite{
		{"pr", "every kind of fault once, on three and five nodes, about 30 s each; for every change", pr()},
		{"matrix", "every nemesis twice on three and twice on five nodes, eight to a run; half an hour, and the table of the README", matrix()},
		{"nightly", "each nemesis alone, four times on three and on five nodes, 45 s each, and everything at random; about six hours", repeated(4, 45*time.Second)},
		{"release", "as nightly, eleven times and 90 s each; a day and a half", repeated(11, 90*time.Second)},
	}
}

// Find finds a suite.
func Find(name string) (Suite, error) {
	var names []string
	for _, one := range All() {
		if one.Name == name {
			return one, nil
		}
		names = append(names, one.Name)
	}
	return Suite{}, fmt.Errorf("there is no suite %q; the suites are %s", name, strings.Join(names, ", "))
}

// plan is one with all workloads.
func plan(nodes int, duration time.Duration, seed uint64, nemeses ...string) run.Plan {
	p := run.Default()
	p.Workloads, p.Nemeses, p.Nodes, p.Duration, p.Seed = workload.Names(), nemeses, nodes, duration, seed
	return p
}

// prHold is for how long a fault stays: several election timeouts, and longer than the TTL. prCalm is for how long it is quiet in between, beside the time until all is whole again.
const (
	prHold = 2500 * time.Millisecond
	prCalm = 500 * time.Millisecond
)

// pr names the nemeses of each run; a run is over when each has worked once.
func pr() []Run {
	wal := func(p *run.Plan) { p.LogStore = "wal" }
	failpoints := func(p *run.Plan) { p.Failpoints = true }
	namespaces := func(p *run.Plan) { p.Network = network.Namespaces }
	compact := func(p *run.Plan) { p.Compact, p.SnapshotEntries = true, 60 }
	rows := []struct {
		nodes   int
		nemeses string
		change  func(*run.Plan)
	}{
		{3, "isolate-leader,isolate-one,client-leader", nil},
		{5, "isolate-leader,halves,pause-client,raft-only,gossip-only", wal},
		{3, "one-way-out,one-way-in,client-lag", nil},
		{3, "kill-leader,kill-one,kill-client", nil},
		{5, "kill-all,power-loss-majority", wal},
		{5, "kill-leader,pause-leader,pause-stale-ack,majorities-ring", nil},
		{3, "pause-leader,pause-one,pause-late-read", nil},
		{3, "pause-all,pause-holder,pause-stale-ack,bridge", nil},
		{3, "flapping,resets,delay,disorder,loss", nil},
		{3, "transfer,membership,wipe", nil},
		{3, "kill-one,isolate-one,narrow,kill-leader", compact},
		{3, "disk-full,disk-full-majority,disk-slow", nil},
		{3, "disk-stuck,disk-error,power-loss,power-loss-all", nil},
		{3, "clock-wall,clock-strobe,clock-rate,crash-point,crash-mid-apply", failpoints},
		{3, "bit-flip,torn-tail,rogue-raft,rogue-gossip", nil},
		{5, "random", nil},
		{3, "one-way-out,loss,delay", namespaces},
		{3, "client-clock-rate,client-clock-step,client-clock-strobe,node-suspend", failpoints},
		{5, "client-clock-slow,client-suspend,machine-suspend", failpoints},
	}
	var runs []Run
	for i, row := range rows {
		p := plan(row.nodes, time.Second, uint64(i+1), strings.Split(row.nemeses, ",")...)
		p.Hold, p.Calm = prHold, prCalm
		if row.change != nil {
			row.change(&p)
		}
		runs = append(runs, Run{fmt.Sprintf("%02d %d nodes %s %s", i+1, row.nodes, row.nemeses, kind(p)), p})
	}
	return runs
}

// kind tells what is special about a plan.
func kind(p run.Plan) string {
	words := []string{p.LogStore}
	if p.InNamespaces() {
		words = append(words, p.Network)
	}
	if p.Compact {
		words = append(words, "compact")
	}
	if p.Failpoints {
		words = append(words, "failpoints")
	}
	return strings.Join(words, " ")
}

// together is how many nemeses a run of the matrix has at most: the start of a cluster and the judging of a run take as long as several faults.
const together = 8

// matrix lets every nemesis work twice on three and twice on five nodes: once with either log store. In the second round what goes wrong with links goes wrong between network namespaces.
func matrix() []Run {
	var links, others []string
	for _, one := range nemesis.All() {
		if one.OfLinks() {
			links = append(links, one.Name)
		} else {
			others = append(others, one.Name)
		}
	}
	var runs []Run
	for round := range 2 {
		for _, nodes := range []int{3, 5} {
			number := 0
			for _, names := range [][]string{links, others} {
				for _, some := range evenly(possible(names, nodes), together) {
					p := plan(nodes, time.Second, uint64(100*round+10*nodes+number), some...)
					p.Hold, p.LogStore = prHold, []string{"bolt", "wal"}[(round+number)%2]
					p.Failpoints = slices.ContainsFunc(some, needsFailpoints)
					if round == 1 && &names[0] == &links[0] {
						p.Network = network.Namespaces
					}
					runs = append(runs, Run{fmt.Sprintf("%d nodes, round %d, %s, %s", nodes, round+1, strings.Join(some, ","), kind(p)), p})
					number++
				}
			}
		}
	}
	return runs
}

// evenly cuts a list into parts of about the same length, none longer than the most.
func evenly(names []string, most int) [][]string {
	parts := (len(names) + most - 1) / most
	return slices.Collect(slices.Chunk(names, (len(names)+parts-1)/parts))
}

// possible are the nemeses that make sense for so many nodes.
func possible(names []string, nodes int) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		one, err := nemesis.Find(name)
		return err != nil || nodes < one.MinNodes
	})
}

func needsFailpoints(name string) bool {
	one, err := nemesis.Find(name)
	everythingElse := nemesis.Host{Senders: true, Disks: true}
	return err == nil && (name == "random" || one.Missing(everythingElse, 9, workload.Names()) != "")
}

// repeated gives each nemesis a run of its own so many times, on three and on five nodes, with both log stores and now and then with a log that is compacted.
func repeated(times int, duration time.Duration) []Run {
	var runs []Run
	for round := range times {
		for _, nodes := range []int{3, 5} {
			for i, one := range nemesis.All() {
				if nodes < one.MinNodes {
					continue
				}
				p := plan(nodes, duration, uint64(1000*round+100*nodes+i), one.Name)
				p.LogStore = []string{"bolt", "wal"}[(round+i)%2]
				p.Compact = (round+i)%3 == 2
				p.Failpoints = needsFailpoints(one.Name)
				runs = append(runs, Run{fmt.Sprintf("%s, %d nodes, round %d, %s", one.Name, nodes, round+1, kind(p)), p})
			}
		}
	}
	return slices.Clip(runs)
}
