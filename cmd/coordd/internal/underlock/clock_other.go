//go:build unix && !linux

package underlock

import (
	"time"

	"golang.org/x/sys/unix"
)

// BootClock falls back to the monotonic clock, which all processes of the machine share, but which on some systems stands still while it is suspended.
func BootClock() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		panic("the kernel has no CLOCK_MONOTONIC: " + err.Error())
	}
	return time.Duration(now.Nano())
}
