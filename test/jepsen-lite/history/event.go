package history

// Type says what a line is about.
type Type string

// The types of a line.
const (
	Invoke Type = "invoke" // somebody asks for something
	OK     Type = "ok"     // it happened, and this is the answer
	Fail   Type = "fail"   // it did not happen and will not
	Info   Type = "info"   // whether it happened, or will, is not known
	Note   Type = "note"   // no operation
)

// Event is one line of a history. Fields that do not apply are zero and not written.
type Event struct {
	At       int64  `json:"at_ns"` // when, by Now
	Type     Type   `json:"type"`
	Process  string `json:"process"` // who: sequential, and never used again after info
	Workload string `json:"workload,omitempty"`
	Op       string `json:"op,omitempty"`
	Key      string `json:"key,omitempty"`
	// Holder is who acts, as the committed log names it: a value of a Redis key, or a session.
	Holder string `json:"holder,omitempty"`
	// Token is a fencing token; 0 is none.
	Token int64 `json:"token,omitempty"`
	// ID is that of a native hold, unlike a token never shared. Mode and Permits say how it is held, empty and 0 for a lock that nobody else can have; Names are all names of
	// a multi-lock.
	ID      string   `json:"id,omitempty"`
	Mode    string   `json:"mode,omitempty"`
	Permits int      `json:"permits,omitempty"`
	Names   []string `json:"names,omitempty"`
	// Number is that of a request of the holder's session, when the client numbers it itself.
	Number int64 `json:"number,omitempty"`
	// Value and Expected are what is written or read, and what a conditional write expects.
	Value    string `json:"value,omitempty"`
	Expected string `json:"expected,omitempty"`
	// Sent and Until are instants by Now: when what extends a lease was sent, or a holder looked, and until when the holder counts it as held.
	Sent  int64 `json:"sent_ns,omitempty"`
	Until int64 `json:"until_ns,omitempty"`
	// Doubtful is likewise, by a holder whose clock is outside of what is promised; Until is 0 then.
	Doubtful int64 `json:"doubtful_ns,omitempty"`
	// TTL is a time to live in milliseconds.
	TTL   int64  `json:"ttl_ms,omitempty"`
	Error string `json:"error,omitempty"`
}

// Operation is an invoke with its end.
type Operation struct {
	Invoke Event
	// End is of type OK, Fail or Info. An operation without an end has one of type Info at the time of Never.
	End Event
}

// Never is later than every instant of a history.
const Never = int64(1) << 62

// Return is when the operation ended: Never when that is not known.
func (o Operation) Return() int64 {
	if o.End.Type == Info {
		return Never
	}
	return o.End.At
}

// Pair puts the lines of each process together. Lines of one process must be in their order; notes are left out. An end without an invoke is returned as an error.
func Pair(events []Event) ([]Operation, error) {
	var operations []Operation
	open := map[string]int{} // by process, into operations
	for _, event := range events {
		switch event.Type {
		case Invoke:
			if _, busy := open[event.Process]; busy {
				return nil, &DisorderError{event, "invokes while its last operation has not ended"}
			}
			open[event.Process] = len(operations)
			operations = append(operations, Operation{Invoke: event, End: Event{Type: Info, At: Never, Process: event.Process, Error: "no end was recorded"}})
		case OK, Fail, Info:
			index, busy := open[event.Process]
			if !busy {
				return nil, &DisorderError{event, "ends an operation that it did not begin"}
			}
			operations[index].End = event
			if event.Type != Info {
				delete(open, event.Process)
			}
		}
	}
	return operations, nil
}

// DisorderError is returned for a history that no recorder could have written.
type DisorderError struct {
	Event   Event
	Problem string
}

// Error implements error.
func (e *DisorderError) Error() string {
	return "the history is out of order: process " + e.Event.Process + " " + e.Problem + " (" + string(e.Event.Type) + " " + e.Event.Op + " " + e.Event.Key + ")"
}
