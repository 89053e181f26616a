package fsm

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"github.com/coordd/coordd/fsm/internal/canonical"
)

// journal sees every change of the tables. It keeps the sum of the hashes of all rows, and remembers how to take back what the running command did.
//
// The sum depends on what the state is and not on the way there, so a build that reaches the same state by fewer steps still agrees with the others, a command
// that is taken back leaves no trace, and a snapshot can be checked against it.
type journal struct {
	sum       uint64 // of the hashes of all rows, modulo 2^64; true after settleSum
	unsummed  []summer
	recording bool
	steps     []undoer // the tables that changed, in order, one for each change
	revision  uint64   // the newest revision given to a name
	kept      uint64   // the revision when recording began
	coder     canonical.Coder
}

// undoer takes back its newest change, or forgets how to.
type undoer interface {
	undo()
	forgetUndo()
}

// summer is a table with rows that are not part of the sum yet: hashes are computed once an entry, for what it has left behind.
type summer interface {
	addFresh(c *canonical.Coder) (sum uint64)
}

// settleSum makes the sum that of all rows.
func (j *journal) settleSum() {
	for _, table := range j.unsummed {
		j.sum += table.addFresh(&j.coder)
	}
	clear(j.unsummed)
	j.unsummed = j.unsummed[:0]
}

// begin starts recording steps back.
func (j *journal) begin() { j.recording, j.kept = true, j.revision }

// keep ends recording and leaves the changes.
func (j *journal) keep() {
	j.recording = false
	for _, table := range j.steps {
		table.forgetUndo()
	}
	clear(j.steps)
	j.steps = j.steps[:0]
}

// rollBack ends recording and takes every change back, newest first.
func (j *journal) rollBack() {
	j.recording = false
	for i := len(j.steps) - 1; i >= 0; i-- {
		j.steps[i].undo()
	}
	j.steps, j.revision = j.steps[:0], j.kept
}

// link makes the next element of the hash chain out of the last one and some numbers.
func link(chain uint64, numbers ...uint64) uint64 {
	buffer := make([]byte, 0, 128)
	buffer = binary.LittleEndian.AppendUint64(buffer, chain)
	for _, number := range numbers {
		buffer = binary.LittleEndian.AppendUint64(buffer, number)
	}
	return xxhash.Sum64(buffer)
}
