package transport

import (
	"context"
	"math"
	"sort"
	"sync"

	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
)

// Event is one thing that the log did, with its place: the same on every node.
type Event struct {
	Position command.Position // log index, and the place among the events of that entry
	At       command.Instant  // the instant of the entry
	fsm.Event
}

// EventPage is a run of events and where to go on.
type EventPage struct {
	Events []Event
	Next   command.Position // everything up to here has been looked at
}

// MaxEvents is how many events a node keeps for those who follow.
const MaxEvents = 65_536

// EventLog keeps the last events of a log, in order, for followers. All methods may be called from any goroutine.
type EventLog struct {
	mu      sync.Mutex
	ring    []Event
	first   int // of the ring's oldest event
	floor   command.Position
	waited  bool          // somebody has taken changed to wait for it
	changed chan struct{} // closed when events were added
}

// NewEventLog makes an empty log that has missed nothing.
func NewEventLog() *EventLog { return &EventLog{changed: make(chan struct{})} }

// Add keeps the events of one entry. Redis writes that change no owner are left out: they would drive everything else from the log.
func (l *EventLog) Add(index uint64, at command.Instant, events []fsm.Event) {
	if len(events) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, event := range events {
		if event.Type != fsm.EventChanged {
			l.push(Event{Position: command.Position{Index: index, Offset: uint32(i)}, At: at, Event: event})
		}
	}
	l.wake()
}

func (l *EventLog) push(event Event) {
	if len(l.ring) < MaxEvents {
		l.ring = append(l.ring, event)
		return
	}
	l.floor = l.ring[l.first].Position
	l.ring[l.first] = event
	l.first = (l.first + 1) % len(l.ring)
}

func (l *EventLog) wake() {
	if l.waited {
		close(l.changed)
		l.changed, l.waited = make(chan struct{}), false
	}
}

// Restart forgets everything, because the state was replaced by that of a snapshot at an index.
func (l *EventLog) Restart(index uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ring, l.first = nil, 0
	l.floor = command.Position{Index: index, Offset: math.MaxUint32}
	l.wake()
}

// Read answers the wanted events after a position, at most so many. With wait it waits for the first of them, until ctx ends; then the page is empty. When events after the
// position are no longer there it returns an *Error with CodeTooOld.
func (l *EventLog) Read(ctx context.Context, after command.Position, most int, wanted func(*fsm.Event) bool, wait bool) (EventPage, error) {
	for {
		page, changed, err := l.look(after, most, wanted, wait)
		if err != nil || len(page.Events) > 0 || !wait {
			return page, err
		}
		after = page.Next
		select {
		case <-changed:
		case <-ctx.Done():
			return page, nil
		}
	}
}

// look reads what is there, and says how to learn that there is more.
func (l *EventLog) look(after command.Position, most int, wanted func(*fsm.Event) bool, wait bool) (EventPage, <-chan struct{}, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if after.Compare(l.floor) < 0 {
		told := command.Errorf(command.CodeTooOld, "events after %s are no longer here; begin anew with a list and go on from its position", after).
			With(new(command.Details).Text("oldest", l.floor.String()))
		return EventPage{}, nil, &Error{Code: command.CodeTooOld, Text: string(told.Text[len(command.CodeTooOld.Prefix())+1:])}
	}
	page := EventPage{Next: after}
	from := sort.Search(len(l.ring), func(i int) bool { return l.at(i).Position.Compare(after) > 0 })
	for i := from; i < len(l.ring) && len(page.Events) < most; i++ {
		event := l.at(i)
		page.Next = event.Position
		if wanted(&event.Event) {
			page.Events = append(page.Events, *event)
		}
	}
	if wait && len(page.Events) == 0 {
		l.waited = true
	}
	return page, l.changed, nil
}

func (l *EventLog) at(i int) *Event { return &l.ring[(l.first+i)%len(l.ring)] }
