package canonical

import (
	"bytes"
	"sync"
	"testing"
)

// everything has a field for each way of coding.
type everything struct {
	u    uint64
	i    int64
	u32  uint32
	b    byte
	yes  bool
	data []byte
	text string
	hash [32]byte
	list []uint32
}

func (e *everything) code(c *Coder) {
	c.Uint(&e.u)
	c.Int(&e.i)
	c.Uint32(&e.u32)
	c.Byte(&e.b, 9)
	c.Bool(&e.yes)
	c.Data(&e.data)
	c.Text(&e.text)
	c.Hash(&e.hash)
	List(c, &e.list, (*Coder).Uint32)
}

// Snapshots are written while readers read the same rows: the race detector must have nothing to say about it.
func TestWritingLeavesTheValuesAlone(t *testing.T) {
	shared := &everything{1, -2, 3, 4, true, []byte("five"), "six", [32]byte{7}, []uint32{8, 9}}
	written := make([][]byte, 4)
	var group sync.WaitGroup
	for i := range written {
		group.Go(func() {
			c := Coder{Writing: true}
			shared.code(&c)
			written[i] = c.Bytes
		})
	}
	group.Wait()
	for _, one := range written[1:] {
		if !bytes.Equal(one, written[0]) {
			t.Errorf("%x and %x", one, written[0])
		}
	}
	var read everything
	c := Coder{Bytes: written[0]}
	read.code(&c)
	if c.Failed || len(c.Bytes) > 0 || read.i != -2 || read.u32 != 3 || !read.yes || read.text != "six" || len(read.list) != 2 || read.list[1] != 9 {
		t.Errorf("read back as %+v", read)
	}
}
