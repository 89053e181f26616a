package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/mutant"
	"github.com/coordd/coordd/test/jepsen-lite/run"
	"github.com/coordd/coordd/test/jepsen-lite/sim/stage"
)

// mutantsCommand plants every bug and demands that it is caught: in nine of ten runs, each ended by the first violation. Then the unchanged build plays what was played, and must be valid.
func mutantsCommand(ctx context.Context, arguments []string) (check.Verdict, error) {
	h := hunt{}
	set := flag.NewFlagSet("mutants", flag.ContinueOnError)
	only := set.String("only", "", "only planted bugs whose names contain one of these words; with commas")
	set.IntVar(&h.runs, "runs", 10, "how many runs each gets")
	set.Uint64Var(&h.seed, "seed", 1_000_001, "the first seed; each run has seeds of its own from there on")
	set.Uint64Var(&h.seeds, "seeds", 0, "how many seeds of the simulation make a run at most; 0 for what each planted bug says")
	set.IntVar(&h.workers, "workers", runtime.NumCPU(), "how many seeds are played at once")
	set.StringVar(&h.tier, "tier", "", "simulation or processes: only what is looked for there; without it everything")
	ledger := set.String("ledger", "", "file to which each run adds a line")
	set.BoolVar(&h.resume, "resume", false, "do not repeat runs that the ledger has for this build")
	control := set.Bool("control", true, "play the same seeds with the unchanged build too")
	table := set.String("table", "", "file for the table in Markdown, besides the output")
	out := set.String("out", "", "folder for the folders of runs with real processes; a new one below the system's temporary folder if not given")
	if err := parse(set, arguments); err != nil {
		return "", err
	}
	switch {
	case h.runs < 1 || h.workers < 1:
		return "", fmt.Errorf("--runs is %d and --workers %d; at least 1 is needed; %w", h.runs, h.workers, errUsage)
	case h.tier != "" && h.tier != mutant.Simulation && h.tier != mutant.Processes:
		return "", fmt.Errorf("--tier %q is not known; %w", h.tier, errUsage)
	case h.resume && *ledger == "":
		return "", fmt.Errorf("--resume needs a --ledger; %w", errUsage)
	}
	var err error
	if h.ledger, err = mutant.OpenLedger(*ledger); err != nil {
		return "", err
	}
	if h.shop, err = openWorkshop(ctx, ""); err != nil {
		return "", err
	}
	defer h.shop.close()
	h.shop.say = io.Discard
	if h.out = *out; h.out == "" {
		if h.out, err = os.MkdirTemp("", "jepsen-lite-mutants-"); err != nil {
			return "", err
		}
	} else if err := os.MkdirAll(h.out, 0o755); err != nil {
		return "", err
	}
	for _, one := range mutant.All() {
		if h.wants(one, *only) {
			if err := h.look(ctx, one); err != nil {
				return "", err
			}
		}
	}
	if *control {
		if err := h.control(ctx); err != nil {
			return "", err
		}
	}
	return h.verdict(*table)
}

// hunt looks for planted bugs.
type hunt struct {
	shop    *workshop
	ledger  *mutant.Ledger
	runs    int
	seed    uint64
	seeds   uint64
	workers int
	tier    string
	resume  bool
	out     string
	rows    []mutant.Row
}

func (h *hunt) wants(one mutant.Mutant, only string) bool {
	if h.tier != "" && h.tier != tierOf(one) {
		return false
	}
	for word := range strings.SplitSeq(only, ",") {
		if strings.Contains(one.Name, word) {
			return true
		}
	}
	return false
}

func tierOf(one mutant.Mutant) string {
	if one.Seeds > 0 {
		return mutant.Simulation
	}
	return mutant.Processes
}

// seedsApart is how far the seeds of two runs lie apart: more than any run plays.
const seedsApart = 10_000

func (h *hunt) firstSeed(run int) uint64 { return h.seed + uint64(run-1)*seedsApart }

