package raftnode

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coordd/coordd/fsm/command"
)

func keyed(key string) command.Name { return command.Name{Key: key} }

func setOp(key string) command.Op { return command.Set{Name: keyed(key), Value: []byte("v")} }

func setAbsent(key string) command.Op {
	return command.Set{Name: keyed(key), Value: []byte("v"), Condition: command.IfAbsent}
}

func deleteOp(key string) command.Op { return command.Delete{Names: []command.Name{keyed(key)}} }

// laneParcel is what one lane of node session 1-0 brings.
func laneParcel(lane uint64, ops ...command.Op) *parcel {
	commands := make([]command.Command, len(ops))
	for i, op := range ops {
		commands[i] = command.Command{Request: command.Request{Session: command.SessionID{Index: 1}, Number: lane*1000 + uint64(i) + 1}, Lane: lane, Op: op}
	}
	return newParcel(commands, false, func(result) {})
}

// packed offers parcels to a new entry and tells how many commands of each were taken.
func packed(parcels ...*parcel) (taken []int, p *packer) {
	p = newPacker(nil, 0, 0)
	for _, one := range parcels {
		taken = append(taken, p.offer(one))
	}
	return taken, p
}

func TestS07_ProposerOpensANewEntryWhereANameWouldGetTwoOwners(t *testing.T) {
	longKeys := []command.Name{keyed("a"), keyed("b")}
	cases := []struct {
		name    string
		parcels []*parcel
		want    []int
	}{
		{"failing SET NX on one key share", []*parcel{laneParcel(1, setAbsent("k")), laneParcel(2, setAbsent("k")), laneParcel(3, setAbsent("k"))}, []int{1, 1, 1}},
		{"acquires share", []*parcel{laneParcel(1, command.LockAcquire{Name: "k"}), laneParcel(2, command.LockAcquire{Name: "k"})}, []int{1, 1}},
		{"an overwrite of a written key waits", []*parcel{laneParcel(1, setAbsent("k")), laneParcel(2, setOp("k")), laneParcel(3, setOp("other"))}, []int{1, 0, 1}},
		{"a delete of a written key waits", []*parcel{laneParcel(1, setOp("k")), laneParcel(2, deleteOp("k"))}, []int{1, 0}},
		{"a delete first, then a taker", []*parcel{laneParcel(1, deleteOp("k")), laneParcel(2, setAbsent("k"))}, []int{1, 1}},
		{"compare-and-delete shares", []*parcel{laneParcel(1, setAbsent("k")), laneParcel(2, command.DeleteIf{Name: keyed("k"), Condition: command.IfEqual})}, []int{1, 1}},
		{"the rest of a lane waits with its overwrite", []*parcel{laneParcel(1, setAbsent("k"), setOp("k"), setAbsent("x"))}, []int{1}},
		{"a multi-key overwrite waits for any of its keys", []*parcel{laneParcel(1, setOp("b")), laneParcel(2, command.Delete{Names: longKeys})}, []int{1, 0}},
		{"databases are apart", []*parcel{laneParcel(1, setOp("k")), laneParcel(2, command.Set{Name: command.Name{Database: 1, Key: "k"}})}, []int{1, 1}},
		{"a script with keys waits as an overwrite", []*parcel{laneParcel(1, setAbsent("k")), laneParcel(2, command.Script{Keys: [][]byte{[]byte("k")}})}, []int{1, 0}},
		{"a script without keys shares with nobody", []*parcel{laneParcel(1, setAbsent("k")), laneParcel(2, command.Script{})}, []int{1, 0}},
		{"nobody joins a script without keys", []*parcel{laneParcel(1, command.Script{}), laneParcel(2, setAbsent("k"))}, []int{1, 0}},
		{"a script that only reads shares", []*parcel{laneParcel(1, setAbsent("k")), laneParcel(2, command.Script{ReadsOnly: true})}, []int{1, 1}},
		{"a transaction counts for what is in it", []*parcel{laneParcel(1, setAbsent("k")), laneParcel(2, command.Transaction{Ops: []command.Op{get("x"), deleteOp("k")}})}, []int{1, 0}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if taken, _ := packed(c.parcels...); fmt.Sprint(taken) != fmt.Sprint(c.want) {
				t.Errorf("taken %v, want %v", taken, c.want)
			}
		})
	}
}

func get(key string) command.Op { return command.Get{Name: keyed(key)} }

func TestS07_CommandsThatEndSessionsComeLast(t *testing.T) {
	closing := command.SessionClose{Session: command.SessionID{Index: 7}}
	_, p := packed(laneParcel(1, setAbsent("a"), closing, setAbsent("after")), laneParcel(2, setAbsent("b")))
	var kinds []string
	for _, s := range p.chosen() {
		kinds = append(kinds, fmt.Sprintf("%T", s.parcel.commands[s.index].Op))
	}
	if got := strings.Join(kinds, " "); got != "command.Set command.Set command.SessionClose" {
		t.Errorf("the order is %s", got)
	}
}

func TestS07_ALaneIsNeverInTwoEntriesInFlight(t *testing.T) {
	busy := map[laneKey]struct{}{{command.SessionID{Index: 1}, 1}: {}}
	p := newPacker(busy, 0, 0)
	if taken := p.offer(laneParcel(1, setAbsent("a"))); taken != 0 {
		t.Errorf("a busy lane got %d commands into a further entry", taken)
	}
	if taken := p.offer(laneParcel(2, setAbsent("a"))); taken != 1 {
		t.Errorf("another lane got %d", taken)
	}
	if taken := p.offer(laneParcel(2, setAbsent("b"))); taken != 0 {
		t.Errorf("a second copy of a lane's commands got %d into the same entry", taken)
	}
}

func TestEntriesKeepTheirLimits(t *testing.T) {
	var many []*parcel
	for lane := range 5000 {
		many = append(many, laneParcel(uint64(lane+1), get("k")))
	}
	_, p := packed(many...)
	if p.len() != command.MaxCommandsPerEntry {
		t.Errorf("an entry took %d commands", p.len())
	}
	large := command.Set{Name: keyed("k"), Value: make([]byte, command.MaxValueBytes)}
	_, p = packed(laneParcel(1, large), laneParcel(2, command.Set{Name: keyed("l"), Value: large.Value}), laneParcel(3, command.Set{Name: keyed("m"), Value: large.Value}), laneParcel(4, command.Set{Name: keyed("n"), Value: large.Value}))
	var commands []command.Command
	for _, s := range p.chosen() {
		commands = append(commands, s.parcel.commands[s.index])
	}
	if size := len(command.AppendEntry(nil, command.Entry{Term: 1 << 60, Now: 1 << 60, Commands: commands})); size > command.MaxEntryBytes || len(commands) != 3 {
		t.Errorf("an entry of %d commands has %d bytes", len(commands), size)
	}
}
