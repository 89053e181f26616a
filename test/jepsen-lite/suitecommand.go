package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/run"
	"github.com/coordd/coordd/test/jepsen-lite/suite"
)

// suiteFlags are what one can say about a suite.
type suiteFlags struct {
	ledger, out, coordd, only string
	resume, plan              bool
}

// settle gives the ledger its place in --out, if that is named and the ledger is not.
func (f *suiteFlags) settle() {
	if f.ledger == "" && f.out != "" {
		f.ledger = filepath.Join(f.out, "jepsen-lite-ledger.jsonl")
	}
}

func suiteCommand(ctx context.Context, arguments []string) (check.Verdict, error) {
	var flags suiteFlags
	set := flag.NewFlagSet("suite pr|matrix|nightly|release", flag.ContinueOnError)
	set.StringVar(&flags.ledger, "ledger", "", "file to which each run adds a line; jepsen-lite-ledger.jsonl in --out if not given")
	set.BoolVar(&flags.resume, "resume", false, "leave out the runs that the ledger has as valid for this commit, with every nemesis")
	set.StringVar(&flags.out, "out", "", "folder for the folders of the runs; a new one below the system's temporary folder if not given")
	set.StringVar(&flags.coordd, "coordd", "", "use this coordd program instead of building one")
	set.StringVar(&flags.only, "only", "", "only runs whose name contains this")
	set.BoolVar(&flags.plan, "plan", false, "only list the runs, and about how long they take")
	if len(arguments) == 0 || strings.HasPrefix(arguments[0], "-") {
		if err := parse(set, arguments); err != nil {
			return "", err
		}
		return "", fmt.Errorf("name a suite first: pr, matrix, nightly or release; %w", errUsage)
	}
	chosen, err := suite.Find(arguments[0])
	if err != nil {
		return "", fmt.Errorf("%w; %w", err, errUsage)
	}
	if err := parse(set, arguments[1:]); err != nil {
		return "", err
	}
	if flags.settle(); flags.resume && flags.ledger == "" {
		return "", fmt.Errorf("--resume needs to know what was done: name the --ledger, or the --out of the suite that was interrupted; %w", errUsage)
	}
	chosen.Runs = slices.DeleteFunc(chosen.Runs, func(one suite.Run) bool { return !strings.Contains(one.Name, flags.only) })
	shop, err := openWorkshop(ctx, flags.coordd)
	if err != nil {
		return "", err
	}
	defer shop.close()
	return runSuite(ctx, shop, chosen, flags)
}

// runSuite makes the runs, one after the other, and goes on after one that is not valid: the next may tell more.
func runSuite(ctx context.Context, shop *workshop, chosen suite.Suite, flags suiteFlags) (check.Verdict, error) {
	var err error
	if flags.plan {
		return "", planSuite(ctx, shop, chosen, flags)
	}
	if flags.out == "" {
		if flags.out, err = os.MkdirTemp("", "jepsen-lite-suite-"); err != nil {
			return "", err
		}
	} else if err := os.MkdirAll(flags.out, 0o755); err != nil {
		return "", err
	}
	flags.settle()
	entries, err := suite.ReadLedger(flags.ledger)
	if err != nil {
		return "", err
	}
	commit := commitOf(ctx, shop.repository)
	done := map[string]bool{}
	if flags.resume {
		done = suite.Done(entries, chosen.Name, commit)
	}
	t := &tally{count: map[check.Verdict]int{}}
	err = t.makeRuns(ctx, chosen.Runs, done, flags.ledger, func(number int, one suite.Run) suite.Entry {
		fmt.Printf("\n=== run %d of %d: %s\n", number, len(chosen.Runs), one.Name)
		folder := filepath.Join(flags.out, fmt.Sprintf("%s-%03d-%s", chosen.Name, number, time.Now().UTC().Format("150405")))
		entry := runOne(ctx, shop, chosen.Name, one, folder)
		entry.Commit = commit
		return entry
	})
	fmt.Printf("\nsuite %s: %d valid, %d invalid, %d unknown, %d skipped, %d left out as done before; %d nemeses were skipped\nledger: %s\n",
		chosen.Name, t.count[check.Valid], t.count[check.Invalid], t.count[check.Unknown], t.count[check.Skipped], t.left, t.skipped, flags.ledger)
	return check.Worst(t.verdicts...), err
}

