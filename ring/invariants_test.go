package ring

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The numbers I1 to I13 are those of the invariants of worker ownership. Those of hand-over (I4 to I8, I10 to I12) belong to the state machine.

// I2: no balanced table is nearer. The oracle tries all of them, so tables are small here.
func TestI2_NoBalancedTableIsNearer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		partitions := rapid.IntRange(1, 40).Draw(t, "partitions")
		rule := rapid.SampledFrom([]Zones{ZonesIgnored, ZonesApart, ZonesEven}).Draw(t, "rule")
		c := &crew{maxWeight: rapid.SampledFrom([]uint32{1, 3, 8, MaxWeight}).Draw(t, "maxWeight"), zones: rapid.IntRange(0, 3).Draw(t, "zones")}
		table := empty(t, WithPartitions(partitions), WithZones(rule))
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			c.change(t, 7)
			next := step(t, table, c.members)
			if got, want := len(diff(t, table, next)), fewestMoves(table, c.members); got != want {
				t.Fatalf("%d moves, %d would do, to %v", got, want, c.members)
			}
			table = next
		}
	})
}

// I2: which zone is rounded up decides how much moves. Of five partitions north has three and south two; when a zone comes that sorts before both, two of the
// three zones get a second one, and the new zone must not.
func TestI2_ZonesThatHaveMoreKeepMore(t *testing.T) {
	members := []Member{{"n", "north", 1}, {"s", "south", 1}}
	table := must[*Table](t)(New(members, WithPartitions(5), WithZones(ZonesEven)))
	members = append(members, Member{"e", "east", 1})
	next := step(t, table, members)
	if got, want := len(diff(t, table, next)), fewestMoves(table, members); got != want || want != 1 {
		t.Errorf("%d moves, %d would do", got, want)
	}
}

// I3: from nothing, the seats that remain after rounding down go to the largest remainders.
func TestI3_LargestRemaindersAreRoundedUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const partitions = 100
		c := &crew{maxWeight: 50}
		c.change(t, 20)
		for range rapid.IntRange(1, 20).Draw(t, "members") {
			c.join(t, c.next, 30)
			c.next++
		}
		held := heldBy(step(t, empty(t, WithPartitions(partitions)), c.members), c.members)
		total := 0
		for _, m := range c.members {
			total += int(m.Weight)
		}
		largestDown, smallestUp := -1, total
		for i, m := range c.members {
			remainder := partitions * int(m.Weight) % total
			if held[i] > partitions*int(m.Weight)/total {
				smallestUp = min(smallestUp, remainder)
			} else {
				largestDown = max(largestDown, remainder)
			}
		}
		if largestDown > smallestUp {
			t.Fatalf("remainder %d of %d was rounded down, %d up", largestDown, total, smallestUp)
		}
	})
}

// I2 at full size: as many moves as the lower bound for equal weights, and at most one more for each member whose floor changed otherwise.
func TestI2_MovesReachTheLowerBound(t *testing.T) {
	for _, partitions := range []int{16, 271, 1024, 4096} {
		for _, maxWeight := range []uint32{1, 8} {
			t.Run(fmt.Sprintf("partitions=%d,weights=1-%d", partitions, maxWeight), func(t *testing.T) {
				rapid.Check(t, func(t *rapid.T) { reachesLowerBound(t, partitions, maxWeight) })
			})
		}
	}
}

func reachesLowerBound(t *rapid.T, partitions int, maxWeight uint32) {
	c := &crew{maxWeight: maxWeight}
	for range rapid.IntRange(0, 290).Draw(t, "begin") {
		c.join(t, c.next, 300)
		c.next++
	}
	table := step(t, empty(t, WithPartitions(partitions)), c.members)
	for range 6 {
		old := slices.Clone(c.members)
		c.change(t, 300)
		next := step(t, table, c.members)
		if len(c.members) > 0 && len(old) > 0 {
			bound := lowerBound(table, c.members)
			allowed := bound
			if maxWeight > 1 {
				allowed += changedFloors(partitions, old, c.members)
			}
			if moves := len(diff(t, table, next)); moves < bound || moves > allowed {
				t.Fatalf("%d moves, the bound is %d and at most %d are allowed", moves, bound, allowed)
			}
		}
		table = next
	}
}

func changedFloors(partitions int, old, now []Member) (changed int) {
	oldFloors, _ := floorAndCeiling(partitions, weightsOf(old))
	nowFloors, _ := floorAndCeiling(partitions, weightsOf(now))
	for i, m := range now {
		j := slices.IndexFunc(old, func(o Member) bool { return o.ID == m.ID })
		if j < 0 || oldFloors[j] != nowFloors[i] {
			changed++
		}
	}
	return changed
}

