package suite

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/nemesis"
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
		{Suite: "pr", Run: "c", Verdict: check.Valid, Commit: "c2", Nodes: 3, Date: day},
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
		t.Errorf("done for c1: %v, want a alone: what was unknown, or of another commit, is run again", done)
	}
	var table strings.Builder
	if err := Matrix(&table, entries); err != nil || !strings.Contains(table.String(), "| 13 | `kill-one` | 2 | 1 | 1 | 0 | 1 | 2026-11-28 | c1 |") {
		t.Errorf("the table: %v\n%s", err, table.String())
	}
}
