package mutant

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// Control is the name under which a ledger has runs of the unchanged build over the same seeds. They must be valid.
const Control = "(control)"

// The tiers in which a planted bug is looked for.
const (
	Simulation = "simulation"
	Processes  = "processes"
)

// Outcome is one run: the hunt for one planted bug until the first violation. It is a line of a ledger.
type Outcome struct {
	Mutant  string    `json:"mutant"`
	Tier    string    `json:"tier"`
	Run     int       `json:"run"` // from 1
	Seed    uint64    `json:"seed"`
	Caught  bool      `json:"caught"`
	By      []string  `json:"by,omitempty"` // the checkers that found it
	Seeds   int       `json:"seeds"`        // played until then, the last one included
	Seconds float64   `json:"seconds"`
	Shown   string    `json:"shown,omitempty"`   // the first violation
	Unknown int       `json:"unknown,omitempty"` // plays that came to no conclusion; they count for nothing
	Error   string    `json:"error,omitempty"`   // why there was no run: then it counts as an error, never as caught
	Build   string    `json:"build"`
	Commit  string    `json:"commit"`
	Date    time.Time `json:"date"`
	Command string    `json:"command"`
}

// Ledger remembers runs in a file of one line each, so that a hunt that was interrupted can go on.
type Ledger struct {
	path     string
	outcomes []Outcome
}

// OpenLedger reads a ledger; one that is not there is empty, and with an empty path nothing is kept. A last line that was cut off is passed over.
func OpenLedger(path string) (*Ledger, error) {
	l := &Ledger{path: path}
	if path == "" {
		return l, nil
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var one Outcome
		if json.Unmarshal(lines.Bytes(), &one) == nil {
			l.outcomes = append(l.outcomes, one)
		}
	}
	return l, lines.Err()
}

// Add adds a run.
func (l *Ledger) Add(one Outcome) error {
	l.outcomes = append(l.outcomes, one)
	if l.path == "" {
		return nil
	}
	line, err := json.Marshal(one)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("write the ledger: %w", err)
	}
	_, err = file.Write(append(line, '\n'))
	return errors.Join(err, file.Close())
}

// Find finds a run that was made with this build and from this seed on and that came to a conclusion.
func (l *Ledger) Find(mutant, build string, run int, seed uint64) (Outcome, bool) {
	for _, one := range l.outcomes {
		if one.Mutant == mutant && one.Build == build && one.Run == run && one.Seed == seed && one.Error == "" {
			return one, true
		}
	}
	return Outcome{}, false
}
