package ring

import (
	"cmp"
	"slices"
	"strings"
)

// share is one taker of seats, a seat being one partition to own: a member, or a zone.
type share struct {
	weight uint64
	held   int // seats it has already
	quota  int // seats it is given
}

// apportion gives every share its part of the seats, rounded down or up, so that all seats are given. At least one share has a weight.
//
// Who is rounded up decides how much moves. saves tells of a share, whose quota is rounded down at that moment, how many seats fewer it must give up when it is
// rounded up; those that save most come first, then those with the largest remainder, then the first. No other choice moves less: DESIGN.md has the argument.
func apportion(seats int, shares []share, saves func(index int) int) {
	var total uint64
	for i := range shares {
		total += shares[i].weight
	}
	left := seats
	for i := range shares {
		// At most 2^16 seats, and a weight of 2^20 for each of 2^14 members: no overflow.
		shares[i].quota = int(uint64(seats) * shares[i].weight / total)
		left -= shares[i].quota
	}
	if left == 0 {
		return
	}
	type claim struct {
		index, saves int
		remainder    uint64
	}
	claims := make([]claim, 0, len(shares))
	for i := range shares {
		// A share without remainder is exact: rounding it up would give it more than its ceiling.
		if remainder := uint64(seats) * shares[i].weight % total; remainder > 0 {
			claims = append(claims, claim{i, saves(i), remainder})
		}
	}
	slices.SortFunc(claims, func(a, b claim) int {
		return cmp.Or(b.saves-a.saves, cmp.Compare(b.remainder, a.remainder), a.index-b.index)
	})
	for _, c := range claims[:left] {
		shares[c.index].quota++
	}
}

// apportionByWeight gives every member its share by weight.
func apportionByWeight(seats int, shares []share) {
	apportion(seats, shares, func(i int) int { return min(1, max(0, shares[i].held-shares[i].quota)) })
}

// apportionByZone gives every zone the same share of the seats, and within each zone every member its share by weight.
func apportionByZone(seats int, shares []share, members []Member) {
	zones := membersByZone(members)
	// surrendered is what the members of a zone must give up when the zone has so many seats. It leaves their quotas behind.
	surrendered := func(zone, seats int) int {
		inner := make([]share, len(zones[zone]))
		for i, slot := range zones[zone] {
			inner[i] = shares[slot]
		}
		apportionByWeight(seats, inner)
		lost := 0
		for i, slot := range zones[zone] {
			shares[slot].quota = inner[i].quota
			lost += max(0, inner[i].held-inner[i].quota)
		}
		return lost
	}
	outer := make([]share, len(zones))
	for i := range outer {
		outer[i].weight = 1
	}
	apportion(seats, outer, func(i int) int { return surrendered(i, outer[i].quota) - surrendered(i, outer[i].quota+1) })
	for i := range outer {
		surrendered(i, outer[i].quota)
	}
}

// membersByZone groups the slots of the members by zone, in the order of the zones' names.
func membersByZone(members []Member) [][]int {
	var slots []int
	for slot := range members {
		if members[slot].Weight > 0 {
			slots = append(slots, slot)
		}
	}
	slices.SortStableFunc(slots, func(a, b int) int { return strings.Compare(members[a].Zone, members[b].Zone) })
	var zones [][]int
	for i, slot := range slots {
		if i == 0 || members[slot].Zone != members[slots[i-1]].Zone {
			zones = append(zones, nil)
		}
		zones[len(zones)-1] = append(zones[len(zones)-1], slot)
	}
	return zones
}
