package fsm

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cespare/xxhash/v2"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/fsm/internal/canonical"
)

// SnapshotVersion is the snapshot format that this build writes. Every version ever released is read for ever.
const SnapshotVersion = 1

const (
	snapshotMagic = "coordd\x00s"
	// A row holds at most a value, a result or a script with its keys; a longer one is no row.
	maxRowBytes = 2 << 20
)

// Snapshot is the state as it was at one moment. Taking one copies nothing; it may be written while the machine goes on.
type Snapshot struct {
	header []byte
	tables []frozenTable
}

// Snapshot freezes the state in constant time.
func (m *Machine) Snapshot() *Snapshot {
	m.mu.Lock() // copying a tree marks it as shared, which is a change
	defer m.mu.Unlock()
	c := canonical.Coder{Writing: true}
	m.state.codeScalars(&c, &m.state.sum)
	snapshot := &Snapshot{header: c.Bytes}
	for _, table := range m.state.tables() {
		if frozen := table.copyForSnapshot(); frozen.id <= firstTables || frozen.rows > 0 {
			snapshot.tables = append(snapshot.tables, frozen)
		}
	}
	return snapshot
}

// firstTables are always in a snapshot. Those that came later are only when they have rows, so a state that has none is written as it was before them.
const firstTables = 12

// codeScalars codes what stands outside the tables, and the sum of the hashes of their rows, by which a reader sees that it understood them.
func (s *state) codeScalars(c *canonical.Coder, sum *uint64) {
	c.Uint(&s.index)
	c.Uint(&s.term)
	c.Int((*int64)(&s.now))
	c.Int(&s.clockOffset)
	c.Uint(&s.tokenBase)
	c.Uint(&s.revision)
	c.Uint(&s.chain)
	c.Uint(sum)
	c.Text(&s.clusterID)
	c.Text(&s.clusterName)
}

// WriteTo writes the snapshot in the format that DESIGN.md specifies: magic, version, scalars, then per table its id, its number of rows and the rows,
// each with its length; last the xxhash64 of everything before.
func (s *Snapshot) WriteTo(w io.Writer) (written int64, err error) {
	out := &hashingWriter{w: bufio.NewWriterSize(w, 64<<10), hash: xxhash.New()}
	out.write([]byte(snapshotMagic))
	out.write([]byte{SnapshotVersion})
	out.framed(s.header)
	out.uint(uint64(len(s.tables)))
	for _, table := range s.tables {
		out.write([]byte{table.id})
		out.uint(uint64(table.rows))
		table.each(func(encoded []byte) bool {
			out.framed(encoded)
			return out.err == nil
		})
	}
	sum := out.hash.Sum64()
	out.write(binary.LittleEndian.AppendUint64(nil, sum))
	if out.err == nil {
		out.err = out.w.Flush()
	}
	return out.written, out.err
}

type hashingWriter struct {
	w       *bufio.Writer
	hash    *xxhash.Digest
	written int64
	scratch [binary.MaxVarintLen64]byte
	err     error
}

func (h *hashingWriter) write(data []byte) {
	if h.err != nil {
		return
	}
	_, h.err = h.w.Write(data)
	_, _ = h.hash.Write(data)
	h.written += int64(len(data))
}

func (h *hashingWriter) uint(n uint64) { h.write(binary.AppendUvarint(h.scratch[:0], n)) }

func (h *hashingWriter) framed(data []byte) {
	h.uint(uint64(len(data)))
	h.write(data)
}

