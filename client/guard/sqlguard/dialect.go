package sqlguard

import (
	"fmt"
	"strconv"
	"strings"
)

// Dialect is one of the databases' ways to say things: [PostgreSQL], [MySQL] or [SQLite].
type Dialect struct{ *dialect }

type dialect struct {
	name        string
	placeholder func(n int) string
	quote       string // around names
	nameType    string // of a lock's name, compared byte for byte
	engine      string // at the end of CREATE TABLE
	ifAbsent    string // at the end of an INSERT that is to leave an existing row alone
	shareLock   string // at the end of a SELECT that keeps others from changing the row; empty where the whole database has one lock
	inside      string // what tells a trigger that this very transaction has advanced the mark
	isInside    string // the trigger's condition for it
	leaves      bool   // whether the transaction has to take it back before it commits
	retriable   func(error) bool
}

// The databases.
var (
	// PostgreSQL, from version 12.
	PostgreSQL = Dialect{&dialect{
		name:        "PostgreSQL",
		placeholder: func(n int) string { return "$" + strconv.Itoa(n) },
		quote:       `"`,
		nameType:    `text COLLATE "C"`,
		ifAbsent:    " ON CONFLICT (name) DO NOTHING",
		shareLock:   " FOR SHARE",
		inside:      "txid_current()",
		isInside:    "inside = txid_current()",
		retriable:   retriablePostgreSQL,
	}}

	// MySQL, from version 5.7, and MariaDB, from version 10.3, with tables of InnoDB.
	MySQL = Dialect{&dialect{
		name:        "MySQL",
		placeholder: questionMark,
		quote:       "`",
		nameType:    "varbinary(512)",
		engine:      " ENGINE=InnoDB",
		ifAbsent:    " ON DUPLICATE KEY UPDATE advances = advances",
		shareLock:   " LOCK IN SHARE MODE",
		inside:      "CONNECTION_ID()",
		isInside:    "inside = CONNECTION_ID()",
		leaves:      true,
		retriable:   retriableMySQL,
	}}

	// SQLite, from version 3.24.
	SQLite = Dialect{&dialect{
		name:        "SQLite",
		placeholder: questionMark,
		quote:       `"`,
		nameType:    "text",
		ifAbsent:    " ON CONFLICT (name) DO NOTHING",
		inside:      "1",
		isInside:    "inside IS NOT NULL",
		leaves:      true,
		retriable:   retriableSQLite,
	}}
)

// String is the database's name.
func (d Dialect) String() string {
	if d.dialect == nil {
		return "no dialect"
	}
	return d.name
}

func questionMark(int) string { return "?" }

// quoted is a name, or a schema and a name, as the database takes names that could be mistaken for something else.
func (d *dialect) quoted(name string) string {
	parts := strings.Split(name, ".")
	for i, part := range parts {
		parts[i] = d.quote + part + d.quote
	}
	return strings.Join(parts, ".")
}

// text is a string literal of a message or a function's body.
func (d *dialect) text(value string) string { return "'" + strings.ReplaceAll(value, "'", "''") + "'" }

// bytes is a literal of a lock's name, which may contain anything. MySQL gets it in hexadecimal, so that neither its character set nor its ways to escape matter.
func (d *dialect) bytes(value string) string {
	if d == MySQL.dialect {
		return fmt.Sprintf("X'%X'", value)
	}
	return d.text(value)
}
