package committed

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
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
	Replayed *bool `json:"replayed"`
	// Committed is true, or another word where the node's log does not tell.
	Committed json.RawMessage   `json:"committed"`
	Commands  []json.RawMessage `json:"commands"`
	Events    []Event           `json:"events"`

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
		entry, err := parse(text)
		if err != nil {
			return nil, fmt.Errorf("line %d of the log is no entry: %w: %.200s", len(entries)+1, err, text)
		}
		entries = append(entries, entry)
	}
	return entries, scanner.Err()
}

// parse reads one line.
func parse(text []byte) (Entry, error) {
	var entry Entry
	if err := json.Unmarshal(text, &entry); err != nil {
		return entry, err
	}
	// What a node knows about an entry is not part of the entry.
	var whole map[string]json.RawMessage
	if err := json.Unmarshal(text, &whole); err != nil {
		return entry, err
	}
	delete(whole, "committed")
	delete(whole, "replayed")
	canonical, err := json.Marshal(whole)
	entry.digest = sha256.Sum256(canonical)
	return entry, err
}

// names says that a command of the entry has the value as an argument.
func (e Entry) names(value string) bool {
	quoted, err := json.Marshal(value)
	return err == nil && value != "" && slices.ContainsFunc(e.Commands, func(command json.RawMessage) bool { return bytes.Contains(command, quoted) })
}

// certain says that the node knows the entry to be committed. A line that does
// not say anything about it counts as certain.
func (e Entry) certain() bool {
	text := string(e.Committed)
	return text == "" || text == "true"
}

// SameHistory checks that the logs of all nodes agree on every entry that two
// of them know to be committed, and returns how many entries that were. The
// end of a log that was never committed may differ.
func SameHistory(logs map[string][]Entry) (compared int, violations []string) {
	type seen struct {
		node  string
		entry Entry
	}
	first := map[uint64]seen{}
	for _, node := range slices.Sorted(maps.Keys(logs)) {
		for _, entry := range logs[node] {
			if !entry.certain() {
				continue
			}
			other, known := first[entry.Index]
			if !known {
				first[entry.Index] = seen{node, entry}
				continue
			}
			compared++
			if other.entry.Term != entry.Term || other.entry.digest != entry.digest {
				violations = append(violations, fmt.Sprintf(
					"entry %d is of term %d on %s and of term %d on %s, or differs in its content",
					entry.Index, other.entry.Term, other.node, entry.Term, node))
			}
		}
	}
	return compared, violations
}
