//go:build linux

package underlock

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// family3 is a family that makes it hard: the command and two that it started ignore SIGTERM, and one of them has left the process group.
var family3 = beat("deaf", "fork")

// goneInTime fails unless the last sign of life came before the lock could be another's.
func (j *job) goneInTime(deadline time.Duration) {
	j.t.Helper()
	if last := j.stillness(); last >= deadline {
		j.t.Errorf("a process lived %v longer than the lock was certainly held", last-deadline)
	} else {
		j.t.Logf("the last sign of life came %v before the deadline", deadline-last)
	}
}

func TestS31_FamilyIsGoneBeforeTheDeadline(t *testing.T) {
	for _, onLost := range []OnLost{Term, Kill} {
		t.Run(string(onLost), func(t *testing.T) {
			t.Parallel()
			j := startJob(t, onLost, 6*time.Second, family3...)
			j.awaitBeats(3)
			j.do(cutFile)
			if code := j.wait(); code != 70 {
				t.Errorf("exit code %d", code)
			}
			j.goneInTime(j.moment(renewedFile) + j.ttl)
			if released := j.moment(releasedFile); released < j.stillness() {
				t.Errorf("the lock was given back while the command ran")
			}
			if !strings.Contains(j.output(), "before anybody else could be granted it") {
				t.Errorf("it said: %s", j.output())
			}
		})
	}
}

func TestS31_KeeperIsKilled(t *testing.T) {
	t.Parallel()
	j := startJob(t, Term, 6*time.Second, family3...)
	j.awaitBeats(3)
	if err := syscall.Kill(j.keeper(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if code := j.wait(); code != 70 {
		t.Errorf("exit code %d", code)
	}
	j.goneInTime(j.moment(renewedFile) + j.ttl)
}

func TestS31_KeeperIsStopped(t *testing.T) {
	t.Parallel()
	j := startJob(t, Term, 6*time.Second, family3...)
	j.awaitBeats(3)
	if err := syscall.Kill(j.keeper(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if code := j.wait(); code != 70 {
		t.Errorf("exit code %d", code)
	}
	j.goneInTime(j.moment(renewedFile) + j.ttl)
}

func TestS31_FrontIsKilled(t *testing.T) {
	t.Parallel()
	j := startJob(t, Term, 6*time.Second, family3...)
	j.awaitBeats(3)
	if err := j.front.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	await(t, "the release", func() bool { return j.moment(releasedFile) != 0 })
	if last := j.stillness(); last > j.moment(releasedFile) {
		t.Errorf("the lock was given back %v before the last process was gone", last-j.moment(releasedFile))
	}
}

// A front that is stopped, as by Ctrl-Z, costs nothing: the keeper goes on.
func TestFrontIsStopped(t *testing.T) {
	t.Parallel()
	j := startJob(t, Term, 2*time.Second, beat()...)
	j.awaitBeats(1)
	if err := j.front.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stopped := BootClock()
	await(t, "renewals long after", func() bool { return j.moment(renewedFile) > stopped+3*j.ttl/2 })
	if err := j.front.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	woken := BootClock()
	await(t, "the command to be alive after all", func() bool { return j.lastBeat() > woken+500*time.Millisecond })
	if err := j.front.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := j.wait(); code != 128+int(syscall.SIGTERM) {
		t.Errorf("exit code %d: %s", code, j.output())
	}
}

func (j *job) lastBeat() (last time.Duration) {
	for _, moment := range j.beats() {
		last = max(last, moment)
	}
	return last
}

// A loss that is told while nobody else can have the lock yet leaves the grace, and ends before that moment all the same.
func TestLossIsActedOnAtOnce(t *testing.T) {
	t.Parallel()
	j := startJob(t, Term, 20*time.Second, beat()...)
	j.awaitBeats(1)
	j.do(lostFile)
	lost := BootClock()
	if code := j.wait(); code != 70 {
		t.Errorf("exit code %d", code)
	}
	if last := j.stillness(); last > lost+5*time.Second {
		t.Errorf("the command lived %v after the loss", last-lost)
	}
	if j.moment(releasedFile) == 0 {
		t.Error("the loss was not acknowledged")
	}
}

func TestIgnoreLetsTheCommandGoOn(t *testing.T) {
	t.Parallel()
	j := startJob(t, Ignore, 500*time.Millisecond, beat()...)
	j.awaitBeats(1)
	j.do(cutFile)
	j.do(lostFile)
	lost := BootClock()
	await(t, "signs of life after the deadline", func() bool { return j.lastBeat() > lost+3*j.ttl })
	if err := j.front.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := j.wait(); code != 128+int(syscall.SIGTERM) {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(j.output(), "--on-lost=ignore") {
		t.Errorf("it said: %s", j.output())
	}
}

func TestLeftBehindIsEndedBeforeTheRelease(t *testing.T) {
	t.Parallel()
	j := startJob(t, Term, 2*time.Second, beat("fork", "leave")...)
	if code := j.wait(); code != 3 {
		t.Errorf("exit code %d; it said: %s", code, j.output())
	}
	if last := j.stillness(); last > j.moment(releasedFile) {
		t.Errorf("something ran %v longer than the lock was held", last-j.moment(releasedFile))
	}
	if !strings.Contains(j.output(), "left processes behind") {
		t.Errorf("it said: %s", j.output())
	}
}

func TestExitCodesAndStreams(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]int{"exit 0": 0, "exit 75": 75, "kill -TERM $$": 143, "kill -KILL $$": 137, "echo out; echo err >&2; exit 9": 9} {
		j := startJob(t, Term, 2*time.Second, "sh", "-c", script)
		if code := j.wait(); code != want {
			t.Errorf("%s: exit code %d, want %d; it said: %s", script, code, want, j.output())
		}
		if j.moment(releasedFile) == 0 {
			t.Errorf("%s: the lock was not given back", script)
		}
		if strings.Contains(script, "echo") && j.output() != "out\nerr\n" {
			t.Errorf("%s: %q", script, j.output())
		}
	}
}

func TestSignalsArePassedOn(t *testing.T) {
	t.Parallel()
	ready := filepath.Join(t.TempDir(), "ready")
	j := startJob(t, Term, 2*time.Second, "sh", "-c", `trap 'echo usr1' USR1; trap 'echo int; exit 5' INT; : > `+ready+`; while :; do sleep 0.01; done`)
	await(t, "the traps", func() bool { return exists(ready) })
	if err := j.front.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	await(t, "the first trap", func() bool { return strings.Contains(j.output(), "usr1") })
	if err := j.front.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := j.wait(); code != 5 {
		t.Errorf("exit code %d", code)
	}
	if got := j.output(); got != "usr1\nint\n" {
		t.Errorf("%q", got)
	}
}

// A command that Ctrl-C ends takes this process along in the same way, so that a script around it ends too.
func TestInterruptIsPassedUp(t *testing.T) {
	t.Parallel()
	j := startJob(t, Term, 2*time.Second, beat()...)
	j.awaitBeats(1)
	if err := j.front.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	j.wait()
	if status := j.front.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGINT {
		// beatRole is a Go program, whose default for SIGINT is to die of it
		t.Errorf("%v", j.front.ProcessState)
	}
}

func TestSignalEndsTheWait(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "queue")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	j := startJobIn(t, folder, Term, 2*time.Second, "true")
	j.keeper()
	if err := j.front.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := j.wait(); code != 128+int(syscall.SIGTERM) {
		t.Errorf("exit code %d: %s", code, j.output())
	}
}
