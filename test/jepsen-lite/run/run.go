package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coordd/coordd/internal/process"
	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/clients"
	"github.com/coordd/coordd/test/jepsen-lite/cluster"
	"github.com/coordd/coordd/test/jepsen-lite/disk"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/nemesis"
	"github.com/coordd/coordd/test/jepsen-lite/network"
	"github.com/coordd/coordd/test/jepsen-lite/store"
)

// Place says where things are.
type Place struct {
	// Out is the folder of the run; it is made.
	Out string
	// Binary is the coordd program; empty with endpoints.
	Binary string
	// Program is this program, of which client processes are made.
	Program string
	// Say takes lines for people.
	Say io.Writer
}

// Fault is one fault that was injected.
type Fault struct {
	Name  string   `json:"name"`
	From  int64    `json:"from_ns"`
	Until int64    `json:"until_ns"`
	Did   []string `json:"did,omitempty"`
	Error string   `json:"error,omitempty"`
	// Round is how much longer than usual the nodes' agreement on an entry may have taken meanwhile.
	Round time.Duration `json:"round_ns,omitempty"`
}

// Verdict is the outcome of a run, as it stands in verdict.json.
type Verdict struct {
	Verdict check.Verdict   `json:"verdict"`
	Plan    Plan            `json:"plan"`
	Command string          `json:"command"`
	Commit  string          `json:"commit,omitempty"`
	Start   time.Time       `json:"start"`
	Took    time.Duration   `json:"took_ns"`
	Faults  []Fault         `json:"faults"`
	Skipped []string        `json:"skipped,omitempty"`
	Effects network.Effects `json:"network"`
	// Ended are the nodes whose processes ended by themselves, and the ends of their logs. Some faults mean that: disks that fail, members that are removed.
	Ended []string `json:"ended,omitempty"`
	// Problems are why the run may have proved less than it should.
	Problems []string       `json:"problems,omitempty"`
	Results  []check.Result `json:"results"`
	// Recovery is from the end of the last fault until everything went on.
	Recovery time.Duration `json:"recovery_ns"`
}

// run is one under way.
type run struct {
	plan    Plan
	place   Place
	writer  *history.Writer
	file    *os.File
	group   *process.Group
	net     network.Network
	cluster *cluster.Cluster
	store   *store.Server
	fleet   *clients.Fleet
	tracker *clients.Tracker
	poller  *poller
	env     *nemesis.Env
	disks   map[string]*disk.Disk
	verdict *Verdict
	result  check.Recovery

	endedMu sync.Mutex
	ended   []string
	borne   int  // how many of those ended before the present fault, and are no reason to inject it again
	over    bool // what ends from now on was told to
}

// Do runs a plan and leaves its folder. An error means that no verdict was come to; the context's end stops the run, and everything that it started.
func Do(ctx context.Context, plan Plan, place Place) (*Verdict, error) {
	if err := plan.Validate(); err != nil {
		return nil, err
	}
	r := &run{plan: plan, place: place, tracker: clients.NewTracker(), disks: map[string]*disk.Disk{}, verdict: &Verdict{Plan: plan, Command: plan.Command(), Start: time.Now().UTC()}}
	defer r.close()
	if err := r.open(); err != nil {
		return nil, err
	}
	err := r.perform(ctx)
	if err == nil {
		err = r.judge(ctx)
	}
	return r.conclude(err)
}

// conclude writes what came of a run. One that broke off has no verdict, unless a violation was seen before: that stays, whatever went wrong after it.
func (r *run) conclude(err error) (*Verdict, error) {
	found := slices.ContainsFunc(r.verdict.Results, func(result check.Result) bool { return result.Verdict == check.Invalid })
	if err != nil && !found {
		return nil, err
	}
	if err != nil {
		r.problem("the run broke off: %v", err)
		r.verdict.Settle()
	}
	r.verdict.Took = time.Since(r.verdict.Start)
	if failed := r.report(err == nil); failed != nil && !found {
		return nil, failed
	}
	return r.verdict, nil
}

