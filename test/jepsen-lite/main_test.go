package main

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/run"
	"github.com/coordd/coordd/test/jepsen-lite/suite"
)

func TestTheCommandOfAPlanMakesThePlan(t *testing.T) {
	odd := run.Default()
	odd.Workloads, odd.Nemeses, odd.Nodes, odd.Clients, odd.Duration, odd.Seed = []string{"redis"}, []string{"none", "kill-all"}, 5, 7, 3*time.Second, 1<<63
	odd.TTL, odd.LogStore, odd.SnapshotEntries, odd.Compact, odd.Hold, odd.Calm, odd.StopEarly = time.Second, "wal", 7, true, time.Second, 0, true
	odd.Network = "namespaces"
	plans := []run.Plan{run.Default(), odd}
	for _, one := range suite.All()[0].Runs {
		plans = append(plans, one.Plan)
	}
	for _, plan := range plans {
		words := strings.Fields(strings.TrimPrefix(plan.Command(), "go run ./test/jepsen-lite run "))
		again := run.Default()
		set := flag.NewFlagSet("run", flag.ContinueOnError)
		planFlags(set, &again)
		if err := set.Parse(words); err != nil {
			t.Fatalf("%s: %v", plan.Command(), err)
		}
		if !reflect.DeepEqual(plan, again) {
			t.Errorf("%s\nmakes %+v\nwant  %+v", plan.Command(), again, plan)
		}
	}
}

func TestWrongCommandLinesSaySoAndDoNothing(t *testing.T) {
	silence(t)
	for _, line := range []string{"", "walk", "run --nemesis nonsense", "run --workload nonsense", "run --nodes 0", "run --duration 1ms", "run --ttl 1ms", "run extra", "run --nonsense",
		"suite", "suite nonsense", "replay", "replay " + t.TempDir(), "matrix", "run --log-store rocks", "run --network pigeons", "run --network namespaces --endpoints 127.0.0.1:1", "compare --docs . --faults failover"} {
		if code := dispatch(t.Context(), strings.Fields(line)); code != exitUsage {
			t.Errorf("jepsen-lite %s: exit code %d, want %d", line, code, exitUsage)
		}
	}
	if code := dispatch(t.Context(), []string{"list"}); code != exitValid {
		t.Errorf("list: exit code %d", code)
	}
}

// silence sends what the program prints nowhere for the length of a test.
func silence(t *testing.T) {
	t.Helper()
	nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	out, errors := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = nowhere, nowhere
	t.Cleanup(func() {
		os.Stdout, os.Stderr = out, errors
		nowhere.Close()
	})
}

func TestAViolationIsTheExitCodeAlsoOfWhatFailedLater(t *testing.T) {
	silence(t)
	for verdict, want := range map[check.Verdict]int{check.Invalid: exitInvalid, check.Valid: exitUnknown, check.Unknown: exitUnknown, "": exitUnknown} {
		if code := finish(verdict, errors.New("interrupted")); code != want {
			t.Errorf("%q and an error: exit code %d, want %d", verdict, code, want)
		}
	}
}

// A run in namespaces leaves its verdict in a file. One that lay there before is another run's.
func TestAViolationOfARunInNamespacesOutlivesIt(t *testing.T) {
	begin, interrupted := time.Now(), errors.New("interrupted")
	for name, c := range map[string]struct {
		verdict check.Verdict
		start   time.Time
		found   bool
	}{
		"a violation":      {check.Invalid, begin.Add(time.Second), true},
		"of another run":   {check.Invalid, begin.Add(-time.Second), false},
		"no violation yet": {check.Valid, begin.Add(time.Second), false},
		"nothing":          {"", begin, false},
	} {
		folder := t.TempDir()
		if c.verdict != "" {
			text, err := json.Marshal(run.Verdict{Verdict: c.verdict, Start: c.start.UTC()})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, run.VerdictFile), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		verdict, err := violation(folder, begin, interrupted)
		if (verdict != nil) != c.found || (err == nil) != c.found {
			t.Errorf("%s: %+v, %v", name, verdict, err)
		}
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	for _, one := range commands() {
		if code := dispatch(t.Context(), []string{one.name, "--help"}); code != exitValid {
			t.Errorf("%s --help ends with %d", one.name, code)
		}
	}
}