// look makes all runs of one planted bug.
func (h *hunt) look(ctx context.Context, one mutant.Mutant) error {
	fmt.Printf("%-28s %s\n", one.Name, one.About)
	row := mutant.Row{Name: one.Name, About: one.About, Tier: tierOf(one)}
	play := h.withProcesses(one)
	build := commitOf(ctx, h.shop.repository)
	if one.Seeds > 0 {
		built, err := h.planted(one)
		if err != nil {
			failed := mutant.Outcome{Mutant: one.Name, Tier: mutant.Simulation, Error: err.Error(), Date: now()}
			fmt.Printf("    ERROR %v\n", err)
			row.Outcomes = []mutant.Outcome{failed}
			h.rows = append(h.rows, row)
			return h.ledger.Add(failed)
		}
		defer func() { _ = os.RemoveAll(built.Folder) }()
		build, play = built.Revision, h.simulated(one, built)
	}
	for run := 1; run <= h.runs; run++ {
		outcome, err := h.once(ctx, one.Name, build, run, play)
		if err != nil {
			return err
		}
		row.Outcomes = append(row.Outcomes, outcome)
	}
	fmt.Printf("    caught in %d of %d runs\n", row.Caught(), h.runs)
	h.rows = append(h.rows, row)
	return nil
}

// once makes one run, or takes it from the ledger.
func (h *hunt) once(ctx context.Context, name, build string, run int, play func(context.Context, int) mutant.Outcome) (mutant.Outcome, error) {
	outcome, known := mutant.Outcome{}, false
	if h.resume {
		outcome, known = h.ledger.Find(name, build, run, h.firstSeed(run))
	}
	if !known {
		outcome = play(ctx, run)
		if ctx.Err() != nil {
			return outcome, context.Cause(ctx)
		}
		outcome.Mutant, outcome.Run, outcome.Seed, outcome.Build = name, run, h.firstSeed(run), build
		outcome.Commit, outcome.Date = commitOf(ctx, h.shop.repository), now()
		if err := h.ledger.Add(outcome); err != nil {
			return outcome, err
		}
	}
	word := "NOT FOUND"
	switch {
	case outcome.Error != "":
		word = "ERROR " + outcome.Error
	case outcome.Caught:
		word = "found by " + strings.Join(outcome.By, ", ") + ": " + outcome.Shown
	case name == mutant.Control:
		word = "valid"
	}
	fmt.Printf("    run %2d  %4.0f s  %3d seeds  %s\n", run, outcome.Seconds, outcome.Seeds, word[:min(len(word), 240)])
	return outcome, nil
}

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

// planted builds the simulation with a bug.
func (h *hunt) planted(one mutant.Mutant) (*stage.Stage, error) {
	replaced, err := one.Planted(h.shop.repository, filepath.Join(h.shop.folder, "sim-"+one.Name))
	if err != nil {
		return nil, err
	}
	return h.built(replaced)
}

// built builds the simulation. Without the changed runtime a run could not be repeated, so that is an error.
func (h *hunt) built(replaced map[string]string) (*stage.Stage, error) {
	folder, err := os.MkdirTemp(stage.MemoryFolder(), "coordd-mutant-")
	if err != nil {
		return nil, err
	}
	built, exactly, err := stage.Build(folder, replaced)
	if err = errors.Join(err, exactly); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return built, nil
}

// simulated plays a bug's seeds of one run.
func (h *hunt) simulated(one mutant.Mutant, built *stage.Stage) func(context.Context, int) mutant.Outcome {
	seeds := one.Seeds
	if h.seeds > 0 {
		seeds = h.seeds
	}
	return func(ctx context.Context, run int) mutant.Outcome {
		outcome := mutant.Hunt(ctx, built, h.firstSeed(run), min(seeds, seedsApart), h.workers)
		outcome.Command = fmt.Sprintf("go run ./test/jepsen-lite mutants --only %s --seed %d --runs 1 --seeds %d", one.Name, h.firstSeed(run), seeds)
		return outcome
	}
}

