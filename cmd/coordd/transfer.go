package main

import (
	"context"

	"github.com/coordd/coordd/cmd/coordd/internal/options"
)

var transferCommand = options.Command{
	Name:    "transfer",
	Summary: "hand leadership to another node",
	Usage:   []string{"[NODE-ID] [flags]"},
	Details: `The leader hands over to a voter that has caught up: the one named, or one of its own choice. A node that is stopped does this by itself.`,
	Examples: []options.Example{
		{Line: "coordd transfer", Says: "away from the present leader"},
	},
}

func runTransfer(ctx context.Context, around *surroundings, arguments []string) error {
	set := options.New(transferCommand)
	var where reach
	where.declare(set)
	operands, done, err := parse(around, set, arguments)
	if done || err != nil {
		return err
	}
	switch len(operands) {
	case 0:
		return administer(ctx, around, &where, "leadership was handed over", "COORDD.TRANSFER")
	case 1:
		return administer(ctx, around, &where, "leadership was handed to "+operands[0], "COORDD.TRANSFER", operands[0])
	}
	return options.Usagef("transfer takes one node id at most; see coordd transfer --help")
}
