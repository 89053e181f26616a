package check

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/coordd/coordd/internal/committed"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
)

// Held is a time in which a client could count on a lock.
type Held struct {
	Key, Process string
	Holder       string // a token or a value
	Token        int64  // 0 when it is not known
	Mode         string // empty when nobody else may hold it meanwhile
	Permits      int    // of a semaphore
	From, Until  int64

	names []string // of a multi-lock
}

// lockWorkloads are those with holders.
var (
	nativeWorkloads = []string{"lock", "keepers", "leases", "waiters", "fenced-register", "election", "admin"}
	modeWorkloads   = []string{"shared", "semaphore", "multi"}
	lockWorkloads   = slices.Concat([]string{"redis"}, nativeWorkloads, modeWorkloads)
)

// Holders are the times in which clients could count on their locks: from the answer that granted one to the begin of its release, and no longer than the client itself
// counted on it: by the grant, and by the renewals that it heard of.
func (r *Run) Holders() []Held {
	var holders []Held
	losses := r.losses()
	for key, operations := range r.byKey(lockWorkloads...) {
		open := map[string]*Held{}
		for _, operation := range operations {
			r.hold(key, operation, open, &holders)
		}
		for _, held := range open {
			// Nobody gave it back: its holder counted on it for as long as its renewals let it.
			held.Until = max(held.Until, losses[held.loss()].Until)
			holders = append(holders, *held)
		}
	}
	holders = oneForEachName(cutByLosses(holders, losses))
	// Who learned of a grant after its time was over never counted on it.
	holders = slices.DeleteFunc(holders, func(held Held) bool { return held.Until <= held.From })
	slices.SortFunc(holders, func(a, b Held) int { return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.From, b.From)) })
	return holders
}

// losses are the notes of holders that learned that they have lost a lock, and stopped, by lock and holder.
func (r *Run) losses() map[string]history.Event {
	losses := map[string]history.Event{}
	for _, event := range r.Events {
		if event.Type == history.Note && event.Op == workload.OpLost {
			losses[event.Key+" "+cmp.Or(event.ID, fmt.Sprint(event.Token))] = event
		}
	}
	return losses
}

// loss is the key of the note that a hold was lost.
func (h Held) loss() string { return h.Key + " " + h.Holder }

// cutByLosses ends holds whose holder stopped before it would have had to.
func cutByLosses(holders []Held, losses map[string]history.Event) []Held {
	for i, held := range holders {
		if lost, noted := losses[held.loss()]; noted {
			holders[i].Until = min(held.Until, lost.At)
		}
	}
	return holders
}

// oneForEachName splits holds of several locks.
func oneForEachName(holders []Held) []Held {
	var split []Held
	for _, held := range holders {
		if len(held.names) == 0 {
			split = append(split, held)
		}
		for _, name := range held.names {
			held.Key = name
			split = append(split, held)
		}
	}
	return split
}

// hold takes one operation into the holds of its key that are open. Holders do one thing after the other, so operations come in their order.
func (r *Run) hold(key string, operation history.Operation, open map[string]*Held, closed *[]Held) {
	begin, end := operation.Invoke, operation.End
	switch begin.Op {
	case workload.OpAcquire:
		if end.Type == history.OK {
			name := cmp.Or(end.ID, fmt.Sprint(end.Token))
			open[name] = &Held{Key: key, Process: begin.Process, Holder: name, Token: end.Token, Mode: sideBySide(begin.Mode), Permits: begin.Permits, From: end.At, Until: end.Until, names: begin.Names}
			if begin.TTL > 0 {
				open[name].Until = r.leaseEnd(begin)
			}
		}
	case workload.OpSetNX:
		if end.Type == history.OK {
			open[begin.Holder] = &Held{Key: key, Process: begin.Process, Holder: begin.Holder, From: end.At, Until: r.leaseEnd(begin)}
		}
	case workload.OpFence:
		if held := open[begin.Holder]; held != nil {
			held.Token = end.Token
		}
	case workload.OpExtend:
		if held := open[begin.Holder]; held != nil && end.Type == history.OK {
			held.Until = max(held.Until, r.leaseEnd(begin))
		}
	case workload.OpRenew:
		if held := open[fmt.Sprint(begin.Token)]; held != nil && end.Type == history.OK {
			held.Until = max(held.Until, r.leaseEnd(begin))
		}
	case workload.OpRelease, workload.OpTransfer, workload.OpDrop, workload.OpUnlock:
		name := begin.Holder
		if begin.Op != workload.OpUnlock {
			name = cmp.Or(begin.ID, fmt.Sprint(begin.Token))
		}
		if held := open[name]; held != nil {
			held.Until = min(max(held.Until, begin.Until), begin.At)
			*closed = append(*closed, *held)
			delete(open, name)
		}
	}
}

// sideBySide is the mode of holds that others may have meanwhile, and empty for any other.
func sideBySide(mode string) string {
	if mode == committed.Shared || mode == committed.Semaphore {
		return mode
	}
	return ""
}

