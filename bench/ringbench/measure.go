package main

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/coordd/coordd/ring"
)

// sizes are the numbers of members.
var sizes = []int{10, 100, 1000}

const (
	distinctKeys = 1 << 16 // keys of a lookup measurement, in turn: more than the nearest caches hold
	lookups      = 1 << 19 // lookups of one round
)

// figures are what was measured of one contender at one size.
type figures struct {
	Nanos   float64       `json:"lookup_ns"`
	Allocs  float64       `json:"lookup_allocs"`
	Rebuild time.Duration `json:"rebuild_ns"`               // mean of one leave and one join
	Fullest float64       `json:"max_over_mean"`            // in keys
	Share   float64       `json:"max_over_mean_partitions"` // in partitions; only of tables
	Left    float64       `json:"leave_moved_over_minimum"`
	Joined  float64       `json:"join_moved_over_minimum"`
}

// report is everything that was measured.
type report struct {
	Keys int                  `json:"keys"`
	Bare []float64            `json:"bare_ns"`    // by size: the hash of a key and the read of an array
	Slot []float64            `json:"slot_ns"`    // by size: coordd's Lookup, which gives the owner's slot
	Of   map[string][]figures `json:"contenders"` // by contender, then by size
}

// plan is how much to measure.
type plan struct {
	keys, rounds int
}

// measure lets all contenders take turns.
func measure(p plan, progress func(string)) *report {
	runtime.GOMAXPROCS(1)
	r := &report{Keys: p.keys, Of: map[string][]figures{}}
	keys := makeKeys(p.keys)
	for _, c := range contenders {
		r.Of[c.name] = make([]figures, len(sizes))
	}
	for i, n := range sizes {
		members := makeMembers(n)
		for _, c := range contenders {
			progress(fmt.Sprintf("%d members: keys of %s", n, c.name))
			f := &r.Of[c.name][i]
			f.Fullest, f.Left, f.Joined = balanceAndMovement(c, members, keys)
			f.Share = share(c, members)
		}
		progress(fmt.Sprintf("%d members: times", n))
		r.times(p, i, members, keys[:distinctKeys])
	}
	return r
}

func makeKeys(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("user:%011d", i)
	}
	return keys
}

func makeMembers(n int) []string {
	members := make([]string, n)
	for i := range members {
		members[i] = fmt.Sprintf("worker-%06d.example", i)
	}
	return members
}

// times measures what depends on the machine, in rounds in which everybody has a turn.
func (r *report) times(p plan, size int, members, keys []string) {
	bare, slot := []float64{}, []float64{}
	samples := make([]struct{ lookup, allocs, rebuild []float64 }, len(contenders))
	finders := make([]finder, len(contenders))
	for i, c := range contenders {
		finders[i] = c.make(members)
	}
	ours := finders[0].(*table).current
	array := make([]uint16, ours.Partitions())
	for range p.rounds {
		bare = append(bare, eachBare(keys, array))
		slot = append(slot, eachSlot(keys, ours))
		for i := range contenders {
			before := mallocs()
			samples[i].lookup = append(samples[i].lookup, eachOwner(keys, finders[i]))
			samples[i].allocs = append(samples[i].allocs, float64(mallocs()-before)/lookups)
			samples[i].rebuild = append(samples[i].rebuild, rebuild(finders[i], members))
		}
	}
	r.Bare, r.Slot = append(r.Bare, median(bare)), append(r.Slot, median(slot))
	for i, c := range contenders {
		f := &r.Of[c.name][size]
		f.Nanos = median(samples[i].lookup)
		f.Allocs = float64(int(median(samples[i].allocs) + 0.5))
		f.Rebuild = time.Duration(median(samples[i].rebuild))
	}
}

var sink int

// eachBare is the time in nanoseconds of what no lookup can do without. This loop and the next one call directly, so that their ratio hides nothing.
func eachBare(keys []string, array []uint16) float64 {
	start := processorTime()
	for i := range lookups {
		sink += int(array[xxhash.Sum64String(keys[i&(distinctKeys-1)])>>52])
	}
	return float64(processorTime()-start) / lookups
}

// eachSlot is the time of a lookup in coordd's ring.
func eachSlot(keys []string, t *ring.Table) float64 {
	start := processorTime()
	for i := range lookups {
		_, slot := t.Lookup(keys[i&(distinctKeys-1)])
		sink += slot
	}
	return float64(processorTime()-start) / lookups
}

// eachOwner is the time of finding the owner's id, through the interface that all contenders share.
func eachOwner(keys []string, f finder) float64 {
	start := processorTime()
	for i := range lookups {
		sink += len(f.Owner(keys[i&(distinctKeys-1)]))
	}
	return float64(processorTime()-start) / lookups
}

func mallocs() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.Mallocs
}

// rebuild is the mean time of a leave and a join of the middle member, repeated for at least 20 ms.
func rebuild(f finder, members []string) float64 {
	id, changes := members[len(members)/2], 0
	start := processorTime()
	for processorTime()-start < 20*time.Millisecond {
		for range 4 {
			f.Leave(id)
			f.Join(id)
			changes += 2
		}
	}
	return float64(processorTime()-start) / float64(changes)
}

// processorTime is what this process has used, which is less disturbed by others on the machine than the time on the wall.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// balanceAndMovement counts keys. left is what moved when the middle member left, over what it owned; joined what moved when a new one
// joined, over what it got. 1 is the least that can be.
func balanceAndMovement(c contender, members, keys []string) (fullest, left, joined float64) {
	f := c.make(members)
	before := owners(f, keys, members)
	counts := map[string]int{}
	for _, id := range before {
		counts[id]++
	}
	most := 0
	for _, n := range counts {
		most = max(most, n)
	}
	fullest = float64(most) * float64(len(members)) / float64(len(keys))

	leaver := members[len(members)/2]
	f.Leave(leaver)
	rest := slices.DeleteFunc(slices.Clone(members), func(m string) bool { return m == leaver })
	left = float64(moved(before, owners(f, keys, rest))) / float64(counts[leaver])

	f = c.make(members)
	f.Join("newcomer.example")
	with := append(slices.Clone(members), "newcomer.example")
	after := owners(f, keys, with)
	got := 0
	for _, id := range after {
		if id == "newcomer.example" {
			got++
		}
	}
	joined = float64(moved(before, after)) / float64(got)
	return fullest, left, joined
}

// owners finds the owner of every key and ends the program if it is nobody who is there.
func owners(f finder, keys, members []string) []string {
	known := map[string]bool{}
	for _, m := range members {
		known[m] = true
	}
	list := make([]string, len(keys))
	for i, key := range keys {
		list[i] = f.Owner(key)
		if !known[list[i]] {
			panic(fmt.Sprintf("key %q is said to belong to %q, who is no member", key, list[i]))
		}
	}
	return list
}

func moved(before, after []string) (n int) {
	for i := range before {
		if before[i] != after[i] {
			n++
		}
	}
	return n
}

// share is the partitions of the fullest member over the mean, 0 for a contender without partitions.
func share(c contender, members []string) float64 {
	t, ok := c.make(members).(*table)
	if !ok {
		return 0
	}
	most := 0
	for slot := range t.current.Members() {
		most = max(most, t.current.Held(slot))
	}
	return float64(most) * float64(len(members)) / float64(t.current.Partitions())
}

// chance is how full the fullest of so many members is, over the mean, when keys fall on them at random: the mean and as many deviations as the largest of so many
// normal numbers has.
func chance(keys, members int) float64 {
	mean := float64(keys) / float64(members)
	return 1 + math.Sqrt(2*math.Log(float64(members)))/math.Sqrt(mean)
}
