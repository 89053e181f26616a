package underlock

import (
	"time"

	"golang.org/x/sys/unix"
)

// BootClock is CLOCK_BOOTTIME, which goes on while the machine is suspended and which all processes of the machine share. /proc/uptime tells it too.
func BootClock() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		panic("the kernel has no CLOCK_BOOTTIME: " + err.Error()) // every kernel that Go runs on has it
	}
	return time.Duration(now.Nano())
}
