package peer

import (
	"errors"
	"fmt"
	"syscall"
)

var (
	// ErrClosed: the port was closed.
	ErrClosed = errors.New("peer port is closed")
	// ErrOverloaded: too much is already waiting for this peer; nothing was sent.
	ErrOverloaded = errors.New("too many calls wait for this peer")
	// ErrTooLarge: the frame exceeds MaxFrameSize; nothing was sent.
	ErrTooLarge = fmt.Errorf("frame exceeds %d bytes", MaxFrameSize)
)

// CallError is a call that brought no answer.
type CallError struct {
	Target Target
	// Sent is false when the request certainly never left this machine. When it is true the fate of the request is unknown: the
	// other side may have acted on it, or may still do so.
	Sent bool
	Err  error
}

// Error says whom the call was for, what is known of its fate, and why it failed.
func (e *CallError) Error() string {
	fate := "not sent"
	if e.Sent {
		fate = "sent, fate unknown"
	}
	return fmt.Sprintf("call to peer %s (%s): %v", e.Target, fate, e.Err)
}

// Unwrap gives the cause.
func (e *CallError) Unwrap() error { return e.Err }

// Unsent reports whether err proves that the request never left this machine, so that sending it again cannot run it twice.
func Unsent(err error) bool {
	var call *CallError
	return errors.As(err, &call) && !call.Sent
}

// RemoteError is a call that the other side received and answered with an error.
type RemoteError struct{ Text string }

// Error gives the other side's sentence.
func (e *RemoteError) Error() string { return e.Text }

// IsRefused reports whether a dial failed because nothing listens at the address.
func IsRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
