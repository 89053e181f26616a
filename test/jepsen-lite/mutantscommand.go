package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/mutant"
	"github.com/coordd/coordd/test/jepsen-lite/suite"
)

// mutantsCommand plants every bug and demands that the harness finds it: in nine of ten runs, each ended by the first violation.
func mutantsCommand(ctx context.Context, arguments []string) (check.Verdict, error) {
	set := flag.NewFlagSet("mutants", flag.ContinueOnError)
	only := set.String("only", "", "only mutants whose name contains this")
	runs := set.Int("runs", 10, "how many runs each gets")
	seed := set.Uint64("seed", 1, "of the first run; each further one takes the next")
	ledger := set.String("ledger", "", "file to which each run adds a line")
	out := set.String("out", "", "folder for the folders of the runs; a new one below the system's temporary folder if not given")
	if err := parse(set, arguments); err != nil {
		return "", err
	}
	if *runs < 1 {
		return "", fmt.Errorf("--runs is %d; at least 1 is needed; %w", *runs, errUsage)
	}
	shop, err := openWorkshop(ctx, "")
	if err != nil {
		return "", err
	}
	defer shop.close()
	if *out == "" {
		if *out, err = os.MkdirTemp("", "jepsen-lite-mutants-"); err != nil {
			return "", err
		}
	}
	shop.say = io.Discard
	verdict := check.Unknown
	for _, one := range mutant.All() {
		if !strings.Contains(one.Name, *only) {
			continue
		}
		hunt := hunt{shop: shop, mutant: one, out: *out, ledger: *ledger}
		caught, err := hunt.all(ctx, *runs, *seed)
		if err != nil {
			return "", err
		}
		if 10*caught < 9**runs {
			verdict = check.Invalid
		} else if verdict == check.Unknown {
			verdict = check.Valid
		}
	}
	return verdict, nil
}

// hunt looks for one mutant.
type hunt struct {
	shop        *workshop
	mutant      mutant.Mutant
	out, ledger string
}

func (h hunt) all(ctx context.Context, runs int, seed uint64) (caught int, err error) {
	fmt.Printf("%-28s %s\n", h.mutant.Name, h.mutant.About)
	for i := range runs {
		found, by, took, err := h.one(ctx, seed+uint64(i))
		if err != nil {
			return caught, err
		}
		word := "NOT FOUND"
		if found {
			caught++
			word = "found by " + strings.Join(by, ", ")
		}
		fmt.Printf("    run %2d  %4.0f s  %s\n", i+1, took.Seconds(), word)
	}
	fmt.Printf("    caught in %d of %d runs\n", caught, runs)
	return caught, nil
}

// one makes one run. Its data are kept only if the bug was not found.
func (h hunt) one(ctx context.Context, seed uint64) (found bool, by []string, took time.Duration, err error) {
	plan := h.mutant.Plan(seed)
	folder := filepath.Join(h.out, fmt.Sprintf("%s-%d", h.mutant.Name, seed))
	begin := time.Now()
	verdict, err := h.shop.run(ctx, plan, folder)
	took = time.Since(begin)
	if ctx.Err() != nil {
		return false, nil, took, context.Cause(ctx)
	}
	entry := suite.Entry{Suite: "mutants", Run: h.mutant.Name, Verdict: check.Unknown, Nodes: plan.Nodes, Seed: seed, Commit: commitOf(ctx, h.shop.repository),
		Date: begin.UTC().Truncate(time.Second), Seconds: took.Round(100 * time.Millisecond).Seconds(), Command: plan.Command()}
	if err != nil {
		fmt.Println("   ", err)
		entry.Problems = []string{err.Error()}
	} else {
		entry.Verdict, entry.Problems, entry.Skipped = verdict.Verdict, verdict.Problems, verdict.Skipped
		for _, result := range verdict.Results {
			if result.Verdict == check.Invalid {
				by = append(by, result.Name)
			}
		}
		if len(verdict.Skipped) > 0 {
			fmt.Printf("    skipped: %s\n", strings.Join(verdict.Skipped, "; "))
		}
	}
	entry.FoundBy = by
	if h.ledger != "" {
		if err := suite.Append(h.ledger, entry); err != nil {
			return false, nil, took, err
		}
	}
	if len(by) > 0 {
		return true, by, took, os.RemoveAll(folder)
	}
	return false, nil, took, nil
}
