package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/cluster"
	"github.com/coordd/coordd/test/jepsen-lite/mutant"
	"github.com/coordd/coordd/test/jepsen-lite/run"
)

// list is a flag of words with commas.
type list struct{ words *[]string }

func (l list) String() string {
	if l.words == nil {
		return ""
	}
	return strings.Join(*l.words, ",")
}

func (l list) Set(text string) error {
	*l.words = nil
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word != "" {
			*l.words = append(*l.words, word)
		}
	}
	return nil
}

// planFlags are the flags of a plan.
func planFlags(set *flag.FlagSet, plan *run.Plan) {
	set.Var(list{&plan.Workloads}, "workload", "what clients do; names with commas, or all")
	set.Var(list{&plan.Nemeses}, "nemesis", "what goes wrong; names with commas")
	set.IntVar(&plan.Nodes, "nodes", plan.Nodes, "how many nodes")
	set.IntVar(&plan.Clients, "clients", plan.Clients, "how many client processes")
	set.DurationVar(&plan.Duration, "duration", plan.Duration, "for how long things go wrong; each nemesis works at least once")
	set.Uint64Var(&plan.Seed, "seed", plan.Seed, "chooses victims and times: the plan of the run, not the interleaving of its processes")
	set.DurationVar(&plan.TTL, "ttl", plan.TTL, "time to live of sessions and leases")
	set.StringVar(&plan.LogStore, "log-store", plan.LogStore, "bolt or wal")
	set.IntVar(&plan.SnapshotEntries, "snapshot-entries", plan.SnapshotEntries, "after how many log entries a node takes a snapshot")
	set.BoolVar(&plan.Compact, "compact", plan.Compact, "let all nodes but the first forget entries that a snapshot holds, so that nodes that lag are sent snapshots")
	set.DurationVar(&plan.Hold, "hold", plan.Hold, "for how long a fault stays")
	set.DurationVar(&plan.Calm, "calm", plan.Calm, "for how long it is quiet between faults")
	set.BoolVar(&plan.Failpoints, "failpoints", plan.Failpoints, "build coordd with the tag failpoints, for the nemeses clock-*, crash-* and *-suspend")
	set.StringVar(&plan.Mutant, "mutant", plan.Mutant, "plant a bug; see jepsen-lite list")
	set.StringVar(&plan.Network, "network", plan.Network, "proxies, everywhere; or namespaces, one for each node and client process with a firewall between them, as root on Linux")
	set.BoolVar(&plan.StopEarly, "stop-early", plan.StopEarly, "stop at the first violation that shows while the run goes on")
	set.Var(list{&plan.Endpoints}, "endpoints", "Redis ports of a cluster that runs already: only clients run, nothing is harmed, and no log is read")
	set.StringVar(&plan.User, "user", "", "user of that cluster; the password stands in COORDD_PASSWORD")
}

func runCommand(ctx context.Context, arguments []string) (check.Verdict, error) {
	plan := run.Default()
	set := flag.NewFlagSet("run", flag.ContinueOnError)
	planFlags(set, &plan)
	out := set.String("out", "", "folder for history, logs, verdict.json and report.html; a new one below the system's temporary folder if not given")
	binary := set.String("coordd", "", "use this coordd program instead of building one")
	if err := parse(set, arguments); err != nil {
		return "", err
	}
	plan.Password = os.Getenv("COORDD_PASSWORD")
	expandAll(&plan)
	if len(plan.Endpoints) > 0 {
		plan.Nemeses = nil
	}
	if err := plan.Validate(); err != nil {
		return "", fmt.Errorf("%w\n%w", err, errUsage)
	}
	shop, err := openWorkshop(ctx, *binary)
	if err != nil {
		return "", err
	}
	defer shop.close()
	if len(plan.Endpoints) == 0 {
		if err := shop.build(ctx, plan); err != nil {
			return "", err
		}
	}
	folder := *out
	if folder == "" {
		if folder, err = os.MkdirTemp("", "jepsen-lite-"); err != nil {
			return "", err
		}
	}
	verdict, err := shop.run(ctx, plan, folder)
	if err != nil {
		return "", err
	}
	printVerdict(verdict, folder)
	return verdict.Verdict, nil
}

