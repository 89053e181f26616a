package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/coordd/coordd/internal/freeport"
)

// A node whose disk is full when it starts says so and ends with the code of a data directory that cannot be used. It loses nothing: with room it starts again.
func TestANodeThatStartsOnAFullDiskSaysSoAndLosesNothing(t *testing.T) {
	disk := smallDisk(t, 48<<20)
	node := &servedNode{t: t, data: filepath.Join(disk, "n1"), redis: freeAddress(t)}
	node.start()
	if answer := node.ask("SET", "job", "me"); answer != "OK" {
		t.Fatalf("SET answers %q", answer)
	}
	token := node.ask("FENCE", "job", "me")
	node.stop()

	filler := filepath.Join(disk, "filler")
	fill(t, filler)
	before := listing(t, node.data)
	output, err := node.command().CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 73 {
		t.Errorf("on a full disk it ends with %v, want exit code 73:\n%s", err, output)
	}
	for _, want := range []string{"data directory " + node.data, "KiB are free and 16384 are needed to start", "the disk is full, make room and start again"} {
		if !strings.Contains(string(output), want) {
			t.Errorf("on a full disk it does not say %q:\n%s", want, output)
		}
	}
	if after := listing(t, node.data); after != before {
		t.Errorf("the start on a full disk changed the data:\n%s\nbefore:\n%s", after, before)
	}

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	node.start()
	if value, again := node.ask("GET", "job"), node.ask("FENCE", "job", "me"); value != `"me"` || again != token {
		t.Errorf("with room again, job holds %s under the token %s, want \"me\" under %s", value, again, token)
	}
	node.stop()
}

// smallDisk is a file system of so many bytes in memory, which only this test and the processes that it starts see: the thread of the test gets mounts of its
// own, and ends with the test.
func smallDisk(t *testing.T, bytes int) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a disk of its own needs root, to mount it")
	}
	path := t.TempDir()
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNS); errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) {
		t.Skip("no mounts of its own can be had here: ", err)
	} else if err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	err := unix.Mount("none", path, "tmpfs", 0, fmt.Sprintf("size=%d,mode=700", bytes))
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.ENODEV) {
		t.Skip("no disk in memory can be mounted here: ", err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(path, 0); err != nil {
			t.Error(err)
		}
	})
	return path
}

// fill writes until there is no room.
func fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 64<<10)
	for err == nil {
		_, err = file.Write(block)
	}
	if closed := file.Close(); !errors.Is(err, syscall.ENOSPC) || closed != nil {
		t.Fatalf("the disk is not full: %v, %v", err, closed)
	}
}

// listing is every file below the folder with its size and time.
func listing(t *testing.T, folder string) string {
	t.Helper()
	var text strings.Builder
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && !entry.IsDir() {
			fmt.Fprintln(&text, path, info.Size(), info.ModTime().UnixNano())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// servedNode is a cluster of one process.
type servedNode struct {
	t           *testing.T
	data, redis string
	process     *exec.Cmd
}

func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func (n *servedNode) command() *exec.Cmd {
	return exec.Command("coordd", "serve", "--data-dir", n.data, "--bootstrap-expect", "1", "--redis-addr", n.redis,
		"--http-addr", "off", "--peer-addr", "127.0.0.1:0", "--gossip-addr", "off", "--log-level", "error")
}

// start starts the node and waits until it says that it is ready.
func (n *servedNode) start() {
	n.t.Helper()
	n.process = n.command()
	output, err := n.process.StdoutPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	n.process.Stderr = os.Stderr
	if err := n.process.Start(); err != nil {
		n.t.Fatal(err)
	}
	process := n.process
	n.t.Cleanup(func() { _ = process.Process.Kill() })
	watchdog := time.AfterFunc(30*time.Second, func() { _ = process.Process.Kill() })
	defer watchdog.Stop()
	said := bufio.NewScanner(output)
	for said.Scan() {
		if strings.HasPrefix(said.Text(), "ready:") {
			go io.Copy(io.Discard, output)
			return
		}
	}
	n.t.Fatalf("the node did not get ready: %v", n.process.Wait())
}

// stop ends the node as an operator does.
func (n *servedNode) stop() {
	n.t.Helper()
	if err := n.process.Process.Signal(os.Interrupt); err != nil {
		n.t.Fatal(err)
	}
	if err := n.process.Wait(); err != nil {
		n.t.Errorf("stopping: %v", err)
	}
}

// ask is a Redis command and its answer.
func (n *servedNode) ask(words ...string) string {
	n.t.Helper()
	output, err := exec.Command("coordd", append([]string{"cli", "--endpoints", n.redis}, words...)...).CombinedOutput()
	if err != nil {
		n.t.Fatalf("%v: %v: %s", words, err, output)
	}
	return strings.TrimSpace(string(output))
}
