package client

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

// Force says how to end holds that are not one's own.
type Force struct {
	Reason string // why, for the log, the history and the holder; required
	ID     string // only the hold with this id; empty: every hold of the name
	// Now grants the lock to the next one at once. The holder may then believe for a while that it holds what another has, and only the token protects. Otherwise the next one
	// waits until the holder has acknowledged the loss or its deadline has passed.
	Now bool
}

// Forced is what became of a forced unlock.
type Forced struct {
	Ended   int           // how many holds
	FreesIn time.Duration // until when the next one is granted at the latest; 0: at once
}

// ForceUnlock ends the holds of a lock, for operators. It is audited. Nothing held it: a [*LostError].
func (c *Client) ForceUnlock(ctx context.Context, name string, force Force) (Forced, error) {
	if force.Reason == "" {
		return Forced{}, errNoReason
	}
	words := []string{"LOCK.FORCE", name, "REASON", force.Reason}
	if force.ID != "" {
		words = append(words, "WAITER", force.ID)
	}
	if force.Now {
		words = append(words, "NOW")
	}
	answer, _, err := c.request(ctx, c.once(), words...)
	if err != nil {
		return Forced{}, refusal(name, err)
	}
	f := mapOf(answer)
	return Forced{Ended: int(f.number("ended")), FreesIn: f.distance("until_ms", f.number("now_ms"))}, nil
}

var errNoReason = errors.New("a reason is required: it is kept in the history and told to the holder")

// SessionInfo is what the cluster knows of a session.
type SessionInfo struct {
	ID, Client           string
	TTL, Remaining       time.Duration
	EarlyEnd             time.Duration // see SessionOptions; 0: it did not agree
	Holds, Waits, Losses int           // how many
	Node                 bool          // it is a node's own
	Killed               string        // the reason, if an operator has ended it
	Metadata             string
	Held                 []SessionHold // at most 1000; only from SessionInfo
	Waiting              []SessionWait // at most 1000; only from SessionInfo
}

// SessionHold is one hold of a session.
type SessionHold struct {
	Name, ID, Owner string
	Mode            Mode
	Token           uint64
	Count, Permits  int
	Held            time.Duration
	Metadata        string
}

// SessionWait is one wait of a session.
type SessionWait struct {
	Name, ID, Owner string
	Mode            Mode
	Place           int
}

// Sessions lists sessions, page by page. An error ends the list.
func (c *Client) Sessions(ctx context.Context, options ListOptions) iter.Seq2[SessionInfo, error] {
	return pages(options, func(options ListOptions) (page []SessionInfo, cursor string, err error) {
		answer, _, err := c.request(ctx, c.repeated(), options.words("SESSION.LIST")...)
		if err != nil {
			return nil, "", err
		}
		f := mapOf(answer)
		for _, element := range f.list("sessions") {
			page = append(page, sessionInfoOf(element, f.number("now_ms")))
		}
		return page, f.text("cursor"), nil
	})
}

// SessionInfo tells all about a session. One that is unknown or has ended is a *ServerError with the code NOSESSION.
func (c *Client) SessionInfo(ctx context.Context, id string) (SessionInfo, error) {
	answer, _, err := c.request(ctx, c.repeated(), "SESSION.INFO", id)
	if err != nil {
		return SessionInfo{}, err
	}
	return sessionInfoOf(answer, mapOf(answer).number("now_ms")), nil
}

// KillSession ends a session, for operators. It can be renewed no more and ends when its deadline comes; with now, at once, and then only the tokens protect. freesIn is how long its locks
// are still held.
func (c *Client) KillSession(ctx context.Context, id, reason string, now bool) (freesIn time.Duration, err error) {
	if reason == "" {
		return 0, errNoReason
	}
	words := []string{"SESSION.KILL", id, "REASON", reason}
	if now {
		words = append(words, "NOW")
	}
	answer, _, err := c.request(ctx, c.repeated(), words...)
	if err != nil {
		return 0, err
	}
	f := mapOf(answer)
	return f.distance("at_ms", f.number("now_ms")), nil
}

func sessionInfoOf(answer wire.Value, nowMs int64) SessionInfo {
	f := mapOf(answer)
	info := SessionInfo{ID: f.text("session"), Client: f.text("client"), TTL: f.span("ttl_ms"), Remaining: f.span("remaining_ms"), EarlyEnd: f.span("early_ms"), Holds: int(f.number("holds_total")),
		Waits: int(f.number("waits_total")), Losses: int(f.number("losses_total")), Node: f.flag("node"), Killed: f.text("killed"), Metadata: f.text("meta")}
	for _, element := range f.list("holds") {
		h := mapOf(element)
		info.Held = append(info.Held, SessionHold{Name: h.text("name"), ID: h.text("waiter"), Owner: h.text("owner"), Mode: Mode(h.text("mode")), Token: h.token("token"),
			Count: int(h.number("count")), Permits: int(h.number("permits")), Held: h.age("since_ms", nowMs), Metadata: h.text("meta")})
	}
	for _, element := range f.list("waits") {
		w := mapOf(element)
		info.Waiting = append(info.Waiting, SessionWait{Name: w.text("name"), ID: w.text("waiter"), Owner: w.text("owner"), Mode: Mode(w.text("mode")), Place: int(w.number("queued"))})
	}
	return info
}
