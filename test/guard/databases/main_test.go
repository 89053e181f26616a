package databases

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coordd/coordd/client/guard"
	"github.com/coordd/coordd/client/guard/sqlguard"
	"github.com/coordd/coordd/internal/process"
	"github.com/coordd/coordd/test/guard/servers"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// engine is one way to run guarded transactions.
type engine struct {
	name      string
	dialect   sqlguard.Dialect
	isolation sql.IsolationLevel
	open      func(t *testing.T) *sql.DB
	skip      string // why it cannot be used here
}

var (
	engines                         []engine
	postgresAddress, mariadbAddress string
	postgresDSN, mariadbDSN         = servers.PostgreSQLAt, servers.MariaDBAt
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run starts the servers once for all tests.
func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "coordd-guard-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	group := process.NewGroup(folder)
	defer group.Close(5 * time.Second)
	for _, start := range []func(context.Context, *process.Group, string) error{startPostgreSQL, startMariaDB, startMoto} {
		if err := start(context.Background(), group, folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	for _, journal := range []string{"wal", "delete"} {
		for _, begin := range []string{"deferred", "immediate"} {
			engines = append(engines, engine{name: "SQLite/" + journal + "/" + begin, dialect: sqlguard.SQLite, open: openSQLite(journal, begin)})
		}
	}
	return m.Run()
}

func startPostgreSQL(ctx context.Context, group *process.Group, folder string) error {
	server, err := servers.StartPostgreSQL(ctx, group, folder)
	skip, err := skipped(err)
	if server != nil {
		postgresAddress = server.Address
	}
	for _, level := range []sql.IsolationLevel{sql.LevelReadCommitted, sql.LevelRepeatableRead, sql.LevelSerializable} {
		e := engine{name: "PostgreSQL/" + level.String(), dialect: sqlguard.PostgreSQL, isolation: level, skip: skip}
		if server != nil {
			e.open = openServer("pgx", servers.PostgreSQLAt(server.Address))
		}
		engines = append(engines, e)
	}
	return err
}

func startMariaDB(ctx context.Context, group *process.Group, folder string) error {
	server, err := servers.StartMariaDB(ctx, group, folder)
	skip, err := skipped(err)
	if server != nil {
		mariadbAddress = server.Address
	}
	for _, level := range []sql.IsolationLevel{sql.LevelReadCommitted, sql.LevelRepeatableRead, sql.LevelSerializable} {
		for _, strict := range []string{"OFF", "ON"} {
			e := engine{name: fmt.Sprintf("MariaDB/%v/innodb_snapshot_isolation=%s", level, strict), dialect: sqlguard.MySQL, isolation: level, skip: skip}
			if server != nil {
				e.open = openServer("mysql", servers.MariaDBAt(server.Address)+"&innodb_snapshot_isolation="+strict)
			}
			engines = append(engines, e)
		}
	}
	return err
}

// skipped turns the want of a program into a reason to skip.
func skipped(err error) (string, error) {
	var missing *servers.Missing
	if errors.As(err, &missing) {
		return missing.Reason, nil
	}
	return "", err
}

var databases atomic.Int64

// openServer opens a database of the test's own.
func openServer(driver, dsn string) func(*testing.T) *sql.DB {
	return func(t *testing.T) *sql.DB {
		t.Helper()
		name := fmt.Sprintf("test%d", databases.Add(1))
		admin := open(t, driver, dsn)
		execute(t, admin, "CREATE DATABASE "+name)
		return open(t, driver, strings.NewReplacer("/postgres?", "/"+name+"?", "/mysql?", "/"+name+"?").Replace(dsn))
	}
}

func openSQLite(journal, begin string) func(*testing.T) *sql.DB {
	return func(t *testing.T) *sql.DB {
		t.Helper()
		return open(t, "sqlite", "file:"+filepath.Join(t.TempDir(), "guard.db")+
			"?_txlock="+begin+"&_pragma=busy_timeout(5000)&_pragma=journal_mode("+journal+")")
	}
}

func open(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func execute(t *testing.T, db sqlguard.Execer, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// bench is one engine with a table of marks and a table of accounts in it.
type bench struct {
	*testing.T
	engine engine
	db     *sql.DB
	marks  *sqlguard.Guard
}

// eachEngine runs a test on every engine.
func eachEngine(t *testing.T, options sqlguard.Options, test func(b *bench)) {
	eachEngineOf(t, []sqlguard.Dialect{sqlguard.SQLite, sqlguard.PostgreSQL, sqlguard.MySQL}, options, test)
}

// eachEngineOf runs a test on every engine that speaks one of the dialects; on others it would mean nothing.
func eachEngineOf(t *testing.T, dialects []sqlguard.Dialect, options sqlguard.Options, test func(b *bench)) {
	for _, e := range engines {
		if !slices.Contains(dialects, e.dialect) {
			continue
		}
		t.Run(e.name, func(t *testing.T) {
			if e.skip != "" {
				t.Skip(e.skip)
			}
			options := options
			options.Isolation = e.isolation
			options.MaxAttempts = 50
			marks, err := sqlguard.New(e.dialect, options)
			if err != nil {
				t.Fatal(err)
			}
			b := &bench{T: t, engine: e, db: e.open(t), marks: marks}
			if err := marks.CreateSchema(t.Context(), b.db); err != nil {
				t.Fatal(err)
			}
			execute(t, b.db, "CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL, fence bigint NOT NULL DEFAULT 0)"+engineClause(e),
				"INSERT INTO accounts (id, balance) VALUES (1, 0), (2, 0)")
			test(b)
		})
	}
}

func engineClause(e engine) string {
	if e.dialect == sqlguard.MySQL {
		return " ENGINE=InnoDB"
	}
	return ""
}

func fence(t testing.TB, lock string, token uint64) guard.Fence {
	t.Helper()
	made, err := guard.New(lock, token)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// deposit adds to an account under a token.
func (b *bench) deposit(id int, token uint64) error {
	b.Helper()
	return b.marks.Run(b.Context(), b.db, fence(b, "accounts", token), add(id))
}

// add reads, decides and writes, as programs do.
func add(id int) sqlguard.Work {
	return func(ctx context.Context, tx *sql.Tx) error {
		var balance int
		if err := tx.QueryRowContext(ctx, fmt.Sprintf("SELECT balance FROM accounts WHERE id = %d", id)).Scan(&balance); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf("UPDATE accounts SET balance = %d WHERE id = %d", balance+1, id))
		return err
	}
}

func (b *bench) balance(id int) (balance int) {
	b.Helper()
	if err := b.db.QueryRowContext(b.Context(), fmt.Sprintf("SELECT balance FROM accounts WHERE id = %d", id)).Scan(&balance); err != nil {
		b.Fatal(err)
	}
	return balance
}

func (b *bench) mark(lock string) (token uint64) {
	b.Helper()
	query := "SELECT token FROM coordd_fence WHERE name = ?"
	if b.engine.dialect == sqlguard.PostgreSQL {
		query = "SELECT token FROM coordd_fence WHERE name = $1"
	}
	if err := b.db.QueryRowContext(b.Context(), query, lock).Scan(&token); err != nil {
		b.Fatal(err)
	}
	return token
}

// wantStale fails unless the error is the refusal of a token after a newer one.
func (b *bench) wantStale(err error, newest uint64) {
	b.Helper()
	var stale *guard.StaleError
	if !errors.As(err, &stale) || !errors.Is(err, guard.ErrStale) || stale.Newest != newest {
		b.Fatalf("got %v, want a refusal because token %d was seen", err, newest)
	}
}
