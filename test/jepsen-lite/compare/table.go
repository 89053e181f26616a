package compare

import (
	"fmt"
	"io"
	"strings"
)

// tableHead is the first two lines of the table, which has so many columns.
const (
	tableHead = "| system | fault | times | holds | two holders at once | updates lost without a guard | stale writes refused by the guard | stale writes accepted | updates lost with the guard | lost or double grants in the log |\n" +
		"| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
	tableColumns = 10
)

// What stands in a cell that has no number.
const (
	skippedCell = "skipped"
	noTokens    = "no tokens"
	noLog       = "no log to read"
	unknownLog  = "unknown"
)

// Table writes rows for people, as Markdown.
func Table(w io.Writer, rows []Row) error {
	if _, err := fmt.Fprintln(w, tableHead); err != nil {
		return err
	}
	for _, row := range rows {
		cells := skippedCell + strings.Repeat(" | -", tableColumns-3)
		if row.Skipped == "" {
			cells = fmt.Sprintf("%d | %d | %d | %d | %s | %s", row.Rounds, row.Holds, row.Overlaps, row.Unguarded, row.guarded(), row.logged())
		}
		if _, err := fmt.Fprintf(w, "| %s | %s | %s |\n", row.System, row.Fault, cells); err != nil {
			return err
		}
	}
	return nil
}

// guarded are the columns about the guard.
func (r Row) guarded() string {
	if !r.HasTokens {
		return strings.Join([]string{noTokens, noTokens, noTokens}, " | ")
	}
	return fmt.Sprintf("%d | %d | %d", r.Refused, r.Accepted, r.Fooled)
}

// logged is the column about the log.
func (r Row) logged() string {
	switch {
	case r.Log == nil:
		return noLog
	case r.Log.Problem != "" && r.Log.Total == 0:
		return unknownLog
	}
	return fmt.Sprintf("%d of %d", r.Log.Total, r.Log.Holds)
}
