package ring

import (
	"fmt"
	"testing"

	"github.com/cespare/xxhash/v2"
)

// keys are as many as do not fit the nearest cache, as real ones would be.
var keys = func() []string {
	list := make([]string, 1<<16)
	for i := range list {
		list[i] = fmt.Sprintf("key-%012d", i)
	}
	return list
}()

var sink int

// BenchmarkBareLookup is what a lookup cannot beat: the hash of the key and the read of an array.
func BenchmarkBareLookup(b *testing.B) {
	array := make([]uint16, DefaultPartitions)
	for i := 0; b.Loop(); i++ {
		sink += int(array[xxhash.Sum64String(keys[i&(len(keys)-1)])>>52])
	}
}

func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		table := must[*Table](b)(New(Equal(ids(n)...)))
		b.Run(fmt.Sprintf("members=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				_, slot := table.Lookup(keys[i&(len(keys)-1)])
				sink += slot
			}
		})
	}
}

// BenchmarkOwnerLookup also reads the owner's id.
func BenchmarkOwnerLookup(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		table := must[*Table](b)(New(Equal(ids(n)...)))
		b.Run(fmt.Sprintf("members=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				id, _ := table.Owner(keys[i&(len(keys)-1)])
				sink += len(id)
			}
		})
	}
}

// BenchmarkNext is one member that leaves and one that joins; a change is half of it.
func BenchmarkNext(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		with, without := Equal(ids(n)...), Equal(ids(n)...)
		without = append(without[:n/2:n/2], without[n/2+1:]...)
		table := must[*Table](b)(New(with))
		b.Run(fmt.Sprintf("members=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				table = must[*Table](b)(table.Next(without))
				table = must[*Table](b)(table.Next(with))
			}
		})
	}
}

// BenchmarkNew places members from nothing.
func BenchmarkNew(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		members := Equal(ids(n)...)
		b.Run(fmt.Sprintf("members=%d", n), func(b *testing.B) {
			for b.Loop() {
				must[*Table](b)(New(members))
			}
		})
	}
}

// BenchmarkHalfLeaves is the loss of half of the members at once.
func BenchmarkHalfLeaves(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		table := must[*Table](b)(New(Equal(ids(n)...)))
		half := Equal(ids(n)[:n/2]...)
		b.Run(fmt.Sprintf("members=%d", n), func(b *testing.B) {
			for b.Loop() {
				must[*Table](b)(table.Next(half))
			}
		})
	}
}

func BenchmarkAppendBinary(b *testing.B) {
	table := must[*Table](b)(New(Equal(ids(100)...)))
	var bytes []byte
	for b.Loop() {
		bytes, _ = table.AppendBinary(bytes[:0])
	}
	b.SetBytes(int64(len(bytes)))
}
