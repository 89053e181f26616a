package run

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/cluster"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/nemesis"
)

// quiet is how long nothing goes wrong at the begin.
const quiet = time.Second

// choose says what cannot be run here, and leaves it out.
func (r *run) choose(host nemesis.Host) {
	r.env = &nemesis.Env{Host: host, Writer: r.writer, Cluster: r.cluster, Net: r.net, Tracker: r.tracker, Random: rand.New(rand.NewPCG(r.plan.Seed, 3)), TTL: r.plan.TTL, Disks: r.disks, Hold: r.plan.Hold, Workloads: r.plan.Workloads}
	for _, name := range r.plan.Nemeses {
		chosen, err := nemesis.Find(name)
		if err == nil {
			if missing := chosen.Missing(host, r.plan.Nodes, r.plan.Workloads); missing != "" {
				r.verdict.Skipped = append(r.verdict.Skipped, chosen.Name+": "+missing)
				r.say("skipped: %s", missing)
			}
		}
	}
}

// doHarm lets nemeses work, one after the other, until the time is over.
func (r *run) doHarm(ctx context.Context) error {
	if r.cluster == nil {
		return cluster.Pause(ctx, r.plan.Duration)
	}
	admin, err := r.admin(ctx)
	if err != nil {
		return err
	}
	defer admin.Close()
	r.env.Admin, r.env.Clients = admin, r.fleet
	var able []nemesis.Nemesis
	for _, name := range r.plan.Nemeses {
		chosen, err := nemesis.Find(name)
		if err != nil {
			return err
		}
		if chosen.Missing(r.env.Host, r.plan.Nodes, r.plan.Workloads) == "" {
			able = append(able, chosen)
		}
	}
	end := time.Now().Add(r.plan.Duration)
	if err := r.calm(ctx, quiet); err != nil {
		return err
	}
	if len(able) == 0 {
		return cluster.Pause(ctx, time.Until(end))
	}
	// Each works at least once, in the order in which they were named; then any.
	for round := 0; time.Now().Before(end) || round < len(able); round++ {
		chosen := able[round%len(able)]
		if round >= len(able) {
			chosen = able[r.env.Random.IntN(len(able))]
		}
		if err := r.insist(ctx, chosen); err != nil {
			return err
		}
		if r.result.HealError != nil || r.plan.StopEarly && r.seenBroken() {
			return nil
		}
		if err := r.calm(ctx, r.plan.Calm); err != nil {
			return err
		}
	}
	return nil
}

// calm lets nothing happen for a while.
func (r *run) calm(ctx context.Context, span time.Duration) error {
	defer r.lookAfterNodes(ctx)()
	return cluster.Pause(ctx, span)
}

// mostAttempts is how often a fault is injected that did not work since a node ended by itself.
const mostAttempts = 3

// insist runs one nemesis, and again if a node that was there before ended by itself meanwhile, as one does whose disk hangs: what a nemesis does with that node then fails, and nothing is shown.
func (r *run) insist(ctx context.Context, chosen nemesis.Nemesis) error {
	for attempt := 1; ; attempt++ {
		failure, err := r.inject(ctx, chosen)
		disturbed := r.disturbed()
		if failure == nil || err != nil {
			return err
		}
		if !disturbed || r.result.HealError != nil || attempt == mostAttempts {
			r.problem("nemesis %s: %v", chosen.Name, failure)
			return nil
		}
		r.say("nemesis %s: %v; since a node ended by itself, once more", chosen.Name, failure)
		if err := r.calm(ctx, r.plan.Calm); err != nil {
			return err
		}
	}
}

// errNothingMet is of a fault of links without an effect, where all effects are counted. A firewall whose rules match nothing would make every run valid.
var errNothingMet = errors.New("no packet met it, so it has proved nothing")

