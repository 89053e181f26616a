package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/cmd/coordd/internal/options"
)

var watchCommand = options.Command{
	Name:    "watch",
	Summary: "show every change of locks and sessions as it happens",
	Usage:   []string{"[NAME…] [--prefix PREFIX] [--session ID] [flags]"},
	Details: `Without a name, prefix or session everything is shown. Events come in the order of the log, the same from every node; when a node dies the watch goes on
elsewhere without a gap. --from takes the position of the last event that was seen and goes on from there; positions stand in the JSON form. It ends with Ctrl-C.
Exit code 1 when events were missed: the cluster remembers the last 65,536.`,
	Examples: []options.Example{
		{Line: "coordd watch", Says: "everything from now on"},
		{Line: "coordd watch deploy --prefix billing:", Says: "one lock, and those of one application"},
		{Line: "coordd watch --json --from 90210-0", Says: "for programs: a line of JSON for each event, going on after a position"},
	},
}

// eventView is what --json writes of an event.
type eventView struct {
	Position string      `json:"position"`
	Type     string      `json:"type"`
	Name     string      `json:"name,omitempty"`
	Token    string      `json:"token,omitempty"`
	Hold     string      `json:"hold,omitempty"`
	Mode     client.Mode `json:"mode,omitempty"`
	Session  string      `json:"session,omitempty"`
	Owner    string      `json:"owner,omitempty"`
	Reason   string      `json:"reason,omitempty"`
	Actor    string      `json:"actor,omitempty"`
	Why      string      `json:"why,omitempty"`
	Metadata string      `json:"metadata,omitempty"`
	AtMs     int64       `json:"at_ms"`
	UntilMs  int64       `json:"until_ms,omitempty"`
}

func runWatch(ctx context.Context, around *surroundings, arguments []string) error {
	q := newQuery(around, watchCommand)
	prefixes, sessions := options.List{Placeholder: "PREFIX", Whole: true}, options.List{Placeholder: "ID"}
	from := options.Text{Placeholder: "POSITION"}
	q.Var(&prefixes, "prefix", "names that begin with this; may be given several times")
	q.Var(&sessions, "session", "what concerns this session; may be given several times")
	q.Var(&from, "from", "go on after this position instead of from now")
	count := options.Number{AtMost: 1 << 30}
	q.Var(&count, "count", "end after so many events; 0: never")
	q.WithoutVariables("prefix", "session", "from", "count")
	const enough = 100
	names, done, err := q.operands(arguments, 0, enough, "")
	if done || err != nil {
		return err
	}
	watch := client.WatchOptions{From: from.Value, Names: names, Prefixes: prefixes.Values, Sessions: sessions.Values}
	return q.ask(ctx, func(cluster *client.Client) error {
		seen := 0
		for event, err := range cluster.Watch(ctx, watch) {
			switch {
			case ctx.Err() != nil:
				return nil // Ctrl-C is how it ends
			case err != nil:
				return err
			}
			if err := q.showEvent(event); err != nil {
				return err
			}
			if seen++; seen == count.Value {
				return nil
			}
		}
		return errors.New("the watch ended")
	})
}

func (q *query) showEvent(event client.Event) error {
	if q.asJSON {
		view := eventView{event.Position, event.Type, event.Name, "", event.ID, event.Mode, event.Session, event.Owner, event.Reason, event.Actor, event.Why, event.Metadata, event.AtMs, event.UntilMs}
		if event.Token != 0 {
			view.Token = tokenText(event.Token)
		}
		return json.NewEncoder(q.around.stdout).Encode(view)
	}
	_, err := fmt.Fprintf(q.around.stdout, "%s  %s\n", time.Now().Format(time.TimeOnly), describeEvent(event))
	return err
}

// describeEvent is one line about an event.
func describeEvent(event client.Event) string {
	parts := []string{fmt.Sprintf("%-14s %s", event.Type, printable(event.Name))}
	add := func(format string, value string) {
		if value != "" && value != "0" {
			parts = append(parts, fmt.Sprintf(format, printable(value)))
		}
	}
	add("token %s", tokenText(event.Token))
	add("hold %s", event.ID)
	add("session %s", event.Session)
	add("(%s)", event.Reason)
	add("by %s", event.Actor)
	add("because: %s", event.Why)
	add("%s", event.Metadata)
	return strings.Join(parts, "  ")
}
