package sqlguard

import (
	"errors"
	"regexp"
	"slices"
	"strings"
)

// Drivers are recognised by what their errors can be asked or say, since none of them is linked here. A mistake is harmless: each attempt is a whole guarded
// transaction, and an error that is not recognised is returned.

// withState is how the errors of pgx and lib/pq tell their SQLSTATE.
type withState interface{ SQLState() string }

func sqlState(err error) string {
	var stated withState
	if errors.As(err, &stated) {
		return stated.SQLState()
	}
	if match := mysqlError.FindStringSubmatch(text(err)); match != nil {
		return match[2]
	}
	return ""
}

// retriablePostgreSQL: serialization_failure, deadlock_detected and lock_not_available.
func retriablePostgreSQL(err error) bool {
	return slices.Contains([]string{"40001", "40P01", "55P03"}, sqlState(err))
}

// mysqlError is how go-sql-driver/mysql writes an error of the server.
var mysqlError = regexp.MustCompile(`Error (\d+) \(([0-9A-Z]{5})\)`)

// retriableMySQL: a deadlock, a lock that could not be had in time, and MariaDB's "record has changed since last read".
func retriableMySQL(err error) bool {
	match := mysqlError.FindStringSubmatch(text(err))
	return match != nil && slices.Contains([]string{"1213", "1205", "1020"}, match[1])
}

// retriableSQLite: SQLITE_BUSY and SQLITE_LOCKED, with their finer kinds in the upper bits.
func retriableSQLite(err error) bool {
	var coded interface{ Code() int }
	if errors.As(err, &coded) {
		return coded.Code()&0xff == 5 || coded.Code()&0xff == 6
	}
	said := text(err)
	return strings.Contains(said, "database is locked") || strings.Contains(said, "database table is locked")
}

// answered reports whether an error to a commit is the server's own answer: then nothing was committed. SQLSTATE class 08 is about the connection, and 40003 says
// itself that nobody knows. A transaction that had failed before is rolled back by COMMIT, which pgx and lib/pq say in words of their own.
func answered(err error) bool {
	if said := text(err); strings.Contains(said, "commit unexpectedly resulted in rollback") || strings.Contains(said, "in a failed transaction") {
		return true
	}
	state := sqlState(err)
	return state != "" && !strings.HasPrefix(state, "08") && state != "40003"
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
