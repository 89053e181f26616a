package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/cmd/coordd/internal/options"
	"github.com/coordd/coordd/cmd/coordd/internal/underlock"
)

var lockCommand = options.Command{
	Name:    "lock",
	Summary: "run a command while holding a lock",
	Usage:   []string{"NAME [NAME…] [flags] -- COMMAND [ARGUMENT…]"},
	Details: `Takes the lock, waits for it if need be, runs the command, and gives the lock back when it has ended. Of several names it takes all or none, without
holding some while it waits for others. The command finds in its environment
  COORDD_FENCING_TOKEN    the token of this grant: send it along with whatever the command writes, and have older tokens refused there
  COORDD_LOCK_NAME        NAME; of several the first, and all of them, a line each, in COORDD_LOCK_NAMES
  COORDD_LOCK_HOLD        the id of this grant, for coordd check
  COORDD_LOCK_DEADLINE_MS until when the lock was certain when the command was started; milliseconds on the clock of /proc/uptime

When the lock cannot be kept - the cluster cannot be reached, or an operator took it - the command, its process group and what else it started
are sent SIGTERM, and SIGKILL when the grace is over, early enough that all are gone before anybody else can get the lock. This holds as well when
coordd itself is killed. Only what has made a terminal session of its own, as daemons do, is left alone. What the command leaves running when it ends
is ended too, before the lock is given back.

Signals go to the command, Ctrl-Z stops it (the lock stays held), and its input and output are its own.

Exit code: that of the command, 128 and the signal's number if a signal ended it; 75 the lock was taken (0 with --skip-if-held); 69 the cluster
could not be reached or has no leader; 70 the lock was lost; 64 the command line is wrong; 126 and 127 the command cannot be run or is not there. A line
on stderr tells coordd's own codes from the command's.`,
	Examples: []options.Example{
		{Line: "coordd lock nightly-report -- ./report.sh", Says: "one at a time, in the order of arrival"},
		{Line: "coordd lock deploy --wait 5m -- ./deploy.sh production", Says: "give up after five minutes"},
		{Line: "coordd lock nightly-report --skip-if-held --at-least 50s -- ./report.sh", Says: "for cron on several machines whose clocks differ by less than 50 s: one run a minute, also when the job takes no time"},
		{Line: "coordd lock disk-a disk-b -- ./copy.sh", Says: "both or none"},
		{Line: "coordd lock index --shared -- ./read.sh", Says: "together with other readers, apart from whoever takes it without --shared"},
		{Line: "coordd lock encoders --permits 1/4 -- ./encode.sh", Says: "four at a time"},
		{Line: "coordd lock db -- sh -c 'psql -v token=$COORDD_FENCING_TOKEN -f migrate.sql'", Says: "pass the token on"},
	},
}

// lockRequest is what the command line of lock asks for.
type lockRequest struct {
	where      reach
	names      []string
	command    []string
	tenure     tenure
	wait       options.Duration
	forever    bool
	skipIfHeld bool
	shared     bool
	permits    permits
	atLeast    options.Duration
}

// longestWait is the longest wait, and the longest floor, that the cluster accepts.
const longestWait = 24 * time.Hour

func runLock(_ context.Context, around *surroundings, arguments []string) error {
	request, done, err := parseLock(around, arguments)
	if done || err != nil {
		return err
	}
	path, err := findCommand(request.command[0])
	if err != nil {
		return err
	}
	err = runUnderLock(around, lockCommand.Name, arguments, underlock.Job{Path: path, Arguments: request.command, Schedule: request.tenure.schedule()},
		func(ctx context.Context) (underlock.Lock, []string, error) { return request.take(ctx, around) })
	if request.skipIfHeld && isBusy(err) {
		if isTerminal(around.stderr) { // cron would send a letter
			fmt.Fprintf(around.stderr, "coordd: skipped: %v\n", err)
		}
		return nil
	}
	return err
}

// isBusy reports whether somebody else had the lock.
func isBusy(err error) bool {
	var held *client.HeldError
	return errors.As(err, &held)
}

