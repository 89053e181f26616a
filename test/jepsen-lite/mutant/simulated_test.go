package mutant

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/coordd/coordd/test/jepsen-lite/sim/stage"
)

// scripted plays seeds from a script; those that do not stand there are valid.
type scripted struct {
	mu     sync.Mutex
	script map[uint64]*stage.Result
	played []uint64
}

func (s *scripted) Play(_ context.Context, seed uint64, _ string, _ io.Writer) *stage.Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.played = append(s.played, seed)
	if result := s.script[seed]; result != nil {
		return result
	}
	return &stage.Result{Seed: seed}
}

func TestAHuntEndsWithTheFirstViolation(t *testing.T) {
	player := &scripted{script: map[uint64]*stage.Result{
		11: {Undecided: []string{"no conclusion"}},
		13: {Violations: []string{"tokens: they fell", "fifo: overtaken", "tokens: again"}},
		14: {Violations: []string{"liveness: too late to be seen"}},
	}}
	outcome := Hunt(t.Context(), player, 10, 100, 1)
	if !outcome.Caught || outcome.Seeds != 4 || outcome.Unknown != 1 || outcome.Shown != "tokens: they fell" {
		t.Errorf("the hunt came to %+v", outcome)
	}
	if !slices.Equal(outcome.By, []string{"fifo", "tokens"}) {
		t.Errorf("it was found by %v", outcome.By)
	}
	if slices.Contains(player.played, 14) {
		t.Errorf("seeds %v were played", player.played)
	}
}

func TestAHuntThatFindsNothingPlaysAllItsSeeds(t *testing.T) {
	player := &scripted{script: map[uint64]*stage.Result{3: {Undecided: []string{"no conclusion"}}}}
	outcome := Hunt(t.Context(), player, 1, 20, 3)
	slices.Sort(player.played)
	if outcome.Caught || outcome.Seeds != 20 || outcome.Unknown != 1 || len(slices.Compact(player.played)) != 20 {
		t.Errorf("the hunt came to %+v, and played %v", outcome, player.played)
	}
}

// What was not run is neither caught nor passed, and the control passes only when nothing was found.
func TestOnlyEnoughRunsPass(t *testing.T) {
	outcomes := func(caught, missed, errors int) (list []Outcome) {
		for range caught {
			list = append(list, Outcome{Caught: true, By: []string{"tokens"}})
		}
		for range missed {
			list = append(list, Outcome{})
		}
		for range errors {
			list = append(list, Outcome{Caught: true, Error: "it did not build"})
		}
		return list
	}
	for _, one := range []struct {
		name                   string
		caught, missed, errors int
		want                   bool
	}{
		{"a", 10, 0, 0, true},
		{"a", 9, 1, 0, true},
		{"a", 8, 2, 0, false},
		{"a", 9, 0, 1, false},
		{"a", 0, 0, 1, false},
		{"a", 0, 0, 0, false},
		{Control, 0, 10, 0, true},
		{Control, 1, 9, 0, false},
		{Control, 0, 0, 0, false},
	} {
		row := Row{Name: one.name, Outcomes: outcomes(one.caught, one.missed, one.errors)}
		if got := row.Passes(); got != one.want {
			t.Errorf("%+v: passes is %v", one, got)
		}
	}
	var table strings.Builder
	WriteTable(&table, []Row{{Name: "a", Tier: Simulation, About: "it is wrong", Outcomes: outcomes(9, 1, 0)}})
	if !strings.Contains(table.String(), "| a | it is wrong | simulation | 9/10 | tokens (9) |") {
		t.Errorf("the table is\n%s", table.String())
	}
}

func TestALedgerLetsAHuntGoOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	book, err := OpenLedger(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []Outcome{
		{Mutant: "a", Build: "b1", Run: 1, Seed: 7, Caught: true},
		{Mutant: "a", Build: "b1", Run: 2, Seed: 8, Error: "it did not run"},
	} {
		if err := book.Add(one); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(`{"mutant":"a","build":"b1","run":3,"se`); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if book, err = OpenLedger(path); err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct {
		mutant, build string
		run           int
		seed          uint64
		want          bool
	}{
		{"a", "b1", 1, 7, true}, {"a", "b2", 1, 7, false}, {"a", "b1", 1, 9, false}, {"b", "b1", 1, 7, false}, {"a", "b1", 2, 8, false}, {"a", "b1", 3, 0, false},
	} {
		if _, got := book.Find(one.mutant, one.build, one.run, one.seed); got != one.want {
			t.Errorf("%+v: found is %v", one, got)
		}
	}
}