// parse reads flags, and refuses operands.
func parse(set *flag.FlagSet, arguments []string) error {
	set.SetOutput(os.Stderr)
	if err := set.Parse(arguments); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return fmt.Errorf("%w; %w", err, errUsage)
	}
	if set.NArg() > 0 {
		return fmt.Errorf("%q is not expected here; %w", set.Arg(0), errUsage)
	}
	return nil
}

// workshop is where programs are built.
type workshop struct {
	repository string
	folder     string
	program    string // this one
	given      string // a coordd program; empty to build one
	built      map[variant]programs
	say        io.Writer
}

func openWorkshop(ctx context.Context, binary string) (*workshop, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	shop := &workshop{program: program, given: binary, built: map[variant]programs{}, say: os.Stdout}
	if shop.repository, err = repository(ctx); err != nil && binary == "" {
		return nil, err // with a program at hand the sources are not needed
	}
	if shop.folder, err = os.MkdirTemp("", "jepsen-lite-build-"); err != nil {
		return nil, err
	}
	return shop, nil
}

func (w *workshop) close() { _ = os.RemoveAll(w.folder) }

// variant is how programs are built for a plan.
type variant struct {
	failpoints bool
	mutant     string
}

// programs are those of a run: coordd, and the one whose client processes it runs.
type programs struct{ coordd, clients string }

// build builds what a plan needs, once, unless a program was given.
func (w *workshop) build(ctx context.Context, plan run.Plan) error {
	how := variant{plan.Failpoints, plan.Mutant}
	if _, done := w.built[how]; done {
		return nil
	}
	made := programs{w.given, w.program}
	var arguments []string
	if how.failpoints {
		arguments = append(arguments, "-tags", "failpoints")
	}
	folder := filepath.Join(w.folder, fmt.Sprint(len(w.built)))
	if how.mutant != "" {
		planted, err := mutant.Find(how.mutant)
		if err != nil {
			return err
		}
		overlay, err := planted.Overlay(w.repository, folder)
		if err != nil {
			return err
		}
		arguments = append(arguments, "-overlay", overlay)
		made.clients = filepath.Join(folder, "jepsen-lite")
		if err := cluster.Build(ctx, w.repository, "./test/jepsen-lite", made.clients, arguments...); err != nil {
			return err
		}
	}
	if w.given == "" || len(arguments) > 0 {
		made.coordd = filepath.Join(folder, "coordd")
		if err := cluster.Build(ctx, w.repository, "./cmd/coordd", made.coordd, arguments...); err != nil {
			return err
		}
	}
	w.built[how] = made
	return nil
}

func (w *workshop) run(ctx context.Context, plan run.Plan, folder string) (*run.Verdict, error) {
	if err := w.build(ctx, plan); err != nil {
		return nil, err
	}
	made := w.built[variant{plan.Failpoints, plan.Mutant}]
	place := run.Place{Out: folder, Binary: made.coordd, Program: made.clients, Say: w.say}
	if plan.InNamespaces() {
		return w.runWithin(ctx, plan, place)
	}
	return run.Do(ctx, plan, place)
}

// repository finds the root of the checkout.
func repository(ctx context.Context) (string, error) {
	output, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/coordd/coordd").Output()
	if err != nil {
		return "", fmt.Errorf("the coordd repository was not found; run this inside of it, or give a program with --coordd: %w", err)
	}
	return strings.TrimSpace(string(output)), nil
}

// printVerdict tells people what was judged.
func printVerdict(verdict *run.Verdict, folder string) {
	fmt.Println()
	for _, result := range verdict.Results {
		fmt.Printf("%-18s %-8s %s\n", result.Name, result.Verdict, result.Says)
		for _, violation := range result.Violations {
			fmt.Printf("    VIOLATION %s\n", violation)
		}
		if result.Total > len(result.Violations) {
			fmt.Printf("    and %d more\n", result.Total-len(result.Violations))
		}
	}
	for _, ended := range verdict.Ended {
		fmt.Println(ended)
	}
	fmt.Printf("\n%d faults, %d nemeses skipped, %d problems; links: %s\n", len(verdict.Faults), len(verdict.Skipped), len(verdict.Problems), verdict.Effects)
	for _, skipped := range verdict.Skipped {
		fmt.Println("skipped:", skipped)
	}
	for _, problem := range verdict.Problems {
		fmt.Println("problem:", problem)
	}
	if report := filepath.Join(folder, run.ReportFile); exists(report) {
		fmt.Println("report:", report)
	}
	fmt.Println("again:", verdict.Command)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
