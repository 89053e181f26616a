package main

import (
	"os"
	"strings"
	"testing"

	"github.com/coordd/coordd/test/rules/rule"
)

func TestJudge(t *testing.T) {
	for name, c := range map[string]struct {
		output    string
		succeeded bool
		end       rule.End
		said      string
	}{
		"passes":        {"=== RUN   TestA\n--- PASS: TestA (0.01s)\nPASS\n", true, rule.Green, ""},
		"fails":         {"=== RUN   TestA\n    a_test.go:12: token 1 was given twice\n    a_test.go:14: more\n--- FAIL: TestA (0.00s)\nFAIL\n", false, rule.Red, "a_test.go:12: token 1 was given twice"},
		"on two lines":  {"=== RUN   TestA\n    a_test.go:12: \n        token 1\n--- FAIL: TestA (0.00s)\nFAIL\n", false, rule.Red, "a_test.go:12: token 1"},
		"in a subtest":  {"=== RUN   TestA\n=== RUN   TestA/b\n    a_test.go:9: no\n--- FAIL: TestA (0.00s)\n    --- FAIL: TestA/b (0.00s)\nFAIL\n", false, rule.Red, "a_test.go:9: no"},
		"another fails": {"=== RUN   TestAB\n    a_test.go:9: no\n--- FAIL: TestAB (0.00s)\nFAIL\n", false, rule.Unrun, "no such test"},
		"skips":         {"=== RUN   TestA\n    a_test.go:3: not here\n--- SKIP: TestA (0.00s)\nPASS\n", true, rule.Unrun, "it was skipped: a_test.go:3: not here"},
		"is not there":  {"testing: warning: no tests to run\nPASS\n", true, rule.Unrun, "no such test"},
		"takes long":    {"=== RUN   TestA\npanic: test timed out after 1m0s\n\trunning tests:\n", false, rule.Hangs, "panic: test timed out"},
		"stands still":  {"=== RUN   TestA\n--- FAIL: TestA (0.00s)\npanic: deadlock: all goroutines in bubble are blocked [recovered, repanicked]\n", false, rule.Hangs, "panic: deadlock"},
		"breaks down":   {"=== RUN   TestA\n    a_test.go:9: no\n--- FAIL: TestA (0.00s)\npanic: runtime error: index out of range [0] with length 0\n", false, rule.Panics, "panic: runtime error"},
		"dies":          {"=== RUN   TestA\nfatal error: concurrent map writes\n", false, rule.Panics, "fatal error"},
		"ends at once":  {"", false, rule.Unrun, "no such test"},
	} {
		if end, said := judge("TestA", []byte(c.output), c.succeeded); end != c.end || !strings.Contains(said, c.said) {
			t.Errorf("a test that %s is %s: %q; want %s: %q", name, end, said, c.end, c.said)
		}
	}
}

func TestChosen(t *testing.T) {
	all := []rule.Rule{{Case: "S1", Name: "a"}, {Case: "S1", Name: "b"}, {Case: "S12", Name: "a"}}
	for only, want := range map[string]int{"": 3, "S1": 2, "S12": 1, "S1/b,S12": 2, "S1/b,S1": 2} {
		if rules, err := chosen(all, only); err != nil || len(rules) != want {
			t.Errorf("--only %q chooses %d rules: %v", only, len(rules), err)
		}
	}
	for _, only := range []string{"S2", "S1/c", "S1,", "a"} {
		if _, err := chosen(all, only); err == nil {
			t.Errorf("--only %q chooses something", only)
		}
	}
}

// Only what ended as the table says passes; everything else is named.
func TestTotals(t *testing.T) {
	outcomes := []outcome{
		{ID: "S1/a", End: rule.Red, Wanted: rule.Red}, {ID: "S1/b", End: rule.Hangs, Wanted: rule.Hangs}, {ID: "S1/c", End: rule.Hangs, Wanted: rule.Red}, {ID: "S1/d", End: rule.Unbuilt, Wanted: rule.Red},
		{ID: "S1/e", End: rule.Red, Wanted: rule.Hangs},
	}
	if got, want := totals(outcomes), "5 rules, 2 red, 2 hangs, 1 unbuilt; NOT PASSED: S1/c, S1/d, S1/e"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestTheReadmeHasTheTable(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if renewed, err := withTable(string(text)); err != nil || renewed != string(text) {
		t.Errorf("the table of README.md is old: go run ./test/rules --write (%v)", err)
	}
}