// I2: when one joins, nobody else gains; when one leaves, nobody else loses.
func TestI2_OnlyTheOneThatChangesGainsOrLoses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &crew{maxWeight: 1}
		for range rapid.IntRange(1, 60).Draw(t, "members") {
			c.join(t, c.next, 100)
			c.next++
		}
		without := step(t, empty(t, WithPartitions(rapid.SampledFrom([]int{16, 271, 1024}).Draw(t, "partitions"))), c.members)
		newcomer := Member{ID: "newcomer", Weight: 1}
		with := step(t, without, append(slices.Clone(c.members), newcomer))
		for _, m := range diff(t, without, with) {
			if m.To != newcomer.ID || m.Reason != Leveled {
				t.Fatalf("a join moves %v", m)
			}
		}
		leaver := c.members[rapid.IntRange(0, len(c.members)-1).Draw(t, "leaver")]
		left := slices.DeleteFunc(slices.Clone(c.members), func(m Member) bool { return m == leaver })
		for _, m := range diff(t, without, step(t, without, left)) {
			if m.From != leaver.ID || m.Reason != Orphaned {
				t.Fatalf("a leave moves %v", m)
			}
		}
	})
}

// I3: everybody has its share, rounded down or up, after any sequence of changes and under any zone rule.
func TestI3_EverybodyHasItsShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		partitions := rapid.SampledFrom([]int{1, 16, 271, 4096}).Draw(t, "partitions")
		even := rapid.Bool().Draw(t, "even")
		c := &crew{maxWeight: rapid.SampledFrom([]uint32{1, 8, MaxWeight}).Draw(t, "maxWeight"), zones: 3}
		rule := ZonesIgnored
		if even {
			rule = ZonesEven
		}
		table := empty(t, WithPartitions(partitions), WithZones(rule))
		for range 8 {
			c.change(t, 50)
			table = step(t, table, c.members)
			if even {
				evenByZone(t, table, c.members)
			} else if len(c.members) > 0 {
				within(t, partitions, c.members, heldBy(table, c.members))
			}
		}
	})
}

// within fails unless every member holds its share of the seats, rounded down or up.
func within(t rapid.TB, seats int, members []Member, held []int) {
	t.Helper()
	floors, ceilings := floorAndCeiling(seats, weightsOf(members))
	for i := range members {
		if held[i] < floors[i] || held[i] > ceilings[i] {
			t.Fatalf("%v holds %d of %d partitions, its share is %d to %d", members[i], held[i], seats, floors[i], ceilings[i])
		}
	}
}

func evenByZone(t rapid.TB, table *Table, members []Member) {
	t.Helper()
	byZone := map[string][]Member{}
	for _, m := range members {
		byZone[m.Zone] = append(byZone[m.Zone], m)
	}
	for zone, inner := range byZone {
		held, sum := heldBy(table, inner), 0
		for _, n := range held {
			sum += n
		}
		if floor := table.Partitions() / len(byZone); sum < floor || sum > floor+1 {
			t.Fatalf("%s holds %d of %d partitions in %d zones", zone, sum, table.Partitions(), len(byZone))
		}
		within(t, sum, inner, held)
	}
}

// I3: from 20 partitions a member on, the fullest member holds at most 1.05 times the mean.
func TestI3_FullestMemberIsWithinFivePercent(t *testing.T) {
	for n := 1; n <= 200; n += 7 {
		table := must[*Table](t)(New(Equal(ids(n)...), WithPartitions(20*n)))
		table = step(t, table, Equal(ids(max(1, n-3))...))
		table = step(t, table, Equal(ids(n)...))
		for slot := range table.Members() {
			if table.Held(slot)*100 > 20*105 {
				t.Errorf("one of %d members holds %d of %d partitions", n, table.Held(slot), 20*n)
			}
		}
	}
}

// I3: keys spread over partitions as if by chance. Chi-square of 4096 classes has mean 4095 and deviation 90.5; six deviations either way leave no room for luck.
func TestI3_KeysSpreadEvenly(t *testing.T) {
	const partitions, keys = 4096, 1_000_000
	for _, format := range []string{"user:%d", "%d", "orders/2024/%08d/line", "%x"} {
		counts := make([]int, partitions)
		for i := range keys {
			counts[Partition(fmt.Sprintf(format, i), partitions)]++
		}
		chi, mean := 0.0, float64(keys)/partitions
		for _, n := range counts {
			chi += (float64(n) - mean) * (float64(n) - mean) / mean
		}
		if chi < 4095-6*90.5 || chi > 4095+6*90.5 {
			t.Errorf("keys like %q have chi-square %.0f", format, chi)
		}
	}
}

// I9: a member that is replaced by one of the same id moves nothing, and neither does asking again.
func TestI9_TheSameMembersMoveNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &crew{maxWeight: 5, zones: 2}
		table := empty(t, WithPartitions(271), WithZones(rapid.SampledFrom([]Zones{ZonesIgnored, ZonesApart, ZonesEven}).Draw(t, "rule")))
		for range 4 {
			c.change(t, 30)
			table = step(t, table, c.members)
		}
		again := step(t, table, rapid.Permutation(c.members).Draw(t, "order"))
		if string(encode(again)) != string(encode(table)) {
			t.Fatalf("the same members give another table: %v", diff(t, table, again))
		}
	})
}

