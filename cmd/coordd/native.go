package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/cmd/coordd/internal/options"
	"github.com/coordd/coordd/fsm/command"
)

// connect reaches the cluster as a native client, which follows the leader and repeats what may be repeated.
func (r *reach) connect(ctx context.Context, name string) (*client.Client, error) {
	dialOptions, err := r.dialOptions(0)
	if err != nil {
		return nil, err
	}
	cluster, err := client.Dial(ctx, client.Options{
		Endpoints: r.endpoints.Values, Username: dialOptions.User, Password: dialOptions.Password, TLS: dialOptions.TLS, Name: name,
	})
	var refused *client.ServerError
	switch {
	case err == nil:
		return cluster, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.As(err, &refused):
		return nil, clusterFailure(err)
	}
	return nil, unreachable(err)
}

// unreachable says where to look when nobody answers, or nobody who could serve. Only nodes that have too much to do are a matter of a better moment.
func unreachable(err error) error {
	var answered *client.ServerError
	switch {
	case errors.Is(err, client.ErrNoLeader):
		return failWith(exitUnreachable, fmt.Errorf("the cluster has no leader: %w. Do most of its nodes run, and reach each other? coordd status tells what each of them sees", err))
	case errors.As(err, &answered) && answered.Code == command.CodeBusy.Prefix():
		return failWith(exitTemporary, err)
	case errors.As(err, &answered):
		return failWith(exitUnreachable, err)
	}
	return failWith(exitUnreachable, fmt.Errorf("no endpoint could be reached: %w. Is the cluster running? Say where with --endpoints or COORDD_ENDPOINTS", err))
}

// clusterFailure gives an error of the client the exit code that it asks for.
func clusterFailure(err error) error {
	var (
		held     *client.HeldError
		unheard  *client.UnreachableError
		answered *client.ServerError
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &held):
		return failWith(exitTemporary, err)
	case errors.As(err, &unheard): // before the next: it holds the last answer of a node that could not serve
		return unreachable(err)
	case errors.As(err, &answered):
		return failWith(exitFailure, withAdvice(answered, err))
	}
	return err
}

// withAdvice says what helps against a refusal, where that is known.
func withAdvice(refused *client.ServerError, err error) error {
	switch refused.Code {
	case "NOAUTH", "WRONGPASS":
		return fmt.Errorf("%w (give --user and --password, or COORDD_USER and COORDD_PASSWORD)", err)
	case "NOPERM":
		return fmt.Errorf("%w (this is for operators: see --operator of coordd serve)", err)
	}
	return err
}

// maxNameBytes is the longest name of a lock.
const maxNameBytes = 512

// checkLockNames refuses what the cluster would refuse, before anything is asked of it.
func checkLockNames(names ...string) error {
	seen := map[string]bool{}
	for _, name := range names {
		switch {
		case name == "":
			return options.Usagef("the name of a lock must not be empty")
		case len(name) > maxNameBytes:
			return options.Usagef("the name %.20s… has %d bytes; a lock's name has at most %d", name, len(name), maxNameBytes)
		case strings.HasPrefix(name, "coordd:"):
			return options.Usagef("names that begin with coordd: are reserved, so %q cannot be a lock", name)
		case seen[name]:
			return options.Usagef("%q is named twice", name)
		}
		seen[name] = true
	}
	return nil
}

// caller tells other people who this is: user@host[process].
func caller() string {
	name := "somebody"
	if current, err := user.Current(); err == nil {
		name = current.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	pid := os.Getpid()
	if len(os.Args) > 1 && os.Args[1] == keepCommand {
		pid = os.Getppid() // what was typed
	}
	const maxClientName = 256
	text := strings.ReplaceAll(fmt.Sprintf("%s@%s[%d]", name, host, pid), " ", "-") // the cluster takes no blanks in a client's name
	return text[:min(len(text), maxClientName)]
}
