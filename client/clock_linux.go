package client

import (
	"time"

	"golang.org/x/sys/unix"
)

// suspendCountingClock reads CLOCK_BOOTTIME. CLOCK_MONOTONIC, which package time reads, stands still while the machine is suspended, and so would
// let a laptop or a paused virtual machine believe in a lease that ended meanwhile.
func suspendCountingClock() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return time.Since(processStart) // no kernel that Go runs on lacks the clock; a sandbox may forbid it
	}
	return time.Duration(now.Nano())
}

var processStart = time.Now()
