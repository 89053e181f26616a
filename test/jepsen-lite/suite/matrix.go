package suite

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/document"
	"github.com/coordd/coordd/test/jepsen-lite/nemesis"
)

// cell is what a ledger shows about one nemesis.
type cell struct {
	worked   map[int]int // how often, by number of nodes
	skipped  int         // runs in which this host could not do it
	verdicts map[check.Verdict]int
}

// cells reads a ledger. The verdict of a run counts for each nemesis that worked or failed in it.
func cells(entries []Entry) map[string]*cell {
	all := map[string]*cell{}
	of := func(name string) *cell {
		if all[name] == nil {
			all[name] = &cell{worked: map[int]int{}, verdicts: map[check.Verdict]int{}}
		}
		return all[name]
	}
	for _, entry := range entries {
		for name, times := range entry.Faults {
			of(name).worked[entry.Nodes] += times
			of(name).verdicts[entry.Verdict]++
		}
		for name := range entry.Failed {
			if entry.Faults[name] == 0 {
				of(name).verdicts[entry.Verdict]++
			}
		}
		for _, skipped := range entry.Skipped {
			name, _, _ := strings.Cut(skipped, ":")
			of(name).skipped++
		}
	}
	return all
}

// elsewhere are rows of the fault matrix that no nemesis stands for.
var elsewhere = []struct {
	row         int
	name, where string
}{
	{27, "snapshots all the time", "in every run: one after each hundred entries; with `--compact` also sent to nodes that lag; in every play of the simulation"},
	{29, "mixed versions", "nowhere yet: there is one version"},
}

// Matrix writes, as a table, what a ledger shows about each nemesis: how often it worked, on how many nodes, and how the runs in which it worked or failed were judged; and how often the like was injected in plays of the
// simulation.
func Matrix(w io.Writer, entries []Entry, plays Plays) error {
	all := cells(entries)
	lines := []string{"| row | nemesis | worked on 3 nodes | worked on 5 nodes | runs valid | invalid | unknown | skipped | times in the simulation |", "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"}
	nemeses := nemesis.All()
	slices.SortStableFunc(nemeses, func(a, b nemesis.Nemesis) int { return a.Row - b.Row })
	for _, one := range nemeses {
		c := all[one.Name]
		if c == nil {
			c = &cell{}
		}
		on3 := fmt.Sprint(c.worked[3])
		if one.MinNodes > 3 {
			on3 = "–"
		}
		simulated := "–"
		if count := plays.like(one.Name); count > 0 {
			simulated = fmt.Sprint(count)
		}
		lines = append(lines, fmt.Sprintf("| %d | `%s` | %s | %d | %d | %d | %d | %d | %s |", one.Row, one.Name, on3, c.worked[5],
			c.verdicts[check.Valid], c.verdicts[check.Invalid], c.verdicts[check.Unknown], c.skipped, simulated))
	}
	for _, kind := range plays.alone() {
		lines = append(lines, fmt.Sprintf("| %d | %s (simulation only) | | | | | | | %d |", kind.Row, kind.Name, plays.Faults[kind.Name]))
	}
	lines = append(lines, "", source(entries)+broken(entries))
	if plays.Valid > 0 {
		lines = append(lines, fmt.Sprintf("The simulation: %d valid plays, of commit %s.", plays.Valid, strings.Join(slices.Sorted(maps.Keys(plays.Commits)), ", ")))
	}
	lines = append(lines, "", "Rows of the matrix that no nemesis stands for:", "")
	for _, row := range elsewhere {
		lines = append(lines, fmt.Sprintf("- %d, %s: %s", row.row, row.name, row.where))
	}
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}

// source says what the table was made of.
func source(entries []Entry) string {
	if len(entries) == 0 {
		return "No run was made yet."
	}
	commits, first, last, seen := map[string]bool{}, entries[0].Date, entries[0].Date, 0
	for _, entry := range entries {
		commits[entry.Commit] = true
		seen += entry.Seen
		if entry.Date.Before(first) {
			first = entry.Date
		}
		if entry.Date.After(last) {
			last = entry.Date
		}
	}
	const day = "2 January 2006"
	when := first.Format(day)
	if last.Format(day) != when {
		when += " to " + last.Format(day)
	}
	return fmt.Sprintf("%d runs, %s, of commit %s. The checkers looked at %d operations, holds, states and lines.", len(entries), when, strings.Join(slices.Sorted(maps.Keys(commits)), ", "), seen)
}

// broken names the invalid runs: one that ended before its first fault stands in no line of the table.
func broken(entries []Entry) string {
	var names []string
	for _, entry := range entries {
		if entry.Verdict == check.Invalid {
			names = append(names, fmt.Sprintf("%s (%s)", entry.Run, entry.Commit))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf(" %d of them invalid: %s.", len(names), strings.Join(names, "; "))
}

// The lines between which a table stands in a document.
const (
	matrixBegin = "<!-- matrix: written by jepsen-lite matrix --write -->"
	matrixEnd   = "<!-- end of matrix -->"
)

// WriteMatrix replaces the table in a document.
func WriteMatrix(path string, entries []Entry, plays Plays) error {
	var table strings.Builder
	if err := Matrix(&table, entries, plays); err != nil {
		return err
	}
	return document.Replace(path, matrixBegin, matrixEnd, "\n\n"+table.String()+"\n")
}
