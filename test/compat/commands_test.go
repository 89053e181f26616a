package main

import (
	"os"
	"strings"
	"testing"
)

// A command that no page names and no machine runs is soon broken: each stands in README.md, in the Makefile, in doc.go and in .ci/run.
func TestEveryCommandIsDescribedAndRun(t *testing.T) {
	for path, mark := range map[string]string{"README.md": "| `%s` |", "Makefile": " %s", "doc.go": "//	%s ", "../../.ci/run": "test/compat . %s"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range commands {
			if want := strings.Replace(mark, "%s", command.name, 1); !strings.Contains(string(text), want) {
				t.Errorf("%s does not have %q", path, want)
			}
		}
	}
}
