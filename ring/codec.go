package ring

import (
	"encoding/binary"
	"fmt"
)

// formatVersion is the first byte of an encoded table.
const formatVersion = 1

// AppendBinary appends the table as bytes. Each table has one spelling, so equal tables give equal bytes:
//
//	version 01 | zone rule | uvarint partitions | uvarint members known |
//	each, by rising id: uvarint length, id | uvarint length, zone | uvarint weight |
//	owner of each partition: two bytes, little-endian | last owner of each: two bytes, little-endian
//
// Owners are slots; ffff is nobody. A known member of weight 0 is a former one that is somebody's last owner. The error is always nil.
func (t *Table) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, formatVersion, byte(t.zones))
	b = binary.AppendUvarint(b, t.partitions)
	b = binary.AppendUvarint(b, uint64(len(t.known)))
	for i := range t.known {
		b = appendText(b, t.known[i].ID)
		b = appendText(b, t.known[i].Zone)
		b = binary.AppendUvarint(b, uint64(t.known[i].Weight))
	}
	for _, slots := range [][]uint16{t.owners, t.last} {
		for _, slot := range slots {
			b = binary.LittleEndian.AppendUint16(b, slot)
		}
	}
	return b, nil
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// Decode reads a table that [Table.AppendBinary] wrote. It fails with [ErrMalformed] for anything else, also for another spelling of the same table.
func Decode(b []byte) (*Table, error) {
	d := &decoder{rest: b}
	if version := d.byte(); version != formatVersion && d.problem == "" {
		d.fail(fmt.Sprintf("its version is %d, this build reads %d", version, formatVersion))
	}
	t := &Table{zones: Zones(d.byte()), partitions: d.number(MaxPartitions, "partitions")}
	if t.zones > ZonesEven {
		d.fail("it has a zone rule that does not exist")
	}
	if t.partitions == 0 {
		d.fail("it has no partitions")
	}
	d.members(t, int(d.number(maxKnown, "members")))
	t.owners, t.last = d.slots(t.partitions), d.slots(t.partitions)
	if len(d.rest) > 0 {
		d.fail("it has bytes behind its end")
	}
	if d.problem == "" {
		d.refer(t)
	}
	if d.problem != "" {
		return nil, fmt.Errorf("%w: %s", ErrMalformed, d.problem)
	}
	return t, nil
}

// decoder reads bytes until something is wrong, and then only zeros.
type decoder struct {
	rest    []byte
	problem string
}

func (d *decoder) fail(problem string) {
	if d.problem == "" {
		d.problem = problem
	}
	d.rest = nil
}

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.fail("it ends too soon")
		return 0
	}
	first := d.rest[0]
	d.rest = d.rest[1:]
	return first
}

// number reads a varint in its shortest spelling.
func (d *decoder) number(limit uint64, what string) uint64 {
	n, size := binary.Uvarint(d.rest)
	switch {
	case size <= 0:
		d.fail("it ends within a number")
	case size > 1 && d.rest[size-1] == 0:
		d.fail("a number is longer than it need be")
	case n > limit:
		d.fail(fmt.Sprintf("%d %s are more than %d", n, what, limit))
	default:
		d.rest = d.rest[size:]
		return n
	}
	return 0
}

func (d *decoder) text(limit uint64, what string) string {
	size := d.number(limit, what)
	if size > uint64(len(d.rest)) {
		d.fail("it ends within a text")
		return ""
	}
	s := string(d.rest[:size])
	d.rest = d.rest[size:]
	return s
}

func (d *decoder) members(t *Table, known int) {
	for i := range known {
		m := Member{ID: d.text(MaxIDBytes, "bytes of an id"), Zone: d.text(MaxZoneBytes, "bytes of a zone"), Weight: uint32(d.number(MaxWeight, "units of weight"))}
		if d.problem != "" {
			return
		}
		if i > 0 && m.ID <= t.known[i-1].ID || m.ID == "" {
			d.fail("its members are not in the order of their ids")
			return
		}
		if m.Weight == 0 && m.Zone != "" {
			d.fail("a former member has a zone")
			return
		}
		if m.Weight > 0 {
			t.members++
		}
		t.known = append(t.known, m)
	}
	if t.members > MaxMembers {
		d.fail("it has too many members")
	}
}

func (d *decoder) slots(partitions uint64) []uint16 {
	if uint64(len(d.rest)) < 2*partitions {
		d.fail("it ends within its owners")
		return nil
	}
	slots := make([]uint16, partitions)
	for p := range slots {
		slots[p] = binary.LittleEndian.Uint16(d.rest[2*p:])
	}
	d.rest = d.rest[2*partitions:]
	return slots
}

// refer checks that slots name whom they may name, and counts what everybody holds.
func (d *decoder) refer(t *Table) {
	t.held = make([]uint32, len(t.known))
	remembered := make([]bool, len(t.known))
	for p := range t.owners {
		if owner := t.owners[p]; owner != nobody {
			if int(owner) >= len(t.known) || t.known[owner].Weight == 0 {
				d.fail("a partition belongs to somebody who is no member")
				return
			}
			t.held[owner]++
		}
		if last := t.last[p]; last != nobody {
			if int(last) >= len(t.known) {
				d.fail("a partition's last owner is unknown")
				return
			}
			remembered[last] = true
		}
	}
	for slot := range t.known {
		if t.known[slot].Weight == 0 && !remembered[slot] {
			d.fail("a former member is remembered for nothing")
			return
		}
	}
}
