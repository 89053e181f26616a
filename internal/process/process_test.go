package process

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func startSleeper(t *testing.T, group *Group, script string) *Process {
	t.Helper()
	p, err := group.Start(Spec{Name: "sleeper", Path: "/bin/sh", Args: []string{"-c", script}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCloseEndsEveryChild(t *testing.T) {
	group := NewGroup(t.TempDir())
	polite := startSleeper(t, group, "exec sleep 60")
	stubborn := startSleeper(t, group, "trap '' TERM; while :; do sleep 1; done")
	group.Close(200 * time.Millisecond)
	for _, p := range []*Process{polite, stubborn} {
		if p.Running() {
			t.Errorf("%s (pid %d) still runs after Close", p.Name, p.PID())
		}
		if err := syscall.Kill(p.PID(), 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("pid %d is still known to the system: %v", p.PID(), err)
		}
	}
	if _, err := group.Start(Spec{Name: "late", Path: "/bin/true"}); !errors.Is(err, ErrClosed) {
		t.Errorf("Start after Close: got %v, want ErrClosed", err)
	}
}

func TestWaitReportsTheEndOfTheLog(t *testing.T) {
	group := NewGroup(t.TempDir())
	defer group.Close(time.Second)
	p := startSleeper(t, group, "echo why it failed >&2; exit 3")
	err := p.Wait(t.Context())
	if err == nil || !strings.Contains(err.Error(), "why it failed") || !strings.Contains(err.Error(), "exit status 3") {
		t.Fatalf("Wait: got %v, want exit status 3 and the log", err)
	}
}

// What a process was told before Suspend returned it may have begun; what it is told afterwards it begins after Resume.
func TestASuspendedProcessBeginsNothing(t *testing.T) {
	dir := t.TempDir()
	group := NewGroup(dir)
	defer group.Close(time.Second)
	mark := filepath.Join(dir, "mark")
	p := startSleeper(t, group, "while :; do [ -e "+mark+".wanted ] && touch "+mark+"; done")
	if err := p.Suspend(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(mark+".wanted", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // a process that runs on marks the file in a fraction of it
	if _, err := os.Stat(mark); err == nil {
		t.Error("it went on")
	}
	if err := p.Resume(); err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(mark); err == nil {
			return
		}
		if time.Since(begun) > 10*time.Second {
			t.Fatal("it does not go on after Resume")
		}
	}
}
