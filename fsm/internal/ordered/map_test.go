package ordered

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	_ "github.com/coordd/coordd/internal/rapidseed"
)

// failer is what a test and a property have in common.
type failer interface {
	Fatalf(format string, arguments ...any)
}

// model is a map that is copied in full.
type model map[int]int

func (m model) keys() []int {
	keys := make([]int, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// pair is a map beside its model.
type pair struct {
	real  *Map[int, int]
	model model
}

func (p pair) copy() pair {
	twin := make(model, len(p.model))
	for key, value := range p.model {
		twin[key] = value
	}
	return pair{p.real.Copy(), twin}
}

func (p pair) set(t failer, key, value int) {
	want, wasThere := p.model[key]
	if old, replaced := p.real.Set(key, value); old != want || replaced != wasThere {
		t.Fatalf("Set(%d) answered %d, %v; want %d, %v", key, old, replaced, want, wasThere)
	}
	p.model[key] = value
}

func (p pair) delete(t failer, key int) {
	want, wasThere := p.model[key]
	if old, removed := p.real.Delete(key); old != want || removed != wasThere {
		t.Fatalf("Delete(%d) answered %d, %v; want %d, %v", key, old, removed, want, wasThere)
	}
	delete(p.model, key)
}

// check compares everything that can be asked, and the shape of the tree.
func (p pair) check(t failer, from int) {
	keys := p.model.keys()
	if p.real.Len() != len(keys) {
		t.Fatalf("Len is %d, want %d", p.real.Len(), len(keys))
	}
	expect := func(what string, walk func(func(int, int) bool), want []int) {
		got := []int{}
		walk(func(key, value int) bool {
			if value != p.model[key] {
				t.Fatalf("%s gives %d the value %d, want %d", what, key, value, p.model[key])
			}
			got = append(got, key)
			return true
		})
		if !slices.Equal(got, want) {
			t.Fatalf("%s gives %v, want %v", what, got, want)
		}
	}
	expect("Scan", p.real.Scan, keys)
	at, found := slices.BinarySearch(keys, from)
	expect("Ascend", func(yield func(int, int) bool) { p.real.Ascend(from, yield) }, keys[at:])
	if found {
		at++
	}
	before := slices.Clone(keys[:at])
	slices.Reverse(before)
	expect("Descend", func(yield func(int, int) bool) { p.real.Descend(from, yield) }, before)
	if value, found := p.real.Get(from); found != (slices.Contains(keys, from)) || value != p.model[from] {
		t.Fatalf("Get(%d) answered %d, %v", from, value, found)
	}
	first, _, ok := p.real.Min()
	last, _, _ := p.real.Max()
	if ok != (len(keys) > 0) || ok && (first != keys[0] || last != keys[len(keys)-1]) {
		t.Fatalf("Min and Max are %d and %d (%v) of %v", first, last, ok, keys)
	}
	if p.real.root != nil {
		p.real.root.checkShape(t, true)
	}
}

// checkShape makes sure that nodes are filled as they must be, and that nothing stays referred to behind their ends. It returns the depth.
func (n *node[K, V]) checkShape(t failer, root bool) (depth int) {
	if n.count > maxKeys || n.count < minKeys && !root || n.count == 0 {
		t.Fatalf("a node has %d keys", n.count)
	}
	if n.children == nil {
		return 1
	}
	for i, child := range n.children {
		if (child != nil) != (i <= n.count) {
			t.Fatalf("a node of %d keys has a wrong child at %d", n.count, i)
		}
		if child == nil {
			continue
		}
		if below := child.checkShape(t, false); depth != 0 && below != depth {
			t.Fatalf("leaves lie %d and %d deep", below, depth)
		} else {
			depth = below
		}
	}
	return depth + 1
}

func TestMapEqualsItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		span := rapid.SampledFrom([]int{8, 200, 5000}).Draw(t, "span")
		key := rapid.IntRange(0, span)
		maps := []pair{{NewMap[int, int](cmp.Compare[int]), model{}}}
		for range rapid.IntRange(1, 40).Draw(t, "rounds") {
			which := rapid.IntRange(0, len(maps)-1).Draw(t, "map")
			one := maps[which]
			first, count, step := key.Draw(t, "first"), rapid.IntRange(1, 150).Draw(t, "count"), rapid.SampledFrom([]int{1, 1, 7, -1}).Draw(t, "step")
			remove := rapid.Bool().Draw(t, "remove")
			for i := range count {
				if remove {
					one.delete(t, first+i*step)
				} else {
					one.set(t, first+i*step, rapid.IntRange(1, 3).Draw(t, "value"))
				}
			}
			if rapid.IntRange(0, 4).Draw(t, "copy") == 0 && len(maps) < 4 {
				maps = append(maps, one.copy())
			}
			for _, each := range maps {
				each.check(t, key.Draw(t, "from"))
			}
		}
	})
}

func TestLargeMapFillsAndEmpties(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	one := pair{NewMap[int, int](cmp.Compare[int]), model{}}
	for range 40_000 {
		one.set(t, random.IntN(100_000), 1)
	}
	kept := one.copy()
	one.check(t, 50_000)
	for _, key := range rand.Perm(100_000) {
		one.delete(t, key)
	}
	one.check(t, 0)
	kept.check(t, 50_000)
}

func TestWalksEndWhenTold(t *testing.T) {
	m := NewMap[int, int](cmp.Compare[int])
	for key := range 1000 {
		m.Set(key, key)
	}
	for name, walk := range map[string]func(func(int, int) bool){
		"Scan":    m.Scan,
		"Ascend":  func(yield func(int, int) bool) { m.Ascend(0, yield) },
		"Descend": func(yield func(int, int) bool) { m.Descend(999, yield) },
	} {
		for _, want := range []int{1, 2, 40, 999} {
			seen := 0
			walk(func(int, int) bool { seen++; return seen < want })
			if seen != want {
				t.Errorf("%s went on to %d after %d", name, seen, want)
			}
		}
	}
}

// key is of the size of the machine's keys.
type key struct {
	database uint8
	hash     uint64
	text     string
}

func compareKeys(a, b key) int {
	if c := cmp.Compare(a.database, b.database); c != 0 {
		return c
	}
	return cmp.Compare(a.hash, b.hash)
}

type item struct {
	key   key
	value [16]uint64
}

// BenchmarkMap puts keys in, finds them and takes them out, among 10,000 others.
func BenchmarkMap(b *testing.B) {
	keys := make([]key, 1<<14)
	for i := range keys {
		keys[i] = key{hash: rand.Uint64(), text: "key"}
	}
	m := NewMap[key, *item](compareKeys)
	for _, k := range keys[:10_000] {
		m.Set(k, &item{key: k})
	}
	for i := 0; b.Loop(); i++ {
		k := keys[10_000+i%6000]
		m.Set(k, &item{key: k})
		m.Get(k)
		m.Delete(k)
	}
}
