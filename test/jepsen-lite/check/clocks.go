package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
)

// doubtfulBeliefs tells of holders whose clocks were outside of what is promised. Nothing is judged about them: a clock that is slower than the bound lets its process believe for too long, and then only
// the token keeps harm away. How often that would have mattered is worth knowing all the same.
func (r *Run) doubtfulBeliefs() string {
	beliefs, overtaken := 0, 0
	granted := map[string][]history.Event{} // by lock
	for _, operation := range r.Operations {
		if operation.Invoke.Op == workload.OpAcquire && operation.End.Type == history.OK {
			granted[operation.Invoke.Key] = append(granted[operation.Invoke.Key], operation.End)
		}
	}
	for _, event := range r.Events {
		ends := event.Type == history.Invoke && event.Op == workload.OpRelease || event.Type == history.Note && event.Op == workload.OpLost
		if event.Doubtful == 0 || !ends {
			continue
		}
		beliefs++
		until := min(event.Doubtful, event.At)
		if slices.ContainsFunc(granted[event.Key], func(other history.Event) bool { return other.Token > event.Token && other.At < until }) {
			overtaken++
		}
	}
	if beliefs == 0 {
		return ""
	}
	return fmt.Sprintf("; not judged: %d by clocks that are outside of what is promised, %d of which were counted on after another had been granted the lock", beliefs, overtaken)
}

// jumpingFaults are those that let the clocks of clients jump further than a time to live.
var jumpingFaults = []string{"client-suspend"}

// clockJumps looks at holds over which the clock of their client jumped by a whole time to live or more: no renewal of before can reach that far, and none of after counts for a session that is over by its own clock.
func clockJumps(run *Run) Result {
	var violations []string
	seen := 0
	var late time.Duration
	held := run.heldSince()
	for _, jump := range run.Events {
		if jump.Type != history.Note || jump.Op != workload.OpClock || time.Duration(jump.TTL)*time.Millisecond < run.TTL {
			continue
		}
		for _, event := range run.Events {
			since, known := held[event.Key+" "+event.ID]
			looked := event.Sent // before that of a release, and before the jump perhaps
			lost := event.Type == history.Note && event.Op == workload.OpLost
			released := event.Type == history.Invoke && event.Op == workload.OpRelease
			if lost {
				looked = event.At
			}
			if !lost && !released || !known || since >= jump.Sent || looked <= jump.At || !strings.HasPrefix(event.Process, jump.Process+"/") {
				continue
			}
			seen++
			late = max(late, time.Duration(event.At-jump.At))
			if until := max(event.Until, event.Doubtful); released && until > looked {
				violations = append(violations, fmt.Sprintf("%s: %s counts on it at %s until %s, though its clock jumped by %d ms at %s", event.Key, event.Process,
					run.seconds(event.At), run.seconds(until), jump.TTL, run.seconds(jump.At)))
			}
		}
	}
	if seen == 0 && len(violations) == 0 && !slices.ContainsFunc(run.Faults, func(fault string) bool { return slices.Contains(jumpingFaults, fault) }) {
		return Result{Verdict: Skipped, Of: "holds", Says: "no client's clock was made to jump by a time to live"}
	}
	return found("", "holds over which a clock jumped", seen, fmt.Sprintf("%d holds over which a clock jumped, the last of them given up %v after it", seen, late.Round(time.Millisecond)), violations)
}

// heldSince is when the holders of native locks were told of their grants, by lock and id.
func (r *Run) heldSince() map[string]int64 {
	since := map[string]int64{}
	for _, operation := range r.Operations {
		if operation.Invoke.Op == workload.OpAcquire && operation.End.Type == history.OK && operation.End.ID != "" && slices.Contains(lockWorkloads, operation.Invoke.Workload) {
			since[operation.Invoke.Key+" "+operation.End.ID] = operation.End.At
		}
	}
	return since
}
