package check

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
)

// Held is a time in which a client could count on a lock.
type Held struct {
	Key, Process string
	Holder       string // a token or a value
	Token        int64  // 0 when it is not known
	From, Until  int64
}

// lockWorkloads are those with holders.
var (
	nativeWorkloads = []string{"lock", "keepers", "leases", "waiters", "fenced-register"}
	lockWorkloads   = append([]string{"redis"}, nativeWorkloads...)
)

// Holders are the times in which clients could count on their locks: from the answer that granted one to the begin of its release, and no longer than the client itself
// counted on it.
func (r *Run) Holders() []Held {
	var holders []Held
	for key, operations := range r.byKey(lockWorkloads...) {
		open := map[string]*Held{}
		for _, operation := range operations {
			r.hold(key, operation, open, &holders)
		}
		for _, held := range open {
			holders = append(holders, *held)
		}
	}
	// Who learned of a grant after its time was over never counted on it.
	holders = slices.DeleteFunc(holders, func(held Held) bool { return held.Until <= held.From })
	slices.SortFunc(holders, func(a, b Held) int { return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.From, b.From)) })
	return holders
}

// hold takes one operation into the holds of its key that are open. Holders do one thing after the other, so operations come in their order.
func (r *Run) hold(key string, operation history.Operation, open map[string]*Held, closed *[]Held) {
	begin, end := operation.Invoke, operation.End
	switch begin.Op {
	case workload.OpAcquire:
		if end.Type == history.OK {
			name := fmt.Sprint(end.Token)
			open[name] = &Held{Key: key, Process: begin.Process, Holder: name, Token: end.Token, From: end.At, Until: end.Until}
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
	case workload.OpRelease, workload.OpDrop, workload.OpUnlock:
		name := begin.Holder
		if begin.Op != workload.OpUnlock {
			name = fmt.Sprint(begin.Token)
		}
		if held := open[name]; held != nil {
			held.Until = min(max(held.Until, begin.Until), begin.At)
			*closed = append(*closed, *held)
			delete(open, name)
		}
	}
}

// leaseEnd is until when a lease with a time to live of its own is certainly held after a request that was answered.
func (r *Run) leaseEnd(asked history.Event) int64 {
	return asked.At + int64(float64(asked.TTL)*1e6*(1-r.ClockTolerance)) - int64(expiryTolerance)
}

// Overlaps is how often a client could count on a lock while another could.
func (r *Run) Overlaps() int { return len(overlaps(r, r.Holders())) }

func exclusionOfHolders(run *Run) Result {
	holders := run.Holders()
	return found("", "holds", len(holders), fmt.Sprintf("%d holds", len(holders)), overlaps(run, holders))
}

func overlaps(run *Run, holders []Held) []string {
	var violations []string
	var latest *Held
	for i := range holders {
		next := &holders[i]
		if latest != nil && latest.Key == next.Key && next.From < latest.Until {
			violations = append(violations, fmt.Sprintf("%s: %s may count on it from %s to %s (as %s), and %s from %s to %s (as %s)", next.Key,
				latest.Process, run.seconds(latest.From), run.seconds(latest.Until), latest.Holder, next.Process, run.seconds(next.From), run.seconds(next.Until), next.Holder))
		}
		if latest == nil || latest.Key != next.Key || next.Until > latest.Until {
			latest = next
		}
	}
	return violations
}

// grant is an answer with a token.
type grant struct {
	process    string
	token      int64
	call, told int64
}

// tokens compares grants of which one was asked for after the other was told of.
func tokens(run *Run) Result {
	var violations []string
	seen := 0
	for key, operations := range run.byKey(lockWorkloads...) {
		grants := grantsOf(operations)
		seen += len(grants)
		owner := map[int64]string{}
		for _, one := range grants {
			if other, taken := owner[one.token]; taken && other != one.process {
				violations = append(violations, fmt.Sprintf("%s: token %d was given to %s and to %s", key, one.token, other, one.process))
			}
			owner[one.token] = one.process
		}
		violations = append(violations, run.fallingTokens(key, grants)...)
	}
	return found("", "grants with a token", seen, fmt.Sprintf("%d grants with a token", seen), violations)
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
			grants = append(grants, grant{begin.Holder, end.Token, asked[begin.Holder], end.At})
		case begin.Op == workload.OpAcquire:
			grants = append(grants, grant{fmt.Sprintf("%s at %d", begin.Process, begin.At), end.Token, begin.At, end.At})
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
		if next.token <= highest.token {
			violations = append(violations, fmt.Sprintf("%s: %s was given token %d, asked for at %s, after %s had been given %d", key, next.process, next.token,
				r.seconds(next.call), highest.process, highest.token))
		}
	}
	return violations
}
