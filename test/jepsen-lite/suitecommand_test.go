package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/suite"
)

// What is left of a suite that was interrupted is listed with what it was started with: its --out is enough.
func TestThePlanOfWhatIsLeftNeedsNoMoreThanTheSuite(t *testing.T) {
	silence(t)
	for line, want := range map[string]int{
		"suite pr --plan --resume --out " + t.TempDir():                    exitValid,
		"suite pr --plan --resume --ledger " + t.TempDir() + "/none.jsonl": exitValid,
		"suite pr --plan":          exitValid,
		"suite pr --plan --resume": exitUsage,
		"suite pr --resume":        exitUsage,
	} {
		if code := dispatch(t.Context(), strings.Fields(line)); code != want {
			t.Errorf("jepsen-lite %s: exit code %d, want %d", line, code, want)
		}
	}
}

func TestTheLedgerLiesInOutUnlessItIsNamed(t *testing.T) {
	for _, c := range []struct{ ledger, out, want string }{{"", "", ""}, {"", "out", "out/jepsen-lite-ledger.jsonl"}, {"one.jsonl", "out", "one.jsonl"}} {
		flags := suiteFlags{ledger: c.ledger, out: c.out}
		if flags.settle(); filepath.ToSlash(flags.ledger) != c.want {
			t.Errorf("--ledger %q --out %q: the ledger is %q, want %q", c.ledger, c.out, flags.ledger, c.want)
		}
	}
}

// Ctrl-C takes nothing from the ledger, and from the exit code, of what was found; the run that it hit is made again.
func TestAnInterruptedSuiteKeepsItsViolations(t *testing.T) {
	runs := []suite.Run{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "d"}}
	for _, c := range []struct {
		name     string
		verdicts map[string]check.Verdict // the suite is interrupted during run c
		noted    string
		worst    check.Verdict
	}{
		{"nothing was found", map[string]check.Verdict{"b": check.Valid, "c": check.Unknown}, "b", check.Valid},
		{"before", map[string]check.Verdict{"b": check.Invalid, "c": check.Unknown}, "b", check.Invalid},
		{"in the run that it hit", map[string]check.Verdict{"b": check.Valid, "c": check.Invalid}, "b c", check.Invalid},
	} {
		ctx, interrupt := context.WithCancel(t.Context())
		ledger := filepath.Join(t.TempDir(), "ledger.jsonl")
		counted := &tally{count: map[check.Verdict]int{}}
		err := counted.makeRuns(ctx, runs, map[string]bool{"a": true}, ledger, func(_ int, one suite.Run) suite.Entry {
			if one.Name == "c" {
				interrupt()
			}
			return suite.Entry{Run: one.Name, Verdict: c.verdicts[one.Name]}
		})
		entries, unread := suite.ReadLedger(ledger)
		var noted []string
		for _, entry := range entries {
			noted = append(noted, entry.Run)
		}
		if err == nil || unread != nil || strings.Join(noted, " ") != c.noted || check.Worst(counted.verdicts...) != c.worst || counted.left != 1 {
			t.Errorf("%s: the ledger has %v (%v), the verdicts are %v; %v", c.name, noted, unread, counted.verdicts, err)
		}
	}
}
