package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/network"
	"github.com/coordd/coordd/test/jepsen-lite/run"
)

// A run in network namespaces is made by another process of this program, which is born in a network namespace of its own: there it may be the router, and with it everything goes.

// withinWord is the argument of that process.
const withinWord = "within"

// order is what it is told.
type order struct {
	Plan                 run.Plan `json:"plan"`
	Out, Binary, Program string
}

// within makes the run that it is told, in the network namespace in which it finds itself.
func within(ctx context.Context, input io.Reader) error {
	var told order
	if err := json.NewDecoder(input).Decode(&told); err != nil {
		return fmt.Errorf("no order on standard input: %w", err)
	}
	_, err := run.Do(ctx, told.Plan, run.Place{Out: told.Out, Binary: told.Binary, Program: told.Program, Say: os.Stdout})
	return err
}

// withinPatience is how long a run that was told to stop may take to end its processes.
const withinPatience = 30 * time.Second

// runWithin makes a run in network namespaces, or says why it cannot be made here.
func (w *workshop) runWithin(ctx context.Context, plan run.Plan, place run.Place) (*run.Verdict, error) {
	if missing := network.NamespacesMissing(); missing != "" {
		fmt.Fprintln(w.say, "skipped:", missing)
		skipped := &run.Verdict{Plan: plan, Command: plan.Command(), Start: time.Now().UTC(), Verdict: check.Unknown}
		for _, name := range plan.Nemeses {
			skipped.Skipped = append(skipped.Skipped, name+": "+missing)
		}
		return skipped, nil
	}
	text, err := json.Marshal(order{Plan: plan, Out: place.Out, Binary: place.Binary, Program: place.Program})
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := inNamespace(ctx, w.program, text, w.say); err != nil {
		return violation(place.Out, begin, errors.Join(context.Cause(ctx), err))
	}
	return readVerdict(place.Out)
}

// violation is the verdict of a run that broke off, if it has written one since then and found something; otherwise why it broke off is all there is.
func violation(folder string, since time.Time, brokeOff error) (*run.Verdict, error) {
	verdict, err := readVerdict(folder)
	if err != nil || verdict.Verdict != check.Invalid || verdict.Start.Before(since) {
		return nil, brokeOff
	}
	return verdict, nil
}

func readVerdict(folder string) (*run.Verdict, error) {
	text, err := os.ReadFile(filepath.Join(folder, run.VerdictFile))
	if err != nil {
		return nil, err
	}
	var verdict run.Verdict
	if err := json.Unmarshal(text, &verdict); err != nil {
		return nil, fmt.Errorf("%s: %w", run.VerdictFile, err)
	}
	return &verdict, nil
}
