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

// Hold is one time in which a lock was held, by the log.
type Hold struct {
	Lock   Lock
	Token  int64
	Holder string
	// BeganIndex and EndedIndex are log indexes, EndedIndex 0 while held.
	BeganIndex, EndedIndex uint64
	// BeganMS and EndedMS are instants of the replicated clock.
	BeganMS, EndedMS int64
	Reason           string
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
}

// Judge walks the log in order.
func Judge(entries []Entry) *History {
	for len(entries) > 0 && entries[0].Replayed != nil && !*entries[0].Replayed {
		entries = entries[1:]
	}
	history := &History{Entries: len(entries), byToken: map[Lock]map[int64]*Hold{}}
	if len(entries) == 0 {
		return history
	}
	history.FirstIndex, history.LastIndex = entries[0].Index, entries[len(entries)-1].Index
	judge := judge{history: history, open: map[Lock]*Hold{}, highest: map[Lock]int64{}}
	previous := uint64(0)
	for _, entry := range entries {
		if entry.Index <= previous {
			judge.violation("entry %d follows entry %d", entry.Index, previous)
		}
		previous = entry.Index
		for _, event := range entry.Events {
			judge.event(entry, event)
		}
	}
	return history
}

type judge struct {
	history *History
	open    map[Lock]*Hold
	highest map[Lock]int64
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
	if held := j.open[lock]; held != nil {
		j.violation("%s: entry %d grants it to %q (token %d) while %q holds it (token %d, since entry %d)",
			lock, entry.Index, event.Holder, event.Token, held.Holder, held.Token, held.BeganIndex)
	}
	if highest, seen := j.highest[lock]; seen && event.Token <= highest {
		j.violation("%s: entry %d grants token %d after token %d", lock, entry.Index, event.Token, highest)
	}
	base := event.Token - int64(entry.Index)
	if j.baseKnown && base != j.base {
		j.violation("%s: entry %d grants token %d; earlier tokens were their entry's index plus %d", lock, entry.Index, event.Token, j.base)
	}
	j.base, j.baseKnown = base, true
	j.highest[lock] = max(j.highest[lock], event.Token)
	hold := &Hold{Lock: lock, Token: event.Token, Holder: event.Holder, BeganIndex: entry.Index, BeganMS: entry.NowMS}
	j.open[lock] = hold
	j.history.Holds = append(j.history.Holds, hold)
	if j.history.byToken[lock] == nil {
		j.history.byToken[lock] = map[int64]*Hold{}
	}
	j.history.byToken[lock][event.Token] = hold
}

func (j *judge) ended(entry Entry, event Event) {
	lock := Lock{event.Database, event.Name}
	held := j.open[lock]
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
	held.EndedIndex, held.EndedMS, held.Reason = entry.Index, entry.NowMS, event.Reason
	held.EndedByValue = event.Reason == "deleted" && entry.names(held.Holder)
	delete(j.open, lock)
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

// HoldOf returns the latest hold of the name by that holder, nil when there is none.
func (h *History) HoldOf(name, holder string) *Hold {
	for _, hold := range slices.Backward(h.Holds) {
		if hold.Lock.Name == name && hold.Lock.Database == 0 && hold.Holder == holder {
			return hold
		}
	}
	return nil
}