func parseLock(around *surroundings, arguments []string) (*lockRequest, bool, error) {
	r := &lockRequest{
		wait:    options.Duration{AtMost: longestWait, AllowNothing: true},
		atLeast: options.Duration{AtMost: longestWait, AllowNothing: true},
	}
	set := options.New(lockCommand)
	r.where.declare(set)
	r.tenure.declare(set)
	set.Var(&r.wait, "wait", "how long to wait for the lock; 0 tries once; without the flag there is no limit")
	set.BoolVar(&r.skipIfHeld, "skip-if-held", false, "do nothing, with exit code 0, when the lock is taken; implies --wait 0 unless it is given")
	set.BoolVar(&r.shared, "shared", false, "take the lock together with others that say --shared")
	set.Var(&r.permits, "permits", "take N of the M permits of a semaphore; M must be the same for everybody")
	set.Var(&r.atLeast, "at-least", "keep the name taken until so long after it was granted, also if the command ends, crashes or is killed before")
	set.WithoutVariables("wait", "skip-if-held", "shared", "permits", "at-least")
	words, command, hasCommand := cutCommand(arguments)
	names, done, err := parse(around, set, words)
	if done || err != nil {
		return nil, done, err
	}
	r.forever = !set.Given("wait") && !r.skipIfHeld
	switch {
	case len(names) == 0:
		return nil, false, options.Usagef("say which lock to take: coordd lock NAME -- COMMAND")
	case !hasCommand || len(command) == 0:
		return nil, false, options.Usagef("say what to run, after two dashes: coordd lock %s -- COMMAND", names[0])
	case len(names) > client.MaxNames:
		return nil, false, options.Usagef("%d names are too many to be taken together; %d is the most", len(names), client.MaxNames)
	case len(names) > 1 && (r.shared || r.permits.limit > 0):
		return nil, false, options.Usagef("several names are taken exclusively: leave out --shared and --permits")
	case r.shared && r.permits.limit > 0:
		return nil, false, options.Usagef("--shared and --permits exclude each other: a lock has readers or permits")
	}
	r.names, r.command = names, command
	return r, false, errors.Join(checkLockNames(names...), r.tenure.check())
}

// cutCommand splits the words at the first pair of dashes.
func cutCommand(arguments []string) (before, command []string, found bool) {
	if at := slices.Index(arguments, "--"); at >= 0 {
		return arguments[:at], arguments[at+1:], true
	}
	return arguments, nil, false
}

// about is what others see of this holder: what runs, without its arguments, which may be nobody else's business.
func (r *lockRequest) about() string {
	const longest = 200
	text := "coordd lock: " + r.command[0]
	return text[:min(len(text), longest)]
}

// take takes the lock, in the keeper.
func (r *lockRequest) take(ctx context.Context, around *surroundings) (underlock.Lock, []string, error) {
	lock, err := r.tenure.open(ctx, &r.where, r.about())
	if err != nil {
		return nil, nil, err
	}
	held, err := r.acquire(ctx, around, lock.session)
	if err != nil {
		return nil, nil, errors.Join(err, lock.abandon())
	}
	lock.hold(held)
	return lock, lock.environment(os.Environ()), nil
}

// acquiring is a way to take a lock: at once or not at all, and with a wait.
type acquiring struct {
	try, wait func(context.Context) (*client.Held, error)
}

// how says in which way the lock is taken.
func (r *lockRequest) how(session *client.Session) acquiring {
	more := []client.LockOption{client.Owner(caller()), client.Metadata(r.about())}
	if r.atLeast.Value > 0 {
		more = append(more, client.AtLeast(r.atLeast.Value))
	}
	switch {
	case r.permits.limit > 0:
		semaphore := session.Semaphore(r.names[0], r.permits.limit, more...)
		return acquiring{
			func(ctx context.Context) (*client.Held, error) { return semaphore.TryAcquire(ctx, r.permits.count) },
			func(ctx context.Context) (*client.Held, error) { return semaphore.Acquire(ctx, r.permits.count) },
		}
	case len(r.names) > 1:
		locks := session.MultiLock(r.names, more...)
		return acquiring{locks.TryLock, locks.Lock}
	case r.shared:
		lock := session.RWLock(r.names[0], more...)
		return acquiring{lock.TryRLock, lock.RLock}
	}
	lock := session.Mutex(r.names[0], more...)
	return acquiring{lock.TryLock, lock.Lock}
}

// acquire takes the lock at once or waits for it.
func (r *lockRequest) acquire(ctx context.Context, around *surroundings, session *client.Session) (*client.Held, error) {
	lock := r.how(session)
	held, err := lock.try(ctx)
	var taken *client.HeldError
	if err == nil || !errors.As(err, &taken) || !r.forever && r.wait.Value == 0 {
		return held, clusterFailure(err)
	}
	if isTerminal(around.stderr) {
		fmt.Fprintf(around.stderr, "coordd: waiting: %v\n", taken)
	}
	waiting := ctx
	if !r.forever {
		var cancel context.CancelFunc
		waiting, cancel = context.WithTimeout(ctx, r.wait.Value)
		defer cancel()
	}
	held, err = lock.wait(waiting)
	switch {
	case err == nil:
		return held, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, context.DeadlineExceeded):
		return nil, failWith(exitTemporary, fmt.Errorf("not had within %v: %w", r.wait.Value, taken))
	case errors.Is(err, client.ErrLost):
		return nil, failWith(exitUnreachable, fmt.Errorf("the cluster could not be reached for longer than %v while the lock was waited for: %w", r.tenure.ttl.Value, err))
	}
	return nil, clusterFailure(err)
}
