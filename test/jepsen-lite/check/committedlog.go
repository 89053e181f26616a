package check

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/coordd/coordd/internal/committed"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
)

func (l *Log) says() string {
	whole := "the whole log"
	if !l.Complete {
		whole = fmt.Sprintf("the log from entry %d on, the rest was compacted away", l.History.FirstIndex)
	}
	return fmt.Sprintf("%s: %d entries, %d holds, %d entries compared between nodes", whole, len(l.Entries), len(l.History.Holds), l.Compared)
}

func exclusionInLog(run *Run) Result {
	violations := append(slices.Clone(run.Log.History.Violations), run.Log.Differing...)
	return found("", "holds in the log", len(run.Log.History.Holds), run.Log.says(), violations)
}

// durableGrants looks for each grant that a client was told of in the log.
func durableGrants(run *Run) Result {
	if run.Log.compacted() {
		return compactedAway("acknowledged grants")
	}
	var violations []string
	seen := 0
	for _, operation := range run.Operations {
		begin, end := operation.Invoke, operation.End
		if !slices.Contains(lockWorkloads, begin.Workload) || end.Type != history.OK {
			continue
		}
		var holds bool
		switch {
		case begin.Op == workload.OpAcquire && end.ID != "":
			holds = run.Log.knows(begin, end)
		case begin.Op == workload.OpAcquire:
			hold := run.Log.History.Hold(begin.Key, end.Token)
			holds = hold != nil && (strings.HasPrefix(hold.Holder+" ", "session "+begin.Holder+" ") || begin.Workload == "leases" && strings.HasPrefix(hold.Holder, "lock "))
		case begin.Op == workload.OpFence && end.Token != 0:
			hold := run.Log.History.Hold(begin.Key, end.Token)
			holds = hold != nil && hold.Holder == begin.Holder
		case begin.Op == workload.OpSetNX:
			holds = run.Log.History.HoldOf(begin.Key, begin.Holder) != nil
		default:
			continue
		}
		seen++
		if !holds {
			violations = append(violations, fmt.Sprintf("%s: %s was told that %s has it (token %d), which the log does not know", begin.Key, begin.Process, begin.Holder, end.Token))
		}
	}
	return found("", "acknowledged grants", seen, fmt.Sprintf("%d acknowledged grants", seen), violations)
}

// knows says that a native grant is in the log, on each of its names.
func (l *Log) knows(begin, end history.Event) bool {
	names := begin.Names
	if len(names) == 0 {
		names = []string{begin.Key}
	}
	for _, name := range names {
		hold := l.History.HoldByID(name, end.ID)
		if hold == nil || hold.Token != end.Token || hold.Permits != begin.Permits || !strings.HasPrefix(hold.Holder+" ", "session "+begin.Holder+" ") {
			return false
		}
	}
	return true
}

// compacted says that the log does not begin with its first entry.
func (l *Log) compacted() bool { return len(l.Entries) > 0 && !l.Complete }

// compactedAway is the answer of a checker that needs the whole log.
func compactedAway(of string) Result {
	return Result{Verdict: Skipped, Of: of, Says: "the begin of the log was compacted away on all nodes; the clients' side is judged by the other checkers"}
}

// command is what checkers need from a command of the log.
type command struct {
	Kind    string            `json:"kind"`
	Name    json.RawMessage   `json:"name"`
	Names   []json.RawMessage `json:"names"`
	Request string            `json:"request"`
	Reply   json.RawMessage   `json:"reply"`
	Keys    []json.RawMessage `json:"keys"` // of a script
	// A numbered command carries another, under a number of its client's session.
	Session string   `json:"session"`
	Number  uint64   `json:"number"`
	Command *command `json:"command"`
	// ToWaiter, or To, is the id of the candidate that a leader hands over to.
	ToWaiter string          `json:"to_waiter"`
	To       json.RawMessage `json:"to"`
}

// unwrapped is what a numbered command carries, with the number as its request, or the command itself.
func (c command) unwrapped() command {
	if c.Kind != "numbered" || c.Command == nil {
		return c
	}
	inner := *c.Command
	inner.Request, inner.Reply = fmt.Sprintf("session %s/%d", c.Session, c.Number), c.Reply
	return inner
}