// Names of what a run leaves in its folder.
const (
	HistoryFile = "history.jsonl"
	VerdictFile = "verdict.json"
	ReportFile  = "report.html"
	LogsFolder  = "logs"
	DataFolder  = "data"
	SaidFile    = "said.json"
)

func (r *run) open() error {
	for _, folder := range []string{r.place.Out, filepath.Join(r.place.Out, LogsFolder), filepath.Join(r.place.Out, DataFolder)} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return fmt.Errorf("the run needs a folder: %w", err)
		}
	}
	var err error
	if r.file, err = os.OpenFile(filepath.Join(r.place.Out, HistoryFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644); err != nil {
		return fmt.Errorf("the folder of a run must not hold one already: %w", err)
	}
	r.writer = history.NewWriter(r.file)
	r.group = process.NewGroup(filepath.Join(r.place.Out, LogsFolder))
	return nil
}

const (
	startPatience  = 60 * time.Second
	healPatience   = 90 * time.Second
	finishPatience = 20 * time.Second
	stopGrace      = 5 * time.Second
)

// perform is the run itself, up to the end of all processes.
func (r *run) perform(ctx context.Context) error {
	if err := r.startCluster(ctx); err != nil {
		return err
	}
	if err := r.startClients(ctx); err != nil {
		return err
	}
	polling, stopPolling := context.WithCancel(ctx)
	defer stopPolling()
	var watching sync.WaitGroup
	if r.cluster != nil {
		r.poller = newPoller(r.cluster, r.writer)
		watching.Go(func() { r.poller.run(polling) })
	}
	watching.Go(func() { r.tellProgress(polling) })
	var err error
	if r.result.HealError == nil {
		err = r.doHarm(ctx)
	}
	if err == nil {
		r.recover(ctx)
		err = ctx.Err()
	}
	if err == nil {
		err = r.finish(ctx)
	}
	stopPolling()
	watching.Wait()
	return err
}

// network is the one that the plan names.
func (r *run) network() (network.Network, error) {
	if r.plan.InNamespaces() {
		return network.NewNamespaces(r.plan.Seed)
	}
	return network.New(r.plan.Seed), nil
}

// startCluster starts the nodes, unless they run already.
func (r *run) startCluster(ctx context.Context) error {
	var err error
	if r.net, err = r.network(); err != nil {
		return err
	}
	if len(r.plan.Endpoints) > 0 {
		return nil
	}
	trailing := cluster.WholeLog
	if r.plan.Compact {
		trailing = max(1, r.plan.SnapshotEntries/2)
	}
	r.cluster, err = cluster.New(cluster.Config{
		Binary: r.place.Binary, DataDir: filepath.Join(r.place.Out, DataFolder), LogDir: filepath.Join(r.place.Out, LogsFolder), Nodes: r.plan.Nodes,
		LogStore: r.plan.LogStore, Failpoints: r.plan.Failpoints, SnapshotEntries: r.plan.SnapshotEntries, TrailingEntries: trailing, FirstTrailingEntries: cluster.WholeLog,
		Ended: r.nodeEnded,
	}, r.group, r.net)
	if err != nil {
		return err
	}
	host := r.host()
	r.choose(host)
	if err := r.cluster.Start(); err != nil {
		return err
	}
	ready, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	if err := r.cluster.WaitReady(ready, r.cluster.Nodes()...); err != nil {
		return fmt.Errorf("the cluster did not start: %w", err)
	}
	return nil
}

