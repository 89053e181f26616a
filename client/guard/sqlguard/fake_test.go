package sqlguard_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
)

// fake is a database that knows marks and nothing else, and writes down what it was told. The real ones are met in test/guard.
type fake struct {
	mu      sync.Mutex
	said    []string
	marks   map[string]int64
	faults  map[string][]error // what statements that begin so answer, one after the other
	touched map[string]int64   // by the transaction that is open
}

func openFake(t *testing.T) (*fake, *sql.DB) {
	t.Helper()
	f := &fake{marks: map[string]int64{}, faults: map[string][]error{}}
	db := sql.OpenDB(f)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return f, db
}

func (f *fake) Connect(context.Context) (driver.Conn, error) { return f, nil }
func (f *fake) Driver() driver.Driver                        { return nil }
func (f *fake) Close() error                                 { return nil }
func (f *fake) Prepare(string) (driver.Stmt, error)          { return nil, errors.New("not used") }
func (f *fake) Begin() (driver.Tx, error)                    { return nil, errors.New("not used") }

func (f *fake) BeginTx(_ context.Context, options driver.TxOptions) (driver.Tx, error) {
	f.touched = map[string]int64{}
	return f, f.say("BEGIN " + sql.IsolationLevel(options.Isolation).String())
}

func (f *fake) Commit() error {
	if err := f.say("COMMIT"); err != nil {
		return err
	}
	for name, token := range f.touched {
		f.marks[name] = token
	}
	return nil
}

func (f *fake) Rollback() error { return f.say("ROLLBACK") }

// say writes a statement down and answers a fault that was planned for it.
func (f *fake) say(statement string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.said = append(f.said, statement)
	for beginning, faults := range f.faults {
		if strings.HasPrefix(statement, beginning) && len(faults) > 0 {
			f.faults[beginning] = faults[1:]
			return faults[0]
		}
	}
	return nil
}

func (f *fake) ExecContext(_ context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := f.say(query); err != nil {
		return nil, err
	}
	switch {
	case strings.HasPrefix(query, "UPDATE") && strings.Contains(query, "token <="):
		name := args[1].Value.(string)
		token := args[0].Value.(int64)
		if mark, found := f.marks[name]; !found || mark > token {
			return driver.RowsAffected(0), nil
		}
		f.touched[name] = token
	case strings.HasPrefix(query, "INSERT INTO \"coordd_fence\""):
		if name := args[0].Value.(string); f.marks[name] == 0 {
			f.marks[name] = 0
		}
	}
	return driver.RowsAffected(1), nil
}

func (f *fake) QueryContext(_ context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := f.say(query); err != nil {
		return nil, err
	}
	token, found := f.marks[args[0].Value.(string)]
	return &oneToken{token: token, left: found}, nil
}

type oneToken struct {
	token int64
	left  bool
}

func (*oneToken) Columns() []string { return []string{"token"} }
func (*oneToken) Close() error      { return nil }
func (r *oneToken) Next(into []driver.Value) error {
	if !r.left {
		return io.EOF
	}
	r.left = false
	into[0] = r.token
	return nil
}
