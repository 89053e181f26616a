package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/coordd/coordd/test/guard/crash"
	"github.com/coordd/coordd/test/guard/holder"
	"github.com/coordd/coordd/test/guard/servers"
)

// The exit codes.
const (
	exitFailed  = 1  // something that must hold does not
	exitUsage   = 64 // the command line is wrong
	exitMissing = 69 // something that is needed is not installed
)

// command is one subcommand.
type command struct {
	name, summary string
	flags         func(*flag.FlagSet) func(context.Context, *setup) error
}

var commands = []command{
	{"scenarios", "stopped processes, late packets, lost answers and partitions, with the guard and without it", scenariosCommand},
	{"crash", "holders are killed between the two rows that they write; the next one repairs", crashCommand},
}

// errFailed ends the program after a report that said why; errUsage after a sentence about the command line.
var (
	errFailed = errors.New("failed; the report above says what")
	errUsage  = errors.New("see go run -C test/guard . help")
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	var missing *servers.Missing
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return
	case errors.As(err, &missing):
		fmt.Fprintln(os.Stderr, "guard: skipped:", err)
		os.Exit(exitMissing)
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, "guard:", err)
		os.Exit(exitUsage)
	}
	fmt.Fprintln(os.Stderr, "guard:", err)
	os.Exit(exitFailed)
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 || slices.Contains([]string{"help", "-h", "--help"}, args[0]) {
		usage(os.Stdout)
		return nil
	}
	switch args[0] { // what this program starts of itself
	case holder.Command:
		return holder.Run(ctx, args[1:], os.Stdin, os.Stdout)
	case crash.Command:
		return crash.RunWorker(ctx, args[1:], os.Stdin, os.Stdout)
	}
	for _, command := range commands {
		if command.name == args[0] {
			return command.run(ctx, args[1:])
		}
	}
	return fmt.Errorf("there is no command %q; %w", args[0], errUsage)
}

func (c command) run(ctx context.Context, args []string) error {
	set := flag.NewFlagSet(c.name, flag.ContinueOnError)
	setup := newSetup(set)
	body := c.flags(set)
	set.Usage = func() {
		fmt.Fprintf(set.Output(), "%s: %s\n\n", c.name, c.summary)
		set.PrintDefaults()
	}
	if err := set.Parse(args); errors.Is(err, flag.ErrHelp) {
		return err
	} else if err != nil || set.NArg() > 0 {
		return fmt.Errorf("%s: the command line is wrong (%q); %w", c.name, args, errUsage)
	}
	err := setup.open(ctx)
	if err == nil {
		err = body(ctx, setup)
	}
	setup.close(err != nil)
	return err
}

func usage(out io.Writer) {
	fmt.Fprint(out, `guard shows that client/guard makes stale holders harmless.

Usage: go run -C test/guard . COMMAND [flags]

`)
	for _, command := range commands {
		fmt.Fprintf(out, "  %-10s %s\n", command.name, command.summary)
	}
	fmt.Fprint(out, `
Each command takes --help. Everything is started here, on loopback: three coordd processes and a
PostgreSQL (Debian: apt-get install postgresql), with haproxy before the nodes where it is
installed. Exit codes: 0 all held, 1 something did not, 64 the command line is wrong, 69 something
that is needed is not installed.
`)
}
