package beliefs

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/coordd/coordd/internal/committed"
	"github.com/coordd/coordd/test/compat/lines"
)

// Belief is one time in which a client held a lock, as it saw it.
type Belief struct {
	Client string
	// ComparesHolder is false for idioms that free whoever holds the lock.
	ComparesHolder bool
	Line           lines.Line
}

// Judge checks what clients saw against the log: each lock that a
// client held was granted to it under the token that it read, did not expire
// before its time, and was in no two hands at once.
//
// A client's interval counts from the answer that granted the lock to the
// begin of its release, and at most to its TTL after the begin of the request
// that acquired or last extended it: until then, no clock step, leader change
// or slow network can excuse a second holder.
func Judge(history *committed.History, beliefs []Belief) []string {
	var violations []string
	for _, belief := range beliefs {
		if violation := judgeGrant(history, belief); violation != "" {
			violations = append(violations, violation)
		}
	}
	alone := slices.DeleteFunc(slices.Clone(beliefs), func(belief Belief) bool { return gaveBackUnseen(history, belief) })
	return append(violations, overlaps(alone)...)
}

// gaveBackUnseen is true for a client whose own library gave its lock back
// before it was asked to, as node-redlock does when it cleans up after an
// attempt whose connection broke: the release that the client then asked for
// found nothing, and the log has the command, with this client's value, that
// ended the hold. When the client was alone cannot be told from its lines.
func gaveBackUnseen(history *committed.History, belief Belief) bool {
	hold := history.Hold(belief.Line.Name, belief.Line.Token)
	return belief.Line.End == "not_owned" && hold != nil && hold.Holder == belief.Line.Holder && hold.EndedByValue
}

func judgeGrant(history *committed.History, belief Belief) string {
	line := belief.Line
	if line.Token == 0 {
		return judgeHolder(history, belief)
	}
	hold := history.Hold(line.Name, line.Token)
	if hold == nil {
		return fmt.Sprintf("%s: %s read token %d, which the log never granted", line.Name, belief.Client, line.Token)
	}
	if line.Holder != "" && hold.Holder != line.Holder {
		return fmt.Sprintf("%s: %s read token %d for its value %q, but the log granted that to %q",
			line.Name, belief.Client, line.Token, line.Holder, hold.Holder)
	}
	return judgeExpiry(hold, belief)
}

// judgeHolder is for a client that did not get to read its token.
func judgeHolder(history *committed.History, belief Belief) string {
	line := belief.Line
	if line.Holder == "" {
		return ""
	}
	hold := history.HoldOf(line.Name, line.Holder)
	if hold == nil {
		return fmt.Sprintf("%s: %s held it as %q, but the log never granted that", line.Name, belief.Client, line.Holder)
	}
	return judgeExpiry(hold, belief)
}

func judgeExpiry(hold *committed.Hold, belief Belief) string {
	lived := hold.EndedMS - hold.BeganMS
	if hold.Reason == "expired" && lived < belief.Line.TTLMS {
		return fmt.Sprintf("%s: token %d of %s expired after %d ms, before its TTL of %d ms",
			hold.Lock, hold.Token, belief.Client, lived, belief.Line.TTLMS)
	}
	return ""
}

// until is the end of the interval in which the client must have been alone.
func (b Belief) until() int64 {
	sent := max(b.Line.SentUS, b.Line.LastExtendUS)
	return min(b.Line.UntilUS, sent+b.Line.TTLMS*1000)
}

func overlaps(beliefs []Belief) []string {
	byName := map[string][]Belief{}
	for _, belief := range beliefs {
		if belief.ComparesHolder && belief.until() > belief.Line.FromUS {
			byName[belief.Line.Name] = append(byName[belief.Line.Name], belief)
		}
	}
	var violations []string
	for name, held := range byName {
		slices.SortFunc(held, func(a, b Belief) int { return cmp.Compare(a.Line.FromUS, b.Line.FromUS) })
		latest := held[0]
		for _, next := range held[1:] {
			if next.Line.FromUS < latest.until() {
				violations = append(violations, fmt.Sprintf("%s: %s held it from %d to %d, and %s from %d to %d (Unix µs; tokens %d and %d)",
					name, latest.Client, latest.Line.FromUS, latest.until(), next.Client, next.Line.FromUS, next.until(), latest.Line.Token, next.Line.Token))
			}
			if next.until() > latest.until() {
				latest = next
			}
		}
	}
	return violations
}
