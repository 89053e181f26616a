package workload

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/test/jepsen-lite/history"
)

// The operations of locks in a history. An acquire that failed since another held the lock carries that one's token as Value.
const (
	OpAcquire = "acquire"
	OpRelease = "release"
	OpLost    = "lost" // a note: the holder learned that it does not hold the lock any more
)

const lockNames = 3

func lockActor(ctx context.Context, a *Actor) {
	for ctx.Err() == nil {
		session := a.openSession(ctx)
		if session == nil {
			continue
		}
		for ctx.Err() == nil && session.Context().Err() == nil {
			a.tryLock(ctx, session)
			a.rest(ctx, 40*time.Millisecond)
		}
		a.closeSession(session)
	}
}

// openSession opens a session, nil if that did not go well.
func (a *Actor) openSession(ctx context.Context) *client.Session {
	limit, cancel := limited()
	defer cancel()
	session, err := a.Cluster.OpenSession(limit, client.SessionOptions{TTL: a.TTL, Name: a.Process})
	if err != nil {
		a.rest(ctx, 100*time.Millisecond)
		return nil
	}
	return session
}

func (a *Actor) closeSession(session *client.Session) {
	limit, cancel := limited()
	defer cancel()
	_ = session.Close(limit) // it ends by itself otherwise
}

func (a *Actor) tryLock(ctx context.Context, session *client.Session) {
	op := a.Record.Invoke(history.Event{Op: OpAcquire, Key: a.name(lockNames), Holder: session.ID()})
	limit, cancel := limited()
	defer cancel()
	held, err := session.TryLock(limit, op.Key)
	if a.granted(op, held, err) {
		a.release(held, a.hold(ctx, held, 40*time.Millisecond))
	}
}

// granted writes how an acquire ended.
func (a *Actor) granted(op history.Event, held *client.Held, err error) bool {
	if err != nil {
		var other *client.HeldError
		if errors.As(err, &other) {
			op.Value = strconv.FormatUint(other.Token, 10)
		}
		a.Record.End(op, outcome(err), err)
		return false
	}
	now := history.Now() // before the remaining time is asked for, so that the sum is no later than the holder believes
	op.Token, op.ID, op.Until = int64(held.Token()), held.ID(), now+int64(held.Remaining())
	a.Record.End(op, history.OK, nil)
	return true
}

// keyOf is how a history calls a set of names: those of a multi-lock together.
func keyOf(names []string) string { return strings.Join(names, "+") }

// take asks for a hold of any kind, holds it for a while and gives it back.
func (a *Actor) take(ctx context.Context, op history.Event, most time.Duration, acquire func(context.Context) (*client.Held, error)) {
	op.Op = OpAcquire
	op = a.Record.Invoke(op)
	limit, cancel := limited()
	held, err := acquire(limit)
	cancel()
	if a.granted(op, held, err) {
		a.release(held, a.hold(ctx, held, most))
	}
}

// inSessions lets an actor work in one session after the other, until ctx ends.
func (a *Actor) inSessions(ctx context.Context, work func(ctx context.Context, session *client.Session)) {
	for ctx.Err() == nil {
		session := a.openSession(ctx)
		if session == nil {
			continue
		}
		for ctx.Err() == nil && session.Context().Err() == nil {
			work(ctx, session)
			a.rest(ctx, 40*time.Millisecond)
		}
		a.closeSession(session)
	}
}

// beliefInterval is how often a holder looks until when it may count on its lock.
const beliefInterval = 50 * time.Millisecond

// hold does nothing under a lock for a while, unless it is lost before. It returns until when the holder counted on it, as the last renewal that it heard of let it.
func (a *Actor) hold(ctx context.Context, held *client.Held, most time.Duration) (believed int64) {
	limit, cancel := context.WithCancel(held.Context())
	defer context.AfterFunc(ctx, cancel)()
	defer cancel()
	over := time.NewTimer(a.span(most))
	defer over.Stop()
	look := time.NewTicker(beliefInterval)
	defer look.Stop()
	for {
		now := history.Now() // before the remaining time is asked for, as in granted
		if remaining := held.Remaining(); remaining > 0 {
			believed = max(believed, now+int64(remaining))
		}
		select {
		case <-look.C:
		case <-over.C:
			return believed
		case <-limit.Done():
			return believed
		}
	}
}

// release gives a lock back, or notes that it was lost, and until when the holder had counted on it; 0 if it did not look.
func (a *Actor) release(held *client.Held, believed int64) {
	now, remaining := history.Now(), held.Remaining()
	event := history.Event{Op: OpRelease, Key: keyOf(held.Names()), Token: int64(held.Token()), ID: held.ID(), Until: now + int64(remaining)}
	limit, cancel := limited()
	defer cancel()
	if remaining == 0 {
		event.Op, event.Until = OpLost, believed
		a.Record.Note(event)
		_ = held.Release(limit) // tells the cluster that the work has stopped
		return
	}
	op := a.Record.Invoke(event)
	err := held.Release(limit)
	how := outcome(err)
	if how == history.OK && errors.Is(context.Cause(held.Session().Context()), client.ErrLost) {
		how = history.Info // lost meanwhile: it ends with the session, which may take until that session's time is over
	}
	a.Record.End(op, how, err)
}

const waiterNames = 2

// waitersActor waits in line for one of few locks.
func waitersActor(ctx context.Context, a *Actor) {
	for ctx.Err() == nil {
		session := a.openSession(ctx)
		if session == nil {
			continue
		}
		for ctx.Err() == nil && session.Context().Err() == nil {
			op := a.Record.Invoke(history.Event{Op: OpAcquire, Key: a.name(waiterNames), Holder: session.ID()})
			limit, cancel := limited()
			held, err := session.Lock(limit, op.Key)
			cancel()
			if a.granted(op, held, err) {
				a.release(held, a.hold(ctx, held, 10*time.Millisecond))
			}
			a.rest(ctx, 20*time.Millisecond)
		}
		a.closeSession(session)
	}
}
