package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/run"
)

// replayCommand judges again what a run left. What needs the nodes' logs is judged only if their data was kept and a coordd program is at hand; it is
// otherwise taken over from the first verdict.
func replayCommand(_ context.Context, arguments []string) (check.Verdict, error) {
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
	again := map[string]check.Result{}
	for _, result := range check.Judge(evidence) {
		again[result.Name] = result
	}
	var verdicts []check.Verdict
	for i, result := range before.Results {
		kept := "from the first verdict"
		if judged, ok := again[result.Name]; ok && result.Name != "liveness" {
			before.Results[i], kept = judged, "judged again"
		}
		verdicts = append(verdicts, before.Results[i].Verdict)
		before.Results[i].Says += " (" + kept + ")"
	}
	if len(before.Problems) > 0 {
		verdicts = append(verdicts, check.Unknown)
	}
	before.Verdict = check.Worst(verdicts...)
	printVerdict(&before, folder)
	return before.Verdict, nil
}
