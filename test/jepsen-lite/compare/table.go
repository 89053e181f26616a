package compare

import (
	"fmt"
	"io"
	"strings"
)

// tableHead is the first two lines of the table.
const tableHead = "| system | fault | times | holds | two holders at once | updates lost without a guard | stale writes refused by the guard | stale writes accepted | updates lost with the guard | lost or double grants in the log |\n" +
	"| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"

// Table writes rows for people, as Markdown.
func Table(w io.Writer, rows []Row) error {
	if _, err := fmt.Fprintln(w, tableHead); err != nil {
		return err
	}
	for _, row := range rows {
		if row.Skipped != "" {
			if _, err := fmt.Fprintf(w, "| %s | %s | skipped%s\n", row.System, row.Fault, strings.Repeat(" | -", 7)+" |"); err != nil {
				return err
			}
			continue
		}
		if _, err := fmt.Fprintf(w, "| %s | %s | %d | %d | %d | %d | %s | %s |\n", row.System, row.Fault, row.Rounds, row.Holds, row.Overlaps, row.Unguarded, row.guarded(), row.logged()); err != nil {
			return err
		}
	}
	return nil
}

// guarded are the columns about the guard.
func (r Row) guarded() string {
	if !r.HasTokens {
		return "no tokens | no tokens | no tokens"
	}
	return fmt.Sprintf("%d | %d | %d", r.Refused, r.Accepted, r.Fooled)
}

// logged is the column about the log.
func (r Row) logged() string {
	switch {
	case r.Log == nil:
		return "no log to read"
	case r.Log.Problem != "" && r.Log.Total == 0:
		return "unknown"
	}
	return fmt.Sprintf("%d of %d", r.Log.Total, r.Log.Holds)
}
