//go:build !linux

package client

import "time"

// suspendCountingClock falls back to the clock of package time, which on some systems stands still while the machine is suspended. There, a holder that
// was suspended learns of its loss from the next keepalive instead of at its deadline.
func suspendCountingClock() time.Duration { return time.Since(processStart) }

var processStart = time.Now()
