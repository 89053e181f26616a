package ring

import (
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// Partition is the partition of a key among so many, which must be 1 to [MaxPartitions]. It is a contract between all builds of all programs: the high 64 bits of
// xxhash64(key) * partitions, with seed 0. Unlike a remainder it takes no division, and it keeps the order of the hashes: with twice as many partitions,
// what was in p is in 2p and 2p+1.
func Partition(key string, partitions int) int {
	high, _ := bits.Mul64(xxhash.Sum64String(key), uint64(partitions))
	return int(high)
}

// mix spreads the bits of a number over all of them (the finalizer of MurmurHash3).
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// walk visits every partition once, in an order that looks random and depends only on the seed. It stops when visit returns false.
//
// It counts through the next power of two in steps of an odd number, which meets every number once, and leaves out those beyond the partitions.
func walk(partitions int, seed uint64, visit func(partition int) bool) {
	size := uint64(1) << bits.Len32(uint32(partitions-1))
	mask := uint32(size - 1)
	// A step near the golden section of the whole spreads the first visits evenly.
	step := uint32(size*0x9e3779b1>>32) | 1
	at := uint32(seed) & mask
	for range size {
		if int(at) < partitions && !visit(int(at)) {
			return
		}
		at = (at + step) & mask
	}
}
