package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/cmd/coordd/internal/options"
)

var forceUnlockCommand = options.Command{
	Name:    "force-unlock",
	Summary: "take a lock away from whoever holds it; for operators",
	Usage:   []string{"NAME --reason TEXT [--now] [--hold ID] [flags]"},
	Details: `The holder is told, and the next one gets the lock when the holder has acknowledged that it stopped, or at the latest when the deadline that it has now is over.
With --now the next one gets it at once: the old holder may believe for a while that it still has the lock, and only the fencing token protects.
Who did it and why is kept in the log and in the history. A key that a Redis client uses as a lock is deleted. Free locks are left alone, with exit code 1.`,
	Examples: []options.Example{
		{Line: "coordd force-unlock deploy --reason 'build 4711 hangs, see #812'", Says: "end it politely"},
		{Line: "coordd force-unlock deploy --reason 'host burnt down' --now", Says: "do not wait for a holder that cannot answer"},
	},
}

// forcedView is what --json writes of a forced unlock.
type forcedView struct {
	Name      string `json:"name"`
	Ended     int    `json:"ended"`
	FreesInMs int64  `json:"frees_in_ms"`
}

func runForceUnlock(ctx context.Context, around *surroundings, arguments []string) error {
	q := newQuery(around, forceUnlockCommand)
	var reason options.Text
	hold := options.Text{Placeholder: "ID"}
	q.reasonFlag(&reason)
	now := q.Bool("now", false, "grant it to the next one at once; only the fencing token protects then")
	q.Var(&hold, "hold", "only this hold, of a lock that several share; coordd lock-info shows the ids")
	q.WithoutVariables("now", "hold")
	words, done, err := q.operands(arguments, 1, 1, "the name of a lock")
	if done || err != nil {
		return err
	}
	if err := q.checkReason(reason); err != nil {
		return err
	}
	return q.ask(ctx, func(cluster *client.Client) error {
		forced, err := cluster.ForceUnlock(ctx, words[0], client.Force{Reason: reason.Value, ID: hold.Value, Now: *now})
		if errors.Is(err, client.ErrLost) {
			return failWith(exitFailure, fmt.Errorf("nobody holds %q: nothing was done", words[0]))
		}
		if err != nil {
			return err
		}
		return q.show(forcedView{words[0], forced.Ended, forced.FreesIn.Milliseconds()}, func() string {
			return fmt.Sprintf("%s of %s ended; %s\n", counted(forced.Ended, "hold"), printable(words[0]), freedIn("the next one gets it", forced.FreesIn))
		})
	})
}

// counted is a number with its noun.
func counted(count int, noun string) string {
	if count == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", count, noun)
}
