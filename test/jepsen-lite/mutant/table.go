package mutant

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Demand is how many of ten runs must catch a planted bug.
const Demand = 9

// Row is what the runs of one planted bug came to.
type Row struct {
	Name, Tier, About string
	Outcomes          []Outcome
}

// Caught counts the runs that caught it.
func (r Row) Caught() (caught int) {
	for _, one := range r.Outcomes {
		if one.Caught && one.Error == "" {
			caught++
		}
	}
	return caught
}

// Passes reports that runs were made and enough of them caught it; of the control, that none showed a violation or failed.
func (r Row) Passes() bool {
	for _, one := range r.Outcomes {
		if one.Error != "" {
			return false
		}
	}
	if r.Name == Control {
		return len(r.Outcomes) > 0 && r.Caught() == 0
	}
	return len(r.Outcomes) > 0 && 10*r.Caught() >= Demand*len(r.Outcomes)
}

// WriteTable writes rows as a table in Markdown.
func WriteTable(out io.Writer, rows []Row) {
	fmt.Fprintln(out, "| planted bug | what it does | tier | caught | by (runs) | seeds until caught: median, most | seconds of a run: median, most |")
	fmt.Fprintln(out, "| --- | --- | --- | --- | --- | --- | --- |")
	for _, row := range rows {
		seeds := "-"
		if row.Tier == Simulation {
			seeds = spread(row.Outcomes, func(one Outcome) int { return one.Seeds })
		}
		fmt.Fprintf(out, "| %s | %s | %s | %s | %s | %s | %s |\n", row.Name, row.About, row.Tier, row.word(), row.checkers(), seeds,
			spread(row.Outcomes, func(one Outcome) int { return int(one.Seconds + 0.5) }))
	}
}

// word says how many runs caught it, and what was wrong.
func (r Row) word() string {
	word := fmt.Sprintf("%d/%d", r.Caught(), len(r.Outcomes))
	if r.Name == Control {
		seeds := 0
		for _, one := range r.Outcomes {
			seeds += one.Seeds
		}
		word = fmt.Sprintf("%d of %d seeds", r.Caught(), seeds)
	}
	errors := 0
	for _, one := range r.Outcomes {
		if one.Error != "" {
			errors++
		}
	}
	if errors > 0 {
		word += fmt.Sprintf(", %d errors", errors)
	}
	return word
}

// checkers counts the runs that each checker caught it in.
func (r Row) checkers() string {
	counts := map[string]int{}
	for _, one := range r.Outcomes {
		for _, by := range one.By {
			counts[by]++
		}
	}
	var words []string
	for _, by := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprintf("%s (%d)", by, counts[by]))
	}
	return strings.Join(words, ", ")
}

// spread is the median and the largest of a number.
func spread(outcomes []Outcome, of func(Outcome) int) string {
	var numbers []int
	for _, one := range outcomes {
		if one.Error == "" {
			numbers = append(numbers, of(one))
		}
	}
	if len(numbers) == 0 {
		return "-"
	}
	slices.Sort(numbers)
	return fmt.Sprintf("%d, %d", numbers[len(numbers)/2], numbers[len(numbers)-1])
}
