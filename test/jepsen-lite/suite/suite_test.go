package suite

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/nemesis"
	"github.com/coordd/coordd/test/jepsen-lite/run"
)

func TestEveryRunOfEverySuiteIsPossibleAndHasItsOwnName(t *testing.T) {
	for _, suite := range All() {
		names, used := map[string]bool{}, map[string]bool{}
		for _, one := range suite.Runs {
			if err := one.Plan.Validate(); err != nil {
				t.Errorf("%s: %s: %v", suite.Name, one.Name, err)
			}
			if names[one.Name] {
				t.Errorf("%s: two runs are called %s", suite.Name, one.Name)
			}
			names[one.Name] = true
			for _, name := range one.Plan.Nemeses {
				used[name] = true
				chosen, _ := nemesis.Find(name)
				host := nemesis.Host{Senders: true, Disks: true, Failpoints: true}
				if missing := chosen.Missing(host, one.Plan.Nodes, one.Plan.Workloads); missing != "" {
					t.Errorf("%s: %s can nowhere be run: %s", suite.Name, one.Name, missing)
				}
			}
		}
		for _, one := range nemesis.All() {
			if !used[one.Name] && one.Name != "none" {
				t.Errorf("no run of suite %s has the nemesis %s", suite.Name, one.Name)
			}
		}
	}
}

func TestALedgerRemembersWhatIsDone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	if entries, err := ReadLedger(path); err != nil || len(entries) != 0 {
		t.Fatalf("a ledger that is not there: %v, %v", entries, err)
	}
	day := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	for _, entry := range []Entry{
		{Suite: "pr", Run: "a", Verdict: check.Valid, Commit: "c1", Nodes: 3, Date: day, Faults: map[string]int{"kill-one": 2}},
		{Suite: "pr", Run: "b", Verdict: check.Unknown, Commit: "c1", Nodes: 5, Date: day, Faults: map[string]int{"kill-one": 1}},
		{Suite: "pr", Run: "c", Verdict: check.Valid, Commit: "c2", Nodes: 3, Date: day, Skipped: []string{"disk-full: no root"}},
		{Suite: "pr", Run: "d", Verdict: check.Valid, Commit: "c1", Nodes: 3, Date: day, Skipped: []string{"disk-full: no root"}, Faults: map[string]int{"pause-one": 1}},
	} {
		if err := Append(path, entry); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := ReadLedger(path)
	if err != nil {
		t.Fatal(err)
	}
	if done := Done(entries, "pr", "c1"); len(done) != 1 || !done["a"] {
		t.Errorf("done for c1: %v, want a alone: what was unknown, of another commit, or could not do all of it, is run again", done)
	}
	var table strings.Builder
	if err := Matrix(&table, entries, Plays{}); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"| 13 | `kill-one` | 2 | 1 | 1 | 0 | 1 | 0 | – |", "| 20 | `disk-full` | 0 | 0 | 0 | 0 | 0 | 2 | – |", "| 5 | `majorities-ring` | – | 0 |", "4 runs, 28 November 2026, of commit c1, c2."} {
		if !strings.Contains(table.String(), line) {
			t.Errorf("the table does not say %q:\n%s", line, table.String())
		}
	}
}

// The nemesis that broke the promise stands in the row of its verdict, although it counts as one that failed.
func TestARunCountsForTheNemesisThatFailedInIt(t *testing.T) {
	var entry Entry
	entry.Nodes = 3
	entry.Take(&run.Verdict{Verdict: check.Invalid, Faults: []run.Fault{{Name: "wipe", Error: "it forgot a vote"}, {Name: "kill-one"}, {Name: "kill-one", Error: "it did not die"}}})
	var table strings.Builder
	if err := Matrix(&table, []Entry{entry}, Plays{}); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"| `wipe` | 0 | 0 | 0 | 1 | 0 | 0 | – |", "| `kill-one` | 1 | 0 | 0 | 1 | 0 | 0 | – |"} {
		if !strings.Contains(table.String(), line) {
			t.Errorf("the table does not say %q:\n%s", line, table.String())
		}
	}
}

// An invalid run in which nothing was injected yet has no row, and is named all the same.
func TestTheMatrixNamesEveryInvalidRun(t *testing.T) {
	var table strings.Builder
	if err := Matrix(&table, []Entry{{Run: "05 kill-all", Verdict: check.Invalid, Commit: "c1"}, {Run: "06 kill-one", Verdict: check.Valid, Commit: "c1"}}, Plays{}); err != nil {
		t.Fatal(err)
	}
	if text := table.String(); !strings.Contains(text, "1 of them invalid: 05 kill-all (c1).") {
		t.Errorf("the table does not name the invalid run:\n%s", text)
	}
}

