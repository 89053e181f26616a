package sqlguard_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/coordd/coordd/client/guard"
	"github.com/coordd/coordd/client/guard/sqlguard"
)

const advance = `UPDATE "coordd_fence" SET token = $1, advances = advances + 1, inside = txid_current() WHERE name = $2 AND token <= $3`

func fence(t *testing.T, token uint64) guard.Fence {
	t.Helper()
	made, err := guard.New("job", token)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func marks(t *testing.T, options sqlguard.Options) *sqlguard.Guard {
	t.Helper()
	made, err := sqlguard.New(sqlguard.PostgreSQL, options)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func work(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "WORK")
	return err
}

func (f *fake) want(t *testing.T, statements ...string) {
	t.Helper()
	if !slices.Equal(f.said, statements) {
		t.Errorf("the database was told\n  %s\nwant\n  %s", strings.Join(f.said, "\n  "), strings.Join(statements, "\n  "))
	}
	f.said = nil
}

// The mark comes first: nothing is read or written before its row is locked. A lock that was never seen gets its row outside of the transaction.
func TestS20_TheMarkIsAdvancedBeforeAnythingElse(t *testing.T) {
	f, db := openFake(t)
	g := marks(t, sqlguard.Options{Isolation: sql.LevelRepeatableRead})
	look := `SELECT token FROM "coordd_fence" WHERE name = $1`
	if err := g.Run(t.Context(), db, fence(t, 33), work); err != nil {
		t.Fatal(err)
	}
	f.want(t, "BEGIN Repeatable Read", advance, look, "ROLLBACK",
		`INSERT INTO "coordd_fence" (name, token, advances) VALUES ($1, 0, 0) ON CONFLICT (name) DO NOTHING`,
		"BEGIN Repeatable Read", advance, "WORK", "COMMIT")
	if err := g.Run(t.Context(), db, fence(t, 34), work); err != nil {
		t.Fatal(err)
	}
	f.want(t, "BEGIN Repeatable Read", advance, "WORK", "COMMIT")
	err := g.Run(t.Context(), db, fence(t, 33), work)
	var stale *guard.StaleError
	if !errors.As(err, &stale) || stale.Newest != 34 {
		t.Errorf("got %v, want a refusal because 34 was seen", err)
	}
	f.want(t, "BEGIN Repeatable Read", advance, look, "ROLLBACK")
}

// stated is an error as drivers of PostgreSQL have it.
type stated string

func (s stated) Error() string    { return "the server says " + string(s) }
func (s stated) SQLState() string { return string(s) }

// What the database rolled back because of others is tried again, work included, and only so often.
func TestSerializationFailuresAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, db := openFake(t)
		defer db.Close()
		g := marks(t, sqlguard.Options{MaxAttempts: 3})
		f.marks["job"] = 1
		f.faults["COMMIT"] = []error{stated("40001")}
		f.faults["WORK"] = []error{fmt.Errorf("wrapped: %w", stated("40P01"))}
		if err := g.Run(t.Context(), db, fence(t, 33), work); err != nil {
			t.Errorf("two failures and three attempts: %v", err)
		}
		f.want(t, "BEGIN Default", advance, "WORK", "ROLLBACK", "BEGIN Default", advance, "WORK", "COMMIT", "BEGIN Default", advance, "WORK", "COMMIT")
		f.faults["WORK"] = []error{stated("40001"), stated("40001"), stated("40001"), stated("40001")}
		if err := g.Run(t.Context(), db, fence(t, 33), work); !errors.Is(err, stated("40001")) || len(f.faults["WORK"]) != 1 {
			t.Errorf("got %v with %d faults left, want to give up after three attempts", err, len(f.faults["WORK"]))
		}
	})
}

func TestACommitErrorIsUnknownUnlessTheServerSaidIt(t *testing.T) {
	for _, c := range []struct {
		err     error
		unknown bool
	}{
		{errors.New("connection reset by peer"), true},
		{context.Canceled, true},
		{stated("08006"), true},
		{stated("40003"), true},
		{stated("23505"), false}, // a deferred constraint
		{sql.ErrTxDone, false},
	} {
		f, db := openFake(t)
		f.marks["job"] = 1
		f.faults["COMMIT"] = []error{c.err}
		err := marks(t, sqlguard.Options{}).Run(t.Context(), db, fence(t, 33), work)
		var unknown *sqlguard.UnknownError
		if !errors.Is(err, c.err) || errors.As(err, &unknown) != c.unknown {
			t.Errorf("%v: got %v", c.err, err)
		}
	}
}

func TestWhatNoGuardTakesReachesNoDatabase(t *testing.T) {
	f, db := openFake(t)
	g := marks(t, sqlguard.Options{})
	none := guard.Fence{}
	_, held := g.Hold(t.Context(), db, none)
	for name, err := range map[string]error{
		"Run": g.Run(t.Context(), db, none, work), "RunCurrent": g.RunCurrent(t.Context(), db, none, work), "Enter": g.Enter(t.Context(), db, none),
		"Hold": held, "Prepare": g.Prepare(t.Context(), db, ""), "UpdateRow": g.UpdateRow(t.Context(), db, none, sqlguard.Row{}),
	} {
		if !errors.Is(err, guard.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	f.want(t)
	for _, options := range []sqlguard.Options{
		{Table: `fence"; DROP TABLE accounts; --`}, {Table: "a.b.c"}, {Isolation: sql.LevelReadUncommitted}, {MaxAttempts: -1},
	} {
		if _, err := sqlguard.New(sqlguard.PostgreSQL, options); err == nil {
			t.Errorf("%+v was taken", options)
		}
	}
	if _, err := sqlguard.New(sqlguard.Dialect{}, sqlguard.Options{}); err == nil {
		t.Error("no dialect was taken")
	}
	if _, err := g.RequireMark("accounts; --", "job"); err == nil {
		t.Error("RequireMark took a table's name with more in it")
	}
	if _, err := g.RowTrigger("accounts", "fence = 0 OR x"); err == nil {
		t.Error("RowTrigger took a column's name with more in it")
	}
	row := sqlguard.Row{Table: "accounts", Column: "fence", Set: []sqlguard.Value{{Column: "balance"}}}
	if err := g.UpdateRow(t.Context(), db, fence(t, 1), row); err == nil {
		t.Error("UpdateRow took a row without a key")
	}
	f.want(t)
}
