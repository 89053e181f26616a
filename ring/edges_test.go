package ring

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// I13: what is out of bounds is refused with an error that names it, and what is just within is not.
func TestI13_BadInput(t *testing.T) {
	member := func(id, zone string, weight uint32) []Member { return []Member{{ID: id, Zone: zone, Weight: weight}} }
	for _, c := range []struct {
		name    string
		members []Member
		options []Option
		want    error
	}{
		{"no partitions", nil, []Option{WithPartitions(0)}, ErrPartitions},
		{"negative partitions", nil, []Option{WithPartitions(-1)}, ErrPartitions},
		{"one partition", nil, []Option{WithPartitions(1)}, nil},
		{"most partitions", nil, []Option{WithPartitions(MaxPartitions)}, nil},
		{"too many partitions", nil, []Option{WithPartitions(MaxPartitions + 1)}, ErrPartitions},
		{"no such rule", nil, []Option{WithZones(ZonesEven + 1)}, ErrZone},
		{"weight 0", member("a", "", 0), nil, ErrWeight},
		{"largest weight", member("a", "", MaxWeight), nil, nil},
		{"huge weight", member("a", "", MaxWeight+1), nil, ErrWeight},
		{"no id", member("", "", 1), nil, ErrID},
		{"longest id", member(strings.Repeat("a", MaxIDBytes), "", 1), nil, nil},
		{"long id", member(strings.Repeat("a", MaxIDBytes+1), "", 1), nil, ErrID},
		{"longest zone", member("a", strings.Repeat("a", MaxZoneBytes), 1), nil, nil},
		{"long zone", member("a", strings.Repeat("a", MaxZoneBytes+1), 1), nil, ErrZone},
		{"duplicate", append(Equal("a", "b"), member("a", "z", 2)...), nil, ErrDuplicate},
		{"as many members as partitions", Equal("a", "b"), []Option{WithPartitions(2)}, nil},
		{"more members than partitions", Equal("a", "b", "c"), []Option{WithPartitions(2)}, ErrTooManyMembers},
		{"most members", Equal(ids(MaxMembers)...), []Option{WithPartitions(MaxMembers)}, nil},
		{"too many members", Equal(ids(MaxMembers + 1)...), []Option{WithPartitions(MaxPartitions)}, ErrTooManyMembers},
	} {
		table, err := New(c.members, c.options...)
		if !errors.Is(err, c.want) || (err == nil) != (table != nil) {
			t.Errorf("%s: error %v, wanted %v", c.name, err, c.want)
		}
	}
}

func TestI13_BadPins(t *testing.T) {
	table := must[*Table](t)(New(Equal("a", "b"), WithPartitions(8)))
	for name, pins := range map[string][]Pin{
		"negative": {{-1, "a"}},
		"too far":  {{8, "a"}},
		"twice":    {{3, "a"}, {3, "b"}},
	} {
		if _, err := table.Next(Equal("a", "b"), pins...); !errors.Is(err, ErrPin) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Pins hold, one to a stranger waits, and whoever is not pinned full has its share of the rest as far as it goes.
func TestPins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const partitions = 64
		c := &crew{maxWeight: 3}
		c.change(t, 10)
		table := empty(t, WithPartitions(partitions))
		for range 6 {
			c.change(t, 10)
			names := []string{"stranger"}
			for _, m := range c.members {
				names = append(names, m.ID)
			}
			var pins []Pin
			for _, p := range rapid.SliceOfNDistinct(rapid.IntRange(0, partitions-1), 0, partitions, rapid.ID).Draw(t, "pinned") {
				pins = append(pins, Pin{p, rapid.SampledFrom(names).Draw(t, "to")})
			}
			table = step(t, table, c.members, pins...)
			pinned := map[string]int{}
			for _, pin := range pins {
				if pin.ID != "stranger" {
					pinned[pin.ID]++
					if owner := table.Member(table.OwnerOf(pin.Partition)).ID; owner != pin.ID {
						t.Fatalf("%v is with %s", pin, owner)
					}
				}
			}
			if len(c.members) == 0 {
				continue
			}
			_, ceilings := floorAndCeiling(partitions, weightsOf(c.members))
			for i, held := range heldBy(table, c.members) {
				if limit := max(ceilings[i], pinned[c.members[i].ID]); held > limit {
					t.Fatalf("%v holds %d, of which %d are pinned", c.members[i], held, pinned[c.members[i].ID])
				}
			}
		}
	})
}

