package main

import (
	"context"
	"fmt"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/cmd/coordd/internal/options"
	"github.com/coordd/coordd/cmd/coordd/internal/table"
)

var locksCommand = options.Command{
	Name:    "locks",
	Summary: "list the locks that are held, reserved or waited for",
	Usage:   []string{"[PATTERN] [flags]"},
	Details: `PATTERN is a glob: * stands for any text, ? for one character. Quote it, or the shell takes it for files.
LEFT is how long the lock stays taken if its holder is not heard of again. QUEUED is how many wait.`,
	Examples: []options.Example{
		{Line: "coordd locks", Says: "all of them"},
		{Line: "coordd locks 'billing:*'", Says: "those of one application"},
		{Line: "coordd locks --all", Says: "also the keys that Redis clients use as locks"},
		{Line: "coordd locks --json", Says: "for programs; tokens are strings"},
	},
}

func runLocks(ctx context.Context, around *surroundings, arguments []string) error {
	q := newQuery(around, locksCommand)
	list := client.ListOptions{Count: 1000}
	q.BoolVar(&list.All, "all", false, "also keys of database 0 that Redis clients have set")
	q.WithoutVariables("all")
	words, done, err := q.operands(arguments, 0, 1, "")
	if done || err != nil {
		return err
	}
	if len(words) == 1 {
		list.Match = words[0]
	}
	return q.ask(ctx, func(cluster *client.Client) error {
		views := []lockView{}
		rows := table.New(paints(around), "NAME", "STATE", "MODE", "TOKEN", "HOLDER", "LEFT", "QUEUED")
		for info, err := range cluster.Locks(ctx, list) {
			if err != nil {
				return err
			}
			views = append(views, viewOfLock(info))
			rows.Row(table.Plain(printable(info.Name)), stateCell(info), modeCell(info), tokenCell(info.Token), holderCell(info), leftCell(info), number(info.Queued))
		}
		return q.show(views, func() string {
			if len(views) == 0 {
				return "nothing is held, reserved or waited for\n"
			}
			return rows.String()
		})
	})
}

// holderCell is the first holder of a lock, and how many more there are.
func holderCell(info client.LockInfo) table.Cell {
	text := printable(info.Holder)
	if info.HoldersAll > 1 {
		text += fmt.Sprintf(" and %d more", info.HoldersAll-1)
	}
	return table.Plain(text)
}

var lockInfoCommand = options.Command{
	Name:    "lock-info",
	Summary: "show who holds a lock and who waits for it",
	Usage:   []string{"NAME [flags]"},
	Details: `A name that nobody holds is free; that is no failure. A reserved name is held by nobody, and nobody gets it yet: for the lock-delay of its
last holder, for the time that --at-least asked for, until a holder has acknowledged that it lost the lock, or while it is handed over.`,
	Examples: []options.Example{
		{Line: "coordd lock-info deploy", Says: "who has it, since when, and who is next"},
		{Line: "coordd lock-info deploy --json", Says: "for programs"},
	},
}

func runLockInfo(ctx context.Context, around *surroundings, arguments []string) error {
	q := newQuery(around, lockInfoCommand)
	words, done, err := q.operands(arguments, 1, 1, "the name of a lock")
	if done || err != nil {
		return err
	}
	return q.ask(ctx, func(cluster *client.Client) error {
		info, err := cluster.Info(ctx, words[0])
		if err != nil {
			return err
		}
		return q.show(viewOfLock(info), func() string { return lockText(around, info) })
	})
}

// lockText tells all about a lock.
func lockText(around *surroundings, info client.LockInfo) string {
	head := table.New(paints(around), "NAME", "STATE", "MODE", "TOKEN", "LEFT", "QUEUED")
	head.Row(table.Plain(printable(info.Name)), stateCell(info), modeCell(info), tokenCell(info.Token), leftCell(info), number(info.Queued))
	text := head.String()
	if len(info.Holders) > 0 {
		holders := table.New(paints(around), "HOLDER", "HOLD", "TOKEN", "SESSION", "OWNER", "HELD", "WAITED", "LEFT", "KEPT", "ABOUT")
		for _, h := range info.Holders {
			holders.Row(partyCell(h.Client, h.Session), table.Plain(h.ID), tokenCell(h.Token), table.Plain(h.Session), table.Plain(printable(h.Owner)), table.Plain(span(h.Held)),
				table.Plain(span(h.Waited)), spanCell(h.Remaining), table.Bad(h.Kept), table.Plain(printable(h.Metadata)))
		}
		text += "\n" + holders.String()
	}
	if len(info.Waiters) > 0 {
		waiters := table.New(paints(around), "PLACE", "WAITER", "ID", "SESSION", "OWNER", "MODE", "WAITING", "ABOUT")
		for _, w := range info.Waiters {
			waiters.Row(number(w.Place), partyCell(w.Client, w.Session), table.Plain(w.ID), table.Plain(w.Session), table.Plain(printable(w.Owner)), table.Plain(string(w.Mode)),
				table.Plain(span(w.Waiting)), table.Plain(printable(w.Metadata)))
		}
		text += "\n" + waiters.String()
	}
	return text + more(len(info.Holders), info.HoldersAll, "holders") + more(len(info.Waiters), info.Queued, "waiters")
}

// more says what a list leaves out.
func more(shown, total int, of string) string {
	if total <= shown {
		return ""
	}
	return fmt.Sprintf("and %d more %s\n", total-shown, of)
}

var historyCommand = options.Command{
	Name:    "history",
	Summary: "show the past holders of a lock",
	Usage:   []string{"NAME [flags]"},
	Details: `Newest first; the cluster keeps the last 32 of each lock, and 100,000 in all. ENDED says how the hold ended: released, closed (its session was closed),
session_ended (its session was not renewed), killed (its session, by an operator), expired, max_hold, forced (by an operator), transferred, cancelled.`,
	Examples: []options.Example{
		{Line: "coordd history nightly-report", Says: "who had it, for how long, and why that ended"},
		{Line: "coordd history nightly-report --count 1", Says: "only the last"},
	},
}

func runHistory(ctx context.Context, around *surroundings, arguments []string) error {
	q := newQuery(around, historyCommand)
	count := options.Number{AtLeast: 0, AtMost: 1000}
	q.Var(&count, "count", "how many at most; 0: all")
	q.WithoutVariables("count")
	words, done, err := q.operands(arguments, 1, 1, "the name of a lock")
	if done || err != nil {
		return err
	}
	return q.ask(ctx, func(cluster *client.Client) error {
		past, err := cluster.History(ctx, words[0], count.Value)
		if err != nil {
			return err
		}
		views := []pastHolderView{}
		rows := table.New(paints(around), "TOKEN", "HOLD", "HOLDER", "SESSION", "WAITED", "HELD", "ENDED", "BY", "WHY")
		for _, p := range past {
			views = append(views, viewOfPast(p))
			rows.Row(tokenCell(p.Token), table.Plain(p.ID), partyCell(p.Client, p.Session), table.Plain(p.Session), table.Plain(span(p.Waited)), table.Plain(span(p.Held)), endedCell(p.Reason),
				table.Plain(printable(p.Actor)), table.Plain(printable(p.Why)))
		}
		return q.show(views, func() string {
			if len(views) == 0 {
				return "nobody who held it is remembered\n"
			}
			return rows.String()
		})
	})
}

// endedCell marks the ends that the holder did not choose.
func endedCell(reason string) table.Cell {
	switch reason {
	case "released", "closed", "transferred", "cancelled":
		return table.Plain(reason)
	}
	return table.Bad(reason)
}
