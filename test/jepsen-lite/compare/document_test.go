package compare

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

// shownIn finds what a document shows of a comparison, and the sentence about it.
func shownIn(t *testing.T, path string) (shown, stamp string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, begins := strings.Cut(string(text), DocumentBegin)
	shown, _, ends := strings.Cut(rest, DocumentEnd)
	if !begins || !ends {
		t.Fatalf("%s has no place for a comparison", path)
	}
	stamp, _, _ = strings.Cut(strings.TrimSpace(shown), "\n")
	return shown, stamp
}

// sameComparison says what is wrong when two documents do not show the same run; with numbers in both of them or in none.
func sameComparison(t *testing.T, root string) error {
	t.Helper()
	whole, stamp := shownIn(t, filepath.Join(root, WholeDocument))
	summary, other := shownIn(t, filepath.Join(root, SummaryDocument))
	if stamp == "" || stamp != other {
		return fmt.Errorf("one shows %q, the other %q", stamp, other)
	}
	want := ""
	if !strings.HasPrefix(stamp, "Not measured") {
		rows, err := parseTable(whole)
		if err != nil {
			return err
		}
		want = strings.TrimSpace(Summary(rows))
	}
	if _, got, _ := strings.Cut(summary, stamp); strings.TrimSpace(got) != want {
		return fmt.Errorf("the lines of the project's README are not those of the table:\n%s\nwant:\n%s", got, want)
	}
	return nil
}

func TestBothDocumentsShowTheSameComparison(t *testing.T) {
	if err := sameComparison(t, filepath.Join("..", "..", "..")); err != nil {
		t.Error(err)
	}
}

func TestAComparisonIsWrittenIntoBothDocuments(t *testing.T) {
	rows := shown()
	rows[1].Overlaps, rows[1].Accepted, rows[1].Fooled, rows[1].Log.Total = 1, 4, 5, 6
	rows[0].Log = &LogFindings{Problem: "unread"}
	root := t.TempDir()
	for _, name := range []string{WholeDocument, SummaryDocument} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("before\n"+DocumentBegin+"\nwhat stood there\n"+DocumentEnd+"\nafter\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stamp := Stamp{Date: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), Commit: "0123456789", Command: "compare --rounds 5 --docs .", Processors: 2, RedisServer: "7.0.15", TTL: 2 * time.Second}
	if err := WriteDocuments(root, stamp, rows); err != nil {
		t.Fatal(err)
	}
	if err := sameComparison(t, root); err != nil {
		t.Error(err)
	}
	whole, said := shownIn(t, filepath.Join(root, WholeDocument))
	for _, part := range []string{"29 November 2026", "commit 0123456789", "2 processors", "redis-server 7.0.15", "of 2s", "`compare --rounds 5 --docs .`"} {
		if !strings.Contains(said, part) {
			t.Errorf("the sentence lacks %s: %s", part, said)
		}
	}
	if !strings.Contains(whole, "Skipped: clock for etcd, not injectable.") || strings.Contains(whole, "stood there") {
		t.Errorf("the whole table:\n%s", whole)
	}
	summary, _ := shownIn(t, filepath.Join(root, SummaryDocument))
	for _, line := range []string{
		"| | none | pause-holder | failover | clock | rolling-restart | stale writes refused, accepted | lost or double grants in the log |",
		"| coordd | 0, 0 | 1, 3 | - | - | - | 2, 4 | 6 of 7 |", "| etcd | 0, 0 | - | 0, 0 | skipped | - | 0, 0 | no log to read |",
		"| redlock | 0, 0 | 0, 1 | - | - | 0, 0 | no tokens | no log to read |",
	} {
		if !strings.Contains(summary, line+"\n") {
			t.Errorf("the summary lacks %s:\n%s", line, summary)
		}
	}

	// Another run in one of them, or another number, is noticed.
	path := filepath.Join(root, SummaryDocument)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{{"0123456789", "9876543210"}, {"| 1, 3 |", "| 0, 3 |"}} {
		if err := os.WriteFile(path, []byte(strings.Replace(string(good), change[0], change[1], 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		if sameComparison(t, root) == nil {
			t.Errorf("%s became %s in one document, and nobody noticed", change[0], change[1])
		}
	}
}

// parseTable reads rows from a table that Table wrote, as far as it has them.
func parseTable(text string) (rows []Row, err error) {
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if len(cells) != tableColumns || cells[0] == "system" || cells[0] == "---" {
			continue
		}
		row, err := parseRow(cells)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", strings.TrimSpace(line), err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func parseRow(cells []string) (Row, error) {
	row := Row{System: cells[0], Fault: cells[1]}
	if cells[2] == skippedCell {
		row.Skipped = skippedCell
		return row, nil
	}
	row.HasTokens = cells[6] != noTokens
	for i, number := range []*int{&row.Rounds, &row.Holds, &row.Overlaps, &row.Unguarded, &row.Refused, &row.Accepted, &row.Fooled} {
		var err error
		if cells[i+2] == noTokens {
			continue
		}
		if *number, err = strconv.Atoi(cells[i+2]); err != nil {
			return row, err
		}
	}
	switch last := cells[tableColumns-1]; last {
	case noLog:
	case unknownLog:
		row.Log = &LogFindings{Problem: unknownLog}
	default:
		row.Log = &LogFindings{}
		if _, err := fmt.Sscanf(last, "%d of %d", &row.Log.Total, &row.Log.Holds); err != nil {
			return row, err
		}
	}
	return row, nil
}

func TestATableCanBeReadAgain(t *testing.T) {
	var table strings.Builder
	want := shown()
	if err := Table(&table, want); err != nil {
		t.Fatal(err)
	}
	got, err := parseTable(table.String())
	for i := range want {
		if want[i].Skipped != "" {
			want[i].Skipped, want[i].HasTokens = skippedCell, false
		}
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\ngot %+v\nwant %+v", err, got, want)
	}
}
