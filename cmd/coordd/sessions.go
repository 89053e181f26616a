package main

import (
	"context"
	"fmt"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/cmd/coordd/internal/options"
	"github.com/coordd/coordd/cmd/coordd/internal/table"
)

var sessionsCommand = options.Command{
	Name:    "sessions",
	Summary: "list the sessions that hold locks; show one; end one",
	Usage:   []string{"[list] [PATTERN] [flags]", "info ID [flags]", "kill ID --reason TEXT [--now] [flags]"},
	Details: `A session is a process that holds locks and waits for some; it keeps them all with one keepalive. PATTERN is a glob for its client's name.

kill is for operators. The session can be renewed no more; its locks are free when its client closes it, or at the latest when the deadline that it has now is over.
With --now they are free at once: its process may believe for a while that it holds what another has, and only the fencing tokens protect.`,
	Examples: []options.Example{
		{Line: "coordd sessions", Says: "all but those of the nodes themselves"},
		{Line: "coordd sessions info 812-3", Says: "what it holds and what it waits for"},
		{Line: "coordd sessions kill 812-3 --reason 'host is being rebuilt'", Says: "end it"},
	},
}

// sessionView is what --json writes of a session.
type sessionView struct {
	Session     string            `json:"session"`
	Client      string            `json:"client,omitempty"`
	TTLMs       int64             `json:"ttl_ms"`
	RemainingMs int64             `json:"remaining_ms"`
	EarlyMs     int64             `json:"early_ms,omitempty"`
	Holds       int               `json:"holds_total"`
	Waits       int               `json:"waits_total"`
	Losses      int               `json:"losses_total"`
	Node        bool              `json:"node"`
	Killed      string            `json:"killed,omitempty"`
	Metadata    string            `json:"metadata,omitempty"`
	Held        []sessionHoldView `json:"holds,omitempty"`
	Waiting     []sessionWaitView `json:"waits,omitempty"`
}

type sessionHoldView struct {
	Name   string      `json:"name"`
	Hold   string      `json:"hold"`
	Owner  string      `json:"owner,omitempty"`
	Mode   client.Mode `json:"mode"`
	Token  string      `json:"token"`
	Count  int         `json:"count"`
	HeldMs int64       `json:"held_ms"`
}

type sessionWaitView struct {
	Name  string      `json:"name"`
	Hold  string      `json:"hold"`
	Owner string      `json:"owner,omitempty"`
	Mode  client.Mode `json:"mode"`
	Place int         `json:"place"`
}

func runSessions(ctx context.Context, around *surroundings, arguments []string) error {
	q := newQuery(around, sessionsCommand)
	list := client.ListOptions{Count: 1000}
	var reason options.Text
	q.BoolVar(&list.All, "all", false, "list: also the sessions of the nodes themselves")
	now := q.Bool("now", false, "kill: free its locks at once; only the fencing tokens protect then")
	q.reasonFlag(&reason)
	q.WithoutVariables("all", "now")
	words, done, err := q.operands(arguments, 0, 2, "")
	if done || err != nil {
		return err
	}
	action := "list"
	if len(words) > 0 && (len(words) == 2 || words[0] == "list" || words[0] == "info" || words[0] == "kill") {
		action, words = words[0], words[1:]
	}
	switch {
	case action == "list":
		list.Match = first(words)
		return q.ask(ctx, func(cluster *client.Client) error { return listSessions(ctx, q, cluster, list) })
	case action == "info" && len(words) == 1:
		return q.ask(ctx, func(cluster *client.Client) error { return showSession(ctx, q, cluster, words[0]) })
	case action == "kill" && len(words) == 1:
		if err := q.checkReason(reason); err != nil {
			return err
		}
		return q.ask(ctx, func(cluster *client.Client) error { return killSession(ctx, q, cluster, words[0], reason.Value, *now) })
	case action == "info", action == "kill":
		return options.Usagef("say which session: coordd sessions %s ID; coordd sessions shows the ids", action)
	}
	return unknownWord("action", action, []string{"list", "info", "kill"}, "coordd sessions --help")
}

