package databases

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/coordd/coordd/client/guard"
	"github.com/coordd/coordd/client/guard/sqlguard"
)

func (b *bench) depositCurrent(id int, token uint64) error {
	b.Helper()
	return b.marks.RunCurrent(b.Context(), b.db, fence(b, "accounts", token), add(id))
}

// By the rule "equals current" a holder is refused as soon as its successor has entered, before that one has written anything.
func TestOnlyTheTokenThatEnteredPasses(t *testing.T) {
	eachEngine(t, sqlguard.Options{}, func(b *bench) {
		var not *guard.NotEnteredError
		if err := b.depositCurrent(1, 33); !errors.As(err, &not) || not.Newest != 0 {
			b.Fatalf("before anybody entered: %v", err)
		}
		if err := b.marks.Enter(b.Context(), b.db, fence(b, "accounts", 33)); err != nil {
			b.Fatal(err)
		}
		if err := errors.Join(b.depositCurrent(1, 33), b.depositCurrent(1, 33)); err != nil {
			b.Fatal(err)
		}
		if err := b.depositCurrent(1, 34); !errors.As(err, &not) || not.Newest != 33 {
			b.Fatalf("the successor has not entered: %v", err)
		}
		if err := b.marks.Enter(b.Context(), b.db, fence(b, "accounts", 34)); err != nil {
			b.Fatal(err)
		}
		b.wantStale(b.depositCurrent(1, 33), 34)
		b.wantStale(b.marks.Enter(b.Context(), b.db, fence(b, "accounts", 33)), 34)
		if got := b.balance(1); got != 2 {
			b.Errorf("balance %d after two deposits", got)
		}
	})
}

// The transactions of one holder share the mark, and its successor's Enter waits for all of them.
func TestASuccessorEntersAfterItsPredecessorsTransactions(t *testing.T) {
	eachEngine(t, sqlguard.Options{}, func(b *bench) {
		if err := b.marks.Enter(b.Context(), b.db, fence(b, "accounts", 33)); err != nil {
			b.Fatal(err)
		}
		count := 2
		if b.engine.dialect == sqlguard.SQLite {
			count = 1 // one transaction writes at a time
		}
		inside, leave, done := make(chan struct{}), make(chan struct{}), make(chan error, 3)
		for id := 1; id <= count; id++ {
			go func() {
				done <- b.marks.RunCurrent(b.Context(), b.db, fence(b, "accounts", 33), func(ctx context.Context, tx *sql.Tx) error {
					inside <- struct{}{}
					<-leave
					return add(id)(ctx, tx)
				})
			}()
		}
		for range count {
			<-inside // all of them are in their transactions at the same time
		}
		entered := make(chan error, 1)
		go func() { entered <- b.marks.Enter(b.Context(), b.db, fence(b, "accounts", 34)) }()
		select {
		case err := <-entered:
			b.Fatalf("the successor did not wait: %v", err)
		case <-time.After(150 * time.Millisecond):
		}
		close(leave)
		for range count {
			if err := <-done; err != nil {
				b.Error(err)
			}
		}
		if err := <-entered; err != nil {
			b.Fatal(err)
		}
		b.wantStale(b.depositCurrent(1, 33), 34)
	})
}

func TestHoldKeepsASuccessorOut(t *testing.T) {
	eachEngine(t, sqlguard.Options{}, func(b *bench) {
		if err := b.marks.Enter(b.Context(), b.db, fence(b, "accounts", 33)); err != nil {
			b.Fatal(err)
		}
		release, err := b.marks.Hold(b.Context(), b.db, fence(b, "accounts", 33))
		if err != nil {
			b.Fatal(err)
		}
		entered := make(chan error, 1)
		go func() { entered <- b.marks.Enter(b.Context(), b.db, fence(b, "accounts", 34)) }()
		select {
		case err := <-entered:
			b.Fatalf("the successor did not wait: %v", err)
		case <-time.After(150 * time.Millisecond):
		}
		release()
		if err := <-entered; err != nil {
			b.Fatal(err)
		}
		_, err = b.marks.Hold(b.Context(), b.db, fence(b, "accounts", 33))
		b.wantStale(err, 34)
	})
}

// Who is asked whether a token is current is asked while the mark is locked, and a refusal leaves the mark alone: a token that nobody was granted cannot shut the others out.
func TestVerifyRefusesBeforeAnythingIsWritten(t *testing.T) {
	current := uint64(33)
	verify := func(_ context.Context, fence guard.Fence) error {
		if fence.Token() != current {
			return &guard.StaleError{Fence: fence, Newest: current}
		}
		return nil
	}
	eachEngine(t, sqlguard.Options{Verify: verify}, func(b *bench) {
		current = 33
		if err := b.deposit(1, 33); err != nil {
			b.Fatal(err)
		}
		b.wantStale(b.deposit(1, 9000), 33)
		if got := b.mark("accounts"); got != 33 {
			b.Fatalf("a token that was never granted moved the mark to %d", got)
		}
		current = 34 // granted, and its holder has not come here yet
		b.wantStale(b.deposit(1, 33), 34)
	})
}
