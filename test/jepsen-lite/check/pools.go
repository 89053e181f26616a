package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/coordd/coordd/internal/committed"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/store"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
)

// atMostOneOwner looks at the log: each grant of a partition comes after the end of the one before, with a larger token. What workers were told, and what the store took, must be granted there.
func atMostOneOwner(run *Run) Result {
	ledger := committed.JudgePool(run.Log.Entries, workload.PoolName)
	if run.Log.compacted() && len(ledger.Granted) == 0 {
		return compactedAway("ownerships in the log")
	}
	violations := slices.Concat(ledger.Violations, run.Log.Differing)
	told, wrote := 0, 0
	for _, event := range run.Events {
		partition, ofPool := workload.PoolPartition(event.Key)
		if !ofPool || event.Type != history.Note || run.Log.compacted() {
			continue
		}
		owner := ledger.Granted[committed.Grant{Partition: partition, Token: event.Token}]
		switch {
		case event.Op == workload.OpAssigned:
			told++
			if owner != event.Holder {
				violations = append(violations, fmt.Sprintf("%s: %s was told that it owns it under token %d, which the log grants to %q", event.Key, event.Holder, event.Token, owner))
			}
		case isTaken(event):
			wrote++
			if owner != event.Holder {
				violations = append(violations, fmt.Sprintf("%s: the store took a write of %s under token %d, which the log grants to %q", event.Key, event.Holder, event.Token, owner))
			}
		}
	}
	says := fmt.Sprintf("%d ownerships in %d entries of the log, each after the end of the one before; %d were told to their workers, and %d writes stand under them", len(ledger.Granted), ledger.Entries, told, wrote)
	if run.Log.compacted() {
		says += "; the begin of the log was compacted away, so what workers were told could not be looked for"
	}
	return found("", "ownerships in the log", len(ledger.Granted), says, violations)
}

// isTaken reports whether a line is a write that the store took.
func isTaken(event history.Event) bool {
	return event.Process == store.Process && (event.Op == store.OpAccepted || event.Op == store.OpLostUpdate)
}

// owned is a time in which a worker owned a partition by its own session: from when it was told, to the last instant at which it asked its session.
type owned struct {
	key, worker string
	token       int64
	from, until int64
}

// ownerships are those of which workers were sure at least once. A worker that is stopped is sure of nothing meanwhile, and when it wakes its session's time has passed.
func (r *Run) ownerships() map[string][]*owned {
	type name struct {
		key, worker string
		token       int64
	}
	latest := map[name]*owned{}
	byKey := map[string][]*owned{}
	for _, event := range r.Events {
		if _, ofPool := workload.PoolPartition(event.Key); !ofPool {
			continue
		}
		id := name{event.Key, event.Holder, event.Token}
		switch one := latest[id]; {
		case event.Op == workload.OpAssigned:
			latest[id] = &owned{event.Key, event.Holder, event.Token, event.At, 0}
			byKey[event.Key] = append(byKey[event.Key], latest[id])
		case one == nil:
		case event.Op == workload.OpRevoked:
			one.until = max(one.until, event.Until)
		case event.Op == workload.OpWrite && event.Type == history.Invoke:
			one.until = max(one.until, event.Sent)
		}
	}
	for key, list := range byKey {
		list = slices.DeleteFunc(list, func(one *owned) bool { return one.until < one.from })
		slices.SortFunc(list, func(a, b *owned) int { return cmp.Compare(a.from, b.from) })
		byKey[key] = list
	}
	return byKey
}

// poolWorkers holds workers against each other.
func poolWorkers(run *Run) Result {
	var violations []string
	seen := 0
	for _, list := range sorted(run.ownerships()) {
		seen += len(list)
		last := &owned{}
		for i, next := range list {
			switch {
			case i == 0:
			case next.from < last.until:
				violations = append(violations, fmt.Sprintf("%s: %s was sure at %s that it owns it (token %d), and %s had been told at %s that it does (token %d)", next.key,
					last.worker, run.seconds(last.until), last.token, next.worker, run.seconds(next.from), next.token))
			case next.token <= last.token:
				violations = append(violations, fmt.Sprintf("%s: %s was told at %s that it owns it under token %d, after %s had owned it under token %d", next.key, next.worker, run.seconds(next.from),
					next.token, last.worker, last.token))
			}
			if next.until > last.until {
				last = next
			}
		}
	}
	return found("", "ownerships of workers", seen, fmt.Sprintf("%d ownerships of which workers were sure", seen), violations)
}

// sorted goes through a map in the order of its keys.
func sorted[V any](all map[string]V) func(yield func(string, V) bool) {
	return func(yield func(string, V) bool) {
		for _, key := range slices.Sorted(maps.Keys(all)) {
			if !yield(key, all[key]) {
				return
			}
		}
	}
}

