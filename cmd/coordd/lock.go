package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/cmd/coordd/internal/options"
	"github.com/coordd/coordd/cmd/coordd/internal/underlock"
)

var lockCommand = options.Command{
	Name:    "lock",
	Summary: "run a command while holding a lock",
	Usage:   []string{"NAME [flags] -- COMMAND [ARGUMENT…]"},
	Details: `Takes the lock, waits for it if need be, runs the command, and gives the lock back when it has ended. The command finds in its environment
  COORDD_FENCING_TOKEN    the token of this grant: send it along with whatever the command writes, and have older tokens refused there
  COORDD_LOCK_NAME        NAME
  COORDD_LOCK_DEADLINE_MS until when the lock was certain when the command was started; milliseconds on the clock of /proc/uptime

When the lock cannot be kept - the cluster cannot be reached, or an operator took it - the command, its process group and what else it started
are sent SIGTERM, and SIGKILL when the grace is over, early enough that all are gone before anybody else can get the lock. This holds as well when
coordd itself is killed. Only what has made a terminal session of its own, as daemons do, is left alone. What the command leaves running when it ends
is ended too, before the lock is given back.

Signals go to the command, Ctrl-Z stops it (the lock stays held), and its input and output are its own.

Exit code: that of the command, 128 and the signal's number if a signal ended it; 75 the lock was taken (0 with --skip-if-held); 69 the cluster
could not be reached; 70 the lock was lost; 64 the command line is wrong; 126 and 127 the command cannot be run or is not there. A line
on stderr tells coordd's own codes from the command's.`,
	Examples: []options.Example{
		{Line: "coordd lock nightly-report -- ./report.sh", Says: "one at a time, in the order of arrival"},
		{Line: "coordd lock deploy --wait 5m -- ./deploy.sh production", Says: "give up after five minutes"},
		{Line: "coordd lock nightly-report --skip-if-held -- ./report.sh", Says: "for cron on several machines: whoever comes late has nothing to do"},
		{Line: "coordd lock db -- sh -c 'psql -v token=$COORDD_FENCING_TOKEN -f migrate.sql'", Says: "pass the token on"},
	},
}

// lockRequest is what the command line of lock asks for.
type lockRequest struct {
	where      reach
	name       string
	command    []string
	ttl        options.Duration
	wait       options.Duration
	forever    bool
	skipIfHeld bool
	onLost     options.Choice
	grace      options.Duration
	graceGiven bool
}

// The bounds of what can be asked for.
const (
	shortestTTL = time.Second
	longestTTL  = 24 * time.Hour
	longestWait = 24 * time.Hour
)

func runLock(_ context.Context, around *surroundings, arguments []string) error {
	request, done, err := parseLock(around, arguments)
	if done || err != nil {
		return err
	}
	path, err := findCommand(request.command[0])
	if err != nil {
		return err
	}
	err = runUnderLock(around, lockCommand.Name, arguments, underlock.Job{Path: path, Arguments: request.command, Schedule: request.schedule()},
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
		ttl:    options.Duration{Value: client.DefaultSessionTTL, AtLeast: shortestTTL, AtMost: longestTTL},
		wait:   options.Duration{AtMost: longestWait, AllowNothing: true},
		onLost: options.Choice{Value: string(underlock.Term), Of: []string{string(underlock.Term), string(underlock.Kill), string(underlock.Ignore)}},
		grace:  options.Duration{AtMost: longestTTL, AllowNothing: true},
	}
	set := options.New(lockCommand)
	r.where.declare(set)
	set.Var(&r.ttl, "ttl", "how long the lock outlives the last renewal; renewed every third of it")
	set.Var(&r.wait, "wait", "how long to wait for the lock; 0 tries once; without the flag there is no limit")
	set.BoolVar(&r.skipIfHeld, "skip-if-held", false, "do nothing, with exit code 0, when the lock is taken; implies --wait 0 unless it is given")
	set.Var(&r.onLost, "on-lost", "what becomes of the command when the lock cannot be kept")
	set.Var(&r.grace, "grace", "time between SIGTERM and SIGKILL when the lock cannot be kept, at most half the TTL; without the flag a fifth of it, at most 5s")
	for _, name := range []string{"ttl", "wait", "skip-if-held", "on-lost", "grace"} {
		set.Variable(name, "")
	}
	words, command, hasCommand := cutCommand(arguments)
	names, done, err := parse(around, set, words)
	if done || err != nil {
		return nil, done, err
	}
	r.forever, r.graceGiven = !set.Given("wait") && !r.skipIfHeld, set.Given("grace")
	switch {
	case len(names) == 0:
		return nil, false, options.Usagef("say which lock to take: coordd lock NAME -- COMMAND")
	case !hasCommand || len(command) == 0:
		return nil, false, options.Usagef("say what to run, after two dashes: coordd lock %s -- COMMAND", names[0])
	case len(names) > 1:
		return nil, false, options.Usagef("lock takes one name, not %q too; the command stands after two dashes", names[1])
	case r.graceGiven && r.grace.Value > r.ttl.Value/2:
		return nil, false, options.Usagef("--grace %s leaves too little of --ttl %s for renewals; it may be half of it at most", r.grace.Value, r.ttl.Value)
	}
	r.name, r.command = names[0], command
	return r, false, checkLockNames(names...)
}

