//go:build linux

package underlock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary stand for the front, the keeper and the command.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "as" {
		os.Exit(roles[os.Args[2]](os.Args[3:]))
	}
	os.Exit(m.Run())
}

// roles is filled at start because a role starts others.
var roles map[string]func(arguments []string) int

func init() {
	roles = map[string]func([]string) int{"front": frontRole, "keeper": keeperRole, "beat": beatRole}
}

// The folder of a run holds what its processes and the test tell each other.
const (
	cutFile      = "cut"      // made by the test: the lock is renewed no more
	lostFile     = "lost"     // made by the test: the lock is lost at once, though nobody else has it before its deadline
	renewedFile  = "renewed"  // when the lock was last renewed, on the boot clock
	releasedFile = "released" // when it was given back
	beatsFile    = "beats"    // when a process of the family was last seen alive, a line each
)

// frontRole is `front FOLDER SCHEDULE TTL COMMAND…`.
func frontRole(arguments []string) int {
	schedule, _ := parseRun(arguments)
	code, err := RunFront(schedule, os.Stderr, func(inherited KeeperArguments) []string {
		return append([]string{os.Args[0], "as", "keeper", inherited.String()}, arguments...)
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "front:", err)
		return 70
	}
	return code
}

func keeperRole(arguments []string) int {
	inherited, err := ParseKeeperArguments(arguments[0])
	if err != nil {
		return 64
	}
	keeper, err := AttachKeeper(inherited, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 70
	}
	folder, command := arguments[1], arguments[4:]
	schedule, ttl := parseRun(arguments[1:])
	path, err := exec.LookPath(command[0])
	if err != nil {
		return 127
	}
	code, err := keeper.Keep(Job{Path: path, Arguments: command, Schedule: schedule}, func(ctx context.Context) (Lock, []string, error) {
		if strings.HasSuffix(folder, "queue") {
			<-ctx.Done()
			return nil, nil, context.Cause(ctx)
		}
		return newFileLock(folder, ttl), append(os.Environ(), "BEATS="+filepath.Join(folder, beatsFile)), nil
	})
	var (
		lost        *LostError
		interrupted *InterruptedError
	)
	switch {
	case errors.As(err, &lost):
		fmt.Fprintln(os.Stderr, "keeper:", err)
		return 70
	case errors.As(err, &interrupted):
		return 128 + int(interrupted.Signal)
	case err != nil:
		fmt.Fprintln(os.Stderr, "keeper:", err)
		return 1
	}
	return code
}

func parseRun(arguments []string) (Schedule, time.Duration) {
	ttl, err := time.ParseDuration(arguments[2])
	if err != nil {
		panic(err)
	}
	return NewSchedule(OnLost(arguments[1]), ttl, -1), ttl
}

// fileLock is a lock that is renewed whenever somebody looks at it, until the test cuts it off.
type fileLock struct {
	folder  string
	ttl     time.Duration
	mu      sync.Mutex
	renewed time.Duration
	lost    context.Context
	lose    context.CancelCauseFunc
}

func newFileLock(folder string, ttl time.Duration) *fileLock {
	l := &fileLock{folder: folder, ttl: ttl, renewed: BootClock()}
	l.lost, l.lose = context.WithCancelCause(context.Background())
	go func() {
		for ; !exists(filepath.Join(folder, lostFile)); time.Sleep(5 * time.Millisecond) {
		}
		l.lose(errors.New("taken away"))
	}()
	return l
}

func (l *fileLock) Left() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := BootClock()
	if !exists(filepath.Join(l.folder, cutFile)) && l.lost.Err() == nil {
		l.renewed = now
		note(filepath.Join(l.folder, renewedFile), now)
	}
	return max(0, l.renewed+l.ttl-now)
}

func (l *fileLock) Lost() context.Context { return l.lost }

