package ring

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"
)

// What the properties measure tables against is computed here anew, slowly, and by other means than the code under test uses.

// floorAndCeiling gives the exact share of each weight rounded down and rounded up.
func floorAndCeiling(seats int, weights []uint32) (floors, ceilings []int) {
	total := uint64(0)
	for _, w := range weights {
		total += uint64(w)
	}
	for _, w := range weights {
		product := uint64(seats) * uint64(w)
		floor := int(product / total)
		ceiling := floor
		if product%total != 0 {
			ceiling++
		}
		floors, ceilings = append(floors, floor), append(ceilings, ceiling)
	}
	return floors, ceilings
}

// vectors calls visit with every way to give each taker its floor or its ceiling so that the sum is seats.
func vectors(seats int, floors, ceilings []int, visit func(quota []int)) {
	quota := make([]int, len(floors))
	var choose func(at, left int)
	choose = func(at, left int) {
		if at == len(floors) {
			if left == 0 {
				visit(quota)
			}
			return
		}
		for q := floors[at]; q <= ceilings[at]; q++ {
			quota[at] = q
			choose(at+1, left-q)
		}
	}
	choose(0, seats)
}

// fewestMoves is the smallest number of moves that leads from a table to any one in which every member has its share.
func fewestMoves(from *Table, members []Member) int {
	if len(members) == 0 {
		return from.Partitions() - unowned(from)
	}
	held := heldBy(from, members)
	best := from.Partitions() + 1
	balanced(from.Zones(), from.Partitions(), members, func(quota []int) {
		moves := from.Partitions()
		for i := range members {
			moves -= min(held[i], quota[i])
		}
		best = min(best, moves)
	})
	return best
}

// balanced calls visit with every vector of quotas that a zone rule allows.
func balanced(rule Zones, seats int, members []Member, visit func(quota []int)) {
	if rule != ZonesEven {
		floors, ceilings := floorAndCeiling(seats, weightsOf(members))
		vectors(seats, floors, ceilings, visit)
		return
	}
	var zones []string
	for _, m := range members {
		if !slices.Contains(zones, m.Zone) {
			zones = append(zones, m.Zone)
		}
	}
	ones := slices.Repeat([]uint32{1}, len(zones))
	floors, ceilings := floorAndCeiling(seats, ones)
	quota := make([]int, len(members))
	vectors(seats, floors, ceilings, func(perZone []int) {
		perZone = slices.Clone(perZone)
		var zone func(z int)
		zone = func(z int) {
			if z == len(zones) {
				visit(quota)
				return
			}
			var slots []int
			var inner []Member
			for i, m := range members {
				if m.Zone == zones[z] {
					slots, inner = append(slots, i), append(inner, m)
				}
			}
			floors, ceilings := floorAndCeiling(perZone[z], weightsOf(inner))
			vectors(perZone[z], floors, ceilings, func(q []int) {
				for i, slot := range slots {
					quota[slot] = q[i]
				}
				zone(z + 1)
			})
		}
		zone(0)
	})
}

func weightsOf(members []Member) (weights []uint32) {
	for _, m := range members {
		weights = append(weights, m.Weight)
	}
	return weights
}

func heldBy(t *Table, members []Member) []int {
	held := make([]int, len(members))
	for p := range t.Partitions() {
		if owner := t.OwnerOf(p); owner != None {
			if i := slices.IndexFunc(members, func(m Member) bool { return m.ID == t.Member(owner).ID }); i >= 0 {
				held[i]++
			}
		}
	}
	return held
}

func unowned(t *Table) (n int) {
	for p := range t.Partitions() {
		if t.OwnerOf(p) == None {
			n++
		}
	}
	return n
}

// lowerBound is a bound below which no balanced table can stay, for any number of members: what lost its owner and what owners have beyond their ceilings has
// to go, and what members lack to their floors has to come.
func lowerBound(from *Table, members []Member) int {
	floors, ceilings := floorAndCeiling(from.Partitions(), weightsOf(members))
	held := heldBy(from, members)
	out, in := from.Partitions(), 0
	for i := range members {
		out -= min(held[i], ceilings[i])
		in += max(0, floors[i]-held[i])
	}
	return max(out, in)
}

