package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/coordd/coordd/internal/committed"
	"github.com/coordd/coordd/test/compat/lines"
)

// errorKind is one kind of error that may reach a client's user while leaders
// die, and why that is right.
type errorKind struct {
	name    string
	pattern *regexp.Regexp
	why     string
}

// errorKinds are tried in order.
var errorKinds = []errorKind{
	{"not owned", regexp.MustCompile(`not this holder's|NotOwned`),
		"the lock had ended before: the log says when and why (most often the library had sent its release twice, and the first one had counted)"},
	{"no leader", regexp.MustCompile(`\bLOADING\b|BusyLoading`),
		"nobody led for longer than the server holds a request; nothing was done, and a retry is safe"},
	{"connection", regexp.MustCompile(`(?i)\bEOF\b|reset|refused|broken pipe|closed|ECONN|EPIPE|Connection(Error)?\b|socket|disconnect`),
		"the connection led to the node that was killed, or a node closed it because the fate of the request was unknown, as a crashed Redis would"},
	{"timeout", regexp.MustCompile(`(?i)deadline exceeded|time(d)? ?out|ETIMEDOUT`),
		"the library waits for less than an election takes (redsync gives one attempt a twentieth of the lock's time to live)"},
}

// afterKill is how long after a leader's death its consequences may reach a
// client: the election, the library's own retries and its back-off.
const afterKill = 8 * time.Second

// clientError is one error that reached a client's user.
type clientError struct {
	client string
	line   lines.Line
}

// explanation says how many errors of which kind there were, and which of them
// nothing explains.
type explanation struct {
	counts      map[string]map[string]int
	unexplained []string
}

// explain gives each error its kind. An error is explained only near a kill; a
// lock that was "not owned" only if the log agrees that it had ended.
func explain(errors []clientError, kills []time.Time, history *committed.History) explanation {
	e := explanation{counts: map[string]map[string]int{}}
	for _, err := range errors {
		kind := kindOf(err.line.Message)
		if kind == "" || !nearKill(err.line.AtUS, kills) || (kind == "not owned" && !endedBefore(history, err.line)) {
			e.unexplained = append(e.unexplained, fmt.Sprintf("%s: %s of %s (%s): %s",
				err.client, err.line.Operation, err.line.Name, err.line.Holder, err.line.Message))
			continue
		}
		if e.counts[kind] == nil {
			e.counts[kind] = map[string]int{}
		}
		e.counts[kind][err.client]++
	}
	return e
}

func kindOf(message string) string {
	for _, kind := range errorKinds {
		if kind.pattern.MatchString(message) {
			return kind.name
		}
	}
	return ""
}

func nearKill(atUS int64, kills []time.Time) bool {
	at := time.UnixMicro(atUS)
	return slices.ContainsFunc(kills, func(kill time.Time) bool {
		return at.After(kill.Add(-100*time.Millisecond)) && at.Before(kill.Add(afterKill))
	})
}

// endedBefore says whether the log agrees that the holder's lock had ended.
func endedBefore(history *committed.History, line lines.Line) bool {
	if history == nil || line.Holder == "" {
		return true
	}
	hold := history.HoldOf(line.Name, line.Holder)
	return hold != nil && hold.EndedIndex != 0
}

func (e explanation) print(s *setup) {
	s.printf("\nErrors that reached the clients' users, by kind:\n")
	if len(e.counts) == 0 && len(e.unexplained) == 0 {
		s.printf("  none\n")
	}
	for _, kind := range errorKinds {
		byClient := e.counts[kind.name]
		if len(byClient) == 0 {
			continue
		}
		total, parts := 0, []string{}
		for _, client := range slices.Sorted(maps.Keys(byClient)) {
			total += byClient[client]
			parts = append(parts, fmt.Sprintf("%s %d", client, byClient[client]))
		}
		s.printf("  %-10s %4d  %s\n                   why: %s\n", kind.name, total, strings.Join(parts, ", "), kind.why)
	}
	for _, text := range firstFew(e.unexplained) {
		s.printf("  UNEXPLAINED %s\n", text)
	}
}

// firstFew keeps a report readable.
func firstFew(all []string) []string {
	const few = 20
	if len(all) <= few {
		return all
	}
	return append(slices.Clone(all[:few]), fmt.Sprintf("... and %d more", len(all)-few))
}
