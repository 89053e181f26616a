package ring

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"pgregory.net/rapid"

	_ "github.com/coordd/coordd/internal/rapidseed"
)

var rewrite = flag.Bool("rewrite-golden", false, "write the golden vectors anew; only before a first release: they are what keys and replicas agree on")

// I1: where a key belongs, and which table follows which, is the same in every build, on every machine, for ever. The vectors hold partitions of keys and
// digests of tables along a script of a thousand changes.
func TestI1_GoldenVectors(t *testing.T) {
	var b strings.Builder
	for i := range 20 {
		key := strings.Repeat("k", i) + fmt.Sprint(i*i)
		fmt.Fprintf(&b, "key %q", key)
		for _, partitions := range []int{271, 4096, 65536} {
			fmt.Fprintf(&b, " %d/%d", Partition(key, partitions), partitions)
		}
		b.WriteString("\n")
	}
	for _, rule := range []Zones{ZonesIgnored, ZonesApart, ZonesEven} {
		script(t, rule, func(i int, table *Table) *Table {
			if i%100 == 99 {
				fmt.Fprintf(&b, "%v after %d changes: %d members, %016x\n", rule, i+1, table.Len(), xxhash.Sum64(encode(table)))
			}
			return table
		})
	}
	file := filepath.Join("testdata", "golden.txt")
	if *rewrite {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the vectors changed:\n%s\nwere:\n%s", b.String(), want)
	}
}

// I1: a replica that starts from a stored table goes on as those that never stopped.
func TestI1_StoredTableGoesOnAlike(t *testing.T) {
	var straight, restored []string
	record := func(into *[]string) func(int, *Table) *Table {
		return func(_ int, table *Table) *Table {
			*into = append(*into, string(encode(table)))
			return table
		}
	}
	script(t, ZonesApart, record(&straight))
	script(t, ZonesApart, func(i int, table *Table) *Table {
		record(&restored)(i, table)
		return must[*Table](t)(Decode(encode(table)))
	})
	if !slices.Equal(straight, restored) {
		t.Error("tables differ")
	}
}

// script runs a thousand changes, drawn by a fixed generator: joins, leaves, returns, weights, pins.
func script(t *testing.T, rule Zones, after func(int, *Table) *Table) {
	t.Helper()
	random := rand.New(rand.NewPCG(3, uint64(rule)))
	table := empty(t, WithPartitions(1024), WithZones(rule))
	var members []Member
	for i := range 1000 {
		switch n := random.IntN(100); {
		case n < 40 && len(members) > 0:
			at := random.IntN(len(members))
			members = slices.Delete(members, at, at+1)
		case n < 50 && len(members) > 0:
			members[random.IntN(len(members))].Weight = 1 + random.Uint32N(9)
		default:
			m := Member{ID: fmt.Sprintf("worker-%d", random.IntN(150)), Zone: fmt.Sprintf("zone-%d", random.IntN(3)), Weight: 1 + random.Uint32N(9)}
			if !slices.ContainsFunc(members, func(other Member) bool { return other.ID == m.ID }) {
				members = append(members, m)
			}
		}
		var pins []Pin
		for p := range i % 3 {
			pins = append(pins, Pin{p, fmt.Sprintf("worker-%d", p)})
		}
		table = after(i, step(t, table, members, pins...))
	}
}

// I1: the order in which members are named means nothing.
func TestI1_OrderOfMembersMeansNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &crew{maxWeight: 4, zones: 3}
		for range 5 {
			c.change(t, 40)
		}
		options := []Option{WithPartitions(271), WithZones(rapid.SampledFrom([]Zones{ZonesIgnored, ZonesApart, ZonesEven}).Draw(t, "rule"))}
		first := must[*Table](t)(New(c.members, options...))
		second := must[*Table](t)(New(rapid.Permutation(c.members).Draw(t, "order"), options...))
		if string(encode(first)) != string(encode(second)) {
			t.Fatal("tables differ")
		}
	})
}

// With twice the partitions, what was in p is in 2p and 2p+1.
func TestPartitionsSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.String().Draw(t, "key")
		partitions := rapid.IntRange(1, MaxPartitions/2).Draw(t, "partitions")
		if p := Partition(key, partitions); p < 0 || p >= partitions || Partition(key, 2*partitions)/2 != p {
			t.Fatalf("%q is in %d of %d and %d of %d", key, p, partitions, Partition(key, 2*partitions), 2*partitions)
		}
	})
}

// The walk meets every partition once.
func TestWalkMeetsAllOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		partitions := rapid.OneOf(rapid.IntRange(1, 70), rapid.IntRange(1, MaxPartitions)).Draw(t, "partitions")
		met := make([]int, partitions)
		walk(partitions, rapid.Uint64().Draw(t, "seed"), func(p int) bool { met[p]++; return true })
		for p, n := range met {
			if n != 1 {
				t.Fatalf("%d of %d is met %d times", p, partitions, n)
			}
		}
	})
}
