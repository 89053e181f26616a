package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/coordd/coordd/cmd/coordd/internal/endpoint"
	"github.com/coordd/coordd/cmd/coordd/internal/options"
)

// The exit codes. They follow the old convention of sysexits.h, so that a supervisor can tell a bad flag from a bad moment.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 64
	exitUnreachable = 69
	exitInternal    = 70
	exitLost        = 70 // the same software fault to a supervisor: the work was ended before it was done
	exitCannotMake  = 73
	exitTemporary   = 75
	exitConfig      = 78
)

var exitMeanings = []struct {
	code    int
	meaning string
}{
	{exitOK, "done"},
	{exitFailure, "it failed; for cli: the reply was an error; for check: not all are current"},
	{exitUsage, "the command line is wrong"},
	{exitUnreachable, "no endpoint could be reached, or the cluster has no leader"},
	{exitInternal, "the node cannot go on: a hanging disk, a state that differs from the leader's, a removed member, a fault of the program; for lock and elect: it was lost"},
	{exitCannotMake, "the data directory or a port cannot be used"},
	{exitTemporary, "too much to do, or the lock is taken; nothing was done, try again"},
	{exitConfig, "the environment, the config file or a combination of settings is wrong"},
	{exitCannotRun, "lock and elect: the command cannot be run"},
	{exitNotFound, "lock and elect: the command is not there"},
}

func exitCodeTable() string {
	var out strings.Builder
	out.WriteString("Exit codes:\n")
	for _, row := range exitMeanings {
		fmt.Fprintf(&out, "  %-4d %s\n", row.code, row.meaning)
	}
	return out.String()
}

// failure is an error with the exit code that it asks for.
type failure struct {
	code int
	err  error // nil: everything was said already
}

// Error implements error.
func (f *failure) Error() string {
	if f.err == nil {
		return ""
	}
	return f.err.Error()
}

// Unwrap gives the reason.
func (f *failure) Unwrap() error { return f.err }

// failWith gives an error an exit code; a nil error stays nil.
func failWith(code int, err error) error {
	if err == nil {
		return nil
	}
	return &failure{code, err}
}

// exitCode is what the process answers its parent.
func exitCode(err error) int {
	var (
		coded       *failure
		usage       *options.UsageError
		config      *options.ConfigError
		unreachable *endpoint.UnreachableError
	)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &coded):
		return coded.code
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &config):
		return exitConfig
	case errors.As(err, &unreachable):
		return exitUnreachable
	}
	return exitFailure
}
