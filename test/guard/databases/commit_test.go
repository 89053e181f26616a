package databases

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coordd/coordd/client/guard/sqlguard"
	"github.com/coordd/coordd/test/guard/link"
)

// A commit that was not answered may have happened. The guard says so, and does not try again by itself.
func TestACommitWithoutAnAnswerIsSaidToBeUnknown(t *testing.T) {
	for _, kind := range []struct {
		name string
		lose link.Direction
		want int
	}{{"the answer was lost", link.ToClient, 1}, {"the commit was lost", link.ToServer, 0}} {
		t.Run(kind.name, func(t *testing.T) {
			eachEngineOf(t, overANetwork, sqlguard.Options{}, func(b *bench) {
				between := b.linked()
				calls := 0
				err := b.marks.Run(b.Context(), between.db, fence(b, "accounts", 33), func(ctx context.Context, tx *sql.Tx) error {
					calls++
					err := add(1)(ctx, tx)
					between.link.Lose(kind.lose)
					return err
				})
				var unknown *sqlguard.UnknownError
				if !errors.As(err, &unknown) || calls != 1 {
					b.Fatalf("got %v after %d calls, want an unknown fate after one", err, calls)
				}
				if got := b.balance(1); got != kind.want {
					b.Errorf("balance %d, want %d", got, kind.want)
				}
			})
		})
	}
}

// A transaction in which a statement failed, and whose work says that all is well, is not committed; the database answers that. Only PostgreSQL gives the whole transaction up after a failed statement.
func TestACommitThatTheDatabaseTurnsIntoARollbackIsNotUnknown(t *testing.T) {
	eachEngineOf(t, []sqlguard.Dialect{sqlguard.PostgreSQL}, sqlguard.Options{}, func(b *bench) {
		err := b.marks.Run(b.Context(), b.db, fence(b, "accounts", 33), func(ctx context.Context, tx *sql.Tx) error {
			_, _ = tx.ExecContext(ctx, "SELECT 1 / 0")
			return nil
		})
		var unknown *sqlguard.UnknownError
		if err == nil || errors.As(err, &unknown) {
			b.Errorf("got %v, want a definite error", err)
		}
	})
}

// What ends the context while the work is done ends the transaction: nothing was written.
func TestAContextThatEndsRollsBack(t *testing.T) {
	eachEngine(t, sqlguard.Options{}, func(b *bench) {
		ctx, cancel := context.WithCancel(b.Context())
		err := b.marks.Run(ctx, b.db, fence(b, "accounts", 33), func(ctx context.Context, tx *sql.Tx) error {
			err := add(1)(ctx, tx)
			cancel()
			return err
		})
		var unknown *sqlguard.UnknownError
		if err == nil || b.balance(1) != 0 && !errors.As(err, &unknown) {
			b.Errorf("got %v and balance %d", err, b.balance(1))
		}
	})
}

// overANetwork are the dialects of databases that have a network before them.
var overANetwork = []sqlguard.Dialect{sqlguard.PostgreSQL, sqlguard.MySQL}

// linked is the bench's database, reached through a link. The engine is one of those overANetwork.
type linked struct {
	db   *sql.DB
	link *link.Link
}

func (b *bench) linked() linked {
	b.Helper()
	var name string
	driver, query, address, dsn := "pgx", "SELECT current_database()", postgresAddress, postgresDSN
	if b.engine.dialect == sqlguard.MySQL {
		driver, query, address, dsn = "mysql", "SELECT database()", mariadbAddress, mariadbDSN
	}
	if err := b.db.QueryRowContext(b.Context(), query).Scan(&name); err != nil {
		b.Fatal(err)
	}
	between, err := link.New(address)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(between.Close)
	return linked{db: open(b.T, driver, strings.NewReplacer("/postgres?", "/"+name+"?", "/mysql?", "/"+name+"?").Replace(dsn(between.Address))), link: between}
}

// SQLite may answer "busy" to a commit because somebody still reads, and then the transaction is open yet. The guard tries the whole of it again, on whatever connection the pool gives.
func TestABusyCommitIsTriedAgain(t *testing.T) {
	file := "file:" + filepath.Join(t.TempDir(), "busy.db") + "?_pragma=busy_timeout(20)&_pragma=journal_mode(delete)"
	db, reader := open(t, "sqlite", file), open(t, "sqlite", file)
	marks, err := sqlguard.New(sqlguard.SQLite, sqlguard.Options{MaxAttempts: 50})
	if err != nil {
		t.Fatal(err)
	}
	if err := marks.CreateSchema(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if err := marks.Prepare(t.Context(), db, "accounts"); err != nil {
		t.Fatal(err)
	}
	execute(t, db, "CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL)", "INSERT INTO accounts VALUES (1, 0)")
	reading, err := reader.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var balance int
	if err := reading.QueryRowContext(t.Context(), "SELECT balance FROM accounts").Scan(&balance); err != nil {
		t.Fatal(err)
	}
	attempts := 0
	err = marks.Run(t.Context(), db, fence(t, "accounts", 1), func(ctx context.Context, tx *sql.Tx) error {
		if attempts++; attempts == 3 {
			reading.Rollback()
		}
		return add(1)(ctx, tx)
	})
	if err != nil || attempts < 3 {
		t.Fatalf("got %v after %d attempts", err, attempts)
	}
	if err := db.QueryRowContext(t.Context(), "SELECT balance FROM accounts").Scan(&balance); err != nil || balance != 1 {
		t.Errorf("balance %d, %v", balance, err)
	}
}
