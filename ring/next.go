package ring

import (
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// maxKnown bounds members and remembered former members together, so that a slot fits 15 bits.
const maxKnown = 1 << 15

// Next is the table for these members. Of all tables in which everybody has its share it is one of those that move least; which of them, is decided by where
// partitions were before, then by a hash of partition and member, so that what one member leaves behind goes to many.
//
// It fails with [ErrID], [ErrZone], [ErrWeight], [ErrDuplicate], [ErrTooManyMembers] or [ErrPin], and then t is still the table. More members than partitions
// are fine: some own nothing until others leave. Without members nobody owns anything.
//
// A pinned partition goes to its member first. Pins can give a member more than its share; what is left is shared out as far as it goes.
func (t *Table) Next(members []Member, pins ...Pin) (*Table, error) {
	return t.next(members, pins, maxScored)
}

// next is Next, with the number of scores that may be computed.
func (t *Table) next(members []Member, pins []Pin, scores int) (*Table, error) {
	members, err := sorted(members)
	if err != nil {
		return nil, err
	}
	c := t.begin(members)
	if err := c.pin(pins); err != nil {
		return nil, err
	}
	if len(members) > 0 {
		c.apportion()
		c.shed()
		c.place(scores)
	}
	return c.finish(), nil
}

// change is a table under construction.
type change struct {
	before []uint16 // the owners before, in the new slots
	zoneOf []string // by new slot: its zone before, which a member that left has no more
	table  *Table
	pinned []bool   // by partition; nil without pins
	free   []uint16 // partitions without owner, in the order in which they became free
	room   []int    // by slot: how many partitions it is to get, or, if negative, to give up
	seed   uint64   // makes successive changes pick different partitions
}

// begin starts with what stays: each partition whose owner is still a member.
func (t *Table) begin(members []Member) *change {
	known, renumber := succeed(t.known, members)
	if len(known) > maxKnown {
		// Forget who owned what long ago. Those that are members now or in t always fit.
		t = t.forget()
		known, renumber = succeed(t.known, members)
	}
	next := &Table{
		owners: make([]uint16, len(t.owners)), partitions: t.partitions, zones: t.zones,
		known: known, last: make([]uint16, len(t.owners)), held: make([]uint32, len(known)), members: len(members),
	}
	c := &change{before: make([]uint16, len(t.owners)), zoneOf: make([]string, len(known)), table: next}
	for slot := range t.known {
		c.zoneOf[renumber[slot]] = t.known[slot].Zone
	}
	for p, owner := range t.owners {
		next.last[p] = nobody
		if last := t.last[p]; last != nobody {
			next.last[p] = renumber[last]
		}
		c.before[p] = nobody
		if owner != nobody {
			owner = renumber[owner]
			c.before[p] = owner
			if known[owner].Weight == 0 {
				owner = nobody
			}
		}
		next.owners[p] = owner
		if owner == nobody {
			c.free = append(c.free, uint16(p))
		} else {
			next.held[owner]++
		}
	}
	return c
}

// succeed merges the known members with the new ones. Who is not among the new ones has weight 0 in the result. renumber tells the new slot of each old one.
func succeed(known, members []Member) (merged []Member, renumber []uint16) {
	merged = make([]Member, 0, len(members)+4)
	renumber = make([]uint16, len(known))
	for i := range known {
		for len(members) > 0 && members[0].ID < known[i].ID {
			merged, members = append(merged, members[0]), members[1:]
		}
		renumber[i] = uint16(len(merged))
		if len(members) > 0 && members[0].ID == known[i].ID {
			merged, members = append(merged, members[0]), members[1:]
		} else {
			merged = append(merged, Member{ID: known[i].ID})
		}
	}
	return append(merged, members...), renumber
}

// pin gives pinned partitions to their members.
func (c *change) pin(pins []Pin) error {
	if len(pins) == 0 {
		return nil
	}
	t := c.table
	c.pinned = make([]bool, len(t.owners))
	for _, pin := range pins {
		if pin.Partition < 0 || pin.Partition >= len(t.owners) {
			return fmt.Errorf("%w: there is no partition %d, they are numbered 0 to %d", ErrPin, pin.Partition, len(t.owners)-1)
		}
		if c.pinned[pin.Partition] {
			return fmt.Errorf("%w: partition %d is pinned twice", ErrPin, pin.Partition)
		}
		c.pinned[pin.Partition] = true
	}
	for _, pin := range pins {
		slot, ok := t.Slot(pin.ID)
		if !ok {
			c.pinned[pin.Partition] = false
			continue
		}
		if owner := t.owners[pin.Partition]; owner != nobody {
			t.held[owner]--
		}
		t.owners[pin.Partition] = uint16(slot)
		t.held[slot]++
	}
	c.free = slices.DeleteFunc(c.free, func(p uint16) bool { return t.owners[p] != nobody })
	return nil
}

// apportion finds how many partitions every member is to get or give up.
func (c *change) apportion() {
	t := c.table
	shares := make([]share, len(t.known))
	for slot := range shares {
		shares[slot] = share{weight: uint64(t.known[slot].Weight), held: int(t.held[slot])}
	}
	if t.zones == ZonesEven {
		apportionByZone(len(t.owners), shares, t.known)
	} else {
		apportionByWeight(len(t.owners), shares)
	}
	c.room = make([]int, len(shares))
	for slot := range shares {
		c.room[slot] = shares[slot].quota - shares[slot].held
		if c.room[slot] > 0 {
			c.seed = mix(c.seed ^ xxhash.Sum64String(t.known[slot].ID))
		}
	}
}

// shed frees what members own beyond their quota: first what a member with room owned before, since it may have it at hand still, then whatever comes.
func (c *change) shed() {
	surplus := 0
	for _, room := range c.room {
		surplus += max(0, -room)
	}
	if surplus == 0 {
		return
	}
	t := c.table
	wanted := slices.Clone(c.room)
	release := func(p int) {
		owner := t.owners[p]
		c.room[owner]++
		t.held[owner]--
		t.owners[p] = nobody
		c.free = append(c.free, uint16(p))
		surplus--
	}
	sheds := func(p int) bool {
		return t.owners[p] != nobody && c.room[t.owners[p]] < 0 && (c.pinned == nil || !c.pinned[p])
	}
	walk(len(t.owners), c.seed, func(p int) bool {
		if last := t.last[p]; sheds(p) && last != nobody && wanted[last] > 0 {
			wanted[last]--
			release(p)
		}
		return surplus > 0
	})
	walk(len(t.owners), c.seed, func(p int) bool {
		if surplus > 0 && sheds(p) {
			release(p)
		}
		return surplus > 0
	})
}

// finish records who owned what moved, and drops former members to whom nothing refers any more.
func (c *change) finish() *Table {
	t := c.table
	for p, before := range c.before {
		if before != nobody && before != t.owners[p] {
			t.last[p] = before
		}
	}
	referred := make([]bool, len(t.known))
	for _, last := range t.last {
		if last != nobody {
			referred[last] = true
		}
	}
	kept := 0
	renumber := make([]uint16, len(t.known))
	for slot := range t.known {
		renumber[slot] = uint16(kept)
		if t.known[slot].Weight > 0 || referred[slot] {
			t.known[kept], t.held[kept] = t.known[slot], t.held[slot]
			kept++
		}
	}
	if kept == len(t.known) {
		return t
	}
	t.known, t.held = slices.Clip(t.known[:kept]), t.held[:kept]
	for p := range t.owners {
		if t.owners[p] != nobody {
			t.owners[p] = renumber[t.owners[p]]
		}
		if t.last[p] != nobody {
			t.last[p] = renumber[t.last[p]]
		}
	}
	return t
}

// forget is the same table without the memory of former members.
func (t *Table) forget() *Table {
	c := &change{before: nil, table: &Table{owners: slices.Clone(t.owners), partitions: t.partitions, zones: t.zones, known: slices.Clone(t.known),
		last: slices.Clone(t.last), held: slices.Clone(t.held), members: t.members}}
	for p, last := range t.last {
		if last != nobody && t.known[last].Weight == 0 {
			c.table.last[p] = nobody
		}
	}
	return c.finish()
}
