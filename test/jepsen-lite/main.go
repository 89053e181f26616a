package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/clients"
	"github.com/coordd/coordd/test/jepsen-lite/pools"
)

// command is one subcommand.
type command struct {
	name, usage, about string
	run                func(ctx context.Context, arguments []string) (check.Verdict, error)
}

func commands() []command {
	return []command{
		{"run", "[flags]", "run workloads while nemeses work, and judge", runCommand},
		{"list", "", "list workloads, nemeses, checkers and suites", listCommand},
		{"suite", "pr|matrix|nightly|release [flags]", "many runs, with a ledger that --resume continues", suiteCommand},
		{"pools", "[flags]", "workers share a pool while they and the leader are killed; who owned what is judged", poolsCommand},
		{"compare", "[flags]", "the same faults for coordd, etcd, Redlock and a Redis primary with a replica; or, with --recovery, how long they pause", compareCommand},
		{"mutants", "[flags]", "plant bugs, and demand that they are found", mutantsCommand},
		{"matrix", "[flags] LEDGER…", "print what ledgers show, as a table, or write it into a document", matrixCommand},
		{"replay", "DIR", "judge the history of a run again", replayCommand},
	}
}

// The exit codes.
const (
	exitValid   = 0
	exitInvalid = 1
	exitUnknown = 2
	exitUsage   = 64
)

func main() {
	// After the first signal the default comes back, so that a second one ends the process at once; the kernel then ends its children (Linux).
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(dispatch(ctx, os.Args[1:]))
}

func dispatch(ctx context.Context, arguments []string) int {
	if len(arguments) == 1 && arguments[0] == "client" {
		if err := clients.Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return exitInvalid
		}
		return exitValid
	}
	if len(arguments) == 1 && arguments[0] == pools.ChildWord {
		if err := pools.Serve(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return exitInvalid
		}
		return exitValid
	}
	if len(arguments) == 1 && arguments[0] == withinWord {
		if err := within(ctx, os.Stdin); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return exitUnknown
		}
		return exitValid
	}
	for _, one := range commands() {
		if len(arguments) > 0 && arguments[0] == one.name {
			return finish(one.run(ctx, arguments[1:]))
		}
	}
	usage()
	if len(arguments) > 0 && (arguments[0] == "help" || arguments[0] == "--help" || arguments[0] == "-h") {
		return exitValid
	}
	return exitUsage
}

func usage() {
	fmt.Println("usage: go run ./test/jepsen-lite COMMAND")
	for _, one := range commands() {
		fmt.Printf("  %-36s %s\n", one.name+" "+one.usage, one.about)
	}
	fmt.Println("exit codes: 0 valid, 1 invalid, 2 unknown, 64 the command line is wrong. Unknown is never a pass.")
}

// errUsage is for command lines that are wrong.
var errUsage = errors.New("see go run ./test/jepsen-lite COMMAND --help")

// finish prints the verdict as the last line. A command that failed ends as unknown, unless it had found a violation before.
func finish(verdict check.Verdict, err error) int {
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitValid
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, err)
		return exitUsage
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		verdict = check.Worst(verdict, check.Unknown)
	case verdict == "":
		return exitValid
	}
	fmt.Printf("verdict: %s\n", verdict)
	switch verdict {
	case check.Valid:
		return exitValid
	case check.Invalid:
		return exitInvalid
	}
	return exitUnknown
}
