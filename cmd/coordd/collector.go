package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// A node that holds few locks has a small heap and makes garbage fast, so by Go's rule (collect when the heap has doubled) it would collect ten times a
// second. Memory up to roomyHeap is spent before it is collected instead; a heap that is larger than that by itself is collected by Go's rule.
const (
	roomyHeap      = 48 << 20
	fewestPercent  = 100
	mostPercent    = 1600
	percentageStep = 10 // a smaller change is not worth stopping the process for
)

// collectLess makes the garbage collector follow that rule for the life of the process, unless GOGC says something else. GOMEMLIMIT counts as ever.
func collectLess() {
	if os.Getenv("GOGC") != "" {
		return
	}
	percent := collectorPercent(0)
	debug.SetGCPercent(percent)
	afterEachCollection(func() {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		wanted := collectorPercent(live[0].Value.Uint64())
		if wanted < percent-percentageStep || wanted > percent+percentageStep {
			percent = wanted
			debug.SetGCPercent(percent)
		}
	})
}

// collectorPercent is how much a heap of which so many bytes are in use may grow before it is collected, in percent.
func collectorPercent(live uint64) int {
	if live == 0 {
		return mostPercent
	}
	room := max(int64(roomyHeap)-int64(live), 0)
	return min(max(int(room*100/int64(live)), fewestPercent), mostPercent)
}

// afterEachCollection calls a function on the goroutine of finalizers, one call at a time.
func afterEachCollection(do func()) {
	type sentinel struct{ _ [16]byte }
	var again func(*sentinel)
	again = func(s *sentinel) {
		do()
		runtime.SetFinalizer(s, again)
	}
	runtime.SetFinalizer(&sentinel{}, again)
}
