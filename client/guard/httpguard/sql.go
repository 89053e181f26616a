package httpguard

import (
	"context"
	"errors"

	"github.com/coordd/coordd/client/guard"
	"github.com/coordd/coordd/client/guard/sqlguard"
)

// SQL keeps marks in a database, for any number of processes that guard the same resource. Each request that is inside keeps one connection of the database busy, with a transaction that holds
// the mark; so give it a pool of its own (sql.DB) and bound that: requests beyond it wait. If such a connection breaks while its request is at work, the next holder no longer waits for it. SQLite can do this
// for one request at a time in all; prefer a [File] there.
func SQL(db sqlguard.DB, marks *sqlguard.Guard) Marks { return &sqlMarks{db, marks} }

type sqlMarks struct {
	db    sqlguard.DB
	marks *sqlguard.Guard
}

// Enter implements [Marks]. The transaction that holds the mark outlives the context, which bounds only the waiting.
func (s *sqlMarks) Enter(ctx context.Context, fence guard.Fence) (leave func(), err error) {
	leave, err = s.hold(ctx, fence)
	var not *guard.NotEnteredError
	if !errors.As(err, &not) {
		return leave, err
	}
	if err := s.marks.Enter(ctx, s.db, fence); err != nil {
		return nil, err
	}
	return s.hold(ctx, fence)
}

// hold begins the transaction with a context of its own, since database/sql ends a transaction with its context.
func (s *sqlMarks) hold(ctx context.Context, fence guard.Fence) (leave func(), err error) {
	inside, end := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { end(context.Cause(ctx)) })
	release, err := s.marks.Hold(inside, s.db, fence)
	if err == nil && !stop() {
		release()
		err = context.Cause(ctx)
	}
	if err != nil {
		stop()
		cause := context.Cause(ctx)
		end(nil)
		return nil, errors.Join(err, cause)
	}
	return func() {
		release()
		end(nil)
	}, nil
}
