package sqlguard

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/coordd/coordd/client/guard"
)

// DB begins transactions: *sql.DB and *sql.Conn do.
type DB interface {
	Execer
	BeginTx(ctx context.Context, options *sql.TxOptions) (*sql.Tx, error)
}

// Work is what is done in a guarded transaction. It is called again in a new transaction if the database rolled the first one back because of others, so it must have no
// effects besides those on the transaction. It must not commit or roll back; an error makes the guard roll back.
type Work func(ctx context.Context, tx *sql.Tx) error

// Run does work in a transaction that advances the lock's mark first, by the rule "not older than seen". It returns
//
//   - a *[guard.StaleError] when a newer token was seen: nothing was written, the lock has passed on;
//   - a *[UnknownError] when the database did not answer to the commit: all of it was written, or nothing;
//   - work's own error, or the database's: nothing was written.
//
// Transactions of one lock come one after the other, and the next one waits while work runs. A process that is stopped meanwhile makes all others wait until the database ends its connection;
// give the database a limit for idle transactions. To have work end with the lock, pass the context of the held lock.
func (g *Guard) Run(ctx context.Context, db DB, fence guard.Fence, work Work) error {
	return g.guarded(ctx, db, fence, g.advance, work)
}

// RunCurrent does work in a transaction by the rule "equals current": the mark must be exactly the fence's token. The holder must have called [Guard.Enter] since it was granted the lock, or the error
// is a *[guard.NotEnteredError]. Transactions of the same holder do not wait for each other, except in SQLite or with [Options.Triggers]; a successor's Enter waits for all
// of them. The other errors are those of Run.
func (g *Guard) RunCurrent(ctx context.Context, db DB, fence guard.Fence, work Work) error {
	return g.guarded(ctx, db, fence, g.confirm, work)
}

// Enter sets the mark of a lock that was just granted, so that from now on every older token is refused, before the new holder has written anything. The errors are those of Run.
func (g *Guard) Enter(ctx context.Context, db DB, fence guard.Fence) error {
	return g.Run(ctx, db, fence, func(context.Context, *sql.Tx) error { return nil })
}

// Hold keeps a newer token from entering until release is called, for work outside of the database that must end before the next holder begins. The holder must have entered. It
// occupies one connection of the database, and in SQLite all writing; the protection ends early if that connection breaks. The errors are those of RunCurrent.
func (g *Guard) Hold(ctx context.Context, db DB, fence guard.Fence) (release func(), err error) {
	if err := fence.Validate(); err != nil {
		return nil, err
	}
	err = g.retry(ctx, func() error {
		tx, err := g.begin(ctx, db, fence, g.confirm)
		if err == nil {
			release = func() { _ = tx.Rollback() } // nothing was written; after an error the connection is given up and the lock with it
		}
		return err
	})
	return release, err
}

// UnknownError says that a commit was sent and not answered. Whether the transaction happened can only be seen by looking.
type UnknownError struct {
	Fence guard.Fence
	Cause error
}

// Error implements error.
func (e *UnknownError) Error() string {
	return fmt.Sprintf("the commit under %v was not answered, so it may have happened or not; read what is there before going on: %v", e.Fence, e.Cause)
}

// Unwrap gives the driver's error.
func (e *UnknownError) Unwrap() error { return e.Cause }

// admission is the first statement of a guarded transaction.
type admission func(context.Context, *sql.Tx, guard.Fence) error

func (g *Guard) guarded(ctx context.Context, db DB, fence guard.Fence, admit admission, work Work) error {
	if err := fence.Validate(); err != nil {
		return err
	}
	return g.retry(ctx, func() error {
		err := g.attempt(ctx, db, fence, admit, work)
		if !errors.Is(err, errNoMark) {
			return err
		}
		// The first use of this lock. The row is added outside, so that the transaction still begins with the statement that takes the row's lock.
		if err := g.prepare(ctx, db, fence.Lock()); err != nil {
			return err
		}
		return g.attempt(ctx, db, fence, admit, work)
	})
}

// attempt is one transaction.
func (g *Guard) attempt(ctx context.Context, db DB, fence guard.Fence, admit admission, work Work) error {
	tx, err := g.begin(ctx, db, fence, admit)
	if err != nil {
		return err
	}
	defer tx.Rollback() // without effect after the commit
	if err := work(ctx, tx); err != nil {
		return err
	}
	if g.options.Triggers && g.dialect.leaves {
		if _, err := tx.ExecContext(ctx, g.mark.leave, fence.Lock()); err != nil {
			return fmt.Errorf("leaving the mark of %v: %w", fence, err)
		}
	}
	return g.commit(tx, fence)
}

// begin begins a transaction that was admitted.
func (g *Guard) begin(ctx context.Context, db DB, fence guard.Fence, admit admission) (*sql.Tx, error) {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: g.options.Isolation})
	if err != nil {
		return nil, fmt.Errorf("beginning a transaction under %v: %w", fence, err)
	}
	err = admit(ctx, tx, fence)
	if err == nil && g.options.Verify != nil {
		err = g.options.Verify(ctx, fence)
	}
	if err != nil {
		return nil, errors.Join(err, ignoreEnded(tx.Rollback()))
	}
	return tx, nil
}

func (g *Guard) commit(tx *sql.Tx, fence guard.Fence) error {
	err := tx.Commit()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrTxDone): // rolled back because the context ended, or by work itself
		return fmt.Errorf("the transaction under %v had ended before it was to be committed: %w", fence, err)
	case g.options.Retriable(err) || answered(err):
		return fmt.Errorf("committing under %v: %w", fence, err)
	}
	return &UnknownError{Fence: fence, Cause: err}
}

// ignoreEnded drops what a rollback answers when the transaction had ended already.
func ignoreEnded(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

const (
	firstPause = 5 * time.Millisecond
	maxPause   = 200 * time.Millisecond
)

// retry tries again what the database rolled back because of others.
func (g *Guard) retry(ctx context.Context, attempt func() error) error {
	for count := 1; ; count++ {
		err := attempt()
		var unknown *UnknownError
		if err == nil || errors.Is(err, guard.ErrStale) || errors.As(err, &unknown) || !g.options.Retriable(err) {
			return err
		}
		if count >= g.options.MaxAttempts {
			return fmt.Errorf("after %d attempts: %w", count, err)
		}
		limit := min(maxPause, firstPause<<min(count-1, 10))
		select {
		case <-time.After(limit/2 + rand.N(limit/2)):
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		}
	}
}
