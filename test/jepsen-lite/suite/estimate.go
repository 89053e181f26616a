package suite

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/run"
)

// What a run takes beside its faults, and a fault beside its hold, on a quiet machine with two processors: as measured, rounded up.
const (
	aroundRun   = 12 * time.Second // start, quiet, recovery, reading, judging
	aroundFault = 3 * time.Second  // whole again
)

// Estimate is about how long a plan takes.
func Estimate(plan run.Plan) time.Duration {
	faults := time.Duration(len(plan.Nemeses)) * (plan.Hold + aroundFault + plan.Calm)
	return aroundRun + max(faults, plan.Duration)
}

// WritePlan lists the runs of a suite that are not done yet, and about how long they take.
func (s Suite) WritePlan(w io.Writer, done map[string]bool) error {
	var total time.Duration
	left := slices.DeleteFunc(slices.Clone(s.Runs), func(one Run) bool { return done[one.Name] })
	for _, one := range left {
		each := Estimate(one.Plan)
		total += each
		if _, err := fmt.Fprintf(w, "%5.0f s  %s\n", each.Seconds(), one.Name); err != nil {
			return err
		}
	}
	count := 0
	for _, one := range left {
		count += len(one.Plan.Nemeses)
	}
	_, err := fmt.Fprintf(w, "suite %s: %d runs with %d faults, %d left out as done before; about %v on two quiet processors\n", s.Name, len(left), count, len(s.Runs)-len(left), total.Round(time.Minute))
	return err
}
