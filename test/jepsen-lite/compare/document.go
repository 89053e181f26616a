package compare

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/document"
)

// The lines between which a comparison stands, in both documents.
const (
	DocumentBegin = "<!-- comparison: written by jepsen-lite compare --docs -->"
	DocumentEnd   = "<!-- end of the comparison -->"
)

// Paths of the documents below the root of the repository: the whole table stands in one, a line for each system in the other.
var (
	WholeDocument   = filepath.Join("test", "jepsen-lite", "README.md")
	SummaryDocument = "README.md"
)

// Stamp says which run it was: the same sentence in both documents.
type Stamp struct {
	Date            time.Time
	Commit, Command string
	Processors      int
	RedisServer     string // its version
	TTL             time.Duration
}

// String implements fmt.Stringer.
func (s Stamp) String() string {
	return fmt.Sprintf("Measured on %s at commit %s, on %d processors, with redis-server %s and a time to live of %v, by `%s`.", s.Date.UTC().Format("2 January 2006"), s.Commit, s.Processors, s.RedisServer, s.TTL, s.Command)
}

// WriteDocuments writes a comparison into both documents below the root.
func WriteDocuments(root string, stamp Stamp, rows []Row) error {
	var whole strings.Builder
	fmt.Fprintf(&whole, "\n\n%s\n\n", stamp)
	if err := Table(&whole, rows); err != nil {
		return err
	}
	for _, row := range rows {
		if row.Skipped != "" {
			fmt.Fprintf(&whole, "\nSkipped: %s for %s, %s.\n", row.Fault, row.System, row.Skipped)
		}
	}
	whole.WriteString("\n")
	summary := fmt.Sprintf("\n\n%s\n\n%s\n", stamp, Summary(rows))
	return errors.Join(
		document.Replace(filepath.Join(root, WholeDocument), DocumentBegin, DocumentEnd, whole.String()),
		document.Replace(filepath.Join(root, SummaryDocument), DocumentBegin, DocumentEnd, summary),
	)
}

// Summary has a line for each system, as Markdown: what came of each fault, and then what its guard and its log say of all of them.
func Summary(rows []Row) string {
	var systems, faults []string
	cells := map[[2]string]Row{}
	for _, row := range rows {
		systems, faults = appendNew(systems, row.System), appendNew(faults, row.Fault)
		cells[[2]string{row.System, row.Fault}] = row
	}
	var table strings.Builder
	fmt.Fprintf(&table, "| | %s | stale writes refused, accepted | lost or double grants in the log |\n|%s\n", strings.Join(faults, " | "), strings.Repeat(" --- |", len(faults)+3))
	for _, system := range systems {
		var total Row
		fmt.Fprintf(&table, "| %s |", system)
		for _, fault := range faults {
			row, there := cells[[2]string{system, fault}]
			switch {
			case !there:
				table.WriteString(" - |")
				continue
			case row.Skipped != "":
				table.WriteString(" skipped |")
				continue
			}
			fmt.Fprintf(&table, " %d, %d |", row.Overlaps, row.Unguarded)
			total.add(row)
		}
		fmt.Fprintf(&table, " %s | %s |\n", total.guardedShort(), total.logged())
	}
	return table.String()
}

func appendNew(list []string, word string) []string {
	if slices.Contains(list, word) {
		return list
	}
	return append(list, word)
}

// add adds what a guard refused and accepted, and what a log says.
func (r *Row) add(other Row) {
	r.HasTokens = r.HasTokens || other.HasTokens
	r.Refused += other.Refused
	r.Accepted += other.Accepted
	if other.Log != nil {
		if r.Log == nil {
			r.Log = &LogFindings{}
		}
		r.Log.Holds += other.Log.Holds
		r.Log.Total += other.Log.Total
		if other.Log.Problem != "" {
			r.Log.Problem = other.Log.Problem
		}
	}
}

func (r Row) guardedShort() string {
	if !r.HasTokens {
		return noTokens
	}
	return fmt.Sprintf("%d, %d", r.Refused, r.Accepted)
}
