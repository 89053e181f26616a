package pools

import (
	"encoding/json"
	"os"
	"sync"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/history"
)

// Event is a line that a child process writes.
type Event struct {
	At      int64  `json:"at_ns"` // on the clock that all processes share
	Process string `json:"process"`
	Kind    string `json:"kind"`
	Worker  string `json:"worker,omitempty"`
	// Partition, Token and Alive are of a worker's words about a partition: Alive is the last instant at which it was sure that it owned it.
	Partition int    `json:"partition,omitempty"`
	Token     uint64 `json:"token,omitempty"`
	Alive     int64  `json:"alive_ns,omitempty"`
	Text      string `json:"text,omitempty"`
	Stats     *Stats `json:"stats,omitempty"`
}

// The kinds of events.
const (
	KindReady     = "ready" // Text is the address of a store
	KindJoined    = "joined"
	KindAssigned  = "assigned"
	KindRevoked   = "revoked"
	KindViolation = "violation" // Text says what
	KindBusy      = "busy"      // a join was refused because the id is in use
	KindEnded     = "ended"     // Text says why
	KindStats     = "stats"
)

// Stats is what a router has done so far.
type Stats struct {
	Lookups  int64         `json:"lookups"`
	Span     time.Duration `json:"span_ns"` // in which it did them
	Done     int64         `json:"done"`    // requests that were executed and whose write the store took
	Refused  int64         `json:"refused"` // requests whose write the store refused
	Failed   int64         `json:"failed"`  // requests without an answer: their worker died, or nobody owned the key for long
	Slowest  time.Duration `json:"slowest_ns"`
	Failures string        `json:"failures,omitempty"` // the last one
}

// reporter writes events to standard output.
type reporter struct {
	process string
	mu      sync.Mutex
	lines   *json.Encoder
}

func newReporter(process string) *reporter {
	return &reporter{process: process, lines: json.NewEncoder(os.Stdout)}
}

func (r *reporter) tell(event Event) {
	event.Process = r.process
	if event.At == 0 {
		event.At = history.Now()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.lines.Encode(event); err != nil {
		os.Exit(1) // nobody reads any more
	}
}
