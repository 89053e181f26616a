package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/coordd/coordd/cmd/coordd/internal/inspect"
	"github.com/coordd/coordd/cmd/coordd/internal/options"
)

var inspectCommand = options.Command{
	Name:    "inspect",
	Summary: "show what a stopped node's log and snapshots hold",
	Usage:   []string{"log DIR [--json]", "snapshot DIR [--json]"},
	Details: `DIR is the data directory of a stopped node, or a copy. Nothing in it is changed.
log shows every entry with its commands, their replies, and which ownerships began and ended. snapshot shows the state of the newest snapshot.
Values are shown; session secrets are not in the log, and their hashes are not shown.`,
	Examples: []options.Example{
		{Line: "coordd inspect log ./data/n1", Says: "for people"},
		{Line: "coordd inspect log --json ./data/n1 | grep '\"began\"'", Says: "a line of JSON for each entry; docs/inspect.md says what it means"},
	},
}

func runInspect(ctx context.Context, around *surroundings, arguments []string) error {
	set := options.New(inspectCommand)
	asJSON := set.Bool("json", false, "write a JSON object a line")
	operands, done, err := parse(around, set, arguments)
	if done || err != nil {
		return err
	}
	if len(operands) == 0 {
		return options.Usagef("say what to inspect: coordd inspect log DIR, or coordd inspect snapshot DIR")
	}
	show, known := map[string]func(context.Context, io.Writer, *inspect.Directory, bool) error{"log": inspectLog, "snapshot": inspectSnapshot}[operands[0]]
	if !known {
		return unknownWord("thing to inspect", operands[0], []string{"log", "snapshot"}, "coordd inspect --help")
	}
	if len(operands) != 2 {
		return options.Usagef("inspect %s takes one directory: coordd inspect %s DIR", operands[0], operands[0])
	}
	directory, err := inspect.Open(operands[1])
	if err != nil {
		return failWith(exitCannotMake, err)
	}
	out := bufio.NewWriterSize(around.stdout, 64<<10)
	err = show(ctx, out, directory, *asJSON)
	return errors.Join(err, out.Flush(), directory.Close())
}

func inspectLog(ctx context.Context, out io.Writer, directory *inspect.Directory, asJSON bool) error {
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	return directory.Replay(func(record inspect.Record) error {
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if asJSON {
			return lines.Encode(record)
		}
		return inspect.WriteRecord(out, record)
	})
}

func inspectSnapshot(ctx context.Context, out io.Writer, directory *inspect.Directory, asJSON bool) error {
	machine, err := directory.RestoreNewest()
	if err != nil {
		return err
	}
	summary := directory.Summarise(machine)
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	if asJSON {
		err = lines.Encode(summary)
	} else {
		err = inspect.WriteSummary(out, summary)
	}
	if err != nil {
		return err
	}
	return inspect.Names(machine, func(row inspect.NameRow) error {
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if asJSON {
			return lines.Encode(row)
		}
		return inspect.WriteName(out, row)
	})
}
