package main

import (
	"os"
	"path/filepath"
	"testing"
)

// Only valid plays of the same build count as played, and a line that was cut off counts for nothing.
func TestTheLedgerLetsACampaignGoOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "folder", "ledger.jsonl")
	book, err := openLedger(path, "build-1")
	if err != nil {
		t.Fatal(err)
	}
	for seed, verdict := range map[uint64]string{1: "valid", 2: "invalid", 3: "unknown", 4: "valid"} {
		if err := book.note(line{Build: "build-1", Seed: seed, Verdict: verdict}); err != nil {
			t.Fatal(err)
		}
	}
	if err := book.note(line{Build: "build-0", Seed: 5, Verdict: "valid"}); err != nil {
		t.Fatal(err)
	}
	book.close()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteString(`{"build":"build-1","seed":6,"verd`)
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if book, err = openLedger(path, "build-1"); err != nil {
		t.Fatal(err)
	}
	defer book.close()
	for seed, want := range map[uint64]bool{1: true, 2: false, 3: false, 4: true, 5: false, 6: false} {
		if book.done[seed] != want {
			t.Errorf("seed %d counts as played: %v, want %v", seed, book.done[seed], want)
		}
	}
	if book.all != 3 {
		t.Errorf("%d valid plays of all builds, want 3", book.all)
	}
}

func TestAnUnfinishedCampaignHasNotPassed(t *testing.T) {
	for _, one := range []struct {
		tally tally
		want  int
	}{
		{tally{played: 10}, exitValid},
		{tally{played: 4, known: 6}, exitValid},
		{tally{played: 9}, exitUnknown},
		{tally{played: 10, unknown: []uint64{3}}, exitUnknown},
		{tally{played: 10, invalid: []uint64{3}, unknown: []uint64{4}}, exitInvalid},
	} {
		if got := one.tally.exit(settings{seeds: 10}); got != one.want {
			t.Errorf("%+v: exit code %d, want %d", one.tally, got, one.want)
		}
	}
}
