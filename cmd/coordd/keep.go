package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"

	"github.com/coordd/coordd/cmd/coordd/internal/options"
	"github.com/coordd/coordd/cmd/coordd/internal/underlock"
)

// keepCommand is the subcommand that no table shows: how lock and elect start themselves again as the keeper of the lock.
const keepCommand = "keep"

// runKeep makes this process the keeper that its front wants, and runs the subcommand that the front runs too.
func runKeep(ctx context.Context, around *surroundings, arguments []string) error {
	if len(arguments) < 2 {
		return options.Usagef("there is no subcommand %q for people; see coordd lock --help", keepCommand)
	}
	inherited, err := underlock.ParseKeeperArguments(arguments[0])
	if err != nil {
		return options.Usagef("%v", err)
	}
	if around.keeper, err = underlock.AttachKeeper(inherited, around.stderr); err != nil {
		return failWith(exitInternal, err)
	}
	return dispatch(ctx, around, arguments[1:])
}

// runUnderLock runs a command under a lock. It is called twice: in the process that was typed, which becomes the front, and in the one that the front
// starts with the same arguments, where take is called.
func runUnderLock(around *surroundings, subcommand string, arguments []string, job underlock.Job, take underlock.Take) error {
	if around.keeper == nil {
		code, err := underlock.RunFront(job.Schedule, around.stderr, func(inherited underlock.KeeperArguments) []string {
			return slices.Concat([]string{os.Args[0], keepCommand, inherited.String(), subcommand}, arguments)
		})
		if err != nil {
			return failWith(exitInternal, err)
		}
		return exitWith(code)
	}
	code, err := around.keeper.Keep(job, take)
	if err != nil {
		return jobFailure(err)
	}
	return exitWith(code)
}

// exitWith ends with a command's exit code; there is nothing to say about it.
func exitWith(code int) error {
	if code == exitOK {
		return nil
	}
	return failWith(code, errShown)
}

// The exit codes of a shell for a command that is not there, and for one that cannot be run.
const (
	exitCannotRun = 126
	exitNotFound  = 127
)

// jobFailure gives what went wrong its exit code.
func jobFailure(err error) error {
	var (
		interrupted *underlock.InterruptedError
		lost        *underlock.LostError
		unstarted   *underlock.StartError
		coded       *failure
	)
	switch {
	case errors.As(err, &coded):
		return err
	case errors.Is(err, errHandedOver):
		return nil
	case errors.As(err, &interrupted):
		return failWith(128+int(interrupted.Signal), err)
	case errors.As(err, &lost):
		return failWith(exitLost, err)
	case errors.As(err, &unstarted):
		return failWith(exitCannotRun, err)
	}
	return clusterFailure(err)
}

// findCommand finds the program to run, before any lock is taken for it.
func findCommand(name string) (path string, err error) {
	path, err = exec.LookPath(name)
	switch {
	case err == nil:
		return path, nil
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, os.ErrNotExist):
		return "", failWith(exitNotFound, err)
	}
	return "", failWith(exitCannotRun, err)
}
