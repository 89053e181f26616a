package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/compare"
	"github.com/coordd/coordd/test/jepsen-lite/run"
)

func TestOnlyAValidComparisonIsWritten(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed, and a comparison names its version")
	}
	silence(t)
	root := t.TempDir()
	const before = compare.DocumentBegin + "as it was" + compare.DocumentEnd
	for _, name := range []string{compare.WholeDocument, compare.SummaryDocument} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(before), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	rows := []compare.Row{{System: "coordd", Fault: compare.Control, Rounds: 3, Holds: 7, HasTokens: true}}
	plan := compare.Plan{Rounds: 3, TTL: 3 * time.Second, Seed: 1}
	for _, verdict := range []check.Verdict{check.Invalid, check.Unknown, check.Valid} {
		if err := writeComparison(t.Context(), root, plan, "0123456789", verdict, rows); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{compare.WholeDocument, compare.SummaryDocument} {
			text, err := os.ReadFile(filepath.Join(root, name))
			if err != nil {
				t.Fatal(err)
			}
			if written := string(text) != before; written != (verdict == check.Valid) {
				t.Errorf("%s, %s: written %v", name, verdict, written)
			}
			command := "`go run ./test/jepsen-lite compare --rounds 3 --ttl 3s --docs .`"
			if verdict == check.Valid && (!strings.Contains(string(text), command) || !regexp.MustCompile(`redis-server \d+\.\d+\.\d+ and`).Match(text)) {
				t.Errorf("%s lacks the command or the version of redis-server:\n%s", name, text)
			}
		}
	}
	if run.DefaultTTL == plan.TTL {
		t.Error("the time to live is the default, which a command need not name")
	}
}
