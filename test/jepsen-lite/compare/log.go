package compare

import (
	"context"
	"errors"
	"fmt"

	"github.com/coordd/coordd/internal/committed"
	"github.com/coordd/coordd/test/jepsen-lite/check"
)

// LogFindings is what the log that the nodes committed says, which knows nothing of what clients believe.
type LogFindings struct {
	// Holds are those in the log.
	Holds int
	// Violations are locks with two holders, tokens that did not rise, entries in which the nodes' logs differ, and grants that a client was told of and the log does not know: the
	// first ones of each. Total is how many there were.
	Violations []string
	Total      int
	// Problem is why the log says nothing, or not all; empty if it could be read.
	Problem string
}

// logChecks are the checkers that hold the log against the promise, and clients against the log.
var logChecks = []string{"exclusion-log", "durable-grants"}

// leaver is a system whose servers leave a log that can be judged.
type leaver interface {
	// logs stops the servers and reads what each of them committed.
	logs(ctx context.Context) (map[string][]committed.Entry, error)
}

// logs implements leaver.
func (s *coorddSystem) logs(ctx context.Context) (map[string][]committed.Entry, error) {
	for _, node := range s.cluster.Nodes() {
		node.Kill() // what was committed must be on disk, however they end
	}
	logs := map[string][]committed.Entry{}
	var unread []error
	for _, node := range s.cluster.Nodes() {
		entries, err := committed.Inspect(ctx, s.cluster.Binary(), node.DataDir)
		if err == nil && len(entries) == 0 {
			err = errors.New("it has no entries")
		}
		if err != nil {
			unread = append(unread, fmt.Errorf("the log of %s cannot be read: %w", node.Name, err))
			continue
		}
		logs[node.Name] = entries
	}
	return logs, errors.Join(unread...)
}

// judgeLogs holds the logs of the nodes against what clients were told. What cannot be read, or was not judged, is a problem, however good the rest is.
func judgeLogs(run *check.Run, logs map[string][]committed.Entry, unread error) *LogFindings {
	findings := &LogFindings{}
	problems := []error{unread}
	if len(logs) > 0 {
		run.Log = check.NewLog(logs)
		findings.Holds = len(run.Log.History.Holds)
		for _, result := range check.JudgeBy(run, logChecks...) {
			findings.Violations = append(findings.Violations, result.Violations...)
			findings.Total += result.Total
			if result.Verdict != check.Valid && result.Verdict != check.Invalid {
				problems = append(problems, fmt.Errorf("%s: %s", result.Name, result.Says))
			}
		}
	}
	if err := errors.Join(problems...); err != nil {
		findings.Problem = err.Error()
	}
	return findings
}
