package run

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/clients"
	"github.com/coordd/coordd/test/jepsen-lite/cluster"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/nemesis"
	"github.com/coordd/coordd/test/jepsen-lite/network"
)

// countingNetwork is one whose counters a test sets.
type countingNetwork struct {
	network.Network
	effects network.Effects
}

func (n *countingNetwork) Effects() network.Effects { return n.effects }
func (n *countingNetwork) Heal()                    {}
func (n *countingNetwork) Err() error               { return nil }

// runWith is a run without nodes and clients.
func runWith(t *testing.T, plan Plan, net network.Network) *run {
	t.Helper()
	writer, nodes := history.NewWriter(io.Discard), &cluster.Cluster{Net: net}
	r := &run{plan: plan, place: Place{Out: t.TempDir(), Say: io.Discard}, writer: writer, net: net, cluster: nodes, poller: newPoller(nodes, writer), verdict: &Verdict{Plan: plan, Start: time.Now()}}
	r.env = &nemesis.Env{Cluster: nodes, Net: net, Clients: &clients.Fleet{}, Writer: writer, Random: rand.New(rand.NewPCG(1, 1))}
	return r
}

// A node whose disk hangs ends by itself, and a nemesis that wants to do something with it fails: that fault has shown nothing, and is injected again.
func TestAFaultIsInjectedAgainWhenANodeEndedByItself(t *testing.T) {
	for name, c := range map[string]struct {
		fails, ends, attempts int
		ended                 bool // before the fault
		problem               bool
	}{
		"it works":                      {attempts: 1},
		"a node had ended before":       {fails: 1, ended: true, attempts: 2},
		"a node ends, and then none":    {fails: 1, ends: 1, attempts: 2},
		"nodes end again and again":     {fails: 9, ends: 9, attempts: mostAttempts, problem: true},
		"it fails and no node ended":    {fails: 1, attempts: 1, problem: true},
		"it fails without an end later": {fails: 2, ends: 1, attempts: 2, problem: true},
		"a node ends, and it works":     {ends: 1, attempts: 1},
	} {
		r := runWith(t, Plan{}, &countingNetwork{})
		if c.ended {
			r.nodeEnded("n3", errors.New("n3 ended with exit status 70"))
		}
		attempts := 0
		harm := nemesis.Nemesis{Name: "machine-suspend", Inject: func(context.Context, *nemesis.Env) error {
			attempts++
			if attempts <= c.ends {
				r.nodeEnded("n3", errors.New("n3 ended with exit status 70"))
			}
			if attempts <= c.fails {
				return cluster.ErrDown
			}
			return nil
		}}
		if err := r.insist(t.Context(), harm); err != nil {
			t.Fatal(err)
		}
		if attempts != c.attempts || (len(r.verdict.Problems) > 0) != c.problem {
			t.Errorf("%s: %d attempts, want %d; problems %q", name, attempts, c.attempts, r.verdict.Problems)
		}
		worked := 0
		for _, fault := range r.verdict.Faults {
			if fault.Error == "" {
				worked++
			}
		}
		if len(r.verdict.Faults) != attempts || (worked == 1) == c.problem {
			t.Errorf("%s: faults %+v", name, r.verdict.Faults)
		}
	}
}

// Where everything is counted, a fault of links that no packet met has not worked, whatever its nemesis says.
func TestAFaultOfLinksThatNoPacketMetIsAProblem(t *testing.T) {
	met := func(effects *network.Effects) { effects.Cut++ }
	nothing := func(*network.Effects) {}
	for name, c := range map[string]struct {
		nemesis, network string
		does             func(*network.Effects)
		problem          bool
	}{
		"cut off":                      {"isolate-leader", network.Namespaces, met, false},
		"cut off, and nobody noticed":  {"isolate-leader", network.Namespaces, nothing, true},
		"late, and nobody noticed":     {"delay", network.Namespaces, nothing, true},
		"proxies do not count all":     {"delay", network.Proxies, nothing, false},
		"processes are not the links'": {"kill-leader", network.Namespaces, nothing, false},
	} {
		net := &countingNetwork{effects: network.Effects{Cut: 7}}
		r := runWith(t, Plan{Network: c.network, Nemeses: []string{c.nemesis}}, net)
		harm := nemesis.Nemesis{Name: c.nemesis, Inject: func(context.Context, *nemesis.Env) error { c.does(&net.effects); return nil }}
		if err := r.insist(t.Context(), harm); err != nil {
			t.Fatal(err)
		}
		said := strings.Join(r.verdict.Problems, "; ")
		if (said != "") != c.problem || len(r.verdict.Faults) != 1 || (r.verdict.Faults[0].Error != "") != c.problem {
			t.Errorf("%s: the problems are %q, the faults %+v", name, said, r.verdict.Faults)
		}
		r.verdict.Results = []check.Result{{Verdict: check.Valid}}
		if r.verdict.Settle(); (r.verdict.Verdict == check.Unknown) != c.problem {
			t.Errorf("%s: the verdict is %s", name, r.verdict.Verdict)
		}
	}
}
