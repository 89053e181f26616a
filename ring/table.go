package ring

import (
	"iter"
	"math/bits"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// None is the slot of nobody.
const None = -1

// nobody is how a table stores None.
const nobody = 0xffff

// Table says who owns each partition. It never changes, so any number of goroutines may read it without a lock; a program that changes it publishes the next one
// through an atomic pointer.
//
// Members are numbered by slots, in the order of their ids. A slot means something only together with its table: the next table numbers anew.
type Table struct {
	owners     []uint16 // by partition: the owner's slot, or nobody. Small and alone, so that it stays in the nearest cache
	partitions uint64
	zones      Zones
	known      []Member // by slot, in the order of their ids. Weight 0: no member any more, but remembered in last
	last       []uint16 // by partition: who owned it before its owner, and may have some of it at hand still
	held       []uint32 // by slot: how many partitions it owns
	members    int      // how many of known are members
}

// Partitions is the number of partitions.
func (t *Table) Partitions() int { return int(t.partitions) }

// Zones is the rule for zones.
func (t *Table) Zones() Zones { return t.zones }

// Zoned is the same table under another rule for zones. Nothing moves before the next [Table.Next]. It panics for a rule that does not exist.
func (t *Table) Zoned(rule Zones) *Table {
	if rule > ZonesEven {
		panic("ring: there is no zone rule " + rule.String())
	}
	zoned := *t
	zoned.zones = rule
	return &zoned
}

// Equal reports whether two tables are the same: members, owners, last owners and rule.
func (t *Table) Equal(other *Table) bool {
	return t.zones == other.zones && slices.Equal(t.owners, other.owners) && slices.Equal(t.last, other.last) && slices.Equal(t.known, other.known)
}

// Len is the number of members.
func (t *Table) Len() int { return t.members }

// Lookup gives the partition of a key and the slot of its owner, which is [None] while there are no members. It allocates nothing.
func (t *Table) Lookup(key string) (partition, slot int) {
	high, _ := bits.Mul64(xxhash.Sum64String(key), t.partitions)
	return int(high), int(int16(t.owners[high]))
}

// Owner gives the id of a key's owner. It reports false while there are no members.
func (t *Table) Owner(key string) (id string, ok bool) {
	_, slot := t.Lookup(key)
	if slot == None {
		return "", false
	}
	return t.known[slot].ID, true
}

// Slot gives the slot of a member.
func (t *Table) Slot(id string) (slot int, ok bool) {
	slot, ok = slices.BinarySearchFunc(t.known, id, func(m Member, id string) int { return strings.Compare(m.ID, id) })
	if !ok || t.known[slot].Weight == 0 {
		return None, false
	}
	return slot, true
}

// OwnerOf gives the slot of a partition's owner, [None] while there are no members. It panics when there is no such partition.
func (t *Table) OwnerOf(partition int) (slot int) { return int(int16(t.owners[partition])) }

// LastOwnerOf gives the id of the member that owned a partition before its owner, if that is known; he need not be a member any more. It panics when there is
// no such partition.
func (t *Table) LastOwnerOf(partition int) (id string, ok bool) {
	if slot := t.last[partition]; slot != nobody {
		return t.known[slot].ID, true
	}
	return "", false
}

// Member gives the member in a slot that this table named. It panics for other numbers.
func (t *Table) Member(slot int) Member { return t.known[slot] }

// Held is the number of partitions that the member in a slot owns. It panics for a slot that this table did not name.
func (t *Table) Held(slot int) int { return int(t.held[slot]) }

// Members gives every member with its slot, in the order of the ids.
func (t *Table) Members() iter.Seq2[int, Member] {
	return func(yield func(int, Member) bool) {
		for slot, m := range t.known {
			if m.Weight > 0 && !yield(slot, m) {
				return
			}
		}
	}
}

// PartitionsOf lists the partitions that the member in a slot owns, in rising order.
func (t *Table) PartitionsOf(slot int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for p, owner := range t.owners {
			if int(int16(owner)) == slot && slot != None && !yield(p) {
				return
			}
		}
	}
}