// A run whose nemeses were all skipped is no failure of the suite, and no excuse for what was found all the same.
func TestOnlyARunThatFoundNothingWrongIsSkipped(t *testing.T) {
	skipped := []string{"disk-full: no root"}
	for name, c := range map[string]struct {
		verdict run.Verdict
		want    check.Verdict
	}{
		"nothing but a skip":       {run.Verdict{Verdict: check.Unknown, Skipped: skipped}, check.Skipped},
		"checkers were content":    {run.Verdict{Verdict: check.Unknown, Skipped: skipped, Results: []check.Result{{Verdict: check.Valid}, {Verdict: check.Skipped}}}, check.Skipped},
		"a violation":              {run.Verdict{Verdict: check.Invalid, Skipped: skipped, Results: []check.Result{{Verdict: check.Invalid}}}, check.Invalid},
		"a problem":                {run.Verdict{Verdict: check.Unknown, Skipped: skipped, Problems: []string{"a log cannot be read"}}, check.Unknown},
		"a checker does not know":  {run.Verdict{Verdict: check.Unknown, Skipped: skipped, Results: []check.Result{{Verdict: check.Unknown}}}, check.Unknown},
		"something worked":         {run.Verdict{Verdict: check.Valid, Skipped: skipped, Faults: []run.Fault{{Name: "kill-one"}}}, check.Valid},
		"something failed to work": {run.Verdict{Verdict: check.Unknown, Skipped: skipped, Faults: []run.Fault{{Name: "kill-one", Error: "it did not die"}}}, check.Unknown},
	} {
		var entry Entry
		if entry.Take(&c.verdict); entry.Verdict != c.want {
			t.Errorf("%s: the ledger says %s, want %s", name, entry.Verdict, c.want)
		}
	}
}

func TestEveryRowOfTheFaultMatrixIsSomewhere(t *testing.T) {
	covered := map[int]bool{}
	for _, one := range nemesis.All() {
		covered[one.Row] = true
	}
	for _, row := range elsewhere {
		if covered[row.row] {
			t.Errorf("row %d has a nemesis and is said to be elsewhere", row.row)
		}
		covered[row.row] = true
	}
	for row := 1; row <= 32; row++ {
		if !covered[row] {
			t.Errorf("nothing is said of row %d", row)
		}
	}
}

func TestTheMatrixIsWrittenBetweenItsLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "README.md")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("before\n" + matrixBegin + "\nthe former table\n" + matrixEnd + "\nafter\n")
	for range 2 { // the second time changes nothing
		if err := WriteMatrix(path, nil, Plays{}); err != nil {
			t.Fatal(err)
		}
		text, _ := os.ReadFile(path)
		if got := string(text); !strings.HasPrefix(got, "before\n"+matrixBegin+"\n\n| row |") || !strings.HasSuffix(got, "\n"+matrixEnd+"\nafter\n") || strings.Contains(got, "former") || strings.Count(got, "| row |") != 1 {
			t.Errorf("got %s", got)
		}
	}
	write("nothing")
	if err := WriteMatrix(path, nil, Plays{}); err == nil {
		t.Error("a document without a place for it was changed")
	}
}

func TestTheMatrixCountsValidPlaysOfTheSimulationOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sim.jsonl")
	lines := `{"build":"b1","commit":"c1","seed":1,"verdict":"valid","faults":{"isolate the leader":2,"one link":1}}
{"build":"b1","commit":"c1","seed":1,"verdict":"valid","faults":{"isolate the leader":2,"one link":1}}
{"build":"b2","commit":"c2","seed":1,"verdict":"valid","faults":{"isolate the leader":5}}
{"build":"b1","commit":"c1","seed":2,"verdict":"invalid","faults":{"isolate the leader":100}}
{"build":"b1","commit":"c1","seed":3,"verd`
	if err := os.WriteFile(path, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	again := filepath.Join(t.TempDir(), "longer.jsonl") // a copy that went on
	if err := os.WriteFile(again, []byte(lines+"\n"+`{"build":"b2","commit":"c2","seed":2,"verdict":"valid","faults":{"one link":3}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var plays Plays
	for _, ledger := range []string{path, again} {
		if err := plays.ReadPlays(ledger); err != nil {
			t.Fatal(err)
		}
	}
	var table strings.Builder
	if err := Matrix(&table, nil, plays); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"| 3 | `isolate-leader` | 0 | 0 | 0 | 0 | 0 | 0 | 7 |", "| 6 | one link (simulation only) | | | | | | | 4 |", "3 valid plays, of commit c1, c2."} {
		if !strings.Contains(table.String(), line) {
			t.Errorf("the table does not say %q:\n%s", line, table.String())
		}
	}
}

// A suite that is called short must stay so; each nemesis works twice on three and on five nodes.
func TestTheMatrixIsWholeAndShort(t *testing.T) {
	chosen, err := Find("matrix")
	if err != nil {
		t.Fatal(err)
	}
	var total time.Duration
	times := map[string]map[int]int{}
	for _, one := range chosen.Runs {
		total += Estimate(one.Plan)
		for _, name := range one.Plan.Nemeses {
			if times[name] == nil {
				times[name] = map[int]int{}
			}
			times[name][one.Plan.Nodes]++
		}
	}
	if total > 40*time.Minute {
		t.Errorf("about %v, more than 40 minutes", total)
	}
	for _, one := range nemesis.All() {
		if got := times[one.Name]; got[5] < 2 || one.MinNodes <= 3 && got[3] < 2 {
			t.Errorf("%s works %d times on three and %d times on five nodes, want two or more", one.Name, got[3], got[5])
		}
	}
	var plan strings.Builder
	if err := chosen.WritePlan(&plan, map[string]bool{chosen.Runs[0].Name: true}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(plan.String(), chosen.Runs[0].Name) || !strings.Contains(plan.String(), "1 left out as done before") {
		t.Errorf("the plan without the first run:\n%s", plan.String())
	}
}
