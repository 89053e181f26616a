package compare

import (
	"slices"
	"strings"
	"testing"

	"github.com/coordd/coordd/test/jepsen-lite/check"
)

// shown is a comparison that shows everything.
func shown() []Row {
	return []Row{
		{System: "coordd", Fault: Control, Holds: 7, HasTokens: true, Log: &LogFindings{Holds: 7}},
		{System: "coordd", Fault: "pause-holder", Holds: 7, HasTokens: true, Refused: 2, Unguarded: 3, Log: &LogFindings{Holds: 7}},
		{System: "etcd", Fault: Control, Holds: 7, HasTokens: true},
		{System: "etcd", Fault: "failover", Holds: 7, HasTokens: true},
		{System: "etcd", Fault: ClockFault, HasTokens: true, Skipped: "not injectable"},
		{System: "redlock", Fault: Control, Holds: 7},
		{System: "redlock", Fault: "pause-holder", Holds: 7, Unguarded: 1},
		{System: "redlock", Fault: "rolling-restart", Holds: 7},
		{System: "redis-failover", Fault: Control, Holds: 7},
		{System: "redis-failover", Fault: "failover", Holds: 7, Overlaps: 1},
	}
}

func TestAComparisonIsHeldAgainstCoorddsPromisesAndMustHaveShownSomething(t *testing.T) {
	without := func(system, fault string) func([]Row) []Row {
		return func(rows []Row) []Row {
			return slices.DeleteFunc(rows, func(row Row) bool { return row.System == system && (row.Fault == fault || fault == "") })
		}
	}
	change := func(system, fault string, change func(*Row)) func([]Row) []Row {
		return func(rows []Row) []Row {
			for i := range rows {
				if rows[i].System == system && rows[i].Fault == fault {
					change(&rows[i])
				}
			}
			return rows
		}
	}
	cases := []struct {
		name   string
		change func([]Row) []Row
		want   check.Verdict
		reason string
	}{
		{"as it should be", func(rows []Row) []Row { return rows }, check.Valid, ""},
		{"nothing was compared", func([]Row) []Row { return nil }, check.Unknown, "hurt nobody"},
		{"two holders", change("coordd", "pause-holder", func(row *Row) { row.Overlaps = 1 }), check.Invalid, "two holders at once"},
		{"two holders in the control", change("coordd", Control, func(row *Row) { row.Overlaps = 1 }), check.Invalid, "two holders at once"},
		{"an update is lost behind the guard", change("coordd", "pause-holder", func(row *Row) { row.Fooled = 1 }), check.Invalid, "lost behind the guard"},
		{"a stale write is accepted", change("coordd", "pause-holder", func(row *Row) { row.Accepted = 1 }), check.Invalid, "accepted by the guard"},
		{"the log is wrong", change("coordd", "pause-holder", func(row *Row) { row.Log.Total = 1 }), check.Invalid, "in the log"},
		{"the log is wrong, as far as it can be read", change("coordd", "pause-holder", func(row *Row) { row.Log.Total, row.Log.Problem = 1, "n2 is unreadable" }), check.Invalid, "in the log"},
		{"a log cannot be read", change("coordd", "pause-holder", func(row *Row) { row.Log.Problem = "n2 is unreadable" }), check.Unknown, "n2 is unreadable"},
		{"the log was not read", change("coordd", "pause-holder", func(row *Row) { row.Log = nil }), check.Unknown, "was not read"},
		{"the guard had nothing to refuse", change("coordd", "pause-holder", func(row *Row) { row.Refused = 0 }), check.Unknown, "it was not tried"},
		{"etcd's promises are not ours to judge", change("etcd", "failover", func(row *Row) { row.Overlaps, row.Fooled = 1, 1 }), check.Valid, ""},
		{"something is lost in a control", change("etcd", Control, func(row *Row) { row.Unguarded = 1 }), check.Unknown, "etcd: something was lost in the control"},
		{"nobody holds a lock in a control", change("redlock", Control, func(row *Row) { row.Holds = 0 }), check.Unknown, "redlock: nobody held a lock"},
		{"a system has no control", without("redlock", Control), check.Unknown, "redlock: there is no control"},
		{"coordd is not there", without("coordd", ""), check.Unknown, "it was not tried"},
		{"a fault hurts one who has no guard not at all", change("redlock", "pause-holder", func(row *Row) { row.Unguarded = 0 }), check.Unknown, "pause-holder did not hurt redlock"},
		{"a restart may hurt", change("redlock", "rolling-restart", func(row *Row) { row.Unguarded = 5 }), check.Valid, ""},
		{"a fault cannot happen to one who has no guard", func(rows []Row) []Row {
			return append(rows, Row{System: "redlock", Fault: ClockFault, Skipped: "no compiler"})
		}, check.Unknown, "clock could not happen to redlock: no compiler"},
		{"a fault cannot happen to coordd", func(rows []Row) []Row {
			return append(rows, Row{System: "coordd", Fault: "rolling-restart", HasTokens: true, Skipped: "why"})
		}, check.Unknown, "rolling-restart could not happen to coordd"},
		{"a jump of the clock hurts one who has no guard not at all", func(rows []Row) []Row { return append(rows, Row{System: "redlock", Fault: ClockFault, Holds: 7}) }, check.Unknown, "clock did not hurt redlock"},
		{"the faults hurt nobody", func(rows []Row) []Row {
			return change("redlock", "pause-holder", func(row *Row) { row.Unguarded = 0 })(change("redis-failover", "failover", func(row *Row) { row.Overlaps = 0 })(rows))
		}, check.Unknown, "the faults hurt nobody: this comparison showed nothing"},
		{"there is nobody without a guard", func(rows []Row) []Row { return without("redlock", "")(without("redis-failover", "")(rows)) }, check.Unknown, "the faults hurt nobody"},
		{"only who looks at tokens is hurt", func(rows []Row) []Row {
			return change("etcd", "failover", func(row *Row) { row.Unguarded = 9 })(without("redlock", "")(without("redis-failover", "")(rows)))
		}, check.Unknown, "the faults hurt nobody"},
	}
	for _, one := range cases {
		verdict, reasons := Judge(one.change(shown()))
		if verdict != one.want || !strings.Contains(strings.Join(reasons, "\n"), one.reason) || (verdict == check.Valid) != (len(reasons) == 0) {
			t.Errorf("%s: %s, %q; want %s because of %q", one.name, verdict, reasons, one.want, one.reason)
		}
	}
}
