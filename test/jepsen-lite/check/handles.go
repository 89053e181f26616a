package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/coordd/coordd/internal/committed"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
)

// together looks at the log alone: the holds of one id begin in one entry, with one token, and end in one.
func together(run *Run) Result {
	if run.Log.compacted() {
		return compactedAway("sets of locks")
	}
	sets := map[string][]*committed.Hold{}
	for _, hold := range run.Log.History.Holds {
		if hold.Mode == committed.Multi {
			sets[hold.ID] = append(sets[hold.ID], hold)
		}
	}
	var violations []string
	for _, id := range slices.Sorted(maps.Keys(sets)) {
		first := sets[id][0]
		if len(sets[id]) < 2 {
			violations = append(violations, fmt.Sprintf("the set %s was granted as %s alone", id, first.Lock))
		}
		for _, hold := range sets[id][1:] {
			if hold.BeganIndex != first.BeganIndex || hold.Token != first.Token || hold.EndedIndex != first.EndedIndex {
				violations = append(violations, fmt.Sprintf("the set %s has %s from entry %d to %d with token %d, and %s from entry %d to %d with token %d", id,
					first.Lock, first.BeganIndex, first.EndedIndex, first.Token, hold.Lock, hold.BeganIndex, hold.EndedIndex, hold.Token))
			}
		}
	}
	return found("", "sets of locks", len(sets), fmt.Sprintf("%d sets of locks", len(sets)), violations)
}

// numbered holds the answers to one number against each other, and against the log.
func numbered(run *Run) Result {
	if run.Log.compacted() {
		return compactedAway("numbered requests")
	}
	type request struct {
		session string
		number  int64
	}
	told := map[request]history.Event{}
	asked := map[string]map[int64]bool{} // numbers by session
	again := 0
	var violations []string
	for _, operation := range run.Operations {
		begin, end := operation.Invoke, operation.End
		if begin.Workload != "exactly-once" {
			continue
		}
		if asked[begin.Holder] == nil {
			asked[begin.Holder] = map[int64]bool{}
		}
		asked[begin.Holder][begin.Number] = true
		if begin.Op == workload.OpAgain && end.Type != history.Info {
			again++
		}
		if end.Type != history.OK {
			continue
		}
		id := request{begin.Holder, begin.Number}
		if first, known := told[id]; known && (first.Token != end.Token || first.ID != end.ID) {
			violations = append(violations, fmt.Sprintf("%s: request %d of session %s was answered with token %d (%s) and with token %d (%s)", begin.Key, begin.Number, begin.Holder,
				first.Token, first.ID, end.Token, end.ID))
		}
		told[id] = end
	}
	for id, end := range told {
		if hold := run.Log.History.HoldByID(end.Key, end.ID); hold == nil || hold.Token != end.Token {
			violations = append(violations, fmt.Sprintf("%s: request %d of session %s was answered with token %d (%s), which the log does not know", end.Key, id.number, id.session, end.Token, end.ID))
		}
	}
	granted := map[string]int{}
	for _, hold := range run.Log.History.Holds {
		granted[hold.Session]++
	}
	for session, numbers := range asked {
		if granted[session] > len(numbers) {
			violations = append(violations, fmt.Sprintf("session %s sent %d different acquires and was granted %d", session, len(numbers), granted[session]))
		}
	}
	return found("", "requests that were sent again and answered", again, fmt.Sprintf("%d requests of %d sessions were sent again and answered", again, len(asked)), violations)
}

// said is what was heard of a leader.
type said struct {
	event history.Event
	asked int64 // the answer is no older than that
}

// elections judges what was heard of leaders: who hears of one after another had heard of a later one, or hears what the leader has replaced, was answered from the past.
func elections(run *Run) Result {
	var violations []string
	seen := 0
	for key, operations := range run.byKey("election") {
		heard := run.heardOf(key, operations)
		seen += len(heard)
		violations = append(violations, run.olderLeaders(key, operations, heard)...)
		violations = append(violations, run.olderWords(key, operations, heard)...)
	}
	return found("", "answers about leaders", seen, fmt.Sprintf("%d answers about leaders", seen), violations)
}

// heardOf collects answers and observations, in order of when they were told.
func (r *Run) heardOf(key string, operations []history.Operation) []said {
	var heard []said
	for _, operation := range operations {
		if operation.Invoke.Op == workload.OpLeader && operation.End.Type == history.OK {
			heard = append(heard, said{operation.End, operation.Invoke.At})
		}
	}
	streams := map[string]int64{}
	for _, event := range r.Events {
		if event.Type == history.Note && event.Op == workload.OpObserved && event.Key == key {
			heard = append(heard, said{event, streams[event.Holder]}) // no older than the stream's last
			streams[event.Holder] = max(event.At, 1)
		}
	}
	slices.SortStableFunc(heard, func(a, b said) int { return cmp.Compare(a.event.At, b.event.At) })
	return heard
}

