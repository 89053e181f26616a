package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coordd/coordd/internal/committed"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
)

// Verdict is what a checker, or a run, comes to.
type Verdict string

// The verdicts, from good to bad.
const (
	Valid   Verdict = "valid"
	Unknown Verdict = "unknown"
	Invalid Verdict = "invalid"

	// Skipped is what a checker says that could not look here, as was known beforehand: a log that was compacted on purpose, say. It does not count, neither way.
	Skipped Verdict = "skipped"
)

// Worst is the worst of some verdicts; unknown when there is none.
func Worst(verdicts ...Verdict) Verdict {
	order := []Verdict{Valid, Unknown, Invalid}
	worst := -1
	for _, verdict := range verdicts {
		worst = max(worst, slices.Index(order, verdict))
	}
	if worst < 0 {
		return Unknown
	}
	return order[worst]
}

// Result is what one checker says.
type Result struct {
	Name    string  `json:"name"`
	Verdict Verdict `json:"verdict"`
	// Seen is how much of what the checker is for there was, and Of says what.
	Seen int    `json:"seen"`
	Of   string `json:"of"`
	// Says is a sentence for people.
	Says string `json:"says"`
	// Violations are the first ones; Total is how many there were.
	Violations []string `json:"violations,omitempty"`
	Total      int      `json:"total_violations,omitempty"`
	// Pictures are the parts of a history that cannot be explained, drawn: HTML, by name. They are not part of the verdict file.
	Pictures map[string]string `json:"-"`
}

// mostViolations are kept for people; the rest is counted.
const mostViolations = 20

// found makes a result of what a checker found.
func found(name, of string, seen int, says string, violations []string) Result {
	result := Result{Name: name, Verdict: Valid, Seen: seen, Of: of, Says: says, Total: len(violations)}
	result.Violations = violations[:min(len(violations), mostViolations)]
	switch {
	case len(violations) > 0:
		result.Verdict = Invalid
	case seen == 0:
		result.Verdict = Unknown
		result.Says = strings.TrimSpace("there were no " + of + ", so nothing was shown. " + says)
	}
	return result
}

// Log is what the nodes committed.
type Log struct {
	// Entries are those of the node that knows most, and History what they say about holds.
	Entries []committed.Entry
	History *committed.History
	// Complete says that the log begins with its first entry.
	Complete bool
	// Compared is how many entries were compared between nodes; Differing says where they differ.
	Compared  int
	Differing []string
}

// NewLog judges the logs of the nodes.
func NewLog(logs map[string][]committed.Entry) *Log {
	log := &Log{}
	better := func(entries []committed.Entry) bool {
		switch {
		case len(entries) == 0:
			return false
		case len(log.Entries) == 0:
			return true
		}
		whole, have := entries[0].Index == 1, log.Entries[0].Index == 1
		if whole != have {
			return whole
		}
		return entries[len(entries)-1].Index > log.Entries[len(log.Entries)-1].Index
	}
	for _, entries := range logs {
		if better(entries) {
			log.Entries = entries
		}
	}
	log.History = committed.Judge(log.Entries)
	log.Complete = len(log.Entries) > 0 && log.Entries[0].Index == 1
	log.Compared, log.Differing = committed.SameHistory(logs)
	return log
}

// CompareAlso holds further logs, of nodes that were replaced, against those of the others. They count for nothing else.
func (l *Log) CompareAlso(logs map[string][]committed.Entry) {
	for name, entries := range logs {
		compared, differing := committed.SameHistory(map[string][]committed.Entry{"the others": l.Entries, name + ", which was replaced": entries})
		l.Compared += compared
		l.Differing = append(l.Differing, differing...)
	}
}

// Run is everything there is to be judged.
type Run struct {
	Workloads  []string
	Events     []history.Event
	Operations []history.Operation
	// Log is nil where the cluster's logs cannot be read.
	Log *Log
	// Said is what nodes said of their states while the run went on.
	Said []Said
	// NodeLogs are the paths of the nodes' logs.
	NodeLogs []string
	// Excused are parts of them in which a crash is no violation, by path: from one byte to another.
	Excused map[string][][2]int64
	TTL     time.Duration
	// ClockTolerance is by how much clocks may have been bent, as a fraction.
	ClockTolerance float64
	// Recovery is what happened after the last fault had ended.
	Recovery Recovery
	// Faults are the names of the nemeses that worked, and Slowed is when some of them made agreement slow.
	Faults []string
	Slowed []Slowed
	// Patience bounds the search of one linearizability check.
	Patience time.Duration
}

// Slowed is a time in which an entry may have taken longer by Round than it takes usually, because a fault held back what nodes send or write.
type Slowed struct {
	From, Until int64
	Round       time.Duration
}

// Said is the hash of a node's state at one index, and when it was heard.
type Said struct {
	Node  string
	Index uint64
	Hash  string
	At    int64
}

// Who notes that another leads, and as what.
const (
	Poller  = "poller"
	OpLeads = "leads"
)

// Recovery tells how a run came to its end.
type Recovery struct {
	// HealError is why the cluster did not become whole; nil if it did.
	HealError error
	// Lacking are the workloads that made no progress after healing.
	Lacking []string
	// Took is how long it took from the end of the last fault until all workloads went on.
	Took time.Duration
	// Lag is the longest time for which the driver itself could not run meanwhile: on a machine that stood still nothing is proved about the cluster.
	Lag time.Duration
	// Strangers are the connections between nodes that the network closed meanwhile because it did not find out, or not in time, whose they were.
	Strangers int64
}

