package databases

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/coordd/coordd/client/guard"
	"github.com/coordd/coordd/client/guard/sqlguard"
)

func TestSchemaMayBeCreatedAgainAndByManyAtOnce(t *testing.T) {
	eachEngine(t, sqlguard.Options{Table: "fence_of_many"}, func(b *bench) {
		execute(b.T, b.db, "DROP TABLE fence_of_many")
		var creators sync.WaitGroup
		for range 8 {
			creators.Go(func() {
				if err := b.marks.CreateSchema(b.Context(), b.db); err != nil {
					b.Error(err)
				}
			})
		}
		creators.Wait()
		if err := b.deposit(1, 5); err != nil {
			b.Fatal(err)
		}
		if err := b.marks.CreateSchema(b.Context(), b.db); err != nil {
			b.Fatal(err)
		}
		b.wantStale(b.deposit(1, 4), 5) // the marks are still there
	})
}

func TestAnOlderTokenIsRefusedAndWritesNothing(t *testing.T) {
	eachEngine(t, sqlguard.Options{}, func(b *bench) {
		for _, token := range []uint64{33, 33, 34, 34} { // a holder's second transaction is none of an old holder
			if err := b.deposit(1, token); err != nil {
				b.Fatalf("token %d: %v", token, err)
			}
		}
		b.wantStale(b.deposit(1, 33), 34)
		if got := b.balance(1); got != 4 {
			b.Errorf("balance %d after four deposits and a refused one", got)
		}
		if got := b.mark("accounts"); got != 34 {
			b.Errorf("the mark is %d, want 34", got)
		}
		if err := b.marks.Run(b.Context(), b.db, fence(b, "others", 1), add(2)); err != nil {
			b.Errorf("another lock has a mark of its own: %v", err)
		}
	})
}

// A failed transaction leaves nothing, its mark neither.
func TestWorkThatFailsIsRolledBack(t *testing.T) {
	eachEngine(t, sqlguard.Options{}, func(b *bench) {
		if err := b.deposit(1, 7); err != nil {
			b.Fatal(err)
		}
		fault := errors.New("the work's own fault")
		err := b.marks.Run(b.Context(), b.db, fence(b, "accounts", 9), func(ctx context.Context, tx *sql.Tx) error {
			return errors.Join(add(1)(ctx, tx), fault)
		})
		if !errors.Is(err, fault) || b.balance(1) != 1 || b.mark("accounts") != 7 {
			b.Errorf("got %v, balance %d, mark %d; want the fault, 1, 7", err, b.balance(1), b.mark("accounts"))
		}
	})
}

// The first use of a lock inserts its mark. Many may be first.
func TestManyFirstUsersGetOneMark(t *testing.T) {
	eachEngine(t, sqlguard.Options{}, func(b *bench) {
		var users sync.WaitGroup
		var mu sync.Mutex
		accepted := 0
		for token := uint64(1); token <= 12; token++ {
			users.Go(func() {
				err := b.deposit(1, token)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					accepted++
				} else if !errors.Is(err, guard.ErrStale) {
					b.Errorf("token %d: %v", token, err)
				}
			})
		}
		users.Wait()
		if accepted == 0 || b.balance(1) != accepted {
			b.Errorf("%d deposits were accepted and the balance is %d", accepted, b.balance(1))
		}
		if got := b.mark("accounts"); got != 12 {
			b.Errorf("the mark is %d; the newest token must have passed", got)
		}
	})
}

