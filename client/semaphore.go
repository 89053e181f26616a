package client

import (
	"context"
	"strconv"
)

// Semaphore is a number of permits. Each hold has some of them, and an id of its own by which [Client.Check] tells whether it is still held; tokens do not order holds that exist
// side by side.
type Semaphore struct {
	session *Session
	name    string
	limit   int
	options lockOptions
}

// Semaphore makes a handle for a semaphore of so many permits, 1 to 65535; nothing is asked of the cluster yet. The limit is that of everybody as long as anybody holds permits or waits for
// them: another one is refused with a [*ConflictError].
func (s *Session) Semaphore(name string, limit int, options ...LockOption) *Semaphore {
	return &Semaphore{session: s, name: name, limit: limit, options: ownOwner(optionsOf(options))}
}

// Acquire takes permits, all or none, and waits for them as [Session.Lock] does: nobody who comes later overtakes, also not with fewer permits.
func (s *Semaphore) Acquire(ctx context.Context, permits int) (*Held, error) {
	return s.session.wait(ctx, s.acquisition(permits))
}

// TryAcquire takes permits if there are enough and nobody waits, and otherwise returns a *HeldError.
func (s *Semaphore) TryAcquire(ctx context.Context, permits int) (*Held, error) {
	return s.session.try(ctx, s.acquisition(permits))
}

func (s *Semaphore) acquisition(permits int) *acquisition {
	return newAcquisition(s.options, []string{s.name}, "SEMAPHORE.ACQUIRE", s.name, strconv.Itoa(s.limit), "PERMITS", strconv.Itoa(permits))
}
