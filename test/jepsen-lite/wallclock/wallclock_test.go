package wallclock

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// tellVariable makes this test program tell the time instead of testing.
const tellVariable = "WALLCLOCK_TEST_TELL"

func TestMain(m *testing.M) {
	if os.Getenv(tellVariable) != "" {
		fmt.Println(time.Now().Unix())
		return
	}
	os.Exit(m.Run())
}

func build(t *testing.T) *Clock {
	t.Helper()
	folder := t.TempDir()
	library, err := Build(t.Context(), folder)
	if errors.Is(err, ErrCannot) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	clock, err := New(library, filepath.Join(folder, "ahead"))
	if err != nil {
		t.Fatal(err)
	}
	return clock
}

// ahead asks a program for the time, in seconds, and tells by how much it is ahead.
func ahead(t *testing.T, environment []string, program string, arguments ...string) time.Duration {
	t.Helper()
	command := exec.CommandContext(t.Context(), program, arguments...)
	command.Env = append(os.Environ(), environment...)
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, output)
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(string(output)), 10, 64)
	if err != nil {
		t.Fatalf("%s says %q", program, output)
	}
	return time.Until(time.Unix(seconds, 0)).Round(time.Hour)
}

func TestOneProcessHasAnotherTimeOfDay(t *testing.T) {
	clock := build(t)
	for _, want := range []time.Duration{0, 48 * time.Hour, -72 * time.Hour, 0} {
		if err := clock.Set(want); err != nil {
			t.Fatal(err)
		}
		if got := ahead(t, clock.Environment(), "date", "+%s"); got != want {
			t.Errorf("the clock is %v ahead, want %v", got, want)
		}
		if got := ahead(t, nil, "date", "+%s"); got != 0 {
			t.Errorf("a process without it is %v ahead", got)
		}
	}
}

// That is why etcd's clock cannot be set.
func TestAProgramOfGoIsNotReached(t *testing.T) {
	clock := build(t)
	if err := clock.Set(48 * time.Hour); err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if got := ahead(t, append(clock.Environment(), tellVariable+"=1"), program); got != 0 {
		t.Errorf("it is %v ahead: then comparisons need not leave etcd's clock out", got)
	}
}

func TestAProcessWhoseClockCannotBeReadDoesNotRun(t *testing.T) {
	clock := build(t)
	if err := os.Remove(clock.path); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "date")
	command.Env = append(os.Environ(), clock.Environment()...)
	if output, err := command.CombinedOutput(); err == nil || !strings.Contains(string(output), "No such file") {
		t.Errorf("%v, %q: a clock that goes right would make a test of nothing", err, output)
	}
}
