package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ledger remembers which seeds were played with which build, one line of JSON each. Only valid ones count as played; the others are played again.
type ledger struct {
	file *os.File
	done map[uint64]bool // seeds that were valid with this build
	all  int             // valid plays of any build
}

// line is one play.
type line struct {
	Build       string `json:"build"`
	Commit      string `json:"commit"`
	Seed        uint64 `json:"seed"`
	Verdict     string `json:"verdict"`
	Fingerprint string `json:"fingerprint"`
	TookMs      int64  `json:"took_ms"`
}

// openLedger reads a ledger, and opens it for more.
func openLedger(path, build string) (*ledger, error) {
	l := &ledger{done: make(map[uint64]bool)}
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
			l.done[one.Seed] = true
		}
	}
	return lines.Err()
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
	}
	return nil
}

func (l *ledger) close() { _ = l.file.Close() }
