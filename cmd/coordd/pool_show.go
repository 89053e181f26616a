package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/coordd/coordd/cmd/coordd/internal/pools"
	"github.com/coordd/coordd/cmd/coordd/internal/table"
)

func (r *poolRequest) list(ctx context.Context, _ []string) error {
	answer, err := r.do(ctx, "POOL.LIST")
	if err != nil {
		return err
	}
	all := []pools.Pool{}
	for _, element := range answer.Elements {
		all = append(all, pools.ReadPool(element))
	}
	return r.show(all, func() string {
		if len(all) == 0 {
			return "there is no pool; make one with coordd pool create POOL\n"
		}
		rows := table.New(paints(r.around), "NAME", "PARTITIONS", "WORKERS", "OWNED", "MOVING", "FREE", "OVERDUE", "VERSION")
		for _, pool := range all {
			rows.Row(table.Plain(printable(pool.Name)), number(pool.Partitions), number(pool.WorkersTotal), number(pool.Owned), number(pool.Moving()), freeCell(pool), overdueCell(pool), number(int(pool.Version)))
		}
		return rows.String()
	})
}

// freeCell marks partitions that nobody serves.
func freeCell(pool pools.Pool) table.Cell {
	if pool.Free > 0 {
		return table.Bad(fmt.Sprint(pool.Free))
	}
	return number(pool.Free)
}

func overdueCell(pool pools.Pool) table.Cell {
	if pool.Overdue > 0 {
		return table.Bad(fmt.Sprint(pool.Overdue))
	}
	return number(pool.Overdue)
}

// poolView is what --json writes of one pool.
type poolView struct {
	pools.Pool
	Table []pools.Partition `json:"table,omitempty"`
}

func (r *poolRequest) showPool(ctx context.Context, words []string) error {
	answer, err := r.do(ctx, "POOL.INFO", words[0])
	if err != nil {
		return err
	}
	view := poolView{Pool: pools.ReadPool(answer)}
	if r.table {
		if answer, err = r.do(ctx, "POOL.TABLE", words[0]); err != nil {
			return err
		}
		view.Table = pools.ReadPartitions(answer)
	}
	return r.show(view, func() string {
		paint := paints(r.around)
		text := poolHead(view.Pool, paint)
		if len(view.Workers) > 0 {
			text += "\n" + workerBars(view.Pool, paint)
		}
		if r.wide && len(view.Workers) > 0 {
			text += "\n" + workerDetails(view.Pool, paint)
		}
		if r.table {
			text += "\n" + partitionTable(view.Table, paint)
		}
		return text
	})
}