func first(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

func listSessions(ctx context.Context, q *query, cluster *client.Client, list client.ListOptions) error {
	views := []sessionView{}
	rows := table.New(paints(q.around), "SESSION", "CLIENT", "TTL", "LEFT", "HOLDS", "WAITS", "LOSSES", "KILLED", "ABOUT")
	for info, err := range cluster.Sessions(ctx, list) {
		if err != nil {
			return err
		}
		views = append(views, viewOfSession(info))
		rows.Row(table.Plain(info.ID), table.Plain(printable(info.Client)), table.Plain(span(info.TTL)), spanCell(info.Remaining), number(info.Holds), number(info.Waits), number(info.Losses),
			table.Bad(printable(info.Killed)), table.Plain(printable(info.Metadata)))
	}
	return q.show(views, func() string {
		if len(views) == 0 {
			return "there is no session\n"
		}
		return rows.String()
	})
}

func viewOfSession(info client.SessionInfo) sessionView {
	view := sessionView{
		Session: info.ID, Client: info.Client, TTLMs: info.TTL.Milliseconds(), RemainingMs: info.Remaining.Milliseconds(), EarlyMs: info.EarlyEnd.Milliseconds(), Holds: info.Holds, Waits: info.Waits,
		Losses: info.Losses, Node: info.Node, Killed: info.Killed, Metadata: info.Metadata,
	}
	for _, h := range info.Held {
		view.Held = append(view.Held, sessionHoldView{h.Name, h.ID, h.Owner, h.Mode, tokenText(h.Token), h.Count, h.Held.Milliseconds()})
	}
	for _, w := range info.Waiting {
		view.Waiting = append(view.Waiting, sessionWaitView{w.Name, w.ID, w.Owner, w.Mode, w.Place})
	}
	return view
}

func showSession(ctx context.Context, q *query, cluster *client.Client, id string) error {
	info, err := cluster.SessionInfo(ctx, id)
	if err != nil {
		return err
	}
	return q.show(viewOfSession(info), func() string {
		head := table.New(paints(q.around), "SESSION", "CLIENT", "TTL", "LEFT", "LOSSES", "KILLED", "ABOUT")
		head.Row(table.Plain(info.ID), table.Plain(printable(info.Client)), table.Plain(span(info.TTL)), spanCell(info.Remaining), number(info.Losses), table.Bad(printable(info.Killed)),
			table.Plain(printable(info.Metadata)))
		text := head.String()
		if len(info.Held) > 0 {
			holds := table.New(paints(q.around), "HOLDS", "HOLD", "TOKEN", "MODE", "OWNER", "HELD")
			for _, h := range info.Held {
				holds.Row(table.Plain(printable(h.Name)), table.Plain(h.ID), tokenCell(h.Token), table.Plain(string(h.Mode)), table.Plain(printable(h.Owner)), table.Plain(span(h.Held)))
			}
			text += "\n" + holds.String()
		}
		if len(info.Waiting) > 0 {
			waits := table.New(paints(q.around), "WAITS FOR", "ID", "MODE", "OWNER", "PLACE")
			for _, w := range info.Waiting {
				waits.Row(table.Plain(printable(w.Name)), table.Plain(w.ID), table.Plain(string(w.Mode)), table.Plain(printable(w.Owner)), number(w.Place))
			}
			text += "\n" + waits.String()
		}
		return text + more(len(info.Held), info.Holds, "holds") + more(len(info.Waiting), info.Waits, "waits")
	})
}

// killedView is what --json writes of a session that was ended.
type killedView struct {
	Session   string `json:"session"`
	FreesInMs int64  `json:"frees_in_ms"`
}

func killSession(ctx context.Context, q *query, cluster *client.Client, id, reason string, now bool) error {
	freesIn, err := cluster.KillSession(ctx, id, reason, now)
	if err != nil {
		return err
	}
	return q.show(killedView{id, freesIn.Milliseconds()}, func() string {
		return fmt.Sprintf("session %s is ended; %s\n", id, freedIn("what it holds is free", freesIn))
	})
}

// freedIn says when others can have what was taken away.
func freedIn(what string, freesIn time.Duration) string {
	if freesIn <= 0 {
		return what + " now"
	}
	return fmt.Sprintf("%s when its holder has acknowledged that, and within %s at the latest", what, span(freesIn))
}
