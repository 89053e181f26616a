package canonical

import "encoding/binary"

// Coder writes or reads fields. A writing Coder leaves the values alone, so that many may write the same ones at once. A reading Coder that meets bytes
// which are not canonical sets Failed, and reads zeros from then on.
type Coder struct {
	Writing bool
	Bytes   []byte // written so far, or still to be read
	Failed  bool
}

// Fail marks the input as not canonical.
func (c *Coder) Fail() { c.Failed, c.Bytes = true, nil }

// Uint codes an unsigned number.
func (c *Coder) Uint(v *uint64) {
	if c.Writing {
		c.Bytes = binary.AppendUvarint(c.Bytes, *v)
		return
	}
	*v = 0
	value, size := binary.Uvarint(c.Bytes)
	// A longer spelling of the same number would give two encodings of one value.
	if size <= 0 || (size > 1 && c.Bytes[size-1] == 0) {
		c.Fail()
		return
	}
	*v, c.Bytes = value, c.Bytes[size:]
}

// Int codes a signed number.
func (c *Coder) Int(v *int64) {
	u := uint64(*v)<<1 ^ uint64(*v>>63)
	c.Uint(&u)
	if c.Writing {
		return
	}
	*v = int64(u>>1) ^ -int64(u&1)
}

// Uint32 codes a number below 2^32.
func (c *Coder) Uint32(v *uint32) {
	u := uint64(*v)
	c.Uint(&u)
	if c.Writing {
		return
	}
	if u > 1<<32-1 {
		c.Fail()
		u = 0
	}
	*v = uint32(u)
}

// Byte codes one byte of at most max.
func (c *Coder) Byte(v *byte, max byte) {
	if c.Writing {
		c.Bytes = append(c.Bytes, *v)
		return
	}
	*v = 0
	if len(c.Bytes) == 0 || c.Bytes[0] > max {
		c.Fail()
		return
	}
	*v, c.Bytes = c.Bytes[0], c.Bytes[1:]
}

// Bool codes a truth value.
func (c *Coder) Bool(v *bool) {
	var b byte
	if *v {
		b = 1
	}
	c.Byte(&b, 1)
	if !c.Writing {
		*v = b == 1
	}
}

// Data codes a byte string. What is read shares memory with the input.
func (c *Coder) Data(v *[]byte) {
	size := uint64(len(*v))
	c.Uint(&size)
	if c.Writing {
		c.Bytes = append(c.Bytes, *v...)
		return
	}
	*v = nil
	if size > uint64(len(c.Bytes)) {
		c.Fail()
		return
	}
	if size > 0 {
		*v = c.Bytes[:size:size]
	}
	c.Bytes = c.Bytes[size:]
}

// Text codes a string.
func (c *Coder) Text(v *string) {
	if c.Writing {
		size := uint64(len(*v))
		c.Uint(&size)
		c.Bytes = append(c.Bytes, *v...)
		return
	}
	var data []byte
	c.Data(&data)
	*v = string(data)
}

// Hash codes 32 bytes.
func (c *Coder) Hash(v *[32]byte) {
	if c.Writing {
		c.Bytes = append(c.Bytes, v[:]...)
		return
	}
	if len(c.Bytes) < len(v) {
		c.Fail()
		return
	}
	copy(v[:], c.Bytes)
	c.Bytes = c.Bytes[len(v):]
}

// Count codes the length of a list. Each element takes at least one byte, so a hostile count cannot make the reader allocate more than it was sent.
func (c *Coder) Count(n int) int {
	size := uint64(n)
	c.Uint(&size)
	if !c.Writing && size > uint64(len(c.Bytes)) {
		c.Fail()
		return 0
	}
	return int(size)
}

// Lister is a Coder, or a type that embeds one.
type Lister interface {
	Count(n int) int
	IsWriting() bool
	HasFailed() bool
}

// IsWriting reports the direction.
func (c *Coder) IsWriting() bool { return c.Writing }

// HasFailed reports whether the input turned out not to be canonical.
func (c *Coder) HasFailed() bool { return c.Failed }

// List codes a slice with the given coding of one element.
func List[C Lister, T any](c C, items *[]T, element func(C, *T)) {
	n := c.Count(len(*items))
	if !c.IsWriting() {
		*items = nil
		if n > 0 {
			*items = make([]T, n)
		}
	}
	for i := range *items {
		if c.HasFailed() {
			return
		}
		element(c, &(*items)[i])
	}
}
