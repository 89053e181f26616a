package client

import (
	"context"
	"iter"
	"strconv"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

// LockInfo is what the cluster knows of a name at one moment. Times are durations counted from that moment.
type LockInfo struct {
	Name        string
	State       string // "held", "reserved" or "free"
	Mode        Mode
	Token       uint64 // 0 when it is not held
	Limit, Used int    // permits of a semaphore
	Queued      int
	Remaining   time.Duration // of the hold that ends first by itself; 0: none does
	Reserved    string        // "delay", "floor", "unacknowledged", "handover" or empty
	ReservedFor time.Duration
	Holder      string   // the first holder, in words for people; only in lists
	HoldersAll  int      // how many hold it; Holders has at most 100 of them
	Holders     []Holder // only from Info
	Waiters     []Waiter // in order, at most 100; only from Info
}

// Holder is one hold of a lock.
type Holder struct {
	Session, Owner, Client string
	ID                     string // the hold's
	Token                  uint64
	Mode                   Mode
	Permits, Count         int
	Held, Waited           time.Duration
	Remaining              time.Duration // 0: it has no end
	MaxHold                time.Duration // until its max hold; 0: none
	Metadata               string
	Kept                   string // empty, or why the place of a hold that is over is kept: "unacknowledged", "delay" or "floor"
}

// Waiter is one place in a queue.
type Waiter struct {
	Session, Owner, Client string
	ID                     string
	Mode                   Mode
	Permits                int
	Place                  int // from 1
	Waiting                time.Duration
	Metadata               string
}

// PastHolder is a hold that has ended.
type PastHolder struct {
	Token                  uint64
	ID                     string
	Mode                   Mode
	Permits                int
	Session, Owner, Client string
	Metadata               string
	Waited, Held           time.Duration
	Reason                 string // "released", "closed", "session_ended", "killed", "expired", "max_hold", "forced", "transferred" or "cancelled"
	Actor, Why             string // of an operator who ended it
}

// Info tells who holds a lock and who waits for it. A name that nobody holds is no error: its State is "free".
func (c *Client) Info(ctx context.Context, name string) (LockInfo, error) {
	answer, _, err := c.request(ctx, c.repeated(), "LOCK.INFO", name)
	if err != nil {
		return LockInfo{}, refusal(name, err)
	}
	return lockInfoOf(answer, mapOf(answer).number("now_ms")), nil
}

// History tells the past holders of a lock, newest first: at most count of them, 0 means as many as the cluster keeps.
func (c *Client) History(ctx context.Context, name string, count int) (past []PastHolder, err error) {
	words := []string{"LOCK.HISTORY", name}
	if count > 0 {
		words = append(words, "COUNT", strconv.Itoa(count))
	}
	answer, _, err := c.request(ctx, c.repeated(), words...)
	if err != nil {
		return nil, refusal(name, err)
	}
	for _, element := range elementsOf(answer) {
		f := mapOf(element)
		past = append(past, PastHolder{Token: f.token("token"), ID: f.text("waiter"), Mode: Mode(f.text("mode")), Permits: int(f.number("permits")),
			Session: f.text("session"), Owner: f.text("owner"), Client: f.text("client"), Metadata: f.text("meta"), Waited: f.span("waited_ms"),
			Held: f.span("held_ms"), Reason: f.text("reason"), Actor: f.text("actor"), Why: f.text("why")})
	}
	return past, nil
}

// ListOptions says what to list. The zero value lists everything.
type ListOptions struct {
	Match  string // a glob that the name matches, of a lock, or of a session's client
	All    bool   // locks: those held as Redis values too; sessions: those of nodes too
	Cursor string // where to go on, from the page before
	Count  int    // how many for a page, at most 1000; 0: 100
}

func (o ListOptions) words(command string) []string {
	words := []string{command}
	if o.Cursor != "" {
		words = append(words, "CURSOR", o.Cursor)
	}
	if o.Count > 0 {
		words = append(words, "COUNT", strconv.Itoa(o.Count))
	}
	if o.Match != "" {
		words = append(words, "MATCH", o.Match)
	}
	if o.All {
		words = append(words, "ALL")
	}
	return words
}

// LockPage is one page of a list of locks.
type LockPage struct {
	Locks    []LockInfo
	Cursor   string // of the next page; empty: this is the last
	Position string // of the state that was read: a [Client.Watch] from there misses nothing that came after
}

// LocksPage lists one page of the names that are held, reserved or waited for.
func (c *Client) LocksPage(ctx context.Context, options ListOptions) (page LockPage, err error) {
	answer, _, err := c.request(ctx, c.repeated(), options.words("LOCK.LIST")...)
	if err != nil {
		return page, err
	}
	f := mapOf(answer)
	page.Cursor, page.Position = f.text("cursor"), f.text("position")
	for _, element := range f.list("locks") {
		page.Locks = append(page.Locks, lockInfoOf(element, f.number("now_ms")))
	}
	return page, nil
}

// Locks lists the names that are held, reserved or waited for, page by page. An error ends the list.
func (c *Client) Locks(ctx context.Context, options ListOptions) iter.Seq2[LockInfo, error] {
	return pages(options, func(options ListOptions) ([]LockInfo, string, error) {
		page, err := c.LocksPage(ctx, options)
		return page.Locks, page.Cursor, err
	})
}

// pages yields what is on each page until there is no next one.
func pages[T any](options ListOptions, read func(ListOptions) ([]T, string, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			page, cursor, err := read(options)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, element := range page {
				if !yield(element, nil) {
					return
				}
			}
			if cursor == "" {
				return
			}
			options.Cursor = cursor
		}
	}
}

// lockInfoOf reads a name map, or a short one of a list whose instants count from nowMs.
func lockInfoOf(answer wire.Value, nowMs int64) LockInfo {
	f := mapOf(answer)
	info := LockInfo{Name: f.text("name"), State: f.text("state"), Mode: Mode(f.text("mode")), Token: f.token("token"), Limit: int(f.number("limit")), Used: int(f.number("used")),
		Queued: int(f.number("queued")), Remaining: f.span("remaining_ms"), Reserved: f.text("reserved"), ReservedFor: f.distance("until_ms", nowMs),
		Holder: f.text("holder"), HoldersAll: int(f.number("holders_total"))}
	for _, element := range f.list("holders") {
		h := mapOf(element)
		info.Holders = append(info.Holders, Holder{Session: h.text("session"), Owner: h.text("owner"), Client: h.text("client"), ID: h.text("waiter"), Token: h.token("token"),
			Mode: Mode(h.text("mode")), Permits: int(h.number("permits")), Count: int(h.number("count")), Held: h.span("held_ms"), Waited: h.span("waited_ms"),
			Remaining: h.span("remaining_ms"), MaxHold: h.distance("until_ms", nowMs), Metadata: h.text("meta"), Kept: h.text("kept")})
	}
	info.Waiters = waitersOf(f.list("waiters"), nowMs)
	return info
}

func waitersOf(elements []wire.Value, nowMs int64) (waiters []Waiter) {
	for _, element := range elements {
		w := mapOf(element)
		waiters = append(waiters, Waiter{Session: w.text("session"), Owner: w.text("owner"), Client: w.text("client"), ID: w.text("waiter"), Mode: Mode(w.text("mode")),
			Permits: int(w.number("permits")), Place: int(w.number("queued")), Waiting: w.age("since_ms", nowMs), Metadata: w.text("meta")})
	}
	return waiters
}
