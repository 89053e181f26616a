//go:build !unix

package world

// limitMemory does nothing here.
func limitMemory() error { return nil }
