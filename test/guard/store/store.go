package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/coordd/coordd/client/guard"
	"github.com/coordd/coordd/client/guard/sqlguard"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// Store is one process's way to the resource.
type Store struct {
	DB      *sql.DB
	guarded bool
	marks   *sqlguard.Guard
	current *sqlguard.Guard // asks the cluster too
}

// Open opens the store. The connection is made at once, so that later only writes are on the way. verify may be nil.
func Open(ctx context.Context, dsn string, guarded bool, verify guard.Verify) (*Store, error) {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, err
	}
	marks, err := sqlguard.New(sqlguard.PostgreSQL, sqlguard.Options{})
	if err != nil {
		return nil, err
	}
	current, err := sqlguard.New(sqlguard.PostgreSQL, sqlguard.Options{Verify: verify})
	if err != nil {
		return nil, err
	}
	return &Store{DB: db, guarded: guarded, marks: marks, current: current}, db.PingContext(ctx)
}

// CreateSchema creates the tables: pairs are the rows that holders write, history has what was accepted, in its order.
func (s *Store) CreateSchema(ctx context.Context) error {
	for _, statement := range []string{
		"CREATE TABLE pairs (lock text, part int, version bigint NOT NULL, PRIMARY KEY (lock, part))",
		"CREATE TABLE history (seq bigserial PRIMARY KEY, lock text NOT NULL, token bigint NOT NULL, writer text NOT NULL)",
	} {
		if _, err := s.DB.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return s.marks.CreateSchema(ctx, s.DB)
}

// AddLock adds the two rows that a lock protects.
func (s *Store) AddLock(ctx context.Context, lock string) error {
	_, err := s.DB.ExecContext(ctx, "INSERT INTO pairs (lock, part, version) VALUES ($1, 1, 0), ($1, 2, 0)", lock)
	return err
}

// Write writes one row of a lock's pair, in a transaction that a guard admits, or in a plain one. With current the guard asks the cluster in addition.
func (s *Store) Write(ctx context.Context, fence guard.Fence, writer string, part int, version int64, current bool) error {
	work := func(ctx context.Context, tx *sql.Tx) error { return write(ctx, tx, fence, writer, part, version) }
	switch {
	case s.guarded && current:
		return s.current.Run(ctx, s.DB, fence, work)
	case s.guarded:
		return s.marks.Run(ctx, s.DB, fence, work)
	}
	tx, err := s.DB.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := work(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

// write changes the row first, so that the row's lock puts the lines of the history into the order in which writes are committed.
func write(ctx context.Context, tx *sql.Tx, fence guard.Fence, writer string, part int, version int64) error {
	changed, err := tx.ExecContext(ctx, "UPDATE pairs SET version = $1 WHERE lock = $2 AND part = $3", version, fence.Lock(), part)
	if err != nil {
		return err
	}
	if rows, err := changed.RowsAffected(); err != nil || rows != 1 {
		return fmt.Errorf("lock %q has no part %d (%w)", fence.Lock(), part, err)
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO history (lock, token, writer) VALUES ($1, $2, $3)", fence.Lock(), int64(fence.Token()), writer)
	return err
}

// Pair reads both rows of a lock.
func (s *Store) Pair(ctx context.Context, lock string) (first, second int64, err error) {
	err = s.DB.QueryRowContext(ctx, "SELECT a.version, b.version FROM pairs a, pairs b WHERE a.lock = $1 AND a.part = 1 AND b.lock = $1 AND b.part = 2", lock).Scan(&first, &second)
	return first, second, err
}

// Judge counts the writes that were accepted for the locks that begin with a prefix, and those of them that came after one with a newer token of the same lock.
func (s *Store) Judge(ctx context.Context, prefix string) (accepted, stale int, err error) {
	const question = `SELECT count(*), count(*) FILTER (WHERE token < before) FROM (
		SELECT token, max(token) OVER (PARTITION BY lock ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
		FROM history WHERE starts_with(lock, $1)) AS h`
	err = s.DB.QueryRowContext(ctx, question, prefix).Scan(&accepted, &stale)
	return accepted, stale, err
}
