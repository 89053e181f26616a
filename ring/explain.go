package ring

import (
	"fmt"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// Explanation says where a key is and why.
type Explanation struct {
	Key        string
	Hash       uint64 // xxhash64 of the key
	Partition  int
	Partitions int
	Owner      Member // without id while there are no members
	Held       int    // partitions of the owner
	Members    int
	Weight     uint64   // of all members together
	LastOwner  string   // who owned the partition before; empty if nobody is known
	Standbys   []string // who would follow, best first; at most three
	Zones      Zones
}

// Explain says where a key is and why. Its text is for people.
func (t *Table) Explain(key string) Explanation {
	partition, owner := t.Lookup(key)
	e := Explanation{Key: key, Hash: xxhash.Sum64String(key), Partition: partition, Partitions: t.Partitions(), Members: t.members, Zones: t.zones}
	e.LastOwner, _ = t.LastOwnerOf(partition)
	for _, m := range t.Members() {
		e.Weight += uint64(m.Weight)
	}
	if owner == None {
		return e
	}
	e.Owner, e.Held = t.known[owner], int(t.held[owner])
	for _, slot := range t.AppendStandbys(nil, partition, 3) {
		e.Standbys = append(e.Standbys, t.known[slot].ID)
	}
	return e
}

// String tells it in sentences, one a line.
func (e Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "key %q has hash %016x\n", e.Key, e.Hash)
	fmt.Fprintf(&b, "partition %d = hash * %d / 2^64\n", e.Partition, e.Partitions)
	if e.Owner.ID == "" {
		b.WriteString("nobody owns it: there are no members\n")
		return b.String()
	}
	fmt.Fprintf(&b, "owner %s", e.Owner.ID)
	if e.Owner.Zone != "" {
		fmt.Fprintf(&b, " in zone %s", e.Owner.Zone)
	}
	// A hundredth of a partition, in integers.
	hundredths := uint64(e.Partitions) * uint64(e.Owner.Weight) * 100 / e.Weight
	fmt.Fprintf(&b, " holds %d partitions", e.Held)
	if e.Zones == ZonesEven {
		b.WriteString("; every zone bears the same share\n")
	} else {
		fmt.Fprintf(&b, "; its share by weight is %d.%02d (%d of %d)\n", hundredths/100, hundredths%100, e.Owner.Weight, e.Weight)
	}
	if e.LastOwner != "" {
		fmt.Fprintf(&b, "before, it was with %s\n", e.LastOwner)
	}
	if len(e.Standbys) > 0 {
		fmt.Fprintf(&b, "next in line: %s\n", strings.Join(e.Standbys, ", "))
	}
	return b.String()
}