// leaseEnd is until when a lease with a time to live of its own is certainly held after a request that was answered.
func (r *Run) leaseEnd(asked history.Event) int64 {
	return asked.At + int64(float64(asked.TTL)*1e6*(1-r.ClockTolerance)) - int64(expiryTolerance)
}

// Overlaps is how often a client could count on a lock while another could.
func (r *Run) Overlaps() int { return len(overlaps(r, r.Holders())) }

func exclusionOfHolders(run *Run) Result {
	holders := run.Holders()
	return found("", "holds", len(holders), fmt.Sprintf("%d holds", len(holders))+run.doubtfulBeliefs(), overlaps(run, holders))
}

// overlaps goes through the holds in order of their begins and keeps those that are not over yet.
func overlaps(run *Run, holders []Held) []string {
	var violations []string
	var standing []Held
	for _, next := range holders {
		standing = slices.DeleteFunc(standing, func(held Held) bool { return held.Key != next.Key || held.Until <= next.From })
		permits := next.Permits
		for _, held := range standing {
			permits += held.Permits
			if next.Mode == "" || next.Mode != held.Mode {
				violations = append(violations, fmt.Sprintf("%s: %s may count on it from %s to %s (as %s), and %s from %s to %s (as %s)", next.Key,
					held.Process, run.seconds(held.From), run.seconds(held.Until), held.Holder, next.Process, run.seconds(next.From), run.seconds(next.Until), next.Holder))
			}
		}
		if next.Mode == committed.Semaphore && permits > workload.SemaphoreLimit {
			violations = append(violations, fmt.Sprintf("%s: %s may count on %d permits from %s on, when %d of %d were counted on already", next.Key, next.Process, next.Permits,
				run.seconds(next.From), permits-next.Permits, workload.SemaphoreLimit))
		}
		standing = append(standing, next)
	}
	return violations
}

// grant is an answer with a token.
type grant struct {
	process    string
	token      int64
	call, told int64
	beside     bool // others may have the same token
}

// tokens compares grants of which one was asked for after the other was told of.
func tokens(run *Run) Result {
	var violations []string
	seen := 0
	for key, operations := range byName(run.byKey(lockWorkloads...)) {
		grants := grantsOf(operations)
		seen += len(grants)
		owner := map[int64]string{}
		for _, one := range grants {
			if other, taken := owner[one.token]; taken && other != one.process && !one.beside {
				violations = append(violations, fmt.Sprintf("%s: token %d was given to %s and to %s", key, one.token, other, one.process))
			}
			owner[one.token] = one.process
		}
		violations = append(violations, run.fallingTokens(key, grants)...)
	}
	return found("", "grants with a token", seen, fmt.Sprintf("%d grants with a token", seen), violations)
}

// byName gives each lock the operations of the sets that it was in, too.
func byName(byKey map[string][]history.Operation) map[string][]history.Operation {
	groups := map[string][]history.Operation{}
	for key, operations := range byKey {
		for _, operation := range operations {
			if len(operation.Invoke.Names) == 0 {
				groups[key] = append(groups[key], operation)
			}
			for _, name := range operation.Invoke.Names {
				groups[name] = append(groups[name], operation)
			}
		}
	}
	return groups
}

func grantsOf(operations []history.Operation) []grant {
	var grants []grant
	asked := map[string]int64{} // when a Redis value was set, since its token is read later
	for _, operation := range operations {
		begin, end := operation.Invoke, operation.End
		switch {
		case end.Type != history.OK:
		case begin.Op == workload.OpSetNX:
			asked[begin.Holder] = begin.At
		case begin.Op == workload.OpFence && end.Token != 0 && asked[begin.Holder] != 0:
			grants = append(grants, grant{begin.Holder, end.Token, asked[begin.Holder], end.At, false})
		case begin.Op == workload.OpAcquire:
			grants = append(grants, grant{fmt.Sprintf("%s at %d", begin.Process, begin.At), end.Token, begin.At, end.At, sideBySide(begin.Mode) != ""})
		}
	}
	return grants
}

func (r *Run) fallingTokens(key string, grants []grant) []string {
	var violations []string
	byCall := slices.SortedFunc(slices.Values(grants), func(a, b grant) int { return cmp.Compare(a.call, b.call) })
	byTold := slices.SortedFunc(slices.Values(grants), func(a, b grant) int { return cmp.Compare(a.told, b.told) })
	var highest grant
	for _, next := range byCall {
		for len(byTold) > 0 && byTold[0].told < next.call {
			if byTold[0].token > highest.token {
				highest = byTold[0]
			}
			byTold = byTold[1:]
		}
		if next.token < highest.token || next.token == highest.token && !(next.beside && highest.beside) {
			violations = append(violations, fmt.Sprintf("%s: %s was given token %d, asked for at %s, after %s had been given %d", key, next.process, next.token,
				r.seconds(next.call), highest.process, highest.token))
		}
	}
	return violations
}