// Names are compared byte for byte: a collation that finds "Job" and "job" equal would let locks refuse each other.
func TestLocksOfSimilarNamesHaveMarksOfTheirOwn(t *testing.T) {
	eachEngine(t, sqlguard.Options{}, func(b *bench) {
		for i, lock := range []string{"job", "Job", "job ", "jöb", `jo'b"` + "`" + `\`, "%", "作業"} {
			err := b.marks.Run(b.Context(), b.db, fence(b, lock, uint64(20-i)), add(1))
			if err != nil {
				b.Errorf("lock %q: %v", lock, err)
			}
		}
	})
}

// Two transactions at once: the one with the newer token comes while the older is at work. It must wait, and then decide by what the older wrote.
func TestTheNextHolderWaitsAndSeesWhatItsPredecessorWrote(t *testing.T) {
	eachEngine(t, sqlguard.Options{}, func(b *bench) {
		if err := b.deposit(2, 1); err != nil { // the mark is there
			b.Fatal(err)
		}
		older, newer := make(chan error, 1), make(chan error, 1)
		inside, leave := make(chan struct{}), make(chan struct{})
		go func() {
			older <- b.marks.Run(b.Context(), b.db, fence(b, "accounts", 33), func(ctx context.Context, tx *sql.Tx) error {
				select {
				case inside <- struct{}{}:
				default:
				}
				<-leave
				return add(1)(ctx, tx)
			})
		}()
		<-inside
		go func() { newer <- b.deposit(1, 34) }()
		select {
		case err := <-newer:
			b.Fatalf("the newer transaction did not wait for the older one: %v", err)
		case <-time.After(150 * time.Millisecond):
		}
		close(leave)
		if err := errors.Join(<-older, <-newer); err != nil {
			b.Fatal(err)
		}
		if got := b.balance(1); got != 2 {
			b.Errorf("balance %d after two deposits: the newer holder decided by what was there before the older one", got)
		}
		b.wantStale(b.deposit(1, 33), 34)
	})
}

// What becomes of a transaction that reads before it advances the mark.
const (
	decidesByOldState = "passes, having read old state"
	isRefused         = "is refused by the database"
	stopsOthers       = "keeps its predecessor from writing"
)

var readingFirst = map[string]string{
	"PostgreSQL/Read Committed":                             decidesByOldState,
	"PostgreSQL/Repeatable Read":                            isRefused,
	"PostgreSQL/Serializable":                               isRefused,
	"MariaDB/Read Committed/innodb_snapshot_isolation=OFF":  decidesByOldState,
	"MariaDB/Read Committed/innodb_snapshot_isolation=ON":   decidesByOldState,
	"MariaDB/Repeatable Read/innodb_snapshot_isolation=OFF": decidesByOldState,
	"MariaDB/Repeatable Read/innodb_snapshot_isolation=ON":  isRefused,
	"MariaDB/Serializable/innodb_snapshot_isolation=OFF":    stopsOthers,
	"MariaDB/Serializable/innodb_snapshot_isolation=ON":     stopsOthers,
	"SQLite/wal/deferred":                                   isRefused,
	"SQLite/wal/immediate":                                  stopsOthers,
	"SQLite/delete/deferred":                                stopsOthers,
	"SQLite/delete/immediate":                               stopsOthers,
}

// The order matters: where a database lets a transaction pass that read before it advanced the mark, the transaction decides by old state. This is why Run takes the work as a function,
// and why Advance says that it comes first.
func TestReadingBeforeTheMarkIsNoGuard(t *testing.T) {
	eachEngine(t, sqlguard.Options{}, func(b *bench) {
		if err := b.deposit(1, 33); err != nil {
			b.Fatal(err)
		}
		if got, want := b.readFirst(), readingFirst[b.engine.name]; got != want {
			b.Errorf("a transaction that reads first %s; DESIGN.md says that it %s", got, want)
		}
	})
}

func (b *bench) readFirst() string {
	ctx := b.Context()
	tx, err := b.db.BeginTx(ctx, &sql.TxOptions{Isolation: b.engine.isolation})
	if err != nil {
		b.Fatal(err)
	}
	defer tx.Rollback()
	var before, after int
	if err := tx.QueryRowContext(ctx, "SELECT balance FROM accounts WHERE id = 1").Scan(&before); err != nil {
		b.Fatal(err)
	}
	predecessor, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if b.marks.Run(predecessor, b.db, fence(b, "accounts", 33), add(1)) != nil {
		return stopsOthers
	}
	if b.marks.Advance(ctx, tx, fence(b, "accounts", 34)) != nil {
		return isRefused
	}
	if err := tx.QueryRowContext(ctx, "SELECT balance FROM accounts WHERE id = 1").Scan(&after); err != nil {
		b.Fatal(err)
	}
	// MariaDB goes on showing the snapshot of the first read, however late the mark was locked.
	if old := b.engine.name == "MariaDB/Repeatable Read/innodb_snapshot_isolation=OFF"; old != (after == 1) {
		b.Errorf("after the mark the transaction reads %d", after)
	}
	if before != 1 {
		b.Errorf("read %d before the predecessor wrote", before)
	}
	return decidesByOldState
}

// The statement that decides whether a mark is there must not fix what the work reads: many first users, each of which counts up.
func TestFirstUseDoesNotFixWhatIsRead(t *testing.T) {
	eachEngine(t, sqlguard.Options{}, func(b *bench) {
		for round := range 5 {
			lock := fmt.Sprintf("first-use-%d", round)
			var users sync.WaitGroup
			for range 4 {
				users.Go(func() {
					if err := b.marks.Run(b.Context(), b.db, fence(b, lock, 9), add(1)); err != nil {
						b.Error(err)
					}
				})
			}
			users.Wait()
		}
		if got := b.balance(1); got != 20 {
			b.Errorf("balance %d after 20 deposits", got)
		}
	})
}

func TestAdvanceInATransactionOfOnesOwn(t *testing.T) {
	eachEngine(t, sqlguard.Options{}, func(b *bench) {
		advance := func(token uint64) error {
			tx, err := b.db.BeginTx(b.Context(), &sql.TxOptions{Isolation: b.engine.isolation})
			if err != nil {
				b.Fatal(err)
			}
			defer tx.Rollback()
			if err := b.marks.Advance(b.Context(), tx, fence(b, "mine", token)); err != nil {
				return err
			}
			if err := add(1)(b.Context(), tx); err != nil {
				return err
			}
			return tx.Commit()
		}
		if err := advance(5); err == nil || errors.Is(err, guard.ErrStale) {
			b.Fatalf("without a mark: got %v, want a hint to prepare", err)
		}
		for range 2 {
			if err := b.marks.Prepare(b.Context(), b.db, "mine"); err != nil {
				b.Fatal(err)
			}
		}
		if err := advance(5); err != nil {
			b.Fatal(err)
		}
		b.wantStale(advance(4), 5)
	})
}
