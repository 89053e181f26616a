package inspect

import (
	"errors"
	"fmt"

	"github.com/hashicorp/raft"

	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
)

// Record is one log entry as inspect tells it. Its JSON form is specified in docs/inspect.md.
type Record struct {
	Index uint64 `json:"index"`
	Term  uint64 `json:"term"`
	// Type is command, configuration, noop or barrier.
	Type string `json:"type"`
	// NowMs is the replicated instant after the entry; for one that was not replayed, the stamp that it carries.
	NowMs command.Instant `json:"now_ms"`
	// Committed is true, or the word "unknown": a log does not say how far it was committed, only what later entries rest on.
	Committed any `json:"committed"`
	// Replayed says that the machine ran the entry; otherwise it lies before the snapshot that the replay began with, and replies and events are not known.
	Replayed bool `json:"replayed"`
	// TermMatched is false for an entry that was sealed in another term than Raft gave it: nothing of it was run, by any node.
	TermMatched bool        `json:"term_matched"`
	Commands    []Fields    `json:"commands"`
	Events      []Fields    `json:"events"`
	Pools       []Fields    `json:"pools,omitempty"`   // partitions of pools that have another owner, token or state after the entry
	Servers     []ServerRow `json:"servers,omitempty"` // of a configuration
	Error       string      `json:"error,omitempty"`   // the entry's bytes are malformed
}

// ServerRow is a server of a configuration.
type ServerRow struct {
	NodeID      string `json:"node_id"`
	PeerAddress string `json:"peer_address"`
	Voter       bool   `json:"voter"`
}

// unknown stands where a log does not say whether an entry is committed.
const unknown = "unknown"

// Replay gives every entry of the log to yield, in order. It runs them through a machine that starts empty when the log is whole, and with the newest
// snapshot when its beginning was compacted away.
func (d *Directory) Replay(yield func(Record) error) error {
	first, last, err := d.reader.Bounds()
	if err != nil {
		return fmt.Errorf("the bounds of the log cannot be read: %w", err)
	}
	if last == 0 {
		return nil
	}
	machine, begin := fsm.New(), uint64(0)
	if first > 1 {
		if machine, err = d.RestoreNewest(); err != nil {
			return fmt.Errorf("the log begins at index %d, so what came before must be in a snapshot: %w", first, err)
		}
		meta, _ := d.Newest()
		begin = meta.Index
	}
	pools := followPools(machine)
	committed, err := d.committedUpTo(first, last)
	if err != nil {
		return err
	}
	for index := first; index <= last; index++ {
		entry, err := d.reader.Entry(index)
		if err != nil {
			return fmt.Errorf("entry %d cannot be read: %w", index, err)
		}
		record, err := tell(machine, pools, entry, index > begin)
		if err != nil {
			return err
		}
		record.Committed = unknown
		if index <= committed {
			record.Committed = true
		}
		if err := yield(record); err != nil {
			return err
		}
	}
	return nil
}

// committedUpTo is the highest index that is certainly committed. A snapshot holds committed entries only; and a leader puts the hash of a state
// into a tick only after its machine has run all that led to it.
func (d *Directory) committedUpTo(first, last uint64) (uint64, error) {
	var highest uint64
	if meta, found := d.Newest(); found {
		highest = meta.Index
	}
	for index := first; index <= last; index++ {
		entry, err := d.reader.Entry(index)
		if err != nil {
			return 0, fmt.Errorf("entry %d cannot be read: %w", index, err)
		}
		if entry.Type != raft.LogCommand {
			continue
		}
		decoded, err := command.DecodeEntry(entry.Data)
		if err != nil {
			continue // told when its turn comes
		}
		for _, c := range decoded.Commands {
			if tick, ok := c.Op.(command.Tick); ok {
				highest = max(highest, tick.HashIndex)
			}
		}
	}
	return highest, nil
}

// tell describes an entry and, where the machine has not run it yet, runs it.
func tell(machine *fsm.Machine, pools *poolChanges, entry *raft.Log, ahead bool) (Record, error) {
	record := Record{Index: entry.Index, Term: entry.Term, TermMatched: true, Commands: []Fields{}, Events: []Fields{}, NowMs: machine.Now()}
	switch entry.Type {
	case raft.LogCommand:
		record.Type = "command"
		return record, tellCommands(&record, machine, pools, entry, ahead)
	case raft.LogConfiguration:
		record.Type = "configuration"
		record.Servers = servers(raft.DecodeConfiguration(entry.Data))
	case raft.LogNoop:
		record.Type = "noop"
	case raft.LogBarrier:
		record.Type = "barrier"
	default:
		record.Type = "other"
	}
	record.Replayed = ahead
	return record, nil
}

func tellCommands(record *Record, machine *fsm.Machine, pools *poolChanges, entry *raft.Log, ahead bool) error {
	decoded, err := command.DecodeEntry(entry.Data)
	var newer *command.UnknownFormatError
	switch {
	case errors.As(err, &newer):
		return fmt.Errorf("entry %d: %w", entry.Index, err)
	case err != nil:
		record.Error = err.Error()
	}
	for _, c := range decoded.Commands {
		fields := Describe(c.Op)
		if request := requestText(c.Request); request != "" {
			fields = append(fields, Field{"request", request})
		}
		record.Commands = append(record.Commands, fields)
	}
	if !ahead {
		record.NowMs = decoded.Now
		record.TermMatched = decoded.Term == entry.Term
		return nil
	}
	applied := machine.Apply(entry.Index, entry.Term, entry.Data)
	if applied.Fatal != nil {
		return fmt.Errorf("entry %d cannot be replayed: %w", entry.Index, applied.Fatal)
	}
	record.Replayed, record.NowMs, record.TermMatched = true, applied.Now, applied.TermMatched
	for i := range min(len(applied.Replies), len(record.Commands)) {
		record.Commands[i] = append(record.Commands[i], Field{"reply", ReplyValue(applied.Replies[i])})
	}
	for _, event := range applied.Events {
		record.Events = append(record.Events, EventValue(event))
	}
	record.Pools = pools.after(applied.Events)
	return nil
}

func servers(configuration raft.Configuration) []ServerRow {
	rows := make([]ServerRow, len(configuration.Servers))
	for i, server := range configuration.Servers {
		rows[i] = ServerRow{string(server.ID), string(server.Address), server.Suffrage == raft.Voter}
	}
	return rows
}
