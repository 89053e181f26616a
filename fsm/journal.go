package fsm

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"github.com/coordd/coordd/fsm/internal/canonical"
)

// journal sees every change of the state. It chains a hash over the changes, so that two machines that ever differed keep differing visibly (safety
// case S36), and remembers how to take back what the running command did. The hash covers state only, never reply texts, which may differ between builds.
type journal struct {
	chain     uint64
	recording bool
	steps     []func()
	scratch   []byte
}

// changed chains one change: which table, whether a row was put or removed, and the row.
func (j *journal) changed(table byte, put bool, code func(*canonical.Coder)) {
	c := canonical.Coder{Writing: true, Bytes: binary.LittleEndian.AppendUint64(j.scratch[:0], j.chain)}
	c.Byte(&table, 255)
	c.Bool(&put)
	code(&c)
	j.chain = xxhash.Sum64(c.Bytes)
	j.scratch = c.Bytes
}

// scalar chains a change of a value that stands outside the tables.
func (j *journal) scalar(values ...uint64) {
	buffer := binary.LittleEndian.AppendUint64(j.scratch[:0], j.chain)
	for _, value := range values {
		buffer = binary.LittleEndian.AppendUint64(buffer, value)
	}
	j.chain = xxhash.Sum64(buffer)
	j.scratch = buffer
}

// undo remembers one step back, while recording.
func (j *journal) undo(step func()) {
	if j.recording {
		j.steps = append(j.steps, step)
	}
}

// begin starts recording steps back.
func (j *journal) begin() {
	clear(j.steps)
	j.steps, j.recording = j.steps[:0], true
}

// keep ends recording and leaves the changes.
func (j *journal) keep() { j.recording = false }

// rollBack ends recording and takes every change back, newest first. The hash chain keeps both directions: every machine rolls back alike.
func (j *journal) rollBack() {
	j.recording = false
	for i := len(j.steps) - 1; i >= 0; i-- {
		j.steps[i]()
	}
	j.scalar(uint64(len(j.steps)))
}