// step takes a table to the next one and checks everything that must hold of any step.
func step(t rapid.TB, from *Table, members []Member, pins ...Pin) *Table {
	t.Helper()
	before := encode(from)
	to, err := from.Next(members, pins...)
	if err != nil {
		t.Fatal(err)
	}
	if string(encode(from)) != string(before) {
		t.Fatal("Next changed the table that it began with")
	}
	consistent(t, to, members)
	return to
}

// consistent checks that a table says the same in all its ways, and has the members.
func consistent(t rapid.TB, table *Table, members []Member) {
	t.Helper()
	if table.Len() != len(members) {
		t.Fatalf("%d members instead of %d", table.Len(), len(members))
	}
	for _, m := range members {
		slot, ok := table.Slot(m.ID)
		if !ok || table.Member(slot) != m {
			t.Fatalf("member %v is in slot %d as %v", m, slot, table.Member(slot))
		}
	}
	held := make([]int, len(table.known))
	for p := range table.Partitions() {
		switch owner := table.OwnerOf(p); {
		case owner == None:
			if len(members) > 0 {
				t.Fatalf("nobody owns partition %d", p)
			}
		case table.Member(owner).Weight == 0:
			t.Fatalf("partition %d belongs to a former member", p)
		default:
			held[owner]++
		}
	}
	for slot := range held {
		if table.Held(slot) != held[slot] {
			t.Fatalf("slot %d holds %d, not %d", slot, held[slot], table.Held(slot))
		}
	}
	decoded, err := Decode(encode(table))
	if err != nil {
		t.Fatal(err)
	}
	if string(encode(decoded)) != string(encode(table)) {
		t.Fatal("the table changes on its way through its bytes")
	}
}

func encode(t *Table) []byte {
	b, _ := t.AppendBinary(nil)
	return b
}

func diff(t rapid.TB, from, to *Table) []Move {
	t.Helper()
	moves, err := Diff(from, to)
	if err != nil {
		t.Fatal(err)
	}
	return moves
}

func empty(t rapid.TB, options ...Option) *Table {
	t.Helper()
	table, err := Empty(options...)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// crew draws and changes a set of members.
type crew struct {
	members   []Member
	maxWeight uint32
	zones     int
	next      int
}

// change draws what happens next: somebody joins, leaves, comes back or changes weight, or several of these at once.
func (c *crew) change(t *rapid.T, limit int) {
	for range rapid.SampledFrom([]int{1, 1, 1, 2, 5}).Draw(t, "changes") {
		switch kind := rapid.SampledFrom([]string{"join", "join", "leave", "return", "weight"}).Draw(t, "change"); {
		case kind == "leave" && len(c.members) > 0:
			i := rapid.IntRange(0, len(c.members)-1).Draw(t, "who")
			c.members = slices.Delete(c.members, i, i+1)
		case kind == "weight" && len(c.members) > 0:
			c.members[rapid.IntRange(0, len(c.members)-1).Draw(t, "who")].Weight = c.weight(t)
		case kind == "return" && c.next > 0:
			c.join(t, rapid.IntRange(0, c.next-1).Draw(t, "who"), limit)
		default:
			c.join(t, c.next, limit)
			c.next++
		}
	}
}

func (c *crew) join(t *rapid.T, number, limit int) {
	// Ids are in another order than their numbers, so that new ones come between old ones.
	id := fmt.Sprintf("%x-worker", mix(uint64(number)))
	if len(c.members) >= limit || slices.ContainsFunc(c.members, func(m Member) bool { return m.ID == id }) {
		return
	}
	m := Member{ID: id, Weight: c.weight(t)}
	if c.zones > 0 {
		m.Zone = fmt.Sprintf("zone-%d", number%c.zones)
	}
	c.members = append(c.members, m)
}

func (c *crew) weight(t *rapid.T) uint32 {
	if c.maxWeight == 1 {
		return 1
	}
	return rapid.Uint32Range(1, c.maxWeight).Draw(t, "weight")
}

// must fails a test that could not prepare.
func must[T any](t rapid.TB) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
