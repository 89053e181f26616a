package native

import (
	"math"
	"strings"

	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
)

// EventFilter says which events somebody wants: all, or those of some names or sessions.
type EventFilter struct {
	Names, Prefixes []string
	Sessions        []command.SessionID
}

// Following is what EVENTS.READ and EVENTS.SUBSCRIBE ask for.
type Following struct {
	After   command.Position
	Filter  EventFilter
	Count   int
	BlockMs int64
}

// Limits of those who follow events.
const (
	MaxEventFilters = 256    // names, prefixes and sessions of one follower
	MaxEventBlock   = 60_000 // ms that one read may wait
)

// Now is the position behind everything that a node has run, for an applied index.
func Now(applied uint64) command.Position {
	return command.Position{Index: applied, Offset: math.MaxUint32}
}

// ReadEvents reads EVENTS.READ; applied is the index that $ means.
func ReadEvents(argv [][]byte, applied uint64) (Following, *command.Reply) {
	f, o := following("EVENTS.READ", argv, applied)
	count := uint64(DefaultCount)
	for o.more() {
		switch {
		case o.number("count", 1, command.MaxListCount, &count), o.milliseconds("block", "BLOCK", 0, MaxEventBlock, &f.BlockMs):
		case f.Filter.option(o):
		default:
			o.unknown()
		}
	}
	f.Count = int(count)
	return f, o.problem()
}

// SubscribeEvents reads EVENTS.SUBSCRIBE; applied is the index that $ means.
func SubscribeEvents(argv [][]byte, applied uint64) (Following, *command.Reply) {
	f, o := following("EVENTS.SUBSCRIBE", argv, applied)
	for o.more() {
		if !f.Filter.option(o) {
			o.unknown()
		}
	}
	return f, o.problem()
}

func following(name string, argv [][]byte, applied uint64) (Following, *options) {
	o := &options{command: name, left: argv[2:]}
	if string(argv[1]) == "$" {
		return Following{After: Now(applied)}, o
	}
	position, err := command.ParsePosition(clipped(argv[1]))
	if err != nil {
		o.fail(errorf("%q is not a position such as 812-3, or $ for now", clipped(argv[1])))
	}
	return Following{After: position}, o
}

// option takes NAME, PREFIX and SESSION, each as often as wanted.
func (f *EventFilter) option(o *options) bool {
	var text string
	var id command.SessionID
	seen := o.seen
	o.seen = nil
	defer func() { o.seen = seen }()
	switch {
	case o.text("name", "a name", command.MaxNameBytes, &text):
		f.Names = append(f.Names, text)
	case o.text("prefix", "a prefix", command.MaxNameBytes, &text):
		f.Prefixes = append(f.Prefixes, text)
	case o.waiter("session", &id):
		f.Sessions = append(f.Sessions, id)
	default:
		return false
	}
	if len(f.Names)+len(f.Prefixes)+len(f.Sessions) > MaxEventFilters {
		o.check(refuseLimit("%d names, prefixes and sessions are the limit of one follower", MaxEventFilters))
	}
	return true
}

// Wants reports whether the filter lets an event through.
func (f *EventFilter) Wants(event *fsm.Event) bool {
	if len(f.Names)+len(f.Prefixes)+len(f.Sessions) == 0 {
		return true
	}
	native := event.Name.Database == 0 && event.Name.Key != ""
	for _, name := range f.Names {
		if native && event.Name.Key == name {
			return true
		}
	}
	for _, prefix := range f.Prefixes {
		if native && strings.HasPrefix(event.Name.Key, prefix) {
			return true
		}
	}
	for _, session := range f.Sessions {
		if event.Session == session {
			return true
		}
	}
	return false
}
