package main

import (
	"path/filepath"
	"strings"
	"testing"
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
