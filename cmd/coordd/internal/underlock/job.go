package underlock

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// Job is what to run, and how it ends.
type Job struct {
	Path      string   // the program's file
	Arguments []string // with the program's name first
	Schedule  Schedule
}

// Take takes the lock, and returns it with what the command is to find in its environment, as NAME=value. It returns soon after ctx ends.
type Take func(ctx context.Context) (lock Lock, environment []string, err error)

// InterruptedError is a signal that came while the lock was awaited.
type InterruptedError struct{ Signal syscall.Signal }

// Error implements error.
func (e *InterruptedError) Error() string {
	return fmt.Sprintf("interrupted (%v) before the lock was had; the command was not started", e.Signal)
}

// LostError is a lock that was lost while the command ran, or before it was started.
type LostError struct {
	Reason error
	Ended  bool          // the command had to be ended for it
	Spare  time.Duration // how long before the lock could be another's all was gone; negative: so much after
}

// Error implements error.
func (e *LostError) Error() string {
	switch {
	case !e.Ended:
		return fmt.Sprintf("the lock was lost before the command was started: %v", e.Reason)
	case e.Spare > 0:
		return fmt.Sprintf("the lock was lost (%v); the command was ended, %v before anybody else could be granted it", e.Reason, e.Spare.Round(time.Millisecond))
	}
	return fmt.Sprintf("the lock was lost (%v); the command was ended, but another may have been granted the lock before: only the fencing token protects what it did last", e.Reason)
}

// Unwrap gives the reason.
func (e *LostError) Unwrap() error { return e.Reason }

// StartError is a command that could not be started.
type StartError struct {
	Path string
	Err  error
}

// Error implements error.
func (e *StartError) Error() string { return fmt.Sprintf("%s cannot be started: %v", e.Path, e.Err) }

// Unwrap gives the reason.
func (e *StartError) Unwrap() error { return e.Err }