// olderLeaders finds answers that name an earlier leader than was known to lead before they were asked for. Of an observer only its own stream counts.
func (r *Run) olderLeaders(key string, operations []history.Operation, heard []said) []string {
	type fact struct {
		at    int64
		token int64
	}
	var facts []fact
	for _, operation := range operations {
		if operation.Invoke.Op == workload.OpAcquire && operation.End.Type == history.OK {
			facts = append(facts, fact{operation.End.At, operation.End.Token})
		}
	}
	var violations []string
	streams := map[string]int64{}
	for _, one := range heard {
		if one.event.Op == workload.OpLeader {
			facts = append(facts, fact{one.event.At, one.event.Token})
		}
	}
	for _, one := range heard {
		if one.event.ID == "" {
			continue
		}
		least := streams[one.event.Holder]
		if one.event.Op == workload.OpLeader {
			least = 0
			for _, known := range facts {
				if known.at < one.asked {
					least = max(least, known.token)
				}
			}
		} else {
			streams[one.event.Holder] = one.event.Token
		}
		if one.event.Token < least {
			violations = append(violations, fmt.Sprintf("%s: at %s somebody was told that token %d leads, after token %d was known to", key, r.seconds(one.event.At), one.event.Token, least))
		}
	}
	return violations
}

// olderWords finds answers with words that the leader had replaced before they were asked for, or never used.
func (r *Run) olderWords(key string, operations []history.Operation, heard []said) []string {
	words := map[string][]history.Operation{} // by the id of the leadership, in order
	for _, operation := range operations {
		id := operation.End.ID
		if operation.Invoke.Op == workload.OpAcquire && operation.End.Type == history.OK || operation.Invoke.Op == workload.OpProclaim {
			if id == "" {
				id = operation.Invoke.ID
			}
			words[id] = append(words[id], operation)
		}
	}
	var violations []string
	for _, one := range heard {
		spoken := words[one.event.ID]
		if len(spoken) == 0 || one.event.ID == "" {
			continue // a leadership that its candidate was not told of
		}
		place := slices.IndexFunc(spoken, func(o history.Operation) bool { return o.Invoke.Value == one.event.Value })
		later := slices.IndexFunc(spoken[place+1:], func(o history.Operation) bool {
			return place >= 0 && one.event.Op == workload.OpLeader && o.End.Type == history.OK && o.End.At < one.asked
		})
		switch {
		case place < 0:
			violations = append(violations, fmt.Sprintf("%s: at %s somebody was told %q of the leader %s, which never said so", key, r.seconds(one.event.At), one.event.Value, one.event.ID))
		case later >= 0:
			violations = append(violations, fmt.Sprintf("%s: at %s somebody was told %q of the leader %s, which had replaced it by %q", key, r.seconds(one.event.At), one.event.Value,
				one.event.ID, spoken[place+1+later].Invoke.Value))
		}
	}
	return violations
}

// forced counts, for each lock, the holds that operators were told to have ended, and those that the log ended for them.
func forced(run *Run) Result {
	if run.Log.compacted() {
		return compactedAway("holds that operators ended")
	}
	inLog, told, perhaps := map[string]int{}, map[string]int{}, map[string]int{}
	for _, hold := range run.Log.History.Holds {
		if hold.Reason == "forced" {
			inLog[hold.Lock.Name]++
		}
	}
	for _, operation := range run.Operations {
		if operation.Invoke.Workload != "admin" || operation.Invoke.Op != workload.OpForce {
			continue
		}
		switch operation.End.Type {
		case history.OK:
			ended, _ := strconv.Atoi(operation.End.Value)
			told[operation.Invoke.Key] += ended
		case history.Info:
			perhaps[operation.Invoke.Key]++ // a lock that one holds ends once
		}
	}
	var violations []string
	seen := 0
	for key, count := range inLog {
		seen += count
		if count > told[key]+perhaps[key] {
			violations = append(violations, fmt.Sprintf("%s: the log ended %d holds for an operator, and operators ended %d for certain and %d perhaps", key, count, told[key], perhaps[key]))
		}
	}
	for key, count := range told {
		if inLog[key] < count {
			violations = append(violations, fmt.Sprintf("%s: operators were told that they had ended %d holds, and the log ended %d", key, count, inLog[key]))
		}
	}
	return found("", "holds that operators ended", seen, fmt.Sprintf("%d holds that operators ended", seen), violations)
}