// tally is what the runs of a suite came to so far.
type tally struct {
	count         map[check.Verdict]int
	verdicts      []check.Verdict
	skipped, left int
}

// makeRuns makes the runs that are not done, and adds each to the ledger. One during which the suite was interrupted is to be made again, and counts only if it is invalid.
func (t *tally) makeRuns(ctx context.Context, runs []suite.Run, done map[string]bool, ledger string, makeOne func(number int, one suite.Run) suite.Entry) error {
	for number, one := range runs {
		if done[one.Name] {
			t.left++
			t.verdicts = append(t.verdicts, check.Valid)
			continue
		}
		entry := makeOne(number+1, one)
		if ctx.Err() == nil || entry.Verdict == check.Invalid {
			t.count[entry.Verdict]++
			t.verdicts = append(t.verdicts, entry.Verdict)
			t.skipped += len(entry.Skipped)
			if err := suite.Append(ledger, entry); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the suite was interrupted; --resume with --ledger %s goes on: %w", ledger, context.Cause(ctx))
		}
	}
	return nil
}

// planSuite lists what runSuite would run.
func planSuite(ctx context.Context, shop *workshop, chosen suite.Suite, flags suiteFlags) error {
	done := map[string]bool{}
	if flags.resume {
		entries, err := suite.ReadLedger(flags.ledger)
		if err != nil {
			return err
		}
		done = suite.Done(entries, chosen.Name, commitOf(ctx, shop.repository))
	}
	return chosen.WritePlan(os.Stdout, done)
}

// runOne makes one run. One that came to no verdict is unknown.
func runOne(ctx context.Context, shop *workshop, name string, one suite.Run, folder string) suite.Entry {
	entry := suite.Entry{Suite: name, Run: one.Name, Verdict: check.Unknown, Nodes: one.Plan.Nodes, Seed: one.Plan.Seed, Date: time.Now().UTC().Truncate(time.Second), Command: one.Plan.Command()}
	verdict, err := shop.run(ctx, one.Plan, folder)
	entry.Seconds = time.Since(entry.Date).Round(100 * time.Millisecond).Seconds()
	if err != nil {
		fmt.Println(err)
		entry.Problems = []string{err.Error()}
		return entry
	}
	entry.Take(verdict)
	if verdict.Verdict != check.Valid {
		printVerdict(verdict, folder)
	}
	fmt.Printf("--- %s: %s in %.0f s, report %s\n", one.Name, entry.Verdict, entry.Seconds, filepath.Join(folder, run.ReportFile))
	return entry
}

// commitOf is the commit of the checkout, with a mark when it was changed since.
func commitOf(ctx context.Context, repository string) string {
	if repository == "" {
		return "unknown"
	}
	describe := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--abbrev=10", "--exclude", "*")
	describe.Dir = repository
	output, err := describe.Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(output))
}

// matrixCommand prints the table of ledgers, or writes it into a document.
func matrixCommand(_ context.Context, arguments []string) (check.Verdict, error) {
	set := flag.NewFlagSet("matrix", flag.ContinueOnError)
	set.SetOutput(os.Stderr)
	document := set.String("write", "", "replace the table in this document instead of printing it")
	name := set.String("suite", "", "only runs of this suite")
	var simulated []string
	set.Var(list{&simulated}, "simulated", "ledgers of the simulation, for how often each fault was injected there; files with commas")
	if err := set.Parse(arguments); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return "", err
		}
		return "", fmt.Errorf("%w; %w", err, errUsage)
	}
	if set.NArg() == 0 {
		return "", fmt.Errorf("matrix takes one or more ledgers; %w", errUsage)
	}
	var all []suite.Entry
	for _, path := range set.Args() {
		entries, err := suite.ReadLedger(path)
		if err != nil {
			return "", err
		}
		if entries == nil {
			return "", fmt.Errorf("there is no ledger %s, or nothing in it; %w", path, errUsage)
		}
		for _, entry := range entries {
			if *name == "" || entry.Suite == *name {
				all = append(all, entry)
			}
		}
	}
	var plays suite.Plays
	for _, path := range simulated {
		if err := plays.ReadPlays(path); err != nil {
			return "", err
		}
	}
	if *document != "" {
		return "", suite.WriteMatrix(*document, all, plays)
	}
	return "", suite.Matrix(os.Stdout, all, plays)
}