func TestDiffOfDifferentTables(t *testing.T) {
	if _, err := Diff(empty(t, WithPartitions(8)), empty(t, WithPartitions(16))); !errors.Is(err, ErrDifferent) {
		t.Error(err)
	}
}

// Diff tells exactly what differs, in order, and why.
func TestDiff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		partitions := rapid.SampledFrom([]int{3, 10, 64}).Draw(t, "partitions")
		c := &crew{maxWeight: 4}
		from := empty(t, WithPartitions(partitions))
		for range 20 {
			c.change(t, 12)
			to := step(t, from, c.members)
			moves := diff(t, from, to)
			owner := func(table *Table, p int) string {
				if slot := table.OwnerOf(p); slot != None {
					return table.Member(slot).ID
				}
				return ""
			}
			for p := range partitions {
				was, is := owner(from, p), owner(to, p)
				if was == is {
					continue
				}
				_, stays := to.Slot(was)
				want := Move{p, was, is, Leveled}
				if was == "" {
					want.Reason = Unowned
				} else if !stays {
					want.Reason = Orphaned
				}
				if len(moves) == 0 || moves[0] != want {
					t.Fatalf("moves go on with %v, not %v", moves, want)
				}
				moves = moves[1:]
			}
			if len(moves) > 0 {
				t.Fatalf("nothing of this moved: %v", moves)
			}
			from = to
		}
	})
}

// Standbys are others, the best first, in another zone if one is asked for; and the loss of a member takes only it from the list.
func TestStandbys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &crew{maxWeight: 2, zones: rapid.IntRange(1, 4).Draw(t, "zones")}
		for range 4 {
			c.change(t, 20)
		}
		rule := rapid.SampledFrom([]Zones{ZonesIgnored, ZonesApart}).Draw(t, "rule")
		table := step(t, empty(t, WithPartitions(32), WithZones(rule)), c.members)
		p := rapid.IntRange(0, 31).Draw(t, "partition")
		all := table.AppendStandbys([]int{77}, p, 1000)
		if all[0] != 77 || len(all)-1 != max(0, len(c.members)-1) || slices.Contains(all[1:], table.OwnerOf(p)) {
			t.Fatalf("standbys are %v of %d members", all, len(c.members))
		}
		all = all[1:]
		n := rapid.IntRange(0, 4).Draw(t, "n")
		if few := table.AppendStandbys(nil, p, n); !slices.Equal(few, all[:min(n, len(all))]) {
			t.Fatalf("the best %d of %v are said to be %v", n, all, few)
		}
		if rule == ZonesApart && len(all) > 0 {
			zone := table.Member(table.OwnerOf(p)).Zone
			same := slices.IndexFunc(all, func(slot int) bool { return table.Member(slot).Zone == zone })
			if same >= 0 && slices.ContainsFunc(all[same:], func(slot int) bool { return table.Member(slot).Zone != zone }) {
				t.Fatalf("a standby of the owner's zone comes before one of another: %v", all)
			}
		}
		if len(all) > 0 {
			lost := table.Member(all[rapid.IntRange(0, len(all)-1).Draw(t, "lost")]).ID
			after := step(t, table, slices.DeleteFunc(slices.Clone(c.members), func(m Member) bool { return m.ID == lost }))
			if after.Member(after.OwnerOf(p)).ID == table.Member(table.OwnerOf(p)).ID {
				want := slices.DeleteFunc(named(table, all), func(id string) bool { return id == lost })
				if got := named(after, after.AppendStandbys(nil, p, 1000)); !slices.Equal(got, want) {
					t.Fatalf("without %s the standbys are %v, not %v", lost, got, want)
				}
			}
		}
	})
}

func named(t *Table, slots []int) (ids []string) {
	for _, slot := range slots {
		ids = append(ids, t.Member(slot).ID)
	}
	return ids
}

