package suite

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/nemesis"
)

// Matrix writes, as a table, what a ledger shows about each nemesis: how often it worked, on how many nodes, and how the runs in which it did were judged.
func Matrix(w io.Writer, entries []Entry) error {
	type cell struct {
		worked, runs map[int]int // by number of nodes
		verdicts     map[check.Verdict]int
		commits      map[string]bool
		last         string
	}
	cells := map[string]*cell{}
	for _, entry := range entries {
		for name, times := range entry.Faults {
			c := cells[name]
			if c == nil {
				c = &cell{map[int]int{}, map[int]int{}, map[check.Verdict]int{}, map[string]bool{}, ""}
				cells[name] = c
			}
			c.worked[entry.Nodes] += times
			c.runs[entry.Nodes]++
			c.verdicts[entry.Verdict]++
			c.commits[entry.Commit] = true
			c.last = max(c.last, entry.Date.Format("2006-01-02"))
		}
	}
	if _, err := fmt.Fprintln(w, "| row | nemesis | on 3 nodes | on 5 nodes | valid | invalid | unknown | last | commits |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |"); err != nil {
		return err
	}
	all := nemesis.All()
	slices.SortStableFunc(all, func(a, b nemesis.Nemesis) int { return a.Row - b.Row })
	for _, one := range all {
		c := cells[one.Name]
		if c == nil {
			c = &cell{}
		}
		_, err := fmt.Fprintf(w, "| %d | `%s` | %d | %d | %d | %d | %d | %s | %s |\n", one.Row, one.Name, c.worked[3], c.worked[5],
			c.verdicts[check.Valid], c.verdicts[check.Invalid], c.verdicts[check.Unknown], c.last, strings.Join(slices.Sorted(maps.Keys(c.commits)), " "))
		if err != nil {
			return err
		}
	}
	return nil
}
