package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coordd/coordd/test/guard/servers"
)

// program builds this program.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "guard")
	if output, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return path
}

func exitCode(t *testing.T, path string, args ...string) (int, string) {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	if ended != nil {
		return ended.ExitCode(), string(output)
	}
	return 0, string(output)
}

func TestExitCodes(t *testing.T) {
	path := program(t)
	for _, c := range []struct {
		want int
		args string
	}{
		{0, ""}, {0, "help"}, {0, "crash --help"},
		{exitUsage, "dance"}, {exitUsage, "scenarios K1"}, {exitUsage, "scenarios --loud"}, {exitUsage, "scenarios --ttl 1ms"},
	} {
		if got, output := exitCode(t, path, strings.Fields(c.args)...); got != c.want || output == "" {
			t.Errorf("guard %s: status %d, want %d:\n%s", c.args, got, c.want, output)
		}
	}
}

// keepTemporary gives what is started a folder for temporary files that goes with the test, since a run that fails keeps its data there. Databases run as another user and must
// be able to pass through, so it is not one of the test's own.
func keepTemporary(t *testing.T) {
	t.Helper()
	folder, err := os.MkdirTemp("", "coordd-guard-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", folder)
}

// A run in which the guard is left out must fail, or the others show nothing.
func TestScenariosFailWithoutTheGuard(t *testing.T) {
	if _, err := exec.LookPath("psql"); err != nil {
		t.Skip((&servers.Missing{Reason: "PostgreSQL is not installed (Debian: apt-get install postgresql)"}).Error())
	}
	if testing.Short() {
		t.Skip("starts a cluster and a database")
	}
	path := program(t)
	keepTemporary(t)
	if got, output := exitCode(t, path, "scenarios", "--only", "K3,K11", "--sabotage"); got != exitFailed ||
		strings.Count(output, "1 stale writes were accepted in spite of the guard") < 2 {
		t.Errorf("status %d:\n%s", got, output)
	}
	got, output := exitCode(t, path, "scenarios", "--only", "K3", "--json")
	if start := strings.Index(output, "[\n"); got != 0 || start < 0 || !strings.Contains(output[start:], `"stale_refused": 1`) {
		t.Errorf("status %d:\n%s", got, output)
	}
}
