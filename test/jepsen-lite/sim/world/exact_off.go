//go:build !coordd_exact

package world

// chooseBySeed does nothing on the unchanged runtime, whose choices cannot be seeded. See package exact.
func chooseBySeed(uint64) {}
