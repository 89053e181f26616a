package main

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

func TestCollectorLetsSmallHeapsGrowAndLargeOnesDouble(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		live uint64
		want int
	}{{0, mostPercent}, {1 * mib, mostPercent}, {12 * mib, 300}, {24 * mib, 100}, {48 * mib, 100}, {4 << 30, 100}} {
		if got := collectorPercent(c.live); got != c.want {
			t.Errorf("%d MiB in use: %d percent, want %d", c.live/mib, got, c.want)
		}
	}
}

func TestAfterEachCollectionIsCalledAgain(t *testing.T) {
	var calls atomic.Int32
	afterEachCollection(func() { calls.Add(1) })
	for deadline := time.Now().Add(20 * time.Second); calls.Load() < 3; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d calls", calls.Load())
		}
		runtime.GC()
	}
}
