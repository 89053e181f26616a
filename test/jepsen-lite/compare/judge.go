package compare

import (
	"fmt"
	"slices"

	"github.com/coordd/coordd/test/jepsen-lite/check"
)

// judged is the system whose promises a comparison is held against.
const judged = "coordd"

// harmful are the faults that must hurt somebody who has no guard. A comparison in which they do not has not shown that they were faults.
var harmful = []string{"pause-holder", ClockFault, "failover"}

// Judge holds coordd's rows against its promises, for clients and in its log: no two holders at once, no grant lost, no stale write accepted, and nothing lost behind the guard.
//
// It then asks whether the comparison showed anything, and says unknown, and why, when it did not: when the guard had nothing to refuse, when a log could not be read, when there was
// no control or something was lost in it although nothing went wrong, and when a fault hurt nobody who had no guard. What could not happen to another with tokens is told, and counts for nothing.
func Judge(rows []Row) (verdict check.Verdict, reasons []string) {
	made := slices.DeleteFunc(slices.Clone(rows), func(row Row) bool { return row.Skipped != "" })
	if broken := brokenPromises(made); len(broken) > 0 {
		return check.Invalid, broken
	}
	reasons = slices.Concat(guardUntried(made), logsUnread(made), controlsLacking(made), harmless(made), leftOut(rows))
	if len(reasons) > 0 {
		return check.Unknown, reasons
	}
	return check.Valid, nil
}

func brokenPromises(rows []Row) (broken []string) {
	for _, row := range rows {
		if row.System != judged {
			continue
		}
		say := func(count int, what string) {
			if count > 0 {
				broken = append(broken, fmt.Sprintf("%s, %s: %d %s", row.System, row.Fault, count, what))
			}
		}
		say(row.Overlaps, "times two holders at once")
		say(row.Accepted, "stale writes accepted by the guard")
		say(row.Fooled, "updates lost behind the guard")
		if row.Log != nil {
			say(row.Log.Total, "lost or double grants in the log")
		}
	}
	return broken
}

func guardUntried(rows []Row) []string {
	refused := 0
	for _, row := range rows {
		if row.System == judged {
			refused += row.Refused
		}
	}
	if refused == 0 {
		return []string{"no stale write came to coordd's guard: it was not tried"}
	}
	return nil
}

func logsUnread(rows []Row) (reasons []string) {
	for _, row := range rows {
		switch {
		case row.System != judged:
		case row.Log == nil:
			reasons = append(reasons, fmt.Sprintf("%s, %s: the committed log was not read", row.System, row.Fault))
		case row.Log.Problem != "":
			reasons = append(reasons, fmt.Sprintf("%s, %s: %s", row.System, row.Fault, row.Log.Problem))
		}
	}
	return reasons
}

// controlsLacking finds the systems of which nobody knows how they do when nothing goes wrong.
func controlsLacking(rows []Row) (reasons []string) {
	controls := map[string]Row{}
	for _, row := range rows {
		if row.Fault == Control {
			controls[row.System] = row
		}
	}
	told := map[string]bool{}
	for _, row := range rows {
		if told[row.System] {
			continue
		}
		told[row.System] = true
		control, there := controls[row.System]
		switch {
		case !there:
			reasons = append(reasons, fmt.Sprintf("%s: there is no control, so what was lost need not be the faults' doing", row.System))
		case control.Holds == 0:
			reasons = append(reasons, fmt.Sprintf("%s: nobody held a lock in the control", row.System))
		case control.harmed():
			reasons = append(reasons, fmt.Sprintf("%s: something was lost in the control, although nothing went wrong", row.System))
		}
	}
	return reasons
}

// harmless finds the faults that hurt nobody.
func harmless(rows []Row) (reasons []string) {
	hurt := false
	for _, row := range rows {
		if row.HasTokens || !slices.Contains(harmful, row.Fault) {
			continue
		}
		if row.harmed() {
			hurt = true
		} else {
			reasons = append(reasons, fmt.Sprintf("%s did not hurt %s, which has no guard", row.Fault, row.System))
		}
	}
	if !hurt {
		reasons = append(reasons, "the faults hurt nobody: this comparison showed nothing")
	}
	return reasons
}

// leftOut finds what should have happened to coordd, or hurt one who has no guard, and could not be done here.
func leftOut(rows []Row) (reasons []string) {
	for _, row := range rows {
		if row.Skipped != "" && (row.System == judged || !row.HasTokens && slices.Contains(harmful, row.Fault)) {
			reasons = append(reasons, fmt.Sprintf("%s could not happen to %s: %s", row.Fault, row.System, row.Skipped))
		}
	}
	return reasons
}
