package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// ledger remembers which seeds were played with which build, one line of JSON each. Only valid ones count as played; the others are played again.
type ledger struct {
	file *os.File
	done map[uint64]bool // seeds that were valid with this build
	all  int             // valid plays of any build
	// faults and simulated sum up what those of this build were.
	faults    map[string]int
	simulated time.Duration
}

// line is one play.
type line struct {
	Build       string `json:"build"`
	Commit      string `json:"commit"`
	Seed        uint64 `json:"seed"`
	Verdict     string `json:"verdict"`
	Fingerprint string `json:"fingerprint"`
	TookMs      int64  `json:"took_ms"`
	SimulatedMs int64  `json:"simulated_ms"`
	// Faults says how often each kind of fault was injected.
	Faults map[string]int `json:"faults,omitempty"`
}

// openLedger reads a ledger, and opens it for more.
func openLedger(path, build string) (*ledger, error) {
	l := &ledger{done: make(map[uint64]bool), faults: make(map[string]int)}
	if err := l.read(path, build); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of the ledger: %w", err)
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the ledger: %w", err)
	}
	l.file = file
	return l, nil
}

func (l *ledger) read(path, build string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var one line
		if json.Unmarshal(lines.Bytes(), &one) != nil || one.Verdict != "valid" {
			continue // a line that was cut off when a run was killed says nothing
		}
		l.all++
		if one.Build == build {
			l.add(one)
		}
	}
	return lines.Err()
}

// add counts a valid play of this build, once for each seed.
func (l *ledger) add(one line) {
	if l.done[one.Seed] {
		return
	}
	l.done[one.Seed] = true
	l.simulated += time.Duration(one.SimulatedMs) * time.Millisecond
	for name, count := range one.Faults {
		l.faults[name] += count
	}
}

// note adds a play.
func (l *ledger) note(one line) error {
	text, err := json.Marshal(one)
	if err != nil {
		return err
	}
	if _, err := l.file.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("write the ledger: %w", err)
	}
	if one.Verdict == "valid" {
		l.all++
		l.add(one)
	}
	return nil
}

func (l *ledger) close() { _ = l.file.Close() }