// lock is the one name that a command is about; the first if there are several.
func (c command) lock() string { return c.locks()[0] }

// locks are the names that a command is about.
func (c command) locks() []string {
	if len(c.Names) == 0 {
		return []string{textOf(c.Name)}
	}
	names := make([]string, len(c.Names))
	for i, name := range c.Names {
		names[i] = textOf(name)
	}
	return names
}

// acquires says that the command asks for a lock.
func (c command) acquires() bool { return c.Kind == "lock_acquire" || c.Kind == "hold_acquire" }

// queued reads the reply of an acquire that waits.
type queued struct {
	Queued int    `json:"queued"`
	Waiter string `json:"waiter"`
	Again  bool   `json:"again"`
}

func commandsOf(entry committed.Entry) ([]command, error) {
	var commands []command
	for _, raw := range entry.Commands {
		var one command
		if err := json.Unmarshal(raw, &one); err != nil {
			return nil, fmt.Errorf("entry %d: %w", entry.Index, err)
		}
		commands = append(commands, one.unwrapped())
	}
	return commands, nil
}

// queues follows the waiters of every lock.
type queues struct {
	waiting    map[string][]string // ids of waiters in their order, by lock
	favoured   map[string]bool     // candidates that a leader hands over to, out of their turn
	violations []string
	granted    int
}

func fifo(run *Run) Result {
	if run.Log.compacted() {
		return compactedAway("grants to waiters")
	}
	q := &queues{waiting: map[string][]string{}, favoured: map[string]bool{}}
	for _, entry := range run.Log.Entries {
		if err := q.enter(entry); err != nil {
			return Result{Verdict: Unknown, Says: err.Error()}
		}
	}
	return found("", "grants to waiters", q.granted, fmt.Sprintf("%d grants to waiters", q.granted), q.violations)
}

// enter judges one entry. Within an entry those who go leave first, then come the grants, then those who arrive: an arrival was after a grant of the same entry, or
// is granted by a later one.
func (q *queues) enter(entry committed.Entry) error {
	commands, err := commandsOf(entry)
	if err != nil {
		return err
	}
	var arrivals []struct{ lock, waiter string }
	prefix := strconv.FormatUint(entry.Index, 10) + "-"
	for _, one := range commands {
		var reply queued
		if one.acquires() && json.Unmarshal(one.Reply, &reply) == nil && reply.Queued > 0 && strings.HasPrefix(reply.Waiter, prefix) {
			for _, lock := range one.locks() {
				arrivals = append(arrivals, struct{ lock, waiter string }{lock, reply.Waiter})
			}
		}
		q.favoured[one.ToWaiter], q.favoured[textOf(one.To)] = true, true
	}
	for _, event := range entry.Events {
		if event.Type == committed.WaiterGone {
			q.leave(event.Name, event.Waiter)
		}
	}
	arrived := func(lock, waiter string) bool {
		return slices.ContainsFunc(arrivals, func(a struct{ lock, waiter string }) bool { return a.lock == lock && a.waiter == waiter })
	}
	handed := map[string]bool{} // the grant may be told before or after whom it was handed to
	for _, event := range entry.Events {
		if event.Type == committed.WaiterGranted {
			handed[event.Name] = true
		}
	}
	for _, event := range entry.Events {
		switch {
		case event.Type == committed.WaiterGranted:
			q.grant(entry.Index, event, arrived(event.Name, event.Waiter))
		case event.Type == committed.Began && !handed[event.Name] && event.Waiter != "" && slices.Contains(q.waiting[event.Name], event.Waiter):
			q.grant(entry.Index, event, false) // of a set the log hands over one name, and the others go with it
		case event.Type == committed.Began && event.Database == 0 && !handed[event.Name] && len(q.waiting[event.Name]) > 0:
			q.violations = append(q.violations, fmt.Sprintf("%s: entry %d grants it to %q past the waiters %v", event.Name, entry.Index, event.Holder, q.waiting[event.Name]))
		}
	}
	for _, arrival := range arrivals {
		q.waiting[arrival.lock] = append(q.waiting[arrival.lock], arrival.waiter)
	}
	// One that came and went, or was granted, in the same entry is in no queue.
	for _, event := range entry.Events {
		if (event.Type == committed.WaiterGranted || event.Type == committed.WaiterGone || event.Type == committed.Began) && arrived(event.Name, event.Waiter) {
			q.leave(event.Name, event.Waiter)
		}
	}
	return nil
}

