package sqlguard

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/coordd/coordd/client/guard"
)

var columnName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)

// refusal begins every message with which a trigger of this package refuses.
const refusal = "coordd fence: "

// IsTriggerRefusal reports whether an error is the refusal of a trigger that this package wrote.
func IsTriggerRefusal(err error) bool { return strings.Contains(text(err), refusal) }

// RowTrigger is the statements that make a database refuse any update by which a row's token column would go down, whoever writes and whatever the condition of the statement.
// It is for tables that programs in other languages write too: a holder sets the column to its token and needs no condition. Writers who leave the column alone are not
// hindered. Running the statements again does nothing. The table must have the column, see [Row].
func (g *Guard) RowTrigger(table, column string) ([]string, error) {
	if !tableName.MatchString(table) || !columnName.MatchString(column) {
		return nil, fmt.Errorf("table %q or column %q is not a name of letters, digits and underscores", table, column)
	}
	d := g.dialect
	condition := "NEW." + d.quoted(column) + " < OLD." + d.quoted(column)
	message := refusal + "the row of " + table + " has seen a newer token"
	return d.triggers(table, column+"_fence", []string{"UPDATE"}, condition, message), nil
}

// RequireMark is the statements that make a database refuse every insert, update and delete in a table, unless it is made in a transaction that has advanced the mark of this lock: a
// program that forgot the guard gets an error instead of doing harm. Guards must have [Options.Triggers]. Running the statements again does nothing. What no trigger
// sees, such as TRUNCATE, is not refused.
func (g *Guard) RequireMark(table, lock string) ([]string, error) {
	if !tableName.MatchString(table) {
		return nil, fmt.Errorf("table %q is not a name, or a schema and a name, of letters, digits and underscores", table)
	}
	if _, err := guard.New(lock, 1); err != nil {
		return nil, err
	}
	d := g.dialect
	condition := "NOT EXISTS (SELECT 1 FROM " + d.quoted(g.options.Table) + " WHERE name = " + d.bytes(lock) + " AND " + d.isInside + ")"
	message := refusal + table + " is written only under its lock, through the mark"
	return d.triggers(table, "mark", []string{"INSERT", "UPDATE", "DELETE"}, condition, message), nil
}

// triggers writes a trigger for each event that refuses the row where the condition holds.
func (d *dialect) triggers(table, purpose string, events []string, condition, message string) []string {
	schema, bare, found := strings.Cut(table, ".")
	if !found {
		schema, bare = "", table
	}
	prefix := ""
	if schema != "" {
		prefix = schema + "."
	}
	var statements []string
	for _, event := range events {
		name := shortened(bare + "_" + purpose + "_" + strings.ToLower(event))
		switch d {
		case PostgreSQL.dialect:
			statements = append(statements, d.postgresTrigger(table, prefix, name, event, condition, message)...)
		case MySQL.dialect:
			statements = append(statements,
				"DROP TRIGGER IF EXISTS "+d.quoted(prefix+name),
				"CREATE TRIGGER "+d.quoted(prefix+name)+" BEFORE "+event+" ON "+d.quoted(table)+" FOR EACH ROW\n"+
					"BEGIN IF "+condition+" THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = "+d.text(message)+"; END IF; END")
		default:
			statements = append(statements,
				"DROP TRIGGER IF EXISTS "+d.quoted(prefix+name),
				"CREATE TRIGGER "+d.quoted(prefix+name)+" BEFORE "+event+" ON "+d.quoted(bare)+" WHEN "+condition+"\n"+
					"BEGIN SELECT RAISE(ABORT, "+d.text(message)+"); END")
		}
	}
	return statements
}

// postgresTrigger needs a function of its own. The condition is in its body, since that of a trigger may not ask other tables.
func (d *dialect) postgresTrigger(table, prefix, name, event, condition, message string) []string {
	answer := "NEW"
	if event == "DELETE" {
		answer = "OLD"
	}
	return []string{
		"CREATE OR REPLACE FUNCTION " + d.quoted(prefix+name) + "() RETURNS trigger LANGUAGE plpgsql AS " + d.text(
			"BEGIN\n  IF "+condition+" THEN\n    RAISE EXCEPTION USING ERRCODE = 'restrict_violation', MESSAGE = "+d.text(message)+";\n  END IF;\n"+
				"  RETURN "+answer+";\nEND"),
		"DROP TRIGGER IF EXISTS " + d.quoted(name) + " ON " + d.quoted(table),
		"CREATE TRIGGER " + d.quoted(name) + " BEFORE " + event + " ON " + d.quoted(table) + " FOR EACH ROW EXECUTE FUNCTION " + d.quoted(prefix+name) + "()",
	}
}

// shortened keeps a name within the 63 bytes of PostgreSQL. What identifies it is at its end.
func shortened(name string) string {
	if len(name) > 63 {
		return name[len(name)-63:]
	}
	return name
}
