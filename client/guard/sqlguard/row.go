package sqlguard

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/coordd/coordd/client/guard"
)

// Row is one row with a column for the token, where a lock protects exactly this row and whoever holds it decides by nothing else. As soon as a decision rests on
// another row, a stale holder may change that one unnoticed: then only a mark for the whole lock protects ([Guard.Run]).
type Row struct {
	Table  string  // letters, digits and underscores, with a schema before it if wanted
	Column string  // the token's column: bigint NOT NULL DEFAULT 0
	Key    []Value // what identifies the row; at least one
	Set    []Value // what to write, besides the token

	// Current asks that the row's token equals the fence's, instead of not being newer: the holder has entered the row before, by an update without it.
	Current bool
}

// Value is a column and what it holds.
type Value struct {
	Column string
	Value  any
}

// Querier runs statements and questions: *sql.DB, *sql.Conn and *sql.Tx do.
type Querier interface {
	Execer
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// UpdateRow writes a row and its token in one statement, if the row has seen no newer token. It returns a *[guard.StaleError] when it has, a *[guard.NotEnteredError] under Row.Current
// when the row has an older one, and an error that wraps sql.ErrNoRows when there is no such row. Nothing was written then.
func (g *Guard) UpdateRow(ctx context.Context, db Querier, fence guard.Fence, row Row) error {
	if err := errors.Join(fence.Validate(), row.validate()); err != nil {
		return err
	}
	token := int64(fence.Token())
	for range 3 {
		query, args := g.updateRow(row, token)
		written, err := changed(db.ExecContext(ctx, query, args...))
		if err != nil {
			return fmt.Errorf("writing into %s under %v: %w", row.Table, fence, err)
		}
		if written {
			return nil
		}
		query, args = g.lookAtRow(row)
		var seen int64
		if err := db.QueryRowContext(ctx, query, args...).Scan(&seen); err != nil {
			return fmt.Errorf("looking for the row of %s under %v: %w", row.Table, fence, err)
		}
		switch {
		case seen > token:
			return &guard.StaleError{Fence: fence, Newest: uint64(seen)}
		case seen == token:
			return nil // MySQL does not count a row that had these very values before
		case row.Current:
			return &guard.NotEnteredError{Fence: fence, Newest: uint64(seen)}
		}
		// The row has come into being, or went back to an older token, since the update looked for it.
	}
	return fmt.Errorf("the row of %s changes faster than it can be looked at; try again", row.Table)
}

func (g *Guard) updateRow(row Row, token int64) (query string, args []any) {
	d := g.dialect
	add := func(value any) string {
		args = append(args, value)
		return d.placeholder(len(args))
	}
	sets := []string{d.quoted(row.Column) + " = " + add(token)}
	for _, set := range row.Set {
		sets = append(sets, d.quoted(set.Column)+" = "+add(set.Value))
	}
	var conditions []string
	for _, key := range row.Key {
		conditions = append(conditions, d.quoted(key.Column)+" = "+add(key.Value))
	}
	comparison := " <= "
	if row.Current {
		comparison = " = "
	}
	conditions = append(conditions, d.quoted(row.Column)+comparison+add(token))
	return "UPDATE " + d.quoted(row.Table) + " SET " + strings.Join(sets, ", ") + " WHERE " + strings.Join(conditions, " AND "), args
}

func (g *Guard) lookAtRow(row Row) (query string, args []any) {
	d := g.dialect
	var conditions []string
	for _, key := range row.Key {
		args = append(args, key.Value)
		conditions = append(conditions, d.quoted(key.Column)+" = "+d.placeholder(len(args)))
	}
	return "SELECT " + d.quoted(row.Column) + " FROM " + d.quoted(row.Table) + " WHERE " + strings.Join(conditions, " AND "), args
}

func (r Row) validate() error {
	if len(r.Key) == 0 {
		return errors.New("Row.Key is empty; name the columns that identify the row")
	}
	names := []string{r.Column}
	for _, value := range append(append([]Value{}, r.Key...), r.Set...) {
		names = append(names, value.Column)
	}
	for _, name := range names {
		if !columnName.MatchString(name) {
			return fmt.Errorf("column %q is not a name of letters, digits and underscores", name)
		}
	}
	if !tableName.MatchString(r.Table) {
		return fmt.Errorf("table %q is not a name, or a schema and a name, of letters, digits and underscores", r.Table)
	}
	return nil
}
