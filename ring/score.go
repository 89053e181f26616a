package ring

import "github.com/cespare/xxhash/v2"

// maxScored bounds how many pairs of partition and member are scored when partitions are placed, and with it the time that a change takes: about half a
// millisecond. One member that comes or goes needs about as many as there are partitions. Beyond it, partitions are dealt out in turn.
const maxScored = 1 << 18

// score says how well a member suits a partition; the largest wins. Each pair has its own, so the loss of a member changes nothing between the others
// (rendezvous hashing).
func score(partition, member uint64) uint64 { return mix(partition ^ member) }

// spread turns a partition's number into the half of its scores.
func spread(partition int) uint64 { return mix(uint64(partition) + 1) }

// place gives every free partition to a member with room: to the one that owned it before if it can be, else by score, or, if that would be too much work,
// in turn.
func (c *change) place(scores int) {
	t := c.table
	rest := c.free[:0]
	for _, p := range c.free {
		if last := t.last[p]; last != nobody && c.room[last] > 0 {
			c.give(p, last)
		} else {
			rest = append(rest, p)
		}
	}
	var open []uint16 // members with room
	for slot, room := range c.room {
		if room > 0 {
			open = append(open, uint16(slot))
		}
	}
	if len(rest)*len(open) > scores {
		c.deal(rest, open)
	} else {
		c.match(rest, open)
	}
}

func (c *change) give(partition, slot uint16) {
	c.table.owners[partition] = slot
	c.table.held[slot]++
	c.room[slot]--
}

// match gives each partition to the open member that scores highest for it. With zones, one in another zone than the lost owner's comes first.
func (c *change) match(partitions, open []uint16) {
	t := c.table
	hashes := make([]uint64, len(open))
	for i, slot := range open {
		hashes[i] = xxhash.Sum64String(t.known[slot].ID)
	}
	for _, p := range partitions {
		if len(open) == 0 {
			return // pins took more than their share
		}
		half, avoid := spread(int(p)), ""
		apart := t.zones != ZonesIgnored && c.before[p] != nobody
		if apart {
			avoid = c.zoneOf[c.before[p]]
		}
		best := -1
		var bestScore uint64
		bestApart := false
		for i, slot := range open {
			s := score(half, hashes[i])
			isApart := apart && t.known[slot].Zone != avoid
			// Equal scores go to the smaller id: open is not in order any more.
			better := s > bestScore || s == bestScore && best >= 0 && slot < open[best]
			if best < 0 || isApart && !bestApart || isApart == bestApart && better {
				best, bestScore, bestApart = i, s, isApart
			}
		}
		c.give(p, open[best])
		if c.room[open[best]] == 0 {
			end := len(open) - 1
			open[best], hashes[best] = open[end], hashes[end]
			open, hashes = open[:end], hashes[:end]
		}
	}
}

// deal gives the partitions to the open members in turn.
func (c *change) deal(partitions, open []uint16) {
	at := 0
	for _, p := range partitions {
		if len(open) == 0 {
			return
		}
		if at >= len(open) {
			at = 0
		}
		c.give(p, open[at])
		if c.room[open[at]] == 0 {
			open = append(open[:at], open[at+1:]...)
		} else {
			at++
		}
	}
}

// AppendStandbys appends the slots of up to n members that would follow the owner of a partition: those of other zones first when zones count, then by score.
// The list of the others does not change when one of them goes. It panics when there is no such partition.
func (t *Table) AppendStandbys(slots []int, partition, n int) []int {
	owner := t.OwnerOf(partition)
	start := len(slots)
	rank := t.ranking(partition)
	for slot := range t.known {
		if t.known[slot].Weight == 0 || slot == owner {
			continue
		}
		// Insertion into the few best so far.
		at := len(slots)
		for at > start && rank(slot, slots[at-1]) {
			at--
		}
		if len(slots)-start < n {
			slots = append(slots, 0)
		}
		if at < len(slots) {
			copy(slots[at+1:], slots[at:])
			slots[at] = slot
		}
	}
	return slots
}

// ranking tells which of two members suits a partition better as the successor of its owner.
func (t *Table) ranking(partition int) func(a, b int) bool {
	half, owner := spread(partition), t.OwnerOf(partition)
	return func(a, b int) bool {
		if t.zones != ZonesIgnored && owner != None {
			zone := t.known[owner].Zone
			if apartA, apartB := t.known[a].Zone != zone, t.known[b].Zone != zone; apartA != apartB {
				return apartA
			}
		}
		scoreA, scoreB := score(half, xxhash.Sum64String(t.known[a].ID)), score(half, xxhash.Sum64String(t.known[b].ID))
		if scoreA != scoreB {
			return scoreA > scoreB
		}
		return a < b
	}
}
