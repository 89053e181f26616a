package fsm

import (
	"slices"

	"github.com/coordd/coordd/fsm/command"
)

// ownershipChange remembers who owned a name before the command touched it.
type ownershipChange struct {
	name    nameKey
	before  nameRecord
	reason  string // of the first owner's end
	granted bool   // a new owner came, and may have gone again
	joined  bool   // a permit was granted beside others
	actor   string // the operator who ended it
	why     string
}

// ownershipChanges holds one change for each name that a command touched, in the order in which it did.
type ownershipChanges struct {
	list   []ownershipChange
	places map[nameKey]int // in list; nil while the list is short enough to be walked
}

// of finds the change of a name, or begins it with the record that the name has now. The pointer is good until the next call.
func (c *ownershipChanges) of(key nameKey, record nameRecord) *ownershipChange {
	if place, found := c.find(key); found {
		return &c.list[place]
	}
	c.list = append(c.list, ownershipChange{name: key, before: record})
	const short = 8
	switch {
	case c.places != nil:
		c.places[key] = len(c.list) - 1
	case len(c.list) > short:
		c.places = make(map[nameKey]int)
		for i := range c.list {
			c.places[c.list[i].name] = i
		}
	}
	return &c.list[len(c.list)-1]
}

func (c *ownershipChanges) find(key nameKey) (place int, found bool) {
	if c.places != nil {
		place, found = c.places[key]
		return place, found
	}
	for i := range c.list {
		if c.list[i].name == key {
			return i, true
		}
	}
	return 0, false
}

// reset forgets everything and keeps the memory.
func (c *ownershipChanges) reset() {
	clear(c.list)
	c.list, c.places = c.list[:0], nil
}

// granted notes that the name gets a new owner, and what stands there until then.
func (e *effects) granted(key nameKey, record nameRecord) { e.changes.of(key, record).granted = true }

// joined notes that a permit was granted beside others: the next ownership of the name must not begin in this entry.
func (e *effects) joined(key nameKey, record nameRecord) { e.changes.of(key, record).joined = true }

// hasGranted reports whether the name got an owner in this entry, by this command or an earlier one.
func (e *effects) hasGranted(key nameKey) bool {
	place, found := e.changes.find(key)
	return found && (e.changes.list[place].granted || e.changes.list[place].joined) || e.m.entry.hasGranted(key)
}

// ends notes that the present ownership of the name ends. The first reason in a command is the one that ended the owner others knew.
func (e *effects) ends(key nameKey, record nameRecord, reason string) {
	if change := e.changes.of(key, record); change.reason == "" {
		change.reason = reason
	}
}

// grantsTwice reports that the command gave an owner to a name that had already got one in this entry. Both would carry the same token (safety case S7).
func (e *effects) grantsTwice() bool {
	for i := range e.changes.list {
		if change := &e.changes.list[i]; change.granted && e.m.entry.hasGranted(change.name) {
			return true
		}
	}
	return false
}

// publish makes the command's grants and events those of the entry. An owner that came and went within the command is known to nobody, but its token is used up.
func (e *effects) publish() {
	for i := range e.changes.list {
		change := &e.changes.list[i]
		if change.granted || change.joined {
			e.m.entry.grant(change.name)
		}
		now, _ := e.m.state.names.get(change.name)
		if now.token != change.before.token {
			e.tellOwnership(change, now)
		}
	}
}

// tellOwnership has the events of a name whose owner has changed. Native holds told of themselves when they began and ended, so of them only this is left: that
// a name has none any more, and that a Redis value ended before them.
func (e *effects) tellOwnership(change *ownershipChange, now nameRecord) {
	ended := Event{Type: EventEnded, Name: change.name.name(), Token: change.before.token, Holder: change.before.holder(), Reason: change.reason,
		Actor: change.actor, Why: change.why}
	switch {
	case change.before.holding == holdingHolds && now.holding == holdingNone:
		e.event(Event{Type: EventVacant, Name: change.name.name()})
	case change.before.holding == holdingHolds || change.before.token == 0:
	case now.holding == holdingHolds:
		e.m.entry.events = slices.Insert(e.m.entry.events, e.events, ended)
	default:
		e.event(ended)
	}
	if now.token != 0 && now.holding != holdingHolds {
		e.event(Event{Type: EventBegan, Name: change.name.name(), Token: now.token, Holder: now.holder()})
	}
}

func (e *effects) event(event Event) { e.m.entry.events = append(e.m.entry.events, event) }

func (e *effects) changed(name command.Name) { e.event(Event{Type: EventChanged, Name: name}) }
