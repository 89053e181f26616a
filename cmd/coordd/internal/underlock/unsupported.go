//go:build !unix

package underlock

import (
	"errors"
	"io"
	"time"
)

// ErrKeeperGone and ErrStruck are of other systems.
var (
	ErrKeeperGone = errors.New("the process that kept the lock was killed")
	ErrStruck     = errors.New("the process that kept the lock did not answer for it in time")
)

var errUnsupported = errors.New("running a command under a lock needs the process groups of Unix, which this system has not")

// RunFront is refused on this system.
func RunFront(Schedule, io.Writer, func(KeeperArguments) []string) (int, error) {
	return 0, errUnsupported
}

// Keeper cannot be had on this system.
type Keeper struct{}

// AttachKeeper is refused on this system.
func AttachKeeper(KeeperArguments, io.Writer) (*Keeper, error) { return nil, errUnsupported }

// Keep is refused on this system.
func (*Keeper) Keep(Job, Take) (int, error) { return 0, errUnsupported }

var processStart = time.Now()

// BootClock is the time since this process was started.
func BootClock() time.Duration { return time.Since(processStart) }
