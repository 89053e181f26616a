package workload

import (
	"context"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/internal/committed"
	"github.com/coordd/coordd/test/jepsen-lite/history"
)

const (
	sharedNames = 2
	multiNames  = 4
	permitNames = 2

	// SemaphoreLimit is how many permits each semaphore has.
	SemaphoreLimit = 3
)

// sharedActor reads or writes under a lock that readers have together, and waits for it or not.
func sharedActor(ctx context.Context, a *Actor) {
	a.inSessions(ctx, func(ctx context.Context, session *client.Session) {
		op := history.Event{Key: a.name(sharedNames), Holder: session.ID()}
		writes, waits := a.Random.IntN(3) == 0, a.Random.IntN(2) == 0
		if !writes {
			op.Mode = committed.Shared
		}
		a.take(ctx, op, 30*time.Millisecond, func(ctx context.Context) (*client.Held, error) {
			switch lock := session.RWLock(op.Key); {
			case writes && waits:
				return lock.Lock(ctx)
			case writes:
				return lock.TryLock(ctx)
			case waits:
				return lock.RLock(ctx)
			default:
				return lock.TryRLock(ctx)
			}
		})
	})
}

// semaphoreActor takes one to all permits of a semaphore.
func semaphoreActor(ctx context.Context, a *Actor) {
	a.inSessions(ctx, func(ctx context.Context, session *client.Session) {
		op := history.Event{Key: a.name(permitNames), Holder: session.ID(), Mode: committed.Semaphore, Permits: 1 + a.Random.IntN(SemaphoreLimit)}
		semaphore, waits := session.Semaphore(op.Key, SemaphoreLimit), a.Random.IntN(2) == 0
		a.take(ctx, op, 30*time.Millisecond, func(ctx context.Context) (*client.Held, error) {
			if waits {
				return semaphore.Acquire(ctx, op.Permits)
			}
			return semaphore.TryAcquire(ctx, op.Permits)
		})
	})
}

// multiActor takes some of four locks together, or one of them by itself, so that sets overlap in every way.
func multiActor(ctx context.Context, a *Actor) {
	a.inSessions(ctx, func(ctx context.Context, session *client.Session) {
		names := a.someNames(multiNames)
		op := history.Event{Key: keyOf(names), Holder: session.ID()}
		waits := a.Random.IntN(2) == 0
		if len(names) > 1 {
			op.Mode, op.Names = committed.Multi, names
		}
		a.take(ctx, op, 20*time.Millisecond, func(ctx context.Context) (*client.Held, error) {
			switch set := session.MultiLock(names); {
			case len(names) == 1 && waits:
				return session.Lock(ctx, names[0])
			case len(names) == 1:
				return session.TryLock(ctx, names[0])
			case waits:
				return set.Lock(ctx)
			default:
				return set.TryLock(ctx)
			}
		})
	})
}

// someNames are one to three of so many names of this epoch, in any order.
func (a *Actor) someNames(count int) []string {
	first := a.name(1)
	names := make([]string, 0, count)
	for _, number := range a.Random.Perm(count)[:1+a.Random.IntN(3)] {
		names = append(names, first[:len(first)-1]+string(rune('0'+number)))
	}
	return names
}