// poolHead is the ring with what there is to say about the whole pool beside it.
func poolHead(pool pools.Pool, paint bool) string {
	facts := poolFacts(pool)
	above := 2 // the first fact stands on this line of the ring
	var out strings.Builder
	for i, line := range pool.Ring(paint) {
		if fact := i - above; fact >= 0 && fact < len(facts) && facts[fact] != "" {
			line += "   " + facts[fact]
		}
		out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return out.String()
}

// poolFacts are lines of at most fifty characters.
func poolFacts(pool pools.Pool) []string {
	facts := []string{
		clip("pool "+printable(pool.Name), factWidth),
		fmt.Sprintf("incarnation %s, version %d", pool.Incarnation, pool.Version),
		"",
		fmt.Sprintf("%s, %s", counted(pool.Partitions, "partition"), counted(pool.WorkersTotal, "worker")),
		fmt.Sprintf("%d owned, %d free (.)", pool.Owned, pool.Free),
	}
	if pool.Moving() > 0 {
		facts = append(facts, fmt.Sprintf("%d move (small letters): %d asked for,", pool.Moving(), pool.Draining), fmt.Sprintf("  %d wait for their turn, %d are overdue", pool.Waiting, pool.Overdue))
	}
	if id, of := pool.Fullest(); id != "" {
		facts = append(facts, fmt.Sprintf("fullest: %s, %.2f times its share", clip(printable(id), 20), of))
	}
	if pool.RebalanceInMs > 0 {
		facts = append(facts, "next rebalance in "+span(ms(pool.RebalanceInMs)))
	}
	return append(facts, "zones "+pool.Zones+", debounce "+span(ms(pool.DebounceMs))+", drain "+span(ms(pool.DrainMs)))
}

// The widths that make everything fit into 80 columns.
const (
	factWidth   = 50
	workerWidth = 22
	barWidth    = 18
)

// workerBars is a row for each worker: its mark in the ring, what it has, and a bar of it.
func workerBars(pool pools.Pool, paint bool) string {
	rows := table.New(paint, " ", "WORKER", "STATE", "OWNS", "GIVES", "GETS", "KEEPS # GIVES - GETS +")
	scale := pool.Scale()
	for place, w := range pool.Workers {
		bar := w.Bar(scale, barWidth)
		rows.Row(table.Painted(pools.Escape(place), pools.Mark(place)), table.Plain(clip(printable(w.ID), workerWidth)), workerState(w), number(w.Owned), number(w.Gives()), number(w.Gets()), table.Painted(pools.Escape(place), bar))
	}
	return rows.String()
}

func workerState(w pools.Worker) table.Cell {
	if w.State == "active" {
		return table.Good(w.State)
	}
	return table.Bad(w.State)
}

func workerDetails(pool pools.Pool, paint bool) string {
	rows := table.New(paint, "WORKER", "ZONE", "WEIGHT", "MEMBER FOR", "PLACE KEPT", "EPOCH", "SESSION", "ADDRESS")
	for _, w := range pool.Workers {
		rows.Row(table.Plain(printable(w.ID)), table.Plain(printable(w.Zone)), number(int(w.Weight)), table.Plain(span(ms(w.MemberMs))), spanCell(ms(w.ReservedForMs)), table.Plain(w.Epoch),
			table.Plain(w.Session), table.Plain(printable(w.Address)))
	}
	return rows.String()
}

func partitionTable(partitions []pools.Partition, paint bool) string {
	rows := table.New(paint, "PARTITION", "OWNER", "TOKEN", "STATE")
	for _, p := range partitions {
		token := table.Plain(p.Token)
		if p.Token == "0" {
			token = table.Plain("")
		}
		rows.Row(number(p.Partition), table.Plain(printable(p.Owner)), token, partitionState(p.State))
	}
	return rows.String()
}

func partitionState(state string) table.Cell {
	if state == "owned" {
		return table.Plain(state)
	}
	return table.Bad(state)
}

// clip shortens a text to so many characters, the last of which says so.
func clip(text string, width int) string {
	runes := []rune(text)
	if len(runes) <= width {
		return text
	}
	return string(runes[:width-1]) + "…"
}

func (r *poolRequest) explain(ctx context.Context, words []string) error {
	answer, err := r.do(ctx, "POOL.EXPLAIN", words[0], words[1])
	if err != nil {
		return err
	}
	e := pools.ReadExplanation(words[1], answer)
	return r.show(e, func() string {
		rows := table.New(paints(r.around), "PARTITION", "OWNER", "TOKEN", "STATE", "TARGET", "ADDRESS")
		rows.Row(number(e.Partition), table.Plain(printable(e.Owner)), table.Plain(strings.TrimPrefix(e.Token, "0")), partitionState(e.State), table.Plain(printable(e.Target)), table.Plain(printable(e.Address)))
		text := rows.String() + "\n"
		for line := range strings.Lines(e.Text) {
			text += printable(strings.TrimSuffix(line, "\n")) + "\n"
		}
		return text
	})
}

// namesFor are the names that may stand for an operand, behind the words before it.
func (r *poolRequest) namesFor(ctx context.Context, operand string, before []string) (names []string, err error) {
	if operand == "WORKER" {
		answer, err := r.do(ctx, "POOL.INFO", before[1])
		for _, worker := range pools.ReadPool(answer).Workers {
			names = append(names, worker.ID)
		}
		return names, err
	}
	answer, err := r.do(ctx, "POOL.LIST")
	for _, element := range answer.Elements {
		names = append(names, pools.ReadPool(element).Name)
	}
	return names, err
}
