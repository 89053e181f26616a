package main

import (
	"io"
	"strings"
	"testing"

	"github.com/coordd/coordd/test/compat/differential"
)

// A machine without redis-server has nothing to compare coordd with, which must not look like a comparison that went well.
func TestDifferentialFailsWhereThereIsNoRedisServer(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var out strings.Builder
	err := run(t.Context(), []string{"differential", "--sequences", "3"}, &out)
	if err == nil || !strings.Contains(err.Error(), "nothing was checked") {
		t.Errorf("without redis-server the command ends with %v", err)
	}
	if !strings.Contains(out.String(), "redis-server is not installed") || !strings.Contains(out.String(), "0 passed, 0 failed, 3 skipped") {
		t.Errorf("it says %q", out.String())
	}
}

func TestDifferentialFailsWhenNothingWasCompared(t *testing.T) {
	if err := (&comparison{}).report(&setup{out: io.Discard}, &differential.Report{}, 0); err == nil || !strings.Contains(err.Error(), "nothing was checked") {
		t.Errorf("a comparison of no sequences ends with %v", err)
	}
}
