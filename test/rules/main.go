package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/coordd/coordd/test/rules/rule"
)

// maxWorkers is how many tests are built and run at once at most: some of them measure time.
const maxWorkers = 2

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	only := flag.String("only", "", "only these cases (S7) or rules (S7/packing); with commas")
	list := flag.Bool("list", false, "list the rules as a table in Markdown and run nothing")
	write := flag.Bool("write", false, "write the table of the rules into README.md of this command, and run nothing")
	inJSON := flag.Bool("json", false, "print the outcomes as JSON at the end, and progress to the standard error")
	workers := flag.Int("workers", maxWorkers, "how many tests are built and run at once, 1 or 2")
	patience := flag.Duration("patience", time.Minute, "after how long a test counts as hanging")
	flag.Parse()
	if flag.NArg() > 0 || *workers < 1 || *workers > maxWorkers || *patience <= 0 {
		flag.Usage()
		os.Exit(64)
	}
	rules, err := chosen(rule.All(), *only)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "rules:", err)
		os.Exit(64)
	case *list:
		writeList(os.Stdout, rules)
		return
	case *write:
		if err := writeReadme(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "rules:", err)
			os.Exit(1)
		}
		return
	}
	progress := io.Writer(os.Stdout)
	if *inJSON {
		progress = os.Stderr
	}
	passed, err := run(ctx, rules, *workers, *patience, progress, *inJSON)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "rules:", err)
		os.Exit(1)
	case !passed:
		os.Exit(1)
	}
}

// chosen finds the rules that are asked for. A word that means none is an error.
func chosen(all []rule.Rule, only string) (rules []rule.Rule, err error) {
	if only == "" {
		return all, nil
	}
	words := strings.Split(only, ",")
	met := map[string]bool{}
	for _, one := range all {
		wanted := false
		for _, word := range words {
			if word == one.Case || word == one.ID() {
				wanted, met[word] = true, true
			}
		}
		if wanted {
			rules = append(rules, one)
		}
	}
	for _, word := range words {
		if !met[word] {
			return nil, fmt.Errorf("there is no case or rule %q; --list shows them", word)
		}
	}
	return rules, nil
}

// run tries rules and reports whether each test ended as it must.
func run(ctx context.Context, rules []rule.Rule, workers int, patience time.Duration, progress io.Writer, inJSON bool) (passed bool, err error) {
	repository, err := root(ctx)
	if err != nil {
		return false, err
	}
	folder, err := os.MkdirTemp("", "coordd-rules-")
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	begin := time.Now()
	c := &campaign{bench: &bench{repository: repository, folder: folder, patience: patience}, progress: progress, total: len(rules)}
	if err := c.bench.learn(ctx, packagesOf(rules)); err != nil {
		return false, err
	}
	outcomes := c.all(ctx, rules, workers)
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	fmt.Fprintf(progress, "\n%s in %s\n", totals(outcomes), time.Since(begin).Round(time.Second))
	if inJSON {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(outcomes); err != nil {
			return false, err
		}
	}
	passed = len(outcomes) > 0
	for _, one := range outcomes {
		passed = passed && one.passes()
	}
	return passed, nil
}

// root is the folder of the module that this is run in.
func root(ctx context.Context) (string, error) {
	output, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	file := strings.TrimSpace(string(output))
	if filepath.Base(file) != "go.mod" {
		return "", errors.New("this folder is in no Go module; run this in the repository")
	}
	return filepath.Dir(file), nil
}

// campaign tries rules, several at once, and tells of each as it ends.
type campaign struct {
	bench    *bench
	progress io.Writer
	total    int

	mu   sync.Mutex
	done int
}

// all tries the rules package by package: first its tests as the sources are, then each without its rule.
func (c *campaign) all(ctx context.Context, rules []rule.Rule, workers int) []outcome {
	packages := packagesOf(rules)
	of := map[string][]rule.Rule{}
	for _, one := range rules {
		of[one.Package] = append(of[one.Package], one)
	}
	wrong := map[string]map[string]string{}
	c.atOnce(workers, len(packages), func(i int) {
		begin := time.Now()
		tests := testsOf(of[packages[i]])
		found := c.bench.control(ctx, packages[i], tests)
		c.mu.Lock()
		defer c.mu.Unlock()
		wrong[packages[i]] = found
		fmt.Fprintf(c.progress, "%-44s %d of %d tests pass as the sources are  (%.0f s)\n", packages[i], len(tests)-len(found), len(tests), time.Since(begin).Seconds())
	})
	outcomes := make([]outcome, len(rules))
	order := make([]int, len(rules)) // by package, which shares what is compiled
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return slices.Index(packages, rules[a].Package) - slices.Index(packages, rules[b].Package)
	})
	c.atOnce(workers, len(rules), func(i int) {
		one := rules[order[i]]
		outcomes[order[i]] = c.one(ctx, one, wrong[one.Package][one.Test])
	})
	return outcomes
}

// atOnce calls do for so many numbers from 0, several at once.
func (c *campaign) atOnce(workers, count int, do func(i int)) {
	due := make(chan int)
	var working sync.WaitGroup
	for range workers {
		working.Go(func() {
			for i := range due {
				do(i)
			}
		})
	}
	for i := range count {
		due <- i
	}
	close(due)
	working.Wait()
}

// one tries a rule, unless its test is wrong already without that.
func (c *campaign) one(ctx context.Context, one rule.Rule, wrong string) outcome {
	begin := time.Now()
	o := outcome{ID: one.ID(), Says: one.Says, Files: one.Files(), Package: one.Package, Test: one.Test, Wanted: one.Wants(), End: rule.Unrun, Said: wrong}
	switch {
	case ctx.Err() != nil:
		o.Said = "interrupted"
		return o
	case wrong == "":
		o.End, o.Said = c.bench.try(ctx, one)
	}
	o.Seconds = time.Since(begin).Seconds()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done++
	writeOutcome(c.progress, c.done, c.total, o)
	return o
}