func (l *fileLock) Release(context.Context) error {
	note(filepath.Join(l.folder, releasedFile), BootClock())
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func note(path string, moment time.Duration) {
	if err := os.WriteFile(path+".new", []byte(strconv.FormatInt(int64(moment), 10)), 0o600); err != nil {
		panic(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		panic(err)
	}
}

// beatRole is `beat [deaf] [flee] [fork]`: it tells every 5 ms that it is alive. Deaf, it ignores SIGTERM; fleeing, it makes a process group of its own; forking,
// it starts two more like it first, of which one flees, and ends itself when "leave" is said too. Nobody ends it when the test itself was killed, so it ends some time.
func beatRole(arguments []string) int {
	said := func(word string) bool { return strings.Contains(strings.Join(arguments, " "), word) }
	if said("deaf") {
		signal.Ignore(syscall.SIGTERM)
	}
	if said("flee") {
		if err := syscall.Setpgid(0, 0); err != nil {
			panic(err)
		}
	}
	if said("fork") {
		for _, more := range [][]string{{"as", "beat", "deaf"}, {"as", "beat", "deaf", "flee"}} {
			if err := exec.Command(os.Args[0], more...).Start(); err != nil {
				panic(err)
			}
		}
	}
	if said("leave") {
		for len(beatsOf(os.Getenv("BEATS"))) < 2 {
			time.Sleep(5 * time.Millisecond)
		}
		return 3
	}
	beats, err := os.OpenFile(os.Getenv("BEATS"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	const mostBeating = 2 * time.Minute // longer than any test takes
	for begin := time.Now(); time.Since(begin) < mostBeating; time.Sleep(5 * time.Millisecond) {
		fmt.Fprintf(beats, "%d %d\n", os.Getpid(), BootClock())
	}
	return 4
}

// beatsOf is when each process of a family was last seen alive.
func beatsOf(path string) map[int]time.Duration {
	last := map[int]time.Duration{}
	text, _ := os.ReadFile(path) // none yet
	for line := range strings.Lines(string(text)) {
		var pid int
		var moment time.Duration
		if n, _ := fmt.Sscanf(line, "%d %d\n", &pid, &moment); n == 2 {
			last[pid] = moment
		}
	}
	return last
}

// job is one run of a front in a folder of its own.
type job struct {
	t      *testing.T
	folder string
	ttl    time.Duration
	front  *exec.Cmd
}

func startJob(t *testing.T, onLost OnLost, ttl time.Duration, command ...string) *job {
	t.Helper()
	return startJobIn(t, t.TempDir(), onLost, ttl, command...)
}

func startJobIn(t *testing.T, folder string, onLost OnLost, ttl time.Duration, command ...string) *job {
	t.Helper()
	j := &job{t: t, folder: folder, ttl: ttl}
	output, err := os.Create(filepath.Join(folder, "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	j.front = exec.Command(os.Args[0], append([]string{"as", "front", folder, string(onLost), ttl.String()}, command...)...)
	j.front.Stderr, j.front.Stdout = output, output
	if err := j.front.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = j.front.Process.Kill()
		for pid := range j.beats() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	return j
}

// beat is the command line of this binary as the command.
func beat(words ...string) []string { return append([]string{os.Args[0], "as", "beat"}, words...) }

func (j *job) beats() map[int]time.Duration { return beatsOf(filepath.Join(j.folder, beatsFile)) }

func (j *job) do(file string) {
	j.t.Helper()
	if err := os.WriteFile(filepath.Join(j.folder, file), nil, 0o600); err != nil {
		j.t.Fatal(err)
	}
}

func (j *job) moment(file string) time.Duration {
	text, err := os.ReadFile(filepath.Join(j.folder, file))
	if err != nil {
		return 0
	}
	number, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		j.t.Fatal(err)
	}
	return time.Duration(number)
}

// awaitBeats waits until so many processes of the family have shown themselves.
func (j *job) awaitBeats(count int) {
	j.t.Helper()
	await(j.t, fmt.Sprintf("%d processes that beat", count), func() bool { return len(j.beats()) >= count })
}

// wait gives the front's exit code, -1 for a death by signal.
func (j *job) wait() int {
	j.t.Helper()
	done := make(chan error, 1)
	go func() { done <- j.front.Wait() }()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		j.t.Fatalf("the front does not end; it said:\n%s", j.output())
	}
	return j.front.ProcessState.ExitCode()
}

// output is what the front, the keeper and the command said.
func (j *job) output() string {
	text, err := os.ReadFile(filepath.Join(j.folder, "output"))
	if err != nil {
		j.t.Fatal(err)
	}
	return string(text)
}

// keeper is the number of the front's keeper.
func (j *job) keeper() (pid int) {
	j.t.Helper()
	await(j.t, "the keeper", func() bool {
		processes, err := listProcesses()
		for _, one := range processes {
			if one.parent == j.front.Process.Pid {
				pid = one.pid
			}
		}
		return err == nil && pid != 0
	})
	return pid
}

// stillness waits until nobody has beaten for a while, and returns the last beat of all.
func (j *job) stillness() time.Duration {
	j.t.Helper()
	latest := func() (at time.Duration) {
		for _, moment := range j.beats() {
			at = max(at, moment)
		}
		return at
	}
	await(j.t, "the end of all beats", func() bool { return BootClock()-latest() > 200*time.Millisecond })
	return latest()
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