// inject runs one nemesis and heals. failure is why the fault has proved nothing.
func (r *run) inject(ctx context.Context, chosen nemesis.Nemesis) (failure, err error) {
	fault := Fault{Name: chosen.Name, From: history.Now()}
	r.env.Printf = func(format string, arguments ...any) {
		text := fmt.Sprintf(format, arguments...)
		fault.Did = append(fault.Did, text)
		r.say("%s: %s", chosen.Name, text)
	}
	r.noteFault(chosen.Name, "begin")
	r.env.Round = 0
	before := r.net.Effects()
	failure = chosen.Inject(ctx, r.env)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if failure == nil && r.plan.InNamespaces() && chosen.OfLinks() && r.net.Effects() == before {
		failure = errNothingMet
	}
	if failure != nil {
		fault.Error = failure.Error()
	}
	if broken := (*nemesis.Broken)(nil); errors.As(failure, &broken) {
		said := failure.Error()
		r.verdict.Results = append(r.verdict.Results, check.Result{Name: chosen.Name, Verdict: check.Invalid, Seen: 1, Of: "faults", Says: said, Violations: []string{said}, Total: 1})
		failure = nil
	}
	healing, cancel := context.WithTimeout(ctx, healPatience)
	defer cancel()
	r.poller.resetLag()
	strangers := r.net.Effects().Strangers
	if err := r.env.Heal(healing); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		r.result.HealError = err
		r.result.Lag, r.result.Strangers = r.poller.resetLag(), r.net.Effects().Strangers-strangers
		r.say("the cluster does not become whole: %v", err)
	}
	fault.Until, fault.Round = history.Now(), r.env.Round
	r.noteFault(chosen.Name, "end")
	r.verdict.Faults = append(r.verdict.Faults, fault)
	return failure, nil
}

func (r *run) noteFault(name, what string) {
	_ = r.writer.Write(history.Event{Type: history.Note, Process: "nemesis", Op: name, Value: what}) // verdict.json has it too
}

// admin is a way to the nodes themselves.
func (r *run) admin(ctx context.Context) (*client.Client, error) {
	var addresses []string
	for _, node := range r.cluster.Nodes() {
		addresses = append(addresses, node.RedisAddr)
	}
	return client.Dial(ctx, client.Options{Endpoints: addresses, Name: "jepsen-lite", DialTimeout: time.Second})
}

const (
	recoveryPatience = 60 * time.Second
	recoveryCount    = 3 // successes of each workload
)

// recover waits until every workload goes on.
func (r *run) recover(ctx context.Context) {
	if r.result.HealError != nil {
		return
	}
	begin := history.Now()
	if r.poller != nil {
		r.poller.resetLag()
	}
	strangers := r.net.Effects().Strangers
	waiting, cancel := context.WithTimeout(ctx, recoveryPatience)
	defer cancel()
	stop := r.lookAfterNodes(waiting)
	lacking, err := r.tracker.Progress(waiting, r.plan.Workloads, begin, recoveryCount)
	r.result.Took = time.Duration(history.Now() - begin)
	if err != nil {
		r.result.Lacking = lacking
	}
	if slices.Contains(r.plan.Workloads, "pool") {
		_, _ = r.tracker.Served(waiting, begin) // what lacks is found by who reads the history
	}
	stop()
	r.result.Strangers = r.net.Effects().Strangers - strangers
	if r.poller != nil {
		r.result.Lag = r.poller.resetLag()
	}
}

// lookAfterNodes starts nodes that end by themselves, as every deployment does, until it is stopped. One that ends again and again makes no progress, and shows in that.
func (r *run) lookAfterNodes(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var looking sync.WaitGroup
	if r.cluster != nil {
		looking.Go(func() {
			for cluster.Pause(ctx, 200*time.Millisecond) == nil {
				_ = r.cluster.Start()
			}
		})
	}
	return func() { cancel(); looking.Wait() }
}

// tellProgress writes a line now and then.
func (r *run) tellProgress(ctx context.Context) {
	const interval = 10 * time.Second
	for cluster.Pause(ctx, interval) == nil {
		r.say("%d operations succeeded so far", r.tracker.Successes())
	}
}
