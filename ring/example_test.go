package ring_test

import (
	"fmt"
	"sync/atomic"

	"github.com/coordd/coordd/ring"
)

// A ring in a program of your own: who is to handle a key?
func ExampleNew() {
	r, err := ring.New(ring.Equal("ant", "bee", "cat"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, key := range []string{"user:1", "user:2", "user:3"} {
		owner, _ := r.Owner(key)
		fmt.Println(key, "belongs to", owner)
	}
	// Output:
	// user:1 belongs to ant
	// user:2 belongs to cat
	// user:3 belongs to bee
}

// Members that are stronger get more.
func ExampleNew_weights() {
	r, err := ring.New([]ring.Member{{ID: "large", Weight: 3}, {ID: "small", Weight: 1}}, ring.WithPartitions(1000))
	if err != nil {
		fmt.Println(err)
		return
	}
	for slot, m := range r.Members() {
		fmt.Println(m.ID, r.Held(slot))
	}
	// Output:
	// large 750
	// small 250
}

// When a member joins it receives its share, and nothing else moves.
func ExampleTable_Next() {
	before, err := ring.New(ring.Equal("ant", "bee"), ring.WithPartitions(6))
	if err != nil {
		fmt.Println(err)
		return
	}
	after, err := before.Next(ring.Equal("ant", "bee", "cat"))
	if err != nil {
		fmt.Println(err)
		return
	}
	moves, _ := ring.Diff(before, after)
	for _, move := range moves {
		fmt.Println(move)
	}
	// Output:
	// 0: ant -> cat (leveled)
	// 5: bee -> cat (leveled)
}

// A table is a value: readers take the current one through an atomic pointer, without a lock, while another goroutine publishes the next.
func ExampleTable_Lookup() {
	var current atomic.Pointer[ring.Table]
	first, _ := ring.New(ring.Equal("ant", "bee"), ring.WithPartitions(8))
	current.Store(first)

	table := current.Load() // slots mean something only together with their table
	partition, slot := table.Lookup("user:1")
	fmt.Println(partition, table.Member(slot).ID)

	next, _ := table.Next(ring.Equal("bee"))
	current.Store(next)
	fmt.Println(current.Load().Owner("user:1"))
	// Output:
	// 6 bee
	// bee true
}

// Explain says where a key is and why.
func ExampleTable_Explain() {
	r, _ := ring.New([]ring.Member{{ID: "ant", Zone: "north", Weight: 2}, {ID: "bee", Zone: "north", Weight: 1}, {ID: "cat", Zone: "south", Weight: 1}},
		ring.WithPartitions(64), ring.WithZones(ring.ZonesApart))
	fmt.Print(r.Explain("user:1"))
	// Output:
	// key "user:1" has hash d9c7c4609e6080f3
	// partition 54 = hash * 64 / 2^64
	// owner ant in zone north holds 32 partitions; its share by weight is 32.00 (2 of 4)
	// next in line: cat, bee
}

// Of ten moves that a plan wants, four may begin: member 0 hands over at most half of what it owns at a time.
func ExamplePace() {
	pending := []int{0, 0, 0, 0, 1, 1, 1, 1, 1, 1}
	underway := []int{0, 0} // by member
	owned := []int{4, 20}
	fmt.Println(ring.Pace(pending, underway, owned, 4))
	// Output:
	// [0 1 4 5]
}
