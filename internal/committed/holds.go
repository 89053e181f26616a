package committed

import (
	"cmp"
	"fmt"
	"slices"
)

// Lock is what can be held.
type Lock struct {
	Database int
	Name     string
}

func (l Lock) String() string {
	if l.Database == 0 {
		return l.Name
	}
	return fmt.Sprintf("%s (database %d)", l.Name, l.Database)
}

// Modes of a native hold that others may stand beside. Every other hold is exclusive, that of a Redis value too.
const (
	Shared    = "shared"
	Semaphore = "semaphore"
	Multi     = "multi"
)

// Hold is one time in which a lock was held, by the log.
type Hold struct {
	Lock   Lock
	Token  int64
	Holder string
	// ID is that of a native hold: the same on all names of a multi-lock. Empty for what Redis holds.
	ID   string
	Mode string
	// Session is the holder's, empty for what Redis holds and for locks without a session.
	Session string
	// Permits and Limit are those of a hold of a semaphore, 0 when the log does not tell.
	Permits, Limit int
	// BeganIndex and EndedIndex are log indexes, EndedIndex 0 while held.
	BeganIndex, EndedIndex uint64
	// BeganMS and EndedMS are instants of the replicated clock.
	BeganMS, EndedMS int64
	Reason           string
	// Actor is the operator who ended it, if one did.
	Actor string
	// EndedByValue says that the entry which ended the hold carries a command
	// with the holder's own value: somebody who knew it gave the lock back.
	EndedByValue bool
}

// History is what the log says about holds.
type History struct {
	Entries int
	// FirstIndex is the index of the first entry that was judged. When it is
	// above 1, older entries had been compacted away.
	FirstIndex, LastIndex uint64
	Holds                 []*Hold
	// Violations are the promises that the log breaks.
	Violations []string

	byToken map[Lock]map[int64]*Hold
	byID    map[Lock]map[string]*Hold
}

// Judge walks the log in order.
func Judge(entries []Entry) *History {
	for len(entries) > 0 && entries[0].Replayed != nil && !*entries[0].Replayed {
		entries = entries[1:]
	}
	history := &History{Entries: len(entries), byToken: map[Lock]map[int64]*Hold{}, byID: map[Lock]map[string]*Hold{}}
	if len(entries) == 0 {
		return history
	}
	history.FirstIndex, history.LastIndex = entries[0].Index, entries[len(entries)-1].Index
	judge := judge{history: history, open: map[Lock]map[string]*Hold{}, highest: map[Lock]int64{}, claims: map[string]claim{}}
	previous := uint64(0)
	for _, entry := range entries {
		if entry.Index <= previous {
			judge.violation("entry %d follows entry %d", entry.Index, previous)
		}
		previous = entry.Index
		judge.learnClaims(entry)
		for _, event := range entry.Events {
			judge.event(entry, event)
		}
	}
	return history
}

type judge struct {
	history *History
	// open are the holds of each lock, by their ids.
	open    map[Lock]map[string]*Hold
	highest map[Lock]int64
	// claims are what acquires of semaphores asked for, by the id that each was given.
	claims map[string]claim
	// base is what every token is larger than the index of its entry.
	base      int64
	baseKnown bool
}

func (j *judge) violation(format string, args ...any) {
	j.history.Violations = append(j.history.Violations, fmt.Sprintf(format, args...))
}

func (j *judge) event(entry Entry, event Event) {
	switch event.Type {
	case Began:
		j.began(entry, event)
	case Ended:
		j.ended(entry, event)
	}
}

func (j *judge) began(entry Entry, event Event) {
	lock := Lock{event.Database, event.Name}
	claim := j.claims[event.Waiter]
	hold := &Hold{
		Lock: lock, Token: event.Token, Holder: event.Holder, ID: event.Waiter, Mode: event.Mode, Session: event.Session, Permits: claim.Permits, Limit: claim.Limit,
		BeganIndex: entry.Index, BeganMS: entry.NowMS,
	}
	j.beside(hold)
	j.token(hold)
	if j.open[lock] == nil {
		j.open[lock] = map[string]*Hold{}
	}
	j.open[lock][hold.ID] = hold
	j.history.Holds = append(j.history.Holds, hold)
	if j.history.byToken[lock] == nil {
		j.history.byToken[lock], j.history.byID[lock] = map[int64]*Hold{}, map[string]*Hold{}
	}
	j.history.byToken[lock][event.Token], j.history.byID[lock][hold.ID] = hold, hold
}

