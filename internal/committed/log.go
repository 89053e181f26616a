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
	Began         = "began"
	Ended         = "ended"
	WaiterGranted = "waiter_granted"
	WaiterGone    = "waiter_gone"
)

// Event is the begin or the end of one hold, or what became of a waiter.
type Event struct {
	Type     string `json:"type"`
	Name     string `json:"name"`
	Database int    `json:"database"`
	Token    int64  `json:"token"`
	Holder   string `json:"holder"`
	Reason   string `json:"reason"`
	// Waiter and Session are set where the event is about one. Of a native hold Waiter is the id.
	Waiter  string `json:"waiter"`
	Session string `json:"session"`
	// Pool and Worker are set where the event is about a worker pool.
	Pool   string `json:"pool"`
	Worker string `json:"worker"`
	// Mode is how a native lock is held; empty for what Redis holds.
	Mode string `json:"mode"`
	// Actor is the operator, of what one did.
	Actor string `json:"actor"`
}

// PoolChange is what an entry changed in the table of a pool.
type PoolChange struct {
	Pool        string       `json:"pool"`
	Incarnation string       `json:"incarnation"`
	Version     int64        `json:"version"`
	Partitions  []Assignment `json:"partitions"`
}

// Assignment is who owns a partition after an entry; nobody when Owner is empty.
type Assignment struct {
	Partition int    `json:"partition"`
	Owner     string `json:"owner"`
	Token     int64  `json:"token"`
	Draining  bool   `json:"draining"`
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
	// Pools are the partitions of worker pools that the entry changed.
	Pools []PoolChange `json:"pools"`

	digest [32]byte // of all that every node computes
	bare   [32]byte // of what was written, without what running it gave
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
	err := json.Unmarshal(text, &entry)
	if err != nil {
		return entry, err
	}
	// What a node knows about an entry is not part of the entry.
	var whole map[string]json.RawMessage
	if err := json.Unmarshal(text, &whole); err != nil {
		return entry, err
	}
	delete(whole, "committed")
	delete(whole, "replayed")
	if entry.digest, err = digestOf(whole); err != nil {
		return entry, err
	}
	for _, computed := range []string{"now_ms", "events", "pools", "term_matched"} {
		delete(whole, computed)
	}
	if whole["commands"], err = withoutReplies(entry.Commands); err != nil {
		return entry, err
	}
	entry.bare, err = digestOf(whole)
	return entry, err
}

func digestOf(object map[string]json.RawMessage) ([32]byte, error) {
	canonical, err := json.Marshal(object)
	return sha256.Sum256(canonical), err
}

// withoutReplies takes the replies off commands.
func withoutReplies(commands []json.RawMessage) (json.RawMessage, error) {
	bare := []map[string]json.RawMessage{}
	for _, command := range commands {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(command, &fields); err != nil {
			return nil, err
		}
		delete(fields, "reply")
		bare = append(bare, fields)
	}
	return json.Marshal(bare)
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

func (e Entry) replayed() bool { return e.Replayed == nil || *e.Replayed }

// same compares what both nodes know of one entry: of one that was not replayed only what was written.
func (e Entry) same(other Entry) bool {
	if e.replayed() && other.replayed() {
		return e.Term == other.Term && e.digest == other.digest
	}
	return e.Term == other.Term && e.bare == other.bare
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
			if !other.entry.same(entry) {
				violations = append(violations, fmt.Sprintf(
					"entry %d is of term %d on %s and of term %d on %s, or differs in its content",
					entry.Index, other.entry.Term, other.node, entry.Term, node))
			}
		}
	}
	return compared, violations
}
