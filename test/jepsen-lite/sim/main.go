package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/sim/stage"
)

// The ways in which a run ends. Unknown is never a pass.
const (
	exitValid   = 0
	exitInvalid = 1
	exitUnknown = 2
)

// settings are the flags.
type settings struct {
	first, seeds, repeat uint64
	workers              int
	ledger               string
	anew                 bool
	keepGoing            bool
	nodes                bool
	limit                time.Duration
}

func main() {
	s, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(exitValid)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sim:", err)
		os.Exit(exitUnknown)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code, err := run(ctx, s, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "sim:", err)
	}
	os.Exit(code)
}

// parse reads the flags.
func parse(arguments []string) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("sim", flag.ContinueOnError)
	flags.Uint64Var(&s.first, "first", 1, "the first seed")
	flags.Uint64Var(&s.seeds, "seeds", 1000, "how many seeds, from the first on")
	flags.Uint64Var(&s.repeat, "repeat", 0, "play this seed alone, and tell what happens")
	flags.BoolVar(&s.nodes, "nodes", false, "with --repeat: also show what the nodes log")
	flags.IntVar(&s.workers, "workers", runtime.NumCPU(), "how many seeds are played at once")
	flags.StringVar(&s.ledger, "ledger", "", "the file that remembers what was played; seeds that stand there for this build are not played again (default: in the user's cache folder)")
	flags.BoolVar(&s.anew, "anew", false, "play also what stands in the ledger")
	flags.BoolVar(&s.keepGoing, "keep-going", false, "go on after a seed that is not valid")
	flags.DurationVar(&s.limit, "limit", 0, "stop after this time, for example 5m; the ledger lets the next run go on from there")
	if err := flags.Parse(arguments); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("%q is not understood; there are only flags, see --help", flags.Arg(0))
	}
	if s.workers < 1 {
		return s, errors.New("--workers must be at least 1")
	}
	if s.ledger != "" {
		return s, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return s, fmt.Errorf("there is no cache folder for the ledger (%w); name a file with --ledger", err)
	}
	s.ledger = filepath.Join(cache, "coordd", "sim-ledger.jsonl")
	return s, nil
}

// run builds the plays and plays what the settings ask for.
func run(ctx context.Context, s settings, out io.Writer) (code int, err error) {
	folder, err := os.MkdirTemp(stage.MemoryFolder(), "coordd-sim-")
	if err != nil {
		return exitUnknown, fmt.Errorf("make a folder for the plays: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	fmt.Fprintln(out, "building the plays; the first time this builds the Go runtime too, which takes a minute or two")
	built, exactly, err := stage.Build(folder, nil)
	if err != nil {
		return exitUnknown, err
	}
	if exactly != nil {
		fmt.Fprintf(out, "seeds repeat the faults and the questions, but not every interleaving: %v\n", exactly)
	}
	if s.repeat != 0 {
		return repeat(ctx, built, s, out)
	}
	return campaign(ctx, built, s, out)
}

// exitCode is how a run ends with a verdict.
func exitCode(verdict string) int {
	return map[string]int{"valid": exitValid, "invalid": exitInvalid, "unknown": exitUnknown}[verdict]
}

// repeat plays one seed and shows what happens.
func repeat(ctx context.Context, built *stage.Stage, s settings, out io.Writer) (int, error) {
	result := built.Play(ctx, s.repeat, storyOf(s), out)
	fmt.Fprintln(out)
	result.Tell(out)
	fmt.Fprintf(out, "fingerprint %s, %.1f s simulated in %s\n", result.Fingerprint, result.Simulated.Seconds(), result.Took.Round(time.Millisecond))
	fmt.Fprintf(out, "verdict: %s\n", result.Verdict())
	return exitCode(result.Verdict()), ctx.Err()
}

func storyOf(s settings) string {
	if s.nodes {
		return "nodes"
	}
	return "story"
}

// commit names the version that is checked out, for people. The ledger goes by the build instead.
func commit() string {
	text, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return string(text[:max(len(text)-1, 0)])
}