// withProcesses makes one run with real processes. Its folder stays, with the history and the nodes' logs; the nodes' data only if the bug was not found.
func (h *hunt) withProcesses(one mutant.Mutant) func(context.Context, int) mutant.Outcome {
	return func(ctx context.Context, number int) mutant.Outcome {
		plan := one.Plan(h.firstSeed(number))
		begin := time.Now()
		var verdict *run.Verdict
		folder, err := h.folderOf(one.Name, plan.Seed)
		if err == nil {
			verdict, err = h.shop.run(ctx, plan, folder)
		}
		outcome := mutant.Outcome{Tier: mutant.Processes, Seconds: time.Since(begin).Seconds(), Command: plan.Command()}
		if err != nil {
			outcome.Error = err.Error()
			return outcome
		}
		for _, result := range verdict.Results {
			if result.Verdict == check.Invalid {
				outcome.By = append(outcome.By, result.Name)
				if outcome.Shown == "" && len(result.Violations) > 0 {
					outcome.Shown = fmt.Sprint(result.Violations[0])
				}
			}
		}
		if len(verdict.Skipped) > 0 {
			outcome.Error = "skipped: " + strings.Join(verdict.Skipped, "; ")
		}
		if outcome.Caught = len(outcome.By) > 0; outcome.Caught {
			if err := os.RemoveAll(filepath.Join(folder, run.DataFolder)); err != nil {
				outcome.Error = err.Error()
			}
		}
		return outcome
	}
}

// folderOf makes a new folder for a run; those of earlier runs of the seed stay as they are.
func (h *hunt) folderOf(name string, seed uint64) (string, error) {
	first := filepath.Join(h.out, fmt.Sprintf("%s-%d", name, seed))
	folder := first
	for attempt := 2; ; attempt++ {
		if err := os.Mkdir(folder, 0o755); !errors.Is(err, os.ErrExist) {
			return folder, err
		}
		folder = fmt.Sprintf("%s-%d", first, attempt)
	}
}

// control plays with the unchanged build what the longest run of each number has played.
func (h *hunt) control(ctx context.Context) error {
	most := make([]int, h.runs+1)
	for _, row := range h.rows {
		for _, one := range row.Outcomes {
			if row.Tier == mutant.Simulation && one.Run > 0 {
				most[one.Run] = max(most[one.Run], one.Seeds)
			}
		}
	}
	row := mutant.Row{Name: mutant.Control, About: "the unchanged build plays the same seeds; nothing may be found", Tier: mutant.Simulation}
	var built *stage.Stage
	for run := 1; run <= h.runs; run++ {
		if most[run] == 0 {
			continue
		}
		if built == nil {
			var err error
			fmt.Printf("%-28s %s\n", row.Name, row.About)
			if built, err = h.built(nil); err != nil {
				return err
			}
			defer func() { _ = os.RemoveAll(built.Folder) }()
		}
		outcome, err := h.once(ctx, mutant.Control, fmt.Sprintf("%s-%d", built.Revision, most[run]), run, func(ctx context.Context, run int) mutant.Outcome {
			outcome := mutant.Hunt(ctx, built, h.firstSeed(run), uint64(most[run]), h.workers)
			outcome.Command = fmt.Sprintf("go run ./test/jepsen-lite/sim --first %d --seeds %d", h.firstSeed(run), most[run])
			if outcome.Unknown > 0 {
				outcome.Error = fmt.Sprintf("%d plays came to no conclusion", outcome.Unknown)
			}
			return outcome
		})
		if err != nil {
			return err
		}
		row.Outcomes = append(row.Outcomes, outcome)
	}
	if built != nil {
		h.rows = append(h.rows, row)
	}
	return nil
}

// verdict prints the table. It is valid when every planted bug was caught often enough and the control found nothing.
func (h *hunt) verdict(file string) (check.Verdict, error) {
	if len(h.rows) == 0 {
		return check.Unknown, nil
	}
	var table strings.Builder
	mutant.WriteTable(&table, h.rows)
	fmt.Printf("\n%s\n", table.String())
	verdict := check.Valid
	for _, row := range h.rows {
		if !row.Passes() {
			verdict = check.Invalid
			fmt.Printf("NOT PASSED: %s\n", row.Name)
		}
	}
	if file == "" {
		return verdict, nil
	}
	return verdict, os.WriteFile(file, []byte(table.String()), 0o644)
}