// I9: with ids that are new each time, a restart moves at most its share twice.
func TestI9_RestartUnderANewIDMovesItsShareTwice(t *testing.T) {
	const partitions, members = 1024, 20
	crew := ids(members)
	table := must[*Table](t)(New(Equal(crew...), WithPartitions(partitions)))
	for i := range crew {
		crew[i] = "again-" + crew[i]
		rest := slices.Delete(slices.Clone(crew), i, i+1)
		without := step(t, table, Equal(rest...))
		with := step(t, without, Equal(crew...))
		if moves := len(diff(t, table, without)) + len(diff(t, without, with)); moves > 2*((partitions+members-1)/members) {
			t.Errorf("restart %d moved %d partitions", i, moves)
		}
		table = with
	}
}

// I9: those who come back get what was theirs, except for at most one partition of each member: who is rounded up need not be who was.
func TestI9_WhoComesBackGetsWhatWasHis(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		crew := ids(rapid.IntRange(4, 40).Draw(t, "members"))
		table := must[*Table](t)(New(Equal(crew...), WithPartitions(1024)))
		away := step(t, table, Equal(crew[rapid.IntRange(1, 3).Draw(t, "away"):]...))
		elsewhere := 0
		for _, m := range diff(t, away, step(t, away, Equal(crew...))) {
			if table.Member(table.OwnerOf(m.Partition)).ID != m.To {
				elsewhere++
			}
		}
		if elsewhere > len(crew) {
			t.Fatalf("%d partitions did not go back where they were, of %d members", elsewhere, len(crew))
		}
	})
}

// What a lost member leaves behind is spread over the others.
func TestLossFansOut(t *testing.T) {
	table := must[*Table](t)(New(Equal(ids(50)...)))
	gained := map[string]int{}
	for _, m := range diff(t, table, step(t, table, Equal(ids(49)...))) {
		gained[m.To]++
	}
	for id, n := range gained {
		if n > 3 {
			t.Errorf("%s gains %d partitions of one that left", id, n)
		}
	}
	if len(gained) < 40 {
		t.Errorf("only %d of 49 members gain something", len(gained))
	}
}

// Successive joins take different partitions: no key moves each time.
func TestJoinsTakeDifferentPartitions(t *testing.T) {
	table := must[*Table](t)(New(Equal(ids(10)...), WithPartitions(1000)))
	moved := map[int]int{}
	for i := range 10 {
		for _, m := range diff(t, table, step(t, table, Equal(append(ids(10), fmt.Sprint("new-", i))...))) {
			moved[m.Partition]++
		}
	}
	for p, n := range moved {
		if n >= 8 {
			t.Errorf("partition %d moved in %d of 10 joins", p, n)
		}
	}
}

// I13: more members than partitions, no members, and back.
func TestI13_FewPartitionsAndNoMembers(t *testing.T) {
	table := step(t, empty(t, WithPartitions(3)), Equal(ids(10)...))
	owners := map[int]bool{}
	for p := range 3 {
		owners[table.OwnerOf(p)] = true
	}
	if len(owners) != 3 {
		t.Errorf("three partitions have %d owners", len(owners))
	}
	table = step(t, table, nil)
	if id, ok := table.Owner("key"); ok {
		t.Errorf("%q owns a key of a table without members", id)
	}
	if p, slot := table.Lookup("key"); slot != None || p != Partition("key", 3) {
		t.Errorf("Lookup = %d, %d", p, slot)
	}
	if last, ok := table.LastOwnerOf(0); !ok || last == "" {
		t.Error("who owned a partition last is forgotten once nobody does")
	}
	back := step(t, table, Equal(ids(10)...))
	for p := range 3 {
		last, _ := table.LastOwnerOf(p)
		if id := back.Member(back.OwnerOf(p)).ID; id != last {
			t.Errorf("partition %d went to %s, not back to %s", p, id, last)
		}
	}
}

// I13: the largest table there can be, with the largest weights, and members that come and go until there are more former ones than can be remembered.
func TestI13_Largest(t *testing.T) {
	table := empty(t, WithPartitions(MaxPartitions))
	random := rand.New(rand.NewPCG(1, 2))
	members := make([]Member, MaxMembers)
	for i := range members {
		members[i] = Member{ID: fmt.Sprint("first-", i), Weight: 1 + random.Uint32N(MaxWeight)}
	}
	members[0].Weight = MaxWeight
	mostKnown := 0
	for generation := range 12 {
		for _, i := range random.Perm(MaxMembers)[:MaxMembers/4] {
			members[i].ID = fmt.Sprintf("generation-%d-%d", generation, i)
		}
		table = must[*Table](t)(table.Next(members))
		held := make([]int, len(members))
		for i, m := range members {
			slot, ok := table.Slot(m.ID)
			if !ok {
				t.Fatalf("%s got lost", m.ID)
			}
			held[i] = table.Held(slot)
		}
		within(t, MaxPartitions, members, held)
		mostKnown = max(mostKnown, len(table.known))
	}
	if mostKnown > maxKnown || mostKnown < maxKnown*3/4 {
		t.Errorf("%d members were remembered at most; the limit is %d and was to be reached", mostKnown, maxKnown)
	}
	if _, err := Decode(encode(table)); err != nil {
		t.Error(err)
	}
}

func ids(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("worker-%04d", i)
	}
	return list
}
