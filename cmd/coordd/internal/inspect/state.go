package inspect

import (
	"fmt"

	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
)

// Summary is the first line of a snapshot: what it is a snapshot of.
type Summary struct {
	SnapshotID    string          `json:"snapshot_id"`
	Index         uint64          `json:"index"`
	Term          uint64          `json:"term"`
	ClusterID     string          `json:"cluster_id"`
	ClusterName   string          `json:"cluster_name"`
	NowMs         command.Instant `json:"now_ms"`
	ClockOffsetMs int64           `json:"clock_offset_ms"`
	StateHash     string          `json:"state_hash"`
	Sessions      int             `json:"sessions"`
	Locks         int             `json:"locks"`
	Names         int             `json:"names"`
	Waiters       int             `json:"waiters"`
	Servers       []ServerRow     `json:"servers"`
}

// NameRow is one name of a snapshot.
type NameRow struct {
	Name        Text   `json:"name"`
	Database    uint8  `json:"database"`
	Value       Text   `json:"value"`
	Token       int64  `json:"token"`
	RemainingMs *int64 `json:"remaining_ms"` // null without a deadline
}

// Summarise tells what the newest snapshot is; machine holds its state.
func (d *Directory) Summarise(machine *fsm.Machine) Summary {
	meta, _ := d.Newest()
	id, name := machine.Identity()
	sessions, locks, names, waiters := machine.Counts()
	_, hash := machine.Hash()
	return Summary{
		SnapshotID: meta.ID, Index: meta.Index, Term: meta.Term, ClusterID: id, ClusterName: name, NowMs: machine.Now(), ClockOffsetMs: machine.ClockOffset(),
		StateHash: fmt.Sprintf("%016x", hash), Sessions: sessions, Locks: locks, Names: names, Waiters: waiters, Servers: servers(meta.Configuration),
	}
}

// Names gives every name of a machine's state to yield, by database and in order of their bytes.
func Names(machine *fsm.Machine, yield func(NameRow) error) error {
	for database := range uint8(command.MaxDatabases) {
		var cursor uint64
		for {
			found, err := read(machine, command.Scan{Database: database, Cursor: cursor, Count: command.MaxScanCount})
			if err != nil {
				return err
			}
			if err := eachName(machine, database, found[0].Elements[1].Elements, yield); err != nil {
				return err
			}
			if cursor, err = cursorOf(found[0].Elements[0]); err != nil {
				return err
			}
			if cursor == 0 {
				break
			}
		}
	}
	return nil
}

func eachName(machine *fsm.Machine, database uint8, keys []command.Reply, yield func(NameRow) error) error {
	for _, key := range keys {
		name := command.Name{Database: database, Key: string(key.Text)}
		replies, err := read(machine, command.Get{Name: name}, command.Fence{Name: name}, command.TimeToLive{Name: name, Form: command.RemainingMilliseconds})
		if err != nil {
			return err
		}
		row := NameRow{Name: Text(key.Text), Database: database, Value: Text(replies[0].Text), Token: replies[1].Integer}
		if remaining := replies[2].Integer; remaining >= 0 {
			row.RemainingMs = &remaining
		}
		if err := yield(row); err != nil {
			return err
		}
	}
	return nil
}

// read asks a machine whose state stands still, so no deadline can be waited for.
func read(machine *fsm.Machine, ops ...command.Op) ([]command.Reply, error) {
	replies, wait := machine.Read(machine.Now(), ops)
	if wait != 0 {
		return nil, fmt.Errorf("the state has a deadline at %d ms that its own clock, %d ms, has passed", wait, machine.Now())
	}
	for _, reply := range replies {
		if reply.IsError() {
			return nil, fmt.Errorf("the state cannot be read: %s", reply.Text)
		}
	}
	return replies, nil
}

func cursorOf(reply command.Reply) (uint64, error) {
	if reply.Type == command.ReplyInteger {
		return uint64(reply.Integer), nil
	}
	var cursor uint64
	if _, err := fmt.Sscan(string(reply.Text), &cursor); err != nil {
		return 0, fmt.Errorf("%q is not a cursor: %w", reply.Text, err)
	}
	return cursor, nil
}
