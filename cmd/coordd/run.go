package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/coordd/coordd/cmd/coordd/internal/options"
	"github.com/coordd/coordd/cmd/coordd/internal/underlock"
)

// surroundings are what a subcommand may touch of the process it runs in, so that a test can give it others.
type surroundings struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	keeper         *underlock.Keeper  // in a process that another coordd started to keep a lock
	declared       func(*options.Set) // when set, a subcommand only shows its flags, for completion
}

// run is the whole program: it finds the subcommand, runs it until it is done or ctx ends, tells what went wrong, and returns the exit code.
func run(ctx context.Context, arguments []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) (code int) {
	around := &surroundings{stdin: stdin, stdout: stdout, stderr: stderr, getenv: getenv}
	defer func() {
		if fault := recover(); fault != nil {
			fmt.Fprintf(stderr, "coordd: this is a fault of the program, not of its use: %v\n%s", fault, debug.Stack())
			code = exitInternal
		}
	}()
	err := dispatch(ctx, around, arguments)
	if err != nil && err.Error() != "" {
		fmt.Fprintf(stderr, "coordd: %v\n", err)
	}
	return exitCode(err)
}

// dispatch runs the subcommand that the first words name.
func dispatch(ctx context.Context, around *surroundings, arguments []string) error {
	if len(arguments) == 0 {
		writeOverview(around.stderr)
		return options.Usagef("say which subcommand to run")
	}
	name := arguments[0]
	switch name {
	case "help", "--help", "-h", "-help":
		return help(ctx, around, arguments[1:])
	case "--version", "-version":
		name = "version"
	case keepCommand:
		return runKeep(ctx, around, arguments[1:])
	case completeCommand:
		return runComplete(ctx, around, arguments[1:])
	}
	for _, c := range commands {
		if c.name == name {
			return c.run(ctx, around, arguments[1:])
		}
	}
	known := make([]string, 0, len(commands))
	for _, c := range commands {
		known = append(known, c.name)
	}
	return unknownWord("subcommand", name, known, "coordd help")
}

// help shows the overview, or the help of the subcommand it is asked about.
func help(ctx context.Context, around *surroundings, arguments []string) error {
	if len(arguments) == 0 {
		writeOverview(around.stdout)
		return nil
	}
	return dispatch(ctx, around, append(arguments[:len(arguments):len(arguments)], "--help"))
}

func writeOverview(w io.Writer) {
	fmt.Fprint(w, "coordd is a lock service with a Redis door: Redis lock clients work unchanged, every grant is committed by a\nRaft majority and has a fencing token.\n\nSubcommands:\n")
	for _, c := range commands {
		fmt.Fprintf(w, "  %-13s %s\n", c.name, c.summary)
	}
	fmt.Fprintf(w, "\nTo try it:\n  coordd dev                             # three nodes on this machine\n  coordd cli SET job me NX PX 30000      # in another terminal\n  coordd cli FENCE job me\n\nMore: coordd SUBCOMMAND --help\n\n%s", exitCodeTable())
}

// unknownWord refuses a word that is none of the known ones, with the one that was probably meant.
func unknownWord(what, word string, known []string, more string) error {
	if meant := options.Suggest(word, known); meant != "" {
		return options.Usagef("there is no %s %q; did you mean %q? See %s", what, word, meant, more)
	}
	return options.Usagef("there is no %s %q; see %s", what, word, more)
}

// parse fills a subcommand's flags. It returns done when help was asked for and shown.
func parse(around *surroundings, set *options.Set, arguments []string) (operands []string, done bool, err error) {
	if around.declared != nil {
		around.declared(set)
		return nil, true, nil
	}
	operands, err = set.Parse(arguments, around.getenv)
	if errors.Is(err, options.ErrHelp) {
		set.WriteHelp(around.stdout)
		return nil, true, nil
	}
	return operands, false, err
}

// noOperands refuses words where a subcommand takes none.
func noOperands(set *options.Set, operands []string) error {
	if len(operands) == 0 {
		return nil
	}
	return options.Usagef("coordd %s takes no argument %q; see coordd %s --help", set.Command.Name, operands[0], set.Command.Name)
}
