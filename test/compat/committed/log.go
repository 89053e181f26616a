package committed

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
)

// Types of an event.
const (
	Began = "began"
	Ended = "ended"
)

// Event is the begin or the end of one hold.
type Event struct {
	Type     string `json:"type"`
	Name     string `json:"name"`
	Database int    `json:"database"`
	Token    int64  `json:"token"`
	Holder   string `json:"holder"`
	Reason   string `json:"reason"`
}

// Entry is one committed log entry.
type Entry struct {
	Index uint64 `json:"index"`
	Term  uint64 `json:"term"`
	NowMS int64  `json:"now_ms"`
	// Replayed is false for an entry of which only the bytes are known, because
	// it lies before the oldest state that was kept.
	Replayed *bool             `json:"replayed"`
	Commands []json.RawMessage `json:"commands"`
	Events   []Event           `json:"events"`

	digest [32]byte
}

const maxLine = 64 << 20

// Read reads the JSON lines of a log.
func Read(r io.Reader) ([]Entry, error) {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(make([]byte, 1<<20), maxLine)
	var entries []Entry
	for scanner.Scan() {
		text := bytes.TrimSpace(scanner.Bytes())
		if len(text) == 0 {
			continue
		}
		var entry Entry
		if err := json.Unmarshal(text, &entry); err != nil {
			return nil, fmt.Errorf("line %d of the log is no entry: %w: %.200s", len(entries)+1, err, text)
		}
		entry.digest = sha256.Sum256(text)
		entries = append(entries, entry)
	}
	return entries, scanner.Err()
}

// SameHistory checks that the logs of all nodes agree wherever two of them
// have the same entry, up to and including the given index.
func SameHistory(logs map[string][]Entry, upTo uint64) []string {
	type seen struct {
		node   string
		term   uint64
		digest [32]byte
	}
	var violations []string
	first := map[uint64]seen{}
	for node, log := range logs {
		for _, entry := range log {
			if entry.Index > upTo {
				break
			}
			other, known := first[entry.Index]
			if !known {
				first[entry.Index] = seen{node, entry.Term, entry.digest}
				continue
			}
			if other.term != entry.Term || other.digest != entry.digest {
				violations = append(violations, fmt.Sprintf(
					"entry %d is of term %d on %s and of term %d on %s, or differs in its content",
					entry.Index, other.term, other.node, entry.Term, node))
			}
		}
	}
	return violations
}