// cutCommand splits the words at the first pair of dashes.
func cutCommand(arguments []string) (before, command []string, found bool) {
	if at := slices.Index(arguments, "--"); at >= 0 {
		return arguments[:at], arguments[at+1:], true
	}
	return arguments, nil, false
}

func (r *lockRequest) schedule() underlock.Schedule {
	grace := time.Duration(-1)
	if r.graceGiven {
		grace = r.grace.Value
	}
	return underlock.NewSchedule(underlock.OnLost(r.onLost.Value), r.ttl.Value, grace)
}

// take takes the lock, in the keeper.
func (r *lockRequest) take(ctx context.Context, around *surroundings) (underlock.Lock, []string, error) {
	cluster, err := r.where.connect(ctx, caller())
	if err != nil {
		return nil, nil, err
	}
	session, err := cluster.OpenSession(ctx, client.SessionOptions{TTL: r.ttl.Value, Name: caller(), Metadata: "coordd lock: " + r.command[0]})
	if err != nil {
		return nil, nil, errors.Join(clusterFailure(err), cluster.Close())
	}
	lock := &heldLock{session: session, cluster: cluster}
	if lock.held, err = r.acquire(ctx, around, session); err != nil {
		return nil, nil, errors.Join(err, lock.abandon())
	}
	return lock, append(environmentWithout(os.Environ()), lock.environment()...), nil
}

// acquire takes the lock at once or waits for it.
func (r *lockRequest) acquire(ctx context.Context, around *surroundings, session *client.Session) (*client.Held, error) {
	held, err := session.TryLock(ctx, r.name)
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
	held, err = session.Lock(waiting, r.name)
	switch {
	case err == nil:
		return held, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, context.DeadlineExceeded):
		return nil, failWith(exitTemporary, fmt.Errorf("not had within %v: %w", r.wait.Value, taken))
	case errors.Is(err, client.ErrLost):
		return nil, failWith(exitUnreachable, fmt.Errorf("the cluster could not be reached for longer than %v while the lock was waited for: %w", r.ttl.Value, err))
	}
	return nil, clusterFailure(err)
}

// heldLock is a lock of the cluster, with the session and the connections that only it uses.
type heldLock struct {
	held    *client.Held
	session *client.Session
	cluster *client.Client
}

// Left implements underlock.Lock.
func (l *heldLock) Left() time.Duration { return l.held.Remaining() }

// Lost implements underlock.Lock.
func (l *heldLock) Lost() context.Context { return l.held.Context() }

// Release implements underlock.Lock.
func (l *heldLock) Release(ctx context.Context) error {
	return errors.Join(l.held.Release(ctx), l.session.Close(ctx), l.cluster.Close())
}

// abandonTimeout bounds how long the session's end may be waited for when it holds nothing.
const abandonTimeout = 2 * time.Second

// abandon ends a session that got nothing. One that cannot be ended ends by itself.
func (l *heldLock) abandon() error {
	ctx, cancel := context.WithTimeout(context.Background(), abandonTimeout)
	defer cancel()
	_ = l.session.Close(ctx)
	return l.cluster.Close()
}

// The variables that the command finds.
const (
	variableToken    = "COORDD_FENCING_TOKEN"
	variableName     = "COORDD_LOCK_NAME"
	variableDeadline = "COORDD_LOCK_DEADLINE_MS"
)

func (l *heldLock) environment() []string {
	deadline := underlock.BootClock() + l.held.Remaining()
	return []string{
		variableToken + "=" + strconv.FormatUint(l.held.Token(), 10),
		variableName + "=" + l.held.Name(),
		variableDeadline + "=" + strconv.FormatInt(deadline.Milliseconds(), 10),
	}
}

// environmentWithout leaves out what a lock around this one has set.
func environmentWithout(environment []string) []string {
	return slices.DeleteFunc(slices.Clone(environment), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains([]string{variableToken, variableName, variableDeadline}, name)
	})
}
