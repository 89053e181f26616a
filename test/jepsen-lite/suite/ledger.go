package suite

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/run"
)

// Entry is one line of a ledger.
type Entry struct {
	Suite   string        `json:"suite"`
	Run     string        `json:"run"`
	Verdict check.Verdict `json:"verdict"`
	// Faults says how often each nemesis worked, and Failed how often it ended with an error, as one does that sees a promise broken.
	Faults   map[string]int `json:"faults,omitempty"`
	Failed   map[string]int `json:"failed,omitempty"`
	Nodes    int            `json:"nodes"`
	Seed     uint64         `json:"seed"`
	Commit   string         `json:"commit"`
	Date     time.Time      `json:"date"`
	Seconds  float64        `json:"seconds"`
	Seen     int            `json:"seen"` // what the checkers looked at
	Skipped  []string       `json:"skipped,omitempty"`
	Problems []string       `json:"problems,omitempty"`
	Command  string         `json:"command"`
	FoundBy  []string       `json:"found_by,omitempty"` // the checkers that found a planted bug
}

// Take adds what a run came to.
func (e *Entry) Take(verdict *run.Verdict) {
	e.Verdict, e.Skipped, e.Problems = verdict.Verdict, verdict.Skipped, verdict.Problems
	if onlySkipped(verdict) {
		e.Verdict = check.Skipped
	}
	e.Faults, e.Failed = map[string]int{}, map[string]int{}
	for _, fault := range verdict.Faults {
		if fault.Error == "" {
			e.Faults[fault.Name]++
		} else {
			e.Failed[fault.Name]++
		}
	}
	for _, result := range verdict.Results {
		e.Seen += result.Seen
	}
}

// onlySkipped reports that nothing of what a run was for could be done here, and that nothing else keeps it from being valid. That is told and counted as skipped, and is no failure of the suite.
func onlySkipped(verdict *run.Verdict) bool {
	doubts := func(result check.Result) bool {
		return result.Verdict == check.Unknown || result.Verdict == check.Invalid
	}
	return verdict.Verdict == check.Unknown && len(verdict.Skipped) > 0 && len(verdict.Faults) == 0 && len(verdict.Problems) == 0 && !slices.ContainsFunc(verdict.Results, doubts)
}

// ReadLedger reads a ledger; one that is not there is empty.
func ReadLedger(path string) ([]Entry, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var entries []Entry
	scanner := bufio.NewScanner(file)
	scanner.Buffer(make([]byte, 64<<10), 1<<20)
	for scanner.Scan() {
		var entry Entry
		if err := json.Unmarshal(scanner.Bytes(), &entry); err != nil {
			return nil, fmt.Errorf("line %d of the ledger %s: %w", len(entries)+1, path, err)
		}
		entries = append(entries, entry)
	}
	return entries, scanner.Err()
}

// Append adds a line to a ledger.
func Append(path string, entry Entry) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	line, err := json.Marshal(entry)
	if err == nil {
		_, err = file.Write(append(line, '\n'))
	}
	return errors.Join(err, file.Close())
}

// Done are the runs of a suite that a ledger has as valid, for that commit. One in which a nemesis was skipped is not done: another host, or this one with what was missing, may show more.
func Done(entries []Entry, suite, commit string) map[string]bool {
	done := map[string]bool{}
	for _, entry := range entries {
		if entry.Suite == suite && entry.Commit == commit && entry.Verdict == check.Valid && len(entry.Skipped) == 0 {
			done[entry.Run] = true
		}
	}
	return done
}
