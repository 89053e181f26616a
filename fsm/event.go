package fsm

import "github.com/coordd/coordd/fsm/command"

// EventType says what happened.
type EventType uint8

// The events. Began and Ended speak of ownership: every owner of a name begins once and ends once, in log order.
const (
	EventBegan         EventType = 1 // a name has a new owner, with a new token
	EventEnded         EventType = 2 // an ownership ended, for Reason
	EventChanged       EventType = 3 // a name was written, by its owner or another
	EventWaiterGranted EventType = 4 // a waiter has the lock
	EventWaiterGone    EventType = 5 // a waiter left its queue without a grant, for Reason
	EventSessionEnded  EventType = 6 // a session ended, for Reason
)

// String is the event's name in JSON and for people.
func (t EventType) String() string {
	switch t {
	case EventBegan:
		return "began"
	case EventEnded:
		return "ended"
	case EventChanged:
		return "changed"
	case EventWaiterGranted:
		return "waiter_granted"
	case EventWaiterGone:
		return "waiter_gone"
	case EventSessionEnded:
		return "session_ended"
	}
	return "unknown"
}

// Why an ownership, a wait or a session ended.
const (
	ReasonDeleted      = "deleted"
	ReasonExpired      = "expired"
	ReasonOverwritten  = "overwritten"
	ReasonReleased     = "released"
	ReasonSessionEnded = "session_ended"
	ReasonCancelled    = "cancelled"
	ReasonClosed       = "closed"
	ReasonTimeout      = "timeout"
)

// Event is something that an entry did, as a value. The node wakes waiters by it, and the log inspector prints it.
type Event struct {
	Type     EventType
	Name     command.Name
	Token    command.Token
	Holder   string // with Began and Ended: the Redis value, or "session 812-3" and the like
	Reason   string
	Waiter   command.WaiterID
	Session  command.SessionID
	Deadline command.Instant
}
