//go:build linux

package underlock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// typist is a shell with job control at a terminal of its own, and somebody who types there.
type typist struct {
	t      *testing.T
	master *os.File
	mu     sync.Mutex
	seen   strings.Builder
	read   int // so much of what was seen has been taken note of
}

func newTypist(t *testing.T) *typist {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		t.Skipf("no terminals here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer slave.Close()
	shell := exec.Command("sh", "-i")
	shell.Env = append(os.Environ(), "PS1=ready> ", "ENV=")
	shell.Stdin, shell.Stdout, shell.Stderr = slave, slave, slave
	shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	typist := &typist{t: t, master: master}
	go typist.watch()
	t.Cleanup(func() {
		_ = shell.Process.Kill()
		_ = shell.Wait()
		master.Close()
	})
	typist.expect("ready> ")
	return typist
}

func (y *typist) watch() {
	buffer := make([]byte, 4096)
	for {
		n, err := y.master.Read(buffer)
		y.mu.Lock()
		y.seen.Write(buffer[:n])
		y.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// expect waits until a text comes after what was expected last.
func (y *typist) expect(text string) {
	y.t.Helper()
	found := false
	for deadline := time.Now().Add(20 * time.Second); !found && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		y.mu.Lock()
		if at := strings.Index(y.seen.String()[y.read:], text); at >= 0 {
			found = true
			y.read += at + len(text)
		}
		y.mu.Unlock()
	}
	if !found {
		y.mu.Lock()
		defer y.mu.Unlock()
		y.t.Fatalf("%q did not come; the terminal shows:\n%s", text, y.seen.String())
	}
}

func (y *typist) types(text string) {
	y.t.Helper()
	if _, err := y.master.WriteString(text); err != nil {
		y.t.Fatal(err)
	}
}

const (
	ctrlC = "\x03"
	ctrlZ = "\x1a"
)

// frontLine is a command line that runs a command under the file lock.
func frontLine(folder string, command string) string {
	return fmt.Sprintf("%s as front %s term 2s %s", os.Args[0], folder, command)
}

func TestCommandReadsTheTerminal(t *testing.T) {
	t.Parallel()
	y := newTypist(t)
	y.types(frontLine(t.TempDir(), `sh -c 'read line; echo "got <$line>"; exit 4'`) + "; echo code $?\n")
	y.types("hello\n")
	y.expect("got <hello>")
	y.expect("code 4")
	y.expect("ready> ")
	y.types("echo still $((1+1))here\n") // the terminal is the shell's again
	y.expect("still 2here")
}

func TestCtrlZAndForegroundAndCtrlC(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	y := newTypist(t)
	y.types(frontLine(folder, `sh -c 'echo begun; while read line; do echo "got <$line>"; done'`) + "\n")
	y.expect("begun\r\n")
	y.types("one\n")
	y.expect("got <one>")
	y.types(ctrlZ)
	y.expect("Stopped")
	y.expect("ready> ")
	stopped := BootClock()
	held := &job{t: t, folder: folder}
	await(t, "renewals while the job is stopped", func() bool { return held.moment(renewedFile) > stopped+2500*time.Millisecond })
	y.types("fg\n")
	y.types("two\n")
	y.expect("got <two>")
	y.types(ctrlC)
	y.expect("ready> ")
	y.types("echo code $?\n")
	y.expect("code 130")
	if held.moment(releasedFile) == 0 {
		t.Error("the lock was not given back")
	}
}

func TestBackgroundJobThatWantsTheTerminalStops(t *testing.T) {
	t.Parallel()
	y := newTypist(t)
	y.types(frontLine(t.TempDir(), `sh -c 'read line; echo "got <$line>"'`) + " &\n")
	y.expect("ready> ")
	for stopped := false; !stopped; {
		y.types("jobs\n")
		y.expect("jobs\r\n")
		y.expect("ready> ")
		y.mu.Lock()
		stopped = strings.Contains(y.seen.String(), "Stopped")
		y.mu.Unlock()
	}
	y.types("fg\n")
	y.types("late\n")
	y.expect("got <late>")
	y.expect("ready> ")
}

// The keyboard belongs to the pager at the end of a pipe, as long as the command does not ask for it.
func TestPipeKeepsTheTerminal(t *testing.T) {
	t.Parallel()
	y := newTypist(t)
	y.types(frontLine(t.TempDir(), `sh -c 'echo from the command; sleep 30'`) + ` | sh -c 'read first; echo "first <$first>"; read typed </dev/tty; echo "typed <$typed>"; cat'` + "\n")
	y.expect("first <from the command>")
	y.types("for the pager\n")
	y.expect("typed <for the pager>")
	y.types(ctrlC)
	y.expect("ready> ")
}

// What was ignored when coordd was started stays ignored for the command.
func TestIgnoredSignalsStayIgnored(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	output, err := exec.Command("sh", "-c", `trap '' HUP; exec `+frontLine(folder, `sh -c 'kill -HUP $$; echo survived'`)).CombinedOutput()
	if err != nil || string(output) != "survived\n" {
		t.Errorf("%v: %s", err, output)
	}
	if !exists(filepath.Join(folder, releasedFile)) {
		t.Error("the lock was not given back")
	}
}

// A descriptor that the caller left open for the command reaches it under its number.
func TestDescriptorsPassThrough(t *testing.T) {
	t.Parallel()
	output, err := exec.Command("sh", "-c", `exec 3>&1; exec `+frontLine(t.TempDir(), `sh -c 'echo three >&3'`)).CombinedOutput()
	if err != nil || string(output) != "three\n" {
		t.Errorf("%v: %s", err, output)
	}
}
