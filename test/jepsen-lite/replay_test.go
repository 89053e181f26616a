package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/run"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
)

// What is judged again is judged as a run is, and what the first verdict knew from the nodes' logs is not forgotten.
func TestAReplayIsNoMilderThanTheRun(t *testing.T) {
	silence(t)
	well := []check.Result{{Name: "liveness", Verdict: check.Valid}}
	faults := []run.Fault{{Name: "kill-one"}}
	plan := func(workloads ...string) run.Plan {
		return run.Plan{Workloads: workloads, Nemeses: []string{"kill-one"}}
	}
	for name, c := range map[string]struct {
		before run.Verdict
		want   int
	}{
		"valid":                              {run.Verdict{Plan: plan(), Faults: faults, Results: well}, exitValid},
		"no nemesis worked":                  {run.Verdict{Plan: plan(), Results: well}, exitUnknown},
		"a problem":                          {run.Verdict{Plan: plan(), Faults: faults, Results: well, Problems: []string{"a log cannot be read"}}, exitUnknown},
		"a checker that is new sees nothing": {run.Verdict{Plan: plan("expiry"), Faults: faults, Results: well}, exitUnknown},
		"a register, as before":              {run.Verdict{Plan: plan("register"), Faults: faults, Results: []check.Result{{Name: "linearizable", Verdict: check.Valid}}}, exitValid},
		"a register, by the log":             {run.Verdict{Plan: plan("register"), Faults: faults, Results: []check.Result{{Name: "linearizable", Verdict: check.Invalid, Violations: []string{"no order"}, Total: 1}}}, exitInvalid},
		"found by a nemesis":                 {run.Verdict{Plan: plan(), Faults: faults, Results: append(well, check.Result{Name: "wipe", Verdict: check.Invalid})}, exitInvalid},
	} {
		folder := t.TempDir()
		file, err := os.Create(filepath.Join(folder, run.HistoryFile))
		if err != nil {
			t.Fatal(err)
		}
		record := history.NewRecorder(history.NewWriter(file), "c1", "register")
		for _, op := range []string{workload.OpSet, workload.OpGet} {
			record.End(record.Invoke(history.Event{Op: op, Key: "register/1", Value: "1"}), history.OK, nil)
		}
		text, err := json.Marshal(c.before)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, run.VerdictFile), text, 0o600); err != nil {
			t.Fatal(err)
		}
		if code := dispatch(t.Context(), []string{"replay", folder}); code != c.want || file.Close() != nil {
			t.Errorf("%s: the exit code is %d, want %d", name, code, c.want)
		}
	}
}
