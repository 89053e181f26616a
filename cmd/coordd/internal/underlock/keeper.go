//go:build unix

package underlock

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Keeper is the process that holds the lock and starts the command, tied to its front.
type Keeper struct {
	link   *os.File
	words  <-chan word // nil once the front is gone
	board  *board
	job    Job
	stderr io.Writer
}

// AttachKeeper makes this process the keeper of the front that started it with these arguments.
func AttachKeeper(arguments KeeperArguments, stderr io.Writer) (*Keeper, error) {
	link, memory := os.NewFile(uintptr(arguments.link), "link"), os.NewFile(uintptr(arguments.board), "board")
	syscall.CloseOnExec(arguments.link)
	syscall.CloseOnExec(arguments.board)
	board, err := openBoard(memory)
	if err != nil {
		return nil, fmt.Errorf("the front's memory cannot be read: %w", err)
	}
	if err := adoptOrphans(); err != nil {
		return nil, fmt.Errorf("the command's descendants cannot be watched: %w", err)
	}
	// Signals come through the front, which gets them too when they are for everybody. SIGTTOU would stop the keeper when it writes to a terminal.
	signal.Notify(make(chan os.Signal, 1), append(heard(), syscall.SIGCONT)...)
	signal.Ignore(syscall.SIGTTOU)
	return &Keeper{link: link, words: listen(link), board: board, stderr: stderr}, nil
}

var errFrontGone = errors.New("the process that was to run the command is gone")

// Bounds for how long giving the lock back may take. It ends by itself when its time to live has passed, and may have ended already.
const (
	releaseTimeout     = 5 * time.Second
	lostReleaseTimeout = time.Second
)

// release gives the lock back, or acknowledges its loss.
func release(lock Lock) error {
	limit := releaseTimeout
	if lock.Left() <= 0 {
		limit = lostReleaseTimeout
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return lock.Release(ctx)
}

// Keep takes the lock, runs the command, sees to its end, and gives the lock back. It returns the command's exit code, as a shell would show it, unless
// there is an error: what Take said, an *InterruptedError, a *LostError or the failure to start the command.
func (k *Keeper) Keep(job Job, take Take) (code int, err error) {
	k.job = job
	lock, environment, err := k.await(take)
	if err != nil {
		return 0, err
	}
	watch, err := k.begin(lock, environment)
	if err == nil {
		code, err = watch.tend()
		k.board.write(never)
	}
	lost := lock.Lost().Err() != nil || lock.Left() <= 0
	if failed := release(lock); failed != nil && !lost {
		fmt.Fprintf(k.stderr, "coordd: the lock could not be given back and stays taken until its time to live has passed: %v\n", failed)
	}
	return code, err
}

// taken is what Take returned.
type taken struct {
	lock        Lock
	environment []string
	err         error
}

// await takes the lock. Meanwhile signals end the wait, and a terminal's stop suspends it: the place in the queue is kept, but the command is not started.
func (k *Keeper) await(take Take) (Lock, []string, error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	results := make(chan taken, 1)
	go func() {
		lock, environment, err := take(ctx)
		results <- taken{lock, environment, err}
	}()
	var result taken
	for suspended, pending := false, true; pending || suspended; {
		select {
		case result = <-results:
			pending = false
			if result.err != nil {
				suspended = false
			}
		case one, open := <-k.words:
			switch signal := syscall.Signal(one.number); {
			case !open:
				k.words, suspended = nil, false
				cancel(errFrontGone)
			case signal == syscall.SIGTSTP:
				suspended = true
				say(k.link, toldStopped, int(syscall.SIGTSTP))
			case signal == syscall.SIGCONT:
				suspended = false
			case endsWaiting(signal):
				suspended = false
				cancel(&InterruptedError{signal})
			}
		}
	}
	if cause := context.Cause(ctx); cause != nil {
		if result.lock != nil { // it came too late
			_ = release(result.lock) // its time to live ends it otherwise
		}
		return nil, nil, cause
	}
	return result.lock, result.environment, result.err
}

// begin starts the command, unless there is no time left to end it again.
func (k *Keeper) begin(lock Lock, environment []string) (*watch, error) {
	if urgency, _ := k.job.Schedule.judge(lock.Left()); urgency != calm || lock.Lost().Err() != nil {
		return nil, &LostError{Reason: reasonOf(lock)}
	}
	pid, changes, err := start(program{
		path: k.job.Path, arguments: k.job.Arguments, environment: environment,
		attributes: commandAttributes(k.job.Schedule.OnLost != Ignore),
	})
	if err != nil {
		return nil, &StartError{k.job.Path, err}
	}
	say(k.link, toldGroup, pid)
	return &watch{Keeper: k, lock: lock, command: pid, changes: changes, family: family{group: pid, root: os.Getpid()}}, nil
}

var errUnrenewed = errors.New("it could not be renewed in time")

// reasonOf is why a lock is lost or about to be.
func reasonOf(lock Lock) error {
	if cause := context.Cause(lock.Lost()); cause != nil {
		return cause
	}
	return errUnrenewed
}
