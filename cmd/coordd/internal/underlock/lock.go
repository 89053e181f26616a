package underlock

import (
	"context"
	"time"
)

// Lock is a lock that is held, as this package needs to know it. Its methods may be called from any goroutine.
type Lock interface {
	// Left is how long the lock certainly cannot be another's, if nothing more is heard from the cluster. It grows with each renewal, and is 0 when all is
	// lost. The clock behind it counts suspended time.
	Left() time.Duration

	// Lost ends when the lock is lost, with the reason as its cause. Left may still tell a time in which nobody else is granted the lock.
	Lost() context.Context

	// Release gives the lock back, or acknowledges its loss. It is called when the family is gone.
	Release(ctx context.Context) error
}