// poolWrites reads the store's lines again: whatever it took, it had not seen a larger token for that partition before, and each write rests on the present value. A run in which nothing stale came has not
// put the tokens to the test.
func poolWrites(run *Run) Result {
	var violations []string
	taken, refused, late := 0, 0, 0
	marks := map[string]int64{}
	for _, event := range run.Events {
		if _, ofPool := workload.PoolPartition(event.Key); !ofPool || event.Process != store.Process {
			continue
		}
		mark := marks[event.Key]
		switch event.Op {
		case store.OpTwinLost:
			late++
			continue
		case store.OpTwinStale:
			continue
		case store.OpRefused:
			refused++
			if event.Token >= mark {
				violations = append(violations, fmt.Sprintf("%s: token %d of %s was refused, and none larger than %d had been seen", event.Key, event.Token, event.Holder, mark))
			}
			continue
		}
		if event.Token < mark {
			violations = append(violations, fmt.Sprintf("%s: %s was let in with token %d after token %d", event.Key, event.Holder, event.Token, mark))
		}
		marks[event.Key] = max(mark, event.Token)
		if isTaken(event) {
			taken++
		}
		if event.Op == store.OpLostUpdate {
			violations = append(violations, fmt.Sprintf("%s: %s wrote under token %d over a value that it had not read", event.Key, event.Holder, event.Token))
		}
	}
	says := fmt.Sprintf("%d writes to %d partitions taken, %d stale requests refused; without tokens %d updates would have been lost", taken, len(marks), refused, late)
	result := found("", "accepted writes", taken, says, violations)
	if refused == 0 {
		result.Verdict = Worst(result.Verdict, Unknown)
		result.Says += "; no stale write came, so nothing was there to be refused"
	}
	return result
}

// poolRoutes holds what routers said against the log's table of the same version. A router may be late; it may not be wrong, nor go back.
func poolRoutes(run *Run) Result {
	if run.Log.compacted() {
		return compactedAway("lookups")
	}
	ledger := committed.JudgePool(run.Log.Entries, workload.PoolName)
	versions := map[string]int64{} // by router
	var violations []string
	seen := 0
	for _, event := range run.Events {
		partition, ofPool := workload.PoolPartition(event.Key)
		if !ofPool || event.Type != history.Note || event.Op != workload.OpRouted {
			continue
		}
		seen++
		if before := versions[event.Holder]; event.Number < before {
			violations = append(violations, fmt.Sprintf("at %s the router %s has version %d of the table, after version %d", run.seconds(event.At), event.Holder, event.Number, before))
		}
		versions[event.Holder] = event.Number
		if row, _ := ledger.At(partition, event.Number); row.Owner != event.ID || row.Token != event.Token {
			violations = append(violations, fmt.Sprintf("%s: the router %s says that %q owns it with token %d in version %d; by the log it is %q with token %d", event.Key, event.Holder, event.ID, event.Token,
				event.Number, row.Owner, row.Token))
		}
	}
	return found("", "lookups", seen, fmt.Sprintf("%d lookups of %d routers", seen, len(versions)), violations)
}

// poolOrphans looks for a write to each partition that was begun after the last fault: the run has waited for that.
func poolOrphans(run *Run) Result {
	if run.Recovery.HealError != nil {
		return Result{Verdict: Unknown, Of: "partitions", Says: "the cluster did not become whole, so nobody waited for owners of all partitions"}
	}
	end := int64(0)
	for _, event := range run.Events {
		if event.Process == "nemesis" && event.Value == "end" {
			end = max(end, event.At)
		}
	}
	first := map[int]int64{}
	for _, operation := range run.Operations {
		partition, ofPool := workload.PoolPartition(operation.Invoke.Key)
		if ofPool && operation.Invoke.Op == workload.OpWrite && operation.End.Type == history.OK && operation.Invoke.At >= end && first[partition] == 0 {
			first[partition] = operation.Invoke.At
		}
	}
	var without []string
	last := end
	for partition := range workload.PoolPartitions {
		if first[partition] == 0 {
			without = append(without, fmt.Sprint(partition))
		}
		last = max(last, first[partition])
	}
	var violations []string
	says := fmt.Sprintf("all %d partitions", len(first))
	if len(without) > 0 {
		says = fmt.Sprintf("%d of %d partitions", len(first), workload.PoolPartitions)
		violations = append(violations, fmt.Sprintf("nobody wrote to these partitions after the last fault had ended: %s", strings.Join(without, ", ")))
	}
	if end > 0 {
		says += fmt.Sprintf(" were written to by their owners within %v after the last fault", time.Duration(last-end).Round(time.Millisecond))
	} else {
		says += " were written to by their owners"
	}
	return run.Recovery.excuse(found("", "partitions", workload.PoolPartitions, says, violations))
}
