package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/run"
)

// replayCommand judges again what a run left. What needs the nodes' logs is taken over from the first verdict.
func replayCommand(_ context.Context, arguments []string) (check.Verdict, error) {
	set := flag.NewFlagSet("replay", flag.ContinueOnError)
	set.Usage = func() {
		fmt.Fprintln(set.Output(), "Usage of replay: replay DIR\n  judges again the history that a run left in DIR; what needs the nodes' logs is taken over from the first verdict")
	}
	if len(arguments) > 0 && strings.HasPrefix(arguments[0], "-") {
		if err := parse(set, arguments); err != nil {
			return "", err
		}
	}
	if len(arguments) != 1 {
		return "", fmt.Errorf("replay takes the folder of one run; %w", errUsage)
	}
	folder := arguments[0]
	text, err := os.ReadFile(filepath.Join(folder, run.VerdictFile))
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("%s holds no %s; is it the folder of a run? %w", folder, run.VerdictFile, errUsage)
	}
	if err != nil {
		return "", err
	}
	var before run.Verdict
	if err := json.Unmarshal(text, &before); err != nil {
		return "", fmt.Errorf("%s: %w", run.VerdictFile, err)
	}
	events, err := history.ReadFile(filepath.Join(folder, run.HistoryFile))
	if err != nil {
		return "", err
	}
	operations, err := history.Pair(events)
	if err != nil {
		return "", err
	}
	evidence := &check.Run{Workloads: before.Plan.Workloads, Events: events, Operations: operations, TTL: before.Plan.TTL, ClockTolerance: run.ClockTolerance(before.Plan)}
	for _, fault := range before.Faults {
		evidence.Faults = append(evidence.Faults, fault.Name)
	}
	before.Results = judgedAgain(&before, check.Judge(evidence))
	before.Settle()
	printVerdict(&before, folder)
	return before.Verdict, nil
}

// judgedAgain are the results of a first verdict, with those instead that a checker came to again. Checkers that are new since then come after them.
func judgedAgain(before *run.Verdict, again []check.Result) (results []check.Result) {
	for _, first := range before.Results {
		result, kept := first, "from the first verdict"
		at := slices.IndexFunc(again, func(one check.Result) bool { return one.Name == first.Name })
		if at >= 0 && !knewMore(before, first) {
			result, kept = again[at], "judged again"
		}
		result.Says += " (" + kept + ")"
		results = append(results, result)
	}
	for _, result := range again {
		isNew := !slices.ContainsFunc(before.Results, func(one check.Result) bool { return one.Name == result.Name })
		if isNew && !seenWhileItRan(result.Name) {
			result.Says += " (judged for the first time)"
			results = append(results, result)
		}
	}
	return results
}

// knewMore reports that a result rests on more than is left of the run. Whether everything went on was seen while it ran; and the log of the nodes, which linearizable looks at where it can, tells of grants that no client knows, so a
// history that it does not fit may look well without it.
func knewMore(before *run.Verdict, result check.Result) bool {
	return seenWhileItRan(result.Name) || result.Name == "linearizable" && result.Verdict == check.Invalid && len(before.Plan.Endpoints) == 0
}

// seenWhileItRan are the checkers that judge what the driver saw while it waited after the last fault.
func seenWhileItRan(checker string) bool { return checker == "liveness" || checker == "pool-orphans" }
