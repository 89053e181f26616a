// Package sqlguard guards what lies in PostgreSQL, MySQL, MariaDB or SQLite. It uses database/sql and brings no driver.
//
// A mark is a row, one for each lock, that holds the newest token seen. [Guard.Run] advances it in the first statement of a transaction, before anything is read, and then runs a function in
// this transaction:
//
//	marks, err := sqlguard.New(sqlguard.PostgreSQL, sqlguard.Options{})
//	err = marks.CreateSchema(ctx, db) // once, or by a migration with marks.Schema()
//	err = marks.Run(ctx, db, guard.Of(held), func(ctx context.Context, tx *sql.Tx) error {
//		_, err := tx.ExecContext(ctx, "UPDATE accounts SET balance = balance - 10 WHERE id = 7")
//		return err
//	})
//	if errors.Is(err, guard.ErrStale) { … } // the lock has passed on and nothing was written
//
// The mark's row lock lasts until the transaction ends. So guarded transactions of one lock come one after the other, each sees all that the ones before it wrote, and one with an
// older token is refused. That holds for whatever the transaction reads and writes, in any number of tables.
//
// [Guard.Enter] and [Guard.RunCurrent] are the same by the rule "equals current": the holder sets the mark once, and its transactions then only share the
// row's lock, so that they do not wait for each other.
//
// Begin with run.go. mark.go has the statements, row.go the column per row for locks that protect exactly one row, trigger.go what a database can refuse by
// itself. DESIGN.md explains why this is right under each isolation level of each database.
package sqlguard