// startClients starts the store, the client processes and the links between them and the nodes.
func (r *run) startClients(ctx context.Context) error {
	var err error
	if r.store, err = store.Start(r.net.Host(), r.writer, r.tracker.Observe); err != nil {
		return err
	}
	endpoints, err := r.endpoints()
	if err != nil {
		return err
	}
	r.fleet = &clients.Fleet{
		Inside:  func(place int, start func() error) error { return r.net.Inside(nemesis.Place(place), start) },
		Program: r.place.Program, Group: r.group, Writer: r.writer, Tracker: r.tracker, Endpoints: func(place int) []string { return endpoints[place] },
		Order: clients.Assignment{
			Store: r.store.Address, Workloads: r.plan.Workloads, TTL: r.plan.TTL, Start: history.Now(), Seed: r.plan.Seed, User: r.plan.User, Password: r.plan.Password,
		},
	}
	if err := r.fleet.Start(r.plan.Clients); err != nil {
		return err
	}
	started, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	if lacking, err := r.tracker.Progress(started, r.plan.Workloads, 0, 1); err != nil {
		if ctx.Err() != nil || len(r.plan.Endpoints) > 0 {
			return fmt.Errorf("clients do nothing, not even without a fault: %v: %w", lacking, errors.Join(err, r.fleet.Err()))
		}
		// The cluster came up and serves nobody: that is for the judges.
		r.result.HealError = fmt.Errorf("no progress of %v, not even without a fault", lacking)
	}
	return nil
}

// finish stops the clients, reads what is there at the end, and stops the nodes.
func (r *run) finish(ctx context.Context) error {
	if err := r.fleet.Finish(finishPatience); err != nil {
		r.problem("%v", err)
	}
	stop := r.lookAfterNodes(ctx)
	defer stop()
	if err := r.readAtTheEnd(ctx); err != nil {
		r.problem("reading at the end: %v", err)
	}
	if r.cluster == nil {
		return nil
	}
	agreeing, cancel := context.WithTimeout(ctx, finishPatience)
	r.poller.agree(agreeing)
	cancel()
	stop()
	r.verdict.Ended = r.endings()
	for _, node := range r.cluster.Nodes() {
		node.Kill() // what was committed must be on disk, however they end
	}
	return nil
}

// nodeEnded notes that a node's process ended and was not killed by us.
func (r *run) nodeEnded(name string, how error) {
	r.endedMu.Lock()
	defer r.endedMu.Unlock()
	if r.over {
		return
	}
	text := name + " ended by itself, with status 0"
	if how != nil {
		text = how.Error()
	}
	r.ended = append(r.ended, text)
	head, _, _ := strings.Cut(text, ";")
	r.say("%s", head)
}

// disturbed reports that a node has ended by itself since it was last asked.
func (r *run) disturbed() bool {
	r.endedMu.Lock()
	defer r.endedMu.Unlock()
	since := len(r.ended) > r.borne
	r.borne = len(r.ended)
	return since
}

// endings are those so far; none is noted any more.
func (r *run) endings() []string {
	r.endedMu.Lock()
	defer r.endedMu.Unlock()
	r.over = true
	return r.ended
}

// close ends whatever is left, also after an error or a signal.
func (r *run) close() {
	r.endings()
	for _, one := range r.disks {
		one.Thaw() // a process whose disk hangs cannot end
	}
	if r.group != nil {
		if r.cluster != nil {
			for _, node := range r.cluster.Nodes() {
				node.Continue() // a stopped process does not end in order
			}
		}
		if r.fleet != nil {
			r.fleet.Heal()
		}
		r.group.Close(stopGrace)
	}
	if r.store != nil {
		r.store.Close()
	}
	if r.net != nil {
		r.net.Close()
	}
	r.closeDisks()
	if r.file != nil {
		_ = r.file.Close()
	}
}

// problem notes why the run may have proved less than it should; it makes the verdict unknown unless it is worse.
func (r *run) problem(format string, arguments ...any) {
	text := fmt.Sprintf(format, arguments...)
	r.verdict.Problems = append(r.verdict.Problems, text)
	r.say("problem: %s", text)
}

func (r *run) say(format string, arguments ...any) {
	fmt.Fprintf(r.place.Say, "%7.1f s  %s\n", time.Since(r.verdict.Start).Seconds(), fmt.Sprintf(format, arguments...))
}
