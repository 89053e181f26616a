package guard

import "context"

// Permit is one permit of a semaphore. It is deliberately not a [Fence], and there is no way to make one of it: permits are held at the same time, so a mark of the newest token
// would refuse those who hold an older one rightfully.
type Permit struct{ fence Fence }

// NewPermit is a permit of a semaphore, by the semaphore's name and the permit's token.
func NewPermit(semaphore string, token uint64) (Permit, error) {
	fence, err := New(semaphore, token)
	return Permit{fence}, err
}

// HeldFunc asks the cluster whether a permit is held at this moment.
type HeldFunc func(ctx context.Context, semaphore string, token uint64) (held bool, err error)

// Check returns nil if the permit is held now, a *[StaleError] if not, and any other error if it could not be found out. It narrows the time in which a stopped holder can do harm, and
// does not close it: the permit may end between the answer and the next step. What must never be done by two at once needs an exclusive lock.
func (p Permit) Check(ctx context.Context, ask HeldFunc) error {
	held, err := ask(ctx, p.fence.lock, p.fence.token)
	if err == nil && !held {
		return &StaleError{Fence: p.fence}
	}
	return err
}
