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

	// These, and those above for native holds, come with Mode, Owner and Metadata.
	EventQueued        EventType = 7  // an acquire took a place in a queue
	EventReserved      EventType = 8  // a name stays reserved after a hold's end, until Deadline, for Reason
	EventVacant        EventType = 9  // a name has no native owner any more
	EventDescribed     EventType = 10 // a holder changed its Metadata
	EventLost          EventType = 11 // a session has a loss to acknowledge, for Reason
	EventAcknowledged  EventType = 12 // it has
	EventSessionKilled EventType = 13 // a session can be renewed no more

	EventPoolChanged EventType = 32 // a pool has another Version; with Reason deleted there is no such pool any more
	EventPoolWorker  EventType = 33 // a pool's worker, the Holder, has joined, left or been lost: Reason
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
	case EventQueued:
		return "queued"
	case EventReserved:
		return "reserved"
	case EventVacant:
		return "vacant"
	case EventDescribed:
		return "described"
	case EventLost:
		return "lost"
	case EventAcknowledged:
		return "acknowledged"
	case EventSessionKilled:
		return "session_killed"
	case EventPoolChanged:
		return "pool_changed"
	case EventPoolWorker:
		return "pool_worker"
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
	ReasonMaxHold      = "max_hold"
	ReasonForced       = "forced"
	ReasonKilled       = "killed"
	ReasonTransferred  = "transferred"
	ReasonEndedEarly   = "ended_early" // of a session that agreed to it
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
	Version  uint64 // of a pool
	Mode     string // of a native hold; empty for what Redis holds
	Owner    string
	Metadata []byte
	Actor    string // the operator, of what one did
	Why      string // and what for
}

// of adds what an acquire says about itself.
func (v Event) of(a acquireRecord) Event {
	v.Mode, v.Owner, v.Metadata = a.modeName(), a.owner, a.metadata
	return v
}
