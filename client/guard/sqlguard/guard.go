package sqlguard

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"

	"github.com/coordd/coordd/client/guard"
)

// The defaults of Options.
const (
	DefaultTable       = "coordd_fence"
	DefaultMaxAttempts = 10
)

// Options says how to guard. The zero value of every field means its default.
type Options struct {
	// Table is the table of marks, with a schema before it if wanted ("locks.fence"). It must lie in the same database as what it protects, since
	// both are changed in one transaction.
	Table string

	// Isolation is the isolation level of guarded transactions. The default is the database's own, and each one is safe, except that READ UNCOMMITTED is refused. From REPEATABLE READ on PostgreSQL
	// may refuse a transaction that had to wait; it is then tried again.
	Isolation sql.IsolationLevel

	// MaxAttempts bounds how often a transaction is tried that the database rolled back because of others: deadlocks, serialization failures, a busy SQLite.
	MaxAttempts int

	// Verify, if set, is asked in each guarded transaction, after the mark's row lock was taken and before anything is read; see [guard.Cluster].
	Verify guard.Verify

	// Triggers is to be set if a table has the trigger of [Guard.RequireMark]. It costs a further statement for each transaction, except in PostgreSQL.
	Triggers bool

	// Retriable, if set, decides which errors mean that the database rolled back a transaction that may be tried again. The default knows pgx, lib/pq,
	// go-sql-driver/mysql, modernc.org/sqlite and mattn/go-sqlite3.
	Retriable func(error) bool
}

// Guard keeps the marks of locks in one table. All methods may be called from any goroutine.
type Guard struct {
	options Options
	dialect *dialect
	mark    statements
}

var tableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?$`)

// New makes a guard. It reaches no database.
func New(dialect Dialect, options Options) (*Guard, error) {
	if options.Table == "" {
		options.Table = DefaultTable
	}
	if options.MaxAttempts == 0 {
		options.MaxAttempts = DefaultMaxAttempts
	}
	switch {
	case dialect.dialect == nil:
		return nil, errors.New("sqlguard needs a dialect: sqlguard.PostgreSQL, sqlguard.MySQL or sqlguard.SQLite")
	case !tableName.MatchString(options.Table):
		return nil, fmt.Errorf("table %q is not a name, or a schema and a name, of letters, digits and underscores", options.Table)
	case options.MaxAttempts < 0:
		return nil, errors.New("MaxAttempts must not be negative")
	case options.Isolation == sql.LevelReadUncommitted:
		return nil, errors.New("READ UNCOMMITTED is refused: decisions would rest on what others may yet take back")
	}
	if options.Retriable == nil {
		options.Retriable = dialect.retriable
	}
	return &Guard{options: options, dialect: dialect.dialect, mark: markStatements(dialect.dialect, options)}, nil
}

// Schema is the statements that create the table of marks, for those who keep their schema in migrations. Running them again does nothing.
func (g *Guard) Schema() []string {
	return []string{fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (\n"+
		"  name %s NOT NULL PRIMARY KEY,\n"+
		"  token bigint NOT NULL,\n"+
		"  advances bigint NOT NULL,\n"+
		"  inside bigint\n"+
		")%s", g.dialect.quoted(g.options.Table), g.dialect.nameType, g.dialect.engine)}
}

// Execer runs statements: *sql.DB, *sql.Conn and *sql.Tx do.
type Execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// CreateSchema creates the table of marks if it is not there. Several processes may do so at once.
func (g *Guard) CreateSchema(ctx context.Context, db Execer) error {
	for _, statement := range g.Schema() {
		var err error
		for range 3 { // PostgreSQL lets two that create the same table at once collide in its catalog, in spite of IF NOT EXISTS
			if _, err = db.ExecContext(ctx, statement); err == nil || ctx.Err() != nil {
				break
			}
		}
		if err != nil {
			return fmt.Errorf("creating the table %s of fencing marks: %w", g.options.Table, err)
		}
	}
	return nil
}