// Restore replaces the whole state by that of a snapshot. When the snapshot does not read to its end with the right hash, the machine stays as it was.
func (m *Machine) Restore(r io.Reader) error {
	restored := newState()
	if err := restored.readSnapshot(r); err != nil {
		return fmt.Errorf("the snapshot cannot be restored: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state = restored
	m.hashes = hashHistory{}
	m.hashes.add(restored.index, restored.chain)
	return nil
}

func (s *state) readSnapshot(r io.Reader) error {
	in := &hashingReader{r: bufio.NewReaderSize(r, 64<<10), hash: xxhash.New()}
	head := in.read(len(snapshotMagic) + 1)
	switch {
	case in.err != nil || string(head[:len(snapshotMagic)]) != snapshotMagic:
		return errors.New("the bytes are not a coordd snapshot")
	case head[len(snapshotMagic)] != SnapshotVersion:
		return &command.UnknownFormatError{What: fmt.Sprintf("a snapshot of format version %d", head[len(snapshotMagic)])}
	}
	c := canonical.Coder{Bytes: in.framed()}
	var rowSum uint64 // as the writer knew it; s.sum grows with the rows that are read
	s.codeScalars(&c, &rowSum)
	if in.err == nil && (c.Failed || len(c.Bytes) > 0) {
		return errors.New("its header does not decode")
	}
	if err := in.readTables(s.tables()); err != nil {
		return err
	}
	sum := in.hash.Sum64()
	tail := in.read(8)
	switch {
	case in.err != nil || binary.LittleEndian.Uint64(tail) != sum:
		return errors.New("its hash is not that of its content: it is damaged or cut short")
	case !in.atEnd():
		return errors.New("something follows its end")
	case s.sum != rowSum:
		return errors.New("its rows do not add up to what its header says: the build that wrote it means something else by them")
	}
	return nil
}

type hashingReader struct {
	r    *bufio.Reader
	hash *xxhash.Digest
	err  error
}

// readTables reads the tables of a snapshot in the order of their ids. The first are all there; of the later ones those that are missing are empty.
func (h *hashingReader) readTables(tables []anyTable) error {
	n := h.uint()
	if h.err == nil && (n < firstTables || n > 256) {
		return fmt.Errorf("it has %d tables, and every snapshot has at least %d", n, firstTables)
	}
	for i := uint64(0); i < n && h.err == nil; i++ {
		id, rows := h.read(1)[0], h.uint()
		for len(tables) > 0 && tables[0].tableID() < id && tables[0].tableID() > firstTables {
			tables = tables[1:]
		}
		switch {
		case h.err != nil:
		case len(tables) == 0 || tables[0].tableID() > id && id > firstTables:
			return &command.UnknownFormatError{What: fmt.Sprintf("a snapshot with a table of id %d", id)}
		case tables[0].tableID() != id || rows == 0 && id > firstTables:
			return fmt.Errorf("table %d is missing or out of order", tables[0].tableID())
		}
		if err := h.readTable(tables, rows); err != nil {
			return err
		}
		tables = tables[1:]
	}
	if h.err != nil {
		return errors.New("a table is missing or cut short")
	}
	return nil
}

// readTable reads the rows of the first of these tables.
func (h *hashingReader) readTable(tables []anyTable, rows uint64) error {
	for range rows {
		if h.err != nil {
			return errors.New("a table is missing or cut short")
		}
		c := canonical.Coder{Bytes: h.framed()}
		if h.err != nil || !tables[0].readRow(&c) {
			return fmt.Errorf("a row of table %d does not decode", tables[0].tableID())
		}
	}
	return nil
}

func (h *hashingReader) atEnd() bool {
	_, err := h.r.ReadByte()
	return err == io.EOF
}

// read answers n bytes of its own. What is asked for is bounded by the callers, and memory grows only with bytes that are there.
func (h *hashingReader) read(n int) []byte {
	data := make([]byte, n)
	if h.err == nil {
		_, h.err = io.ReadFull(h.r, data)
		_, _ = h.hash.Write(data)
	}
	return data
}

func (h *hashingReader) uint() uint64 {
	var text []byte
	for h.err == nil && len(text) < binary.MaxVarintLen64 {
		b := h.read(1)
		text = append(text, b[0])
		if b[0] < 0x80 {
			break
		}
	}
	n, size := binary.Uvarint(text)
	if h.err == nil && (size <= 0 || size > 1 && text[size-1] == 0) {
		h.err = errors.New("a number does not decode")
	}
	return n
}

func (h *hashingReader) framed() []byte {
	n := h.uint()
	if h.err == nil && n > maxRowBytes {
		h.err = errors.New("a row is longer than any row can be")
	}
	if h.err != nil {
		return nil
	}
	return h.read(int(n))
}
