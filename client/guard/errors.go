package guard

import (
	"errors"
	"fmt"
)

// ErrStale is what errors.Is finds in every refusal of a token that is no longer its lock's newest.
var ErrStale = errors.New("stale fencing token")

// StaleError is a refusal. Nothing was written. The lock has passed to another holder: the work under it is to be stopped, and trying again with the same token
// cannot succeed.
type StaleError struct {
	Fence  Fence
	Newest uint64 // the newest token that is known for the lock; 0 when the lock is held by nobody
}

// Error implements error.
func (e *StaleError) Error() string {
	if e.Newest == 0 {
		return fmt.Sprintf("token %d of lock %q is stale: nobody holds the lock now; stop this work and take the lock again", e.Fence.token, e.Fence.lock)
	}
	return fmt.Sprintf("token %d of lock %q is stale: token %d was seen, so the lock has passed on; stop this work and take the lock again",
		e.Fence.token, e.Fence.lock, e.Newest)
}

// Is makes errors.Is(err, ErrStale) true.
func (e *StaleError) Is(target error) bool { return target == ErrStale }

// NotEnteredError says that a holder has not entered: under the rule "equals current" it must set the mark once before it reads or writes.
type NotEnteredError struct {
	Fence  Fence
	Newest uint64 // whose token the mark has; 0 for none
}

// Error implements error.
func (e *NotEnteredError) Error() string {
	return fmt.Sprintf("token %d of lock %q has not entered here, the mark is %d; call Enter once after the lock was granted", e.Fence.token, e.Fence.lock, e.Newest)
}
