package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestAnInterruptedRunLeavesNothingBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	if runtime.GOOS != "linux" {
		t.Skip("looks for processes in /proc")
	}
	folder := t.TempDir()
	program := filepath.Join(folder, "jepsen-lite")
	if output, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	out := filepath.Join(folder, "run")
	// pause-all leaves stopped processes, which would not end by themselves.
	command := exec.Command(program, "run", "--nemesis", "pause-all", "--duration", "10m", "--hold", "10m", "--ttl", "5m", "--out", out)
	pipe, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer command.Process.Kill()
	lines := bufio.NewScanner(pipe)
	for lines.Scan() && !strings.Contains(lines.Text(), "stop n3") {
	}
	if len(processesWith(t, out)) < 4 {
		t.Errorf("processes of the run: %v, want three nodes and the driver", processesWith(t, out))
	}
	if err := command.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	var last string
	for lines.Scan() {
		last = lines.Text()
	}
	if err := command.Wait(); command.ProcessState.ExitCode() != exitUnknown || last != "verdict: unknown" {
		t.Errorf("ended with %v and %q, want exit code %d and an unknown verdict", err, last, exitUnknown)
	}
	deadline := time.Now().Add(10 * time.Second)
	for len(processesWith(t, out)) > 0 && time.Now().Before(deadline) {
		time.Sleep(50 * time.Millisecond) // the kernel may be late with its list
	}
	if left := processesWith(t, out); len(left) > 0 {
		t.Errorf("still there: %v", left)
	}
}

// processesWith lists the command lines that contain a text.
func processesWith(t *testing.T, text string) []string {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, path := range paths {
		line, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(line), text) {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}