// beside judges a new hold against those that its lock has already.
func (j *judge) beside(hold *Hold) {
	permits := hold.Permits
	for _, other := range j.open[hold.Lock] {
		permits += other.Permits
		if hold.Mode == other.Mode && (hold.Mode == Shared || hold.Mode == Semaphore) && sameLimit(hold, other) {
			continue
		}
		j.violation("%s: entry %d grants it to %q (token %d%s) while %q holds it (token %d%s, since entry %d)", hold.Lock, hold.BeganIndex,
			hold.Holder, hold.Token, inMode(hold), other.Holder, other.Token, inMode(other), other.BeganIndex)
	}
	if hold.Limit > 0 && permits > hold.Limit {
		j.violation("%s: entry %d grants %d permits to %q, with which %d of %d are held", hold.Lock, hold.BeganIndex, hold.Permits, hold.Holder, permits, hold.Limit)
	}
}

// sameLimit holds when a limit is not known, too: what asked for it may have been compacted away.
func sameLimit(a, b *Hold) bool { return a.Limit == b.Limit || a.Limit == 0 || b.Limit == 0 }

func inMode(hold *Hold) string {
	if hold.Mode == "" {
		return ""
	}
	return ", " + hold.Mode
}

// token judges the token of a new hold. Readers that hold a lock together share one, and so may permits that one entry granted.
func (j *judge) token(hold *Hold) {
	highest, seen := j.highest[hold.Lock]
	joins := hold.Mode == Shared && len(j.open[hold.Lock]) > 0
	switch {
	case joins && hold.Token != highest:
		j.violation("%s: entry %d lets a reader join with token %d, and the others have token %d", hold.Lock, hold.BeganIndex, hold.Token, highest)
	case joins:
		return
	case seen && (hold.Token < highest || hold.Token == highest && hold.Mode != Semaphore):
		j.violation("%s: entry %d grants token %d after token %d", hold.Lock, hold.BeganIndex, hold.Token, highest)
	}
	base := hold.Token - int64(hold.BeganIndex)
	if j.baseKnown && base != j.base {
		j.violation("%s: entry %d grants token %d; earlier tokens were their entry's index plus %d", hold.Lock, hold.BeganIndex, hold.Token, j.base)
	}
	j.base, j.baseKnown = base, true
	j.highest[hold.Lock] = max(highest, hold.Token)
}

func (j *judge) ended(entry Entry, event Event) {
	lock := Lock{event.Database, event.Name}
	held := j.open[lock][event.Waiter]
	if held == nil {
		// A hold that began in an entry which was compacted away ends like any other.
		if j.history.FirstIndex == 1 {
			j.violation("%s: entry %d ends token %d, which nobody holds", lock, entry.Index, event.Token)
		}
		return
	}
	if held.Token != event.Token {
		j.violation("%s: entry %d ends token %d while token %d is held", lock, entry.Index, event.Token, held.Token)
	}
	held.EndedIndex, held.EndedMS, held.Reason, held.Actor = entry.Index, entry.NowMS, event.Reason, event.Actor
	held.EndedByValue = event.Reason == "deleted" && entry.names(held.Holder)
	delete(j.open[lock], event.Waiter)
}

// Reasons counts the holds by how they ended.
func (h *History) Reasons() map[string]int {
	reasons := map[string]int{}
	for _, hold := range h.Holds {
		reasons[cmp.Or(hold.Reason, "still held")]++
	}
	return reasons
}

// Hold returns the hold with that token, nil when there is none.
func (h *History) Hold(name string, token int64) *Hold {
	return h.byToken[Lock{Name: name}][token]
}

// HoldByID returns the native hold of the name with that id, nil when there is none.
func (h *History) HoldByID(name, id string) *Hold {
	return h.byID[Lock{Name: name}][id]
}

// HoldOf returns the latest hold of the name by that holder, nil when there is none.
func (h *History) HoldOf(name, holder string) *Hold {
	for _, hold := range slices.Backward(h.Holds) {
		if hold.Lock.Name == name && hold.Lock.Database == 0 && hold.Holder == holder {
			return hold
		}
	}
	return nil
}
