package transport

import (
	"slices"
	"testing"

	"github.com/coordd/coordd/fsm/command"
)

// The table is searched in order of the codes, so a missing or misplaced row would give an error no retry rule, or that of another.
func TestEveryCodeHasItsRow(t *testing.T) {
	codes := command.Codes()
	if len(Outcomes) != len(codes) {
		t.Fatalf("%d rows for %d codes", len(Outcomes), len(codes))
	}
	for i, row := range Outcomes {
		if row.Code != codes[i] {
			t.Errorf("row %d is for code %d", i, row.Code)
		}
	}
}

// What only HTTP says is judged by the same rules as what has a code.
func TestEveryRowIsWhole(t *testing.T) {
	names := map[string]bool{}
	for i, row := range slices.Concat(Outcomes, HTTPOutcomes) {
		if row.Name == "" || names[row.Name] || row.Meaning == "" || row.Status == 0 || row.Retry == "" {
			t.Errorf("row %d is incomplete or its name is taken: %+v", i, row)
		}
		names[row.Name] = true
		if row.Definite == (row.Retry == RetryIdentical) {
			t.Errorf("%s: exactly the indefinite outcomes may only be retried as the same request", row.Name)
		}
	}
}
