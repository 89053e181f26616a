package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// command is one subcommand.
type command struct {
	name, summary string
	// flags adds the command's own flags and returns what runs it.
	flags func(*flag.FlagSet) func(context.Context, *setup) error
}

var commands = []command{
	{"clients", "every client takes, contends for, extends, releases and loses a lock", clientsCommand},
	{"kill-leader", "the same clients while the leader is killed every few seconds", killLeaderCommand},
	{"mixed", "Redis clients and native ones on the same names while the leader is killed", mixedCommand},
	{"restart", "all nodes are killed under load; nothing acknowledged may be missing", restartCommand},
	{"pause", "all nodes are stopped for three times the leases' TTL; no lease may end early", pauseCommand},
	{"failover", "how long clients pause when the leader dies", failoverCommand},
	{"batching", "how many commands share one log entry or read round", batchingCommand},
	{"differential", "random command sequences, byte for byte against redis-server", differentialCommand},
}

// errFailed ends the program with status 1 after a report that said why.
var errFailed = errors.New("failed; the report above says what")

// errNothingChecked ends it so when all that could have failed was skipped: a run that checked nothing has not passed.
var errNothingChecked = errors.New("nothing was checked")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	switch err := run(ctx, os.Args[1:], os.Stdout); {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "compat:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(out)
		return nil
	}
	for _, command := range commands {
		if command.name == args[0] {
			return runCommand(ctx, command, args[1:], out)
		}
	}
	usage(os.Stderr)
	return fmt.Errorf("there is no command %q", args[0])
}

func runCommand(ctx context.Context, command command, args []string, out io.Writer) error {
	set := flag.NewFlagSet(command.name, flag.ContinueOnError)
	setup := newSetup(set, out)
	body := command.flags(set)
	set.Usage = func() {
		fmt.Fprintf(set.Output(), "%s: %s\n\n", command.name, command.summary)
		set.PrintDefaults()
	}
	if err := set.Parse(args); err != nil {
		return err
	}
	if set.NArg() > 0 {
		return fmt.Errorf("%s takes no arguments besides flags, but got %q", command.name, set.Args())
	}
	if err := setup.open(); err != nil {
		return err
	}
	err := body(ctx, setup)
	if cause := context.Cause(ctx); cause != nil && err != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w (%w)", err, cause)
	}
	setup.close(err != nil)
	return err
}

func usage(out io.Writer) {
	fmt.Fprint(out, `compat shows that Redis lock clients which nobody here wrote work against coordd.

Usage: go run -C test/compat . COMMAND [flags]

`)
	for _, command := range commands {
		fmt.Fprintf(out, "  %-13s %s\n", command.name, command.summary)
	}
	fmt.Fprint(out, `
Each command takes --help. It needs Go; haproxy, redis-server, python3 and node
are used where they are installed, and what is skipped for want of them is
counted and said.
`)
}
