package main

import (
	"context"
	"errors"
	"fmt"

	"os"

	"github.com/mattn/go-isatty"

	"github.com/coordd/coordd/cmd/coordd/internal/endpoint"
	"github.com/coordd/coordd/cmd/coordd/internal/options"
	"github.com/coordd/coordd/cmd/coordd/internal/replyformat"
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/resp/wire"
)

var cliCommand = options.Command{
	Name:    "cli",
	Summary: "send commands to the Redis door",
	Usage:   []string{"[flags] COMMAND [ARGUMENT…]", "[flags]                        (commands from the prompt, or one a line from a pipe)"},
	Details: `A small redis-cli. Flags come before the command; everything after its first word belongs to the command.
At the prompt and in a pipe, arguments may stand in double quotes, with \n, \" and \xHH, or in single quotes.
Replies are written as redis-cli shows them on a terminal, also into a pipe; --raw and --json are for programs.
The exit code is 1 when a reply was an error, 69 when it said that there is no leader, and 75 when there was too much to do.`,
	Examples: []options.Example{
		{Line: "coordd cli SET job me NX PX 30000", Says: "take a lock for 30 seconds, if it is free"},
		{Line: "coordd cli FENCE job me", Says: "its fencing token, as long as \"me\" holds it"},
		{Line: "coordd cli --raw FENCE job me", Says: "the bare number, for a script"},
		{Line: "coordd cli", Says: "a prompt"},
		{Line: "coordd cli --endpoints 10.0.0.1:7379,10.0.0.2:7379 PING", Says: "another cluster"},
	},
}

// cliSession is one run of the cli: what was asked for, and the connection while there is one.
type cliSession struct {
	around   *surroundings
	reach    reach
	database options.Number
	write    func(wire.Value) []byte
	conn     *endpoint.Conn
}

func runCLI(ctx context.Context, around *surroundings, arguments []string) error {
	set := options.New(cliCommand)
	set.StopAtOperand = true
	s := &cliSession{around: around, database: options.Number{AtMost: command.MaxDatabases - 1}}
	s.reach.declare(set)
	set.Var(&s.database, "n", "database")
	raw := set.Bool("raw", false, "write the bytes of replies alone")
	asJSON := set.Bool("json", false, "write each reply as a line of JSON")
	for _, name := range []string{"n", "raw", "json"} {
		set.Variable(name, "")
	}
	operands, done, err := parse(around, set, arguments)
	if done || err != nil {
		return err
	}
	if *raw && *asJSON {
		return options.Usagef("--raw and --json exclude each other")
	}
	s.write = replyWriter(*raw, *asJSON)
	defer s.disconnect()
	switch {
	case len(operands) > 0:
		return s.once(ctx, operands)
	case isTerminal(around.stdin):
		return s.converse(ctx)
	}
	return s.drain(ctx)
}

func replyWriter(raw, asJSON bool) func(wire.Value) []byte {
	switch {
	case raw:
		return replyformat.Raw
	case asJSON:
		return replyformat.JSON
	}
	return func(value wire.Value) []byte { return []byte(replyformat.Text(value)) }
}

// isTerminal reports whether a person types there.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

// once sends the command of the command line.
func (s *cliSession) once(ctx context.Context, arguments []string) error {
	reply, err := s.exchange(ctx, arguments)
	if err != nil {
		return err
	}
	return s.show(reply)
}

// show writes a reply, and makes an error reply the failure that the exit code tells; its text was written already.
func (s *cliSession) show(reply wire.Value) error {
	if _, err := s.around.stdout.Write(s.write(reply)); err != nil {
		return err
	}
	if refusal := reply.Err(); refusal != nil {
		return failWith(exitCode(replyFailure(refusal)), errShown)
	}
	return nil
}

// errShown is a failure that needs no further words.
var errShown = errors.New("")

// exchange sends one command over the connection, which it makes when there is none, to the first endpoint that answers.
func (s *cliSession) exchange(ctx context.Context, arguments []string) (wire.Value, error) {
	if s.conn == nil {
		dialOptions, err := s.reach.dialOptions(s.database.Value)
		if err != nil {
			return wire.Value{}, err
		}
		if s.conn, err = endpoint.DialAny(ctx, s.reach.endpoints.Values, dialOptions); err != nil {
			return wire.Value{}, err
		}
		s.conn.OnPush = func(push wire.Value) { _, _ = s.around.stdout.Write(s.write(push)) }
	}
	reply, err := s.conn.Do(ctx, arguments...)
	if err != nil {
		s.disconnect()
	}
	return reply, err
}

func (s *cliSession) disconnect() {
	if s.conn != nil {
		_ = s.conn.Close()
		s.conn = nil
	}
}

// drain runs the lines of a pipe. It goes on after an error reply, as redis-cli does, and fails at the end if there was one; it stops when the
// connection is lost, since the lines after may rest on the one whose fate is unknown.
func (s *cliSession) drain(ctx context.Context) error {
	var failed error
	for line, err := range lines(ctx, s.around.stdin) {
		if err != nil {
			return err
		}
		arguments, err := splitLine(line)
		if err != nil {
			fmt.Fprintf(s.around.stderr, "coordd: %v: %s\n", err, line)
			failed = failWith(exitFailure, errShown)
			continue
		}
		if len(arguments) == 0 {
			continue
		}
		reply, err := s.exchange(ctx, arguments)
		if err != nil {
			return err
		}
		if err := s.show(reply); err != nil {
			failed = err
		}
	}
	if ctx.Err() != nil {
		return failWith(exitFailure, errors.New("interrupted before the input ended"))
	}
	return failed
}