func (q *queues) grant(index uint64, event committed.Event, mayBeUnknown bool) {
	q.granted++
	queue := q.waiting[event.Name]
	place := slices.Index(queue, event.Waiter)
	switch {
	case place < 0 && !mayBeUnknown:
		q.violations = append(q.violations, fmt.Sprintf("%s: entry %d grants it to waiter %s, who does not wait", event.Name, index, event.Waiter))
	case place > 0 && !q.favoured[event.Waiter]:
		q.violations = append(q.violations, fmt.Sprintf("%s: entry %d grants it to waiter %s before %s, who came first", event.Name, index, event.Waiter, queue[0]))
	}
	q.leave(event.Name, event.Waiter)
}

func (q *queues) leave(lock, waiter string) {
	q.waiting[lock] = slices.DeleteFunc(q.waiting[lock], func(one string) bool { return one == waiter })
}

// textOf reads a text of the log; one that is not UTF-8 stays as it is.
func textOf(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return string(raw)
	}
	return text
}

// exactlyOnce counts effects in the log, and holds the counters' answers against them.
func exactlyOnce(run *Run) Result {
	if run.Log.compacted() {
		return compactedAway("effects")
	}
	var violations []string
	seen := 0
	values := map[string]int{}
	for _, hold := range run.Log.History.Holds {
		if strings.HasPrefix(hold.Lock.Name, "redis/") {
			seen++
			values[hold.Lock.Name+" "+hold.Holder]++
		}
	}
	for value, count := range values {
		if count > 1 {
			violations = append(violations, fmt.Sprintf("the value of one request was granted %d times: %s", count, value))
		}
	}
	effects, err := incrementsIn(run.Log.Entries)
	if err != nil {
		return Result{Verdict: Unknown, Says: err.Error()}
	}
	for key, replies := range effects {
		seen += len(replies)
		violations = append(violations, judgeIncrements(run, key, replies)...)
	}
	return found("", "effects", seen, fmt.Sprintf("%d grants to unique values and increments of %d counters", seen, len(effects)), violations)
}

// incrementsIn gives for each counter the answer of each request, by request.
func incrementsIn(entries []committed.Entry) (map[string]map[string][]string, error) {
	effects := map[string]map[string][]string{}
	for _, entry := range entries {
		commands, err := commandsOf(entry)
		if err != nil {
			return nil, err
		}
		for _, one := range commands {
			number, isNumber := strconv.ParseInt(string(one.Reply), 10, 64)
			if isNumber != nil || !strings.HasPrefix(one.Kind, "increment") {
				continue
			}
			key := one.lock()
			if effects[key] == nil {
				effects[key] = map[string][]string{}
			}
			effects[key][one.Request] = append(effects[key][one.Request], strconv.FormatInt(number, 10))
		}
	}
	return effects, nil
}

func judgeIncrements(run *Run, key string, replies map[string][]string) []string {
	var violations []string
	given := map[string]string{}
	for request, answers := range replies {
		for _, answer := range answers {
			if answer != answers[0] {
				violations = append(violations, fmt.Sprintf("%s: request %s was run again: it was answered %s and %s", key, request, answers[0], answer))
			}
		}
		if other, taken := given[answers[0]]; taken {
			violations = append(violations, fmt.Sprintf("%s: requests %s and %s were both answered %s", key, request, other, answers[0]))
		}
		given[answers[0]] = request
	}
	told := map[string]string{}
	for _, operation := range run.Operations {
		if operation.Invoke.Workload != "counter" || operation.Invoke.Key != key || operation.Invoke.Op != workload.OpIncrement || operation.End.Type != history.OK {
			continue
		}
		value := operation.End.Value
		if other, taken := told[value]; taken {
			violations = append(violations, fmt.Sprintf("%s: %s and %s were both told %s", key, other, operation.Invoke.Process, value))
		}
		told[value] = operation.Invoke.Process
		if given[value] == "" {
			violations = append(violations, fmt.Sprintf("%s: %s was told %s, which no entry of the log answers", key, operation.Invoke.Process, value))
		}
	}
	return violations
}
