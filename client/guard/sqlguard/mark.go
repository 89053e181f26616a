package sqlguard

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/coordd/coordd/client/guard"
)

// statements are what is said about a mark. Arguments are the token, then the lock's name.
type statements struct {
	advance string // by the rule "not older than seen"
	share   string // answers the token and keeps it from changing until the transaction ends
	confirm string // instead of share where there are no shared locks
	look    string
	insert  string
	leave   string
}

// markStatements writes them down.
//
// The column advances makes each UPDATE a change. MySQL counts rows that were changed, not rows that were found, so a holder's second transaction, whose token is the mark already, would
// look like a refused one; and PostgreSQL's REPEATABLE READ notices concurrent transactions by changes.
func markStatements(d *dialect, options Options) statements {
	table := d.quoted(options.Table)
	inside := ""
	if options.Triggers || !d.leaves {
		inside = ", inside = " + d.inside
	}
	one, two := d.placeholder(1), d.placeholder(2)
	return statements{
		advance: "UPDATE " + table + " SET token = " + one + ", advances = advances + 1" + inside + " WHERE name = " + two + " AND token <= " + d.placeholder(3),
		share:   "SELECT token FROM " + table + " WHERE name = " + one + d.shareLock,
		confirm: "UPDATE " + table + " SET advances = advances + 1" + inside + " WHERE name = " + one + " AND token = " + two,
		look:    "SELECT token FROM " + table + " WHERE name = " + one,
		insert:  "INSERT INTO " + table + " (name, token, advances) VALUES (" + one + ", 0, 0)" + d.ifAbsent,
		leave:   "UPDATE " + table + " SET inside = NULL WHERE name = " + one,
	}
}

// errNoMark says that a lock had no mark when the transaction looked for it. It does not leave the package: callers add the row and begin anew.
var errNoMark = errors.New("the lock has no mark, although it was just added; does somebody delete marks?")

// Advance moves the mark of a lock to the fence's token, in a transaction of the caller's own; the rule is "not older than seen". It must be the first statement
// of the transaction: what was read before may be older than the mark. After any error the transaction must be rolled back. The lock must have a mark, see
// [Guard.Prepare]. Prefer [Guard.Run], which cannot be called too late. A transaction that was begun here is not retried, and a trigger of [Guard.RequireMark] recognises it
// in PostgreSQL only.
func (g *Guard) Advance(ctx context.Context, tx *sql.Tx, fence guard.Fence) error {
	if err := fence.Validate(); err != nil {
		return err
	}
	err := g.advance(ctx, tx, fence)
	if errors.Is(err, errNoMark) {
		return fmt.Errorf("lock %q had no mark in table %s; call Prepare for it before the transaction begins", fence.Lock(), g.options.Table)
	}
	return err
}

// Prepare makes sure that a lock has a mark. Any number of processes may do so at any time. Only those who use [Guard.Advance] need it.
func (g *Guard) Prepare(ctx context.Context, db Execer, lock string) error {
	if _, err := guard.New(lock, 1); err != nil {
		return err
	}
	return g.retry(ctx, func() error { return g.prepare(ctx, db, lock) })
}

func (g *Guard) prepare(ctx context.Context, db Execer, lock string) error {
	if _, err := db.ExecContext(ctx, g.mark.insert, lock); err != nil {
		return fmt.Errorf("adding a mark for lock %q to table %s: %w", lock, g.options.Table, err)
	}
	return nil
}

// advance is the first statement of a guarded transaction.
func (g *Guard) advance(ctx context.Context, tx *sql.Tx, fence guard.Fence) error {
	token := int64(fence.Token())
	moved, err := changed(tx.ExecContext(ctx, g.mark.advance, token, fence.Lock(), token))
	if err != nil {
		return fmt.Errorf("advancing the mark of %v: %w", fence, err)
	}
	if moved {
		return nil
	}
	newest, err := g.look(ctx, tx, fence)
	switch {
	case err != nil:
		return err
	case newest <= fence.Token():
		return errNoMark // it was added by somebody else after the update had found none
	}
	return &guard.StaleError{Fence: fence, Newest: newest}
}

// look reads the mark of a lock in a transaction that is to be rolled back: in MySQL it would fix what later reads see.
func (g *Guard) look(ctx context.Context, tx *sql.Tx, fence guard.Fence) (newest uint64, err error) {
	var token int64
	err = tx.QueryRowContext(ctx, g.mark.look, fence.Lock()).Scan(&token)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, errNoMark
	}
	if err != nil {
		return 0, fmt.Errorf("reading the mark of %v: %w", fence, err)
	}
	return uint64(token), nil
}

// confirm is the first statement of a transaction by the rule "equals current": the mark must be the fence's, and stays so until the transaction ends.
func (g *Guard) confirm(ctx context.Context, tx *sql.Tx, fence guard.Fence) error {
	newest, err := g.hold(ctx, tx, fence)
	switch {
	case errors.Is(err, errNoMark) || err == nil && newest < fence.Token():
		return &guard.NotEnteredError{Fence: fence, Newest: newest}
	case err == nil && newest > fence.Token():
		return &guard.StaleError{Fence: fence, Newest: newest}
	}
	return err
}

// hold answers the mark, kept from changing if it is the fence's.
func (g *Guard) hold(ctx context.Context, tx *sql.Tx, fence guard.Fence) (newest uint64, err error) {
	if g.dialect.shareLock != "" && !g.entersAlone() {
		var token int64
		err := tx.QueryRowContext(ctx, g.mark.share, fence.Lock()).Scan(&token)
		if errors.Is(err, sql.ErrNoRows) {
			return 0, errNoMark
		}
		if err != nil {
			return 0, fmt.Errorf("confirming the mark of %v: %w", fence, err)
		}
		return uint64(token), nil
	}
	is, err := changed(tx.ExecContext(ctx, g.mark.confirm, fence.Lock(), int64(fence.Token())))
	if err != nil {
		return 0, fmt.Errorf("confirming the mark of %v: %w", fence, err)
	}
	if is {
		return fence.Token(), nil
	}
	newest, err = g.look(ctx, tx, fence)
	if err == nil && newest == fence.Token() {
		err = fmt.Errorf("the mark of %v changed while it was looked at; try again", fence)
	}
	return newest, err
}

// entersAlone reports whether the transaction has to write into the mark, which a trigger will look for.
func (g *Guard) entersAlone() bool { return g.options.Triggers }

// changed reports whether a statement found its row.
func changed(result sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	rows, err := result.RowsAffected()
	return rows > 0, err
}