// Checker judges one promise.
type Checker struct {
	Name  string
	About string
	// Workloads are those that give it something to see; none means that it always applies.
	Workloads []string
	// NeedsLog says that it cannot say anything without the nodes' logs.
	NeedsLog bool
	Check    func(*Run) Result
}

// All are the checkers.
func All() []Checker {
	return []Checker{
		{"linearizable", "every answer fits one order of all operations on its name (porcupine)", append([]string{"register", "counter"}, lockWorkloads...), false, linearizable},
		{"exclusion-log", "in the committed log no lock has two holders, and tokens rise for ever", withLocks(), true, exclusionInLog},
		{"exclusion-holders", "no two clients hold a lock at the same time, as long as each may count on it", lockWorkloads, false, exclusionOfHolders},
		{"clock-jumps", "who holds a lock while its clock jumps past its time, as on a machine that was suspended, counts on it no more", nil, false, clockJumps},
		{"tokens", "who is granted a lock after another has a larger token, and no token is given twice", lockWorkloads, false, tokens},
		{"durable-grants", "every grant that a client was told of is in the log, for that client", lockWorkloads, true, durableGrants},
		{"fifo", "who waits first is granted first, and nobody overtakes the queue", []string{"waiters", "shared", "semaphore", "multi", "election"}, true, fifo},
		{"expiry", "no lease ends earlier than its time to live after the request that extended it last was sent", []string{"expiry"}, false, expiry},
		{"overdue", "no lease outlives its time to live by more than the time in which nothing was committed, and half a second for each new leader", []string{"expiry"}, true, overdue},
		{"exactly-once", "no increment and no grant has more than one effect, and none that was acknowledged is missing", []string{"counter", "redis"}, true, exactlyOnce},
		{"numbered", "a request that is sent again under its number has one effect and one answer", []string{"exactly-once"}, true, numbered},
		{"together", "a set of locks is granted and ends as one", []string{"multi"}, true, together},
		{"elections", "who asks or observes sees leaders in their order, and what they said last", []string{"election"}, false, elections},
		{"forced", "every hold that an operator ended was asked to end, and each that was said to have ended has", []string{"admin"}, true, forced},
		{"fenced-register", "a register that looks at tokens loses no update", []string{"fenced-register"}, false, fenced},
		{"at-most-one-owner", "in the committed log each owner of a partition comes after the end of the one before, with a larger token, and nobody else was told or wrote", []string{"pool"}, true, atMostOneOwner},
		{"pool-workers", "no two workers are sure of one partition at the same time, by the clock that all share, and its tokens rise", []string{"pool"}, false, poolWorkers},
		{"pool-writes", "what a partition protects takes no write under a token smaller than one before, and loses no update", []string{"pool"}, false, poolWrites},
		{"pool-routes", "a router's table of a version is the log's, and never an earlier one again", []string{"pool"}, true, poolRoutes},
		{"pool-orphans", "after the last fault each partition has an owner that writes", []string{"pool"}, false, poolOrphans},
		{"agreement", "nodes that have run the same entries are in the same state", nil, true, agreement},
		{"liveness", "after the last fault everything goes on", nil, false, liveness},
		{"node-logs", "no node crashed, raced or found itself different", nil, true, NodeLogs},
	}
}

// withLocks are the workloads that lock something, or write a value, which the log tells like a lock: all but that of partitions.
func withLocks() []string {
	return slices.DeleteFunc(workload.Names(), func(name string) bool { return name == "pool" })
}

// Judge runs all checkers that have something to do with the run. A checker that breaks counts as unknown.
func Judge(run *Run) []Result {
	var results []Result
	for _, checker := range All() {
		applies := len(checker.Workloads) == 0 || slices.ContainsFunc(checker.Workloads, func(name string) bool { return slices.Contains(run.Workloads, name) })
		if applies && (!checker.NeedsLog || run.Log != nil) {
			results = append(results, guarded(checker, run))
		}
	}
	return results
}

func guarded(checker Checker, run *Run) (result Result) {
	if problem := guard(func() { result = checker.Check(run) }); problem != "" {
		result = Result{Verdict: Unknown, Says: problem}
	}
	result.Name = checker.Name
	return result
}

// byKey groups operations, in order of their invokes.
func (r *Run) byKey(workloads ...string) map[string][]history.Operation {
	groups := map[string][]history.Operation{}
	for _, operation := range r.Operations {
		if slices.Contains(workloads, operation.Invoke.Workload) {
			groups[operation.Invoke.Key] = append(groups[operation.Invoke.Key], operation)
		}
	}
	return groups
}

// seconds writes an instant as seconds since the first line of the history.
func (r *Run) seconds(at int64) string {
	if len(r.Events) == 0 {
		return "?"
	}
	return fmt.Sprintf("%.3f s", float64(at-r.Events[0].At)/1e9)
}

// JudgeEarly runs, while a run goes on, the checkers that need nothing but the history and what nodes said. What they find is certain; what they do not find may
// be found later.
func JudgeEarly(run *Run) []Result {
	return JudgeBy(run, "exclusion-holders", "tokens", "expiry", "elections", "fenced-register", "pool-workers", "pool-writes", "agreement")
}

// JudgeBy runs the checkers with these names, whatever the workloads.
func JudgeBy(run *Run, names ...string) []Result {
	var results []Result
	for _, checker := range All() {
		if slices.Contains(names, checker.Name) {
			results = append(results, guarded(checker, run))
		}
	}
	return results
}