// With zones apart, what lost members had goes to other zones than theirs as far as shares permit. With two zones the fewest that must stay are known: each
// zone's room is fixed by the shares, so what one zone lost beyond the other's room has no other place.
func TestLossGoesToAnotherZone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var members []Member
		for i := range rapid.IntRange(6, 30).Draw(t, "members") {
			members = append(members, Member{ID: fmt.Sprint("worker-", i), Zone: []string{"north", "south"}[i%2], Weight: 1})
		}
		table := must[*Table](t)(New(members, WithPartitions(512), WithZones(ZonesApart)))
		lost, rest := members[:2], members[2:] // one of each zone
		after := step(t, table, rest)
		orphans, room, stay := map[string]int{}, map[string]int{}, 0
		for _, m := range diff(t, table, after) {
			from := lost[0].Zone
			if m.From == lost[1].ID {
				from = lost[1].Zone
			}
			slot, _ := after.Slot(m.To)
			to := after.Member(slot).Zone
			orphans[from]++
			room[to]++
			if from == to {
				stay++
			}
		}
		if fewest := max(0, orphans["north"]-room["south"]) + max(0, orphans["south"]-room["north"]); stay != fewest {
			t.Fatalf("%d orphans stay in the zone of their lost owner, %d must", stay, fewest)
		}
	})
}

// Pacing keeps its limits, never stands still, and ends in about as many rounds as the limit makes necessary.
func TestPace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.IntRange(1, 8).Draw(t, "members")
		limit := rapid.IntRange(-1, 20).Draw(t, "limit")
		owned, underway := make([]int, members), make([]int, members)
		var pending []int
		for m := range members {
			owned[m] = rapid.IntRange(0, 30).Draw(t, "owned")
			pending = append(pending, slices.Repeat([]int{m}, rapid.IntRange(0, owned[m]).Draw(t, "to go"))...)
		}
		pending = rapid.Permutation(pending).Draw(t, "order")
		for rounds := 0; len(pending) > 0; rounds++ {
			begin := Pace(pending, underway, owned, limit)
			total := 0
			for _, n := range underway {
				total += n
			}
			if total == 0 && len(begin) == 0 || rounds > 300 {
				t.Fatalf("%v never begins: owned %v, limit %d", pending, owned, limit)
			}
			for i := len(begin) - 1; i >= 0; i-- {
				m := pending[begin[i]]
				underway[m]++
				total++
				pending = slices.Delete(pending, begin[i], begin[i]+1)
			}
			for m := range members {
				if underway[m] > (owned[m]+1)/2 {
					t.Fatalf("%d of %d partitions of a member move at once", underway[m], owned[m])
				}
			}
			if total > max(1, limit) {
				t.Fatalf("%d moves at once, the limit is %d", total, limit)
			}
			for m := range members {
				done := rapid.IntRange(0, underway[m]).Draw(t, "done")
				if rounds%2 == 1 {
					done = underway[m]
				}
				underway[m] -= done
				owned[m] -= done
			}
		}
	})
}

func TestDefaultConcurrentMoves(t *testing.T) {
	for partitions, want := range map[int]int{1: 32, 512: 32, 4096: 256, MaxPartitions: 4096} {
		if got := DefaultConcurrentMoves(partitions); got != want {
			t.Errorf("%d partitions: %d", partitions, got)
		}
	}
}

// A change too large to score is dealt out, and keeps all other promises.
func TestLargeChangesAreDealt(t *testing.T) {
	table := empty(t)
	members := Equal(ids(100)...)
	for i := range members {
		members[i].Weight += uint32(i % 7)
	}
	next := must[*Table](t)(table.next(members, nil, 1000))
	consistent(t, next, members)
	within(t, DefaultPartitions, members, heldBy(next, members))
	scored := step(t, table, Equal(ids(50)...))
	dealt := must[*Table](t)(table.next(Equal(ids(50)...), nil, 1000))
	if len(diff(t, scored, dealt)) == 0 {
		t.Error("the limit on scores changes nothing; this test looks at nothing")
	}
}

func TestExplain(t *testing.T) {
	table := must[*Table](t)(New([]Member{{"a", "north", 2}, {"b", "south", 1}, {"c", "south", 1}}, WithPartitions(7), WithZones(ZonesApart)))
	table = step(t, table, []Member{{"b", "south", 1}, {"c", "south", 1}})
	for _, key := range []string{"one", "two", "three", "four", "five"} {
		e := table.Explain(key)
		owner, _ := table.Owner(key)
		if e.Owner.ID != owner || e.Partition != Partition(key, 7) || e.Weight != 2 || len(e.Standbys) != 1 || e.Standbys[0] == owner {
			t.Errorf("%+v", e)
		}
	}
	want := "key \"one\" has hash 363b02a42408a1f6\npartition 1 = hash * 7 / 2^64\nnobody owns it: there are no members\n"
	if got := empty(t, WithPartitions(7)).Explain("one").String(); got != want {
		t.Error(got)
	}
}
