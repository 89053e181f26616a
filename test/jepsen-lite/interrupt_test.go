package main

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/network"
)

func TestAnInterruptedRunLeavesNothingBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	if runtime.GOOS != "linux" {
		t.Skip("looks for processes in /proc")
	}
	folder := t.TempDir()
	program := buildProgram(t, folder)
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
	nothingIsLeft(t, folder)
}

// A driver that is killed cannot clean up: the kernel has to, processes and namespaces alike.
func TestAKilledRunInNamespacesLeavesNothingBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	if missing := network.NamespacesMissing(); missing != "" {
		t.Skip(missing)
	}
	folder := t.TempDir()
	out := filepath.Join(folder, "run")
	command := exec.Command(buildProgram(t, folder), "run", "--network", "namespaces", "--nemesis", "isolate-leader", "--duration", "10m", "--hold", "10m", "--out", out)
	pipe, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer command.Wait()
	defer command.Process.Kill()
	lines := bufio.NewScanner(pipe)
	for lines.Scan() && !strings.Contains(lines.Text(), "cut n") {
	}
	before := namespacesBelow(t, command.Process.Pid)
	if len(before) != 1+3+3 {
		t.Errorf("%d network namespaces beside the machine's, want one for the router, three nodes and three clients", len(before))
	}
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	nothingIsLeft(t, folder) // a namespace in which nothing lives, and which has no name, is gone
	if named, err := filepath.Glob("/run/netns/*"); err != nil || slices.ContainsFunc(named, func(path string) bool { return strings.Contains(path, "jepsen") || strings.Contains(path, "coordd") }) {
		t.Errorf("namespaces with names, which the kernel keeps: %v, %v", named, err)
	}
}

// namespacesBelow are the network namespaces, other than its own, of the processes that a process started.
func namespacesBelow(t *testing.T, pid int) []string {
	t.Helper()
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	below := map[int]bool{pid: true}
	found := map[string]bool{}
	for grew := true; grew; {
		grew = false
		stats, _ := filepath.Glob("/proc/[0-9]*/stat")
		for _, path := range stats {
			text, err := os.ReadFile(path)
			if err != nil {
				continue // it has ended
			}
			var child, parent int
			if _, err := fmt.Sscanf(filepath.Base(filepath.Dir(path)), "%d", &child); err != nil {
				continue
			}
			if _, err := fmt.Sscanf(string(text[strings.LastIndexByte(string(text), ')')+4:]), "%d", &parent); err != nil || !below[parent] || below[child] {
				continue
			}
			below[child], grew = true, true
			if space, err := os.Readlink(filepath.Join("/proc", fmt.Sprint(child), "ns", "net")); err == nil && space != own {
				found[space] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func buildProgram(t *testing.T, folder string) string {
	t.Helper()
	program := filepath.Join(folder, "jepsen-lite")
	if output, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return program
}

// nothingIsLeft waits until no process of a run is there.
func nothingIsLeft(t *testing.T, out string) {
	t.Helper()
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
