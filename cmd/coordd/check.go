package main

import (
	"context"
	"strconv"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/cmd/coordd/internal/options"
	"github.com/coordd/coordd/cmd/coordd/internal/table"
)

var checkCommand = options.Command{
	Name:    "check",
	Summary: "tell whether fencing tokens are current",
	Usage:   []string{"NAME TOKEN [NAME TOKEN…] [flags]"},
	Details: `For resources that cannot remember the greatest token that they have seen. TOKEN may be a hold's id (COORDD_LOCK_HOLD), and must be for a semaphore, whose
tokens do not order its holders. All pairs are judged at one moment; the answer says nothing of any later one.
The exit code is 0 when all are current, else 1.`,
	Examples: []options.Example{
		{Line: "coordd check nightly-report 90210", Says: "is this still the holder's token?"},
		{Line: "coordd check db $COORDD_FENCING_TOKEN && ./step-two.sh", Says: "in a script that coordd lock runs"},
	},
}

// checkedView is what --json writes of one pair.
type checkedView struct {
	Name        string      `json:"name"`
	Hold        string      `json:"hold"`
	Valid       bool        `json:"valid"`
	State       string      `json:"state"`
	Mode        client.Mode `json:"mode,omitempty"`
	Token       string      `json:"token"`
	RemainingMs int64       `json:"remaining_ms"`
}

func runCheck(ctx context.Context, around *surroundings, arguments []string) error {
	q := newQuery(around, checkCommand)
	words, done, err := q.operands(arguments, 2, 2*client.MaxChecks, "pairs of a name and a token")
	if done || err != nil {
		return err
	}
	if len(words)%2 != 0 {
		return options.Usagef("%q has no token: check takes pairs of a name and a token", words[len(words)-1])
	}
	var holds []client.Hold
	for i := 0; i < len(words); i += 2 {
		hold := client.Hold{Name: words[i], ID: words[i+1]}
		if token, err := strconv.ParseUint(words[i+1], 10, 64); err == nil {
			hold.ID, hold.Token = "", token
		}
		holds = append(holds, hold)
	}
	return q.ask(ctx, func(cluster *client.Client) error {
		checked, err := cluster.Check(ctx, holds...)
		if err != nil {
			return err
		}
		return q.showChecked(checked, words)
	})
}

func (q *query) showChecked(checked []client.Checked, words []string) error {
	rows := table.New(paints(q.around), "NAME", "HOLD", "STATE", "CURRENT TOKEN", "LEFT")
	var views []checkedView
	valid := true
	for i, one := range checked {
		state := table.Good(one.State)
		if !one.Valid {
			state, valid = table.Bad(one.State), false
		}
		views = append(views, checkedView{one.Name, words[2*i+1], one.Valid, one.State, one.Mode, tokenText(one.Token), one.Remaining.Milliseconds()})
		rows.Row(table.Plain(printable(one.Name)), table.Plain(words[2*i+1]), state, tokenCell(one.Token), spanCell(one.Remaining))
	}
	if err := q.show(views, rows.String); err != nil {
		return err
	}
	if !valid {
		return failWith(exitFailure, errShown)
	}
	return nil
}
