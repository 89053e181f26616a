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

// OpClock is a note of a client process: between Sent and the note's instant its clock was given the order Value, and went forward by TTL at once.
const OpClock = "clock"

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
	limit, cancel := a.limited()
	defer cancel()
	session, err := a.Cluster.OpenSession(limit, client.SessionOptions{TTL: a.TTL, Name: a.Process})
	if err != nil {
		a.rest(ctx, 100*time.Millisecond)
		return nil
	}
	return session
}

func (a *Actor) closeSession(session *client.Session) {
	limit, cancel := a.limited()
	defer cancel()
	_ = session.Close(limit) // it ends by itself otherwise
}

func (a *Actor) tryLock(ctx context.Context, session *client.Session) {
	op := a.Record.Invoke(history.Event{Op: OpAcquire, Key: a.name(lockNames), Holder: session.ID()})
	limit, cancel := a.limited()
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
	op.Token, op.ID = int64(held.Token()), held.ID()
	op.Until, op.Doubtful = a.counted(now, held.Remaining())
	a.Record.End(op, history.OK, nil)
	return true
}

// counted is until when, in true time, a holder counts on what it has left by its clock: promised, or only believed by a clock that is outside of what is promised.
func (a *Actor) counted(now int64, left time.Duration) (promised, doubtful int64) {
	until, doubt := a.Clock.Until(now, left)
	if doubt {
		return 0, until
	}
	return until, 0
}

// keyOf is how a history calls a set of names: those of a multi-lock together.
func keyOf(names []string) string { return strings.Join(names, "+") }

// take asks for a hold of any kind, holds it for a while and gives it back.
func (a *Actor) take(ctx context.Context, op history.Event, most time.Duration, acquire func(context.Context) (*client.Held, error)) {
	op.Op = OpAcquire
	op = a.Record.Invoke(op)
	limit, cancel := a.limited()
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

// belief is until when a holder counted on a lock, as Event has it.
type belief struct{ until, doubtful int64 }

// or is the longer of two beliefs.
func (b belief) or(other belief) belief {
	return belief{max(b.until, other.until), max(b.doubtful, other.doubtful)}
}

// hold does nothing under a lock for a while, unless it is lost before. It returns until when the holder counted on it, as the last renewal that it heard of let it.
func (a *Actor) hold(ctx context.Context, held *client.Held, most time.Duration) (believed belief) {
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
			promised, doubtful := a.counted(now, remaining)
			believed = believed.or(belief{promised, doubtful})
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

// release gives a lock back, or notes that it was lost, and until when the holder had counted on it; no belief if it did not look.
func (a *Actor) release(held *client.Held, believed belief) {
	now, remaining := history.Now(), held.Remaining()
	event := history.Event{Op: OpRelease, Key: keyOf(held.Names()), Token: int64(held.Token()), ID: held.ID(), Sent: now}
	event.Until, event.Doubtful = a.counted(now, remaining)
	limit, cancel := a.limited()
	defer cancel()
	if remaining == 0 {
		event.Op, event.Until, event.Doubtful = OpLost, believed.until, believed.doubtful
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
			limit, cancel := a.limited()
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
