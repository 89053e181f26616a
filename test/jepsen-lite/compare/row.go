package compare

import (
	"context"

	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/store"
)

// Row is what came of one fault for one system.
type Row struct {
	System, Fault string
	// Skipped is why that fault could not happen to that system; then the rest says nothing.
	Skipped string
	Rounds  int
	// Holds is how often a client held the lock, and Overlaps how often another could count on it at the same time.
	Holds, Overlaps int
	// Unguarded are the updates that were lost where nobody looks at tokens.
	Unguarded int
	// HasTokens says that the rest means something: stale writes that were refused or accepted, and updates that were lost all the same.
	HasTokens                 bool
	Refused, Accepted, Fooled int
	// Log is what the committed log says; nil for a system that leaves none.
	Log *LogFindings
}

// harmed says that somebody who looks at no token was hurt.
func (r Row) harmed() bool { return r.Overlaps > 0 || r.Unguarded > 0 }

// judge reads what clients wrote down and, where there is one, what the servers committed.
func (r *Row) judge(ctx context.Context, path string, service system) error {
	run, err := readHistory(path)
	if err != nil {
		return err
	}
	r.count(run)
	if leaves, ok := service.(leaver); ok {
		logs, unread := leaves.logs(ctx)
		r.Log = judgeLogs(run, logs, unread)
	}
	return nil
}

// count counts in a history.
func (r *Row) count(run *check.Run) {
	r.Holds = len(run.Holders())
	r.Overlaps = run.Overlaps()
	marks := map[string]int64{} // the largest token that each register has seen
	for _, event := range run.Events {
		if event.Process != store.Process {
			continue
		}
		stale := event.Token < marks[event.Key]
		marks[event.Key] = max(marks[event.Key], event.Token)
		switch {
		case event.Op == store.OpTwinLost, event.Op == store.OpLostUpdate && event.Token == 0:
			r.Unguarded++
		case event.Op == store.OpRefused && event.Value != "": // a read has no value
			r.Refused++
		case event.Op == store.OpLostUpdate:
			r.Fooled++
		}
		if event.Token != 0 && stale && (event.Op == store.OpAccepted || event.Op == store.OpLostUpdate) {
			r.Accepted++
		}
	}
}

// readHistory reads what clients and the store wrote down.
func readHistory(path string) (*check.Run, error) {
	events, err := history.ReadFile(path)
	if err != nil {
		return nil, err
	}
	operations, err := history.Pair(events)
	if err != nil {
		return nil, err
	}
	return &check.Run{Workloads: []string{compared}, Events: events, Operations: operations}, nil
}
