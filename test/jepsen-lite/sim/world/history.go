package world

import (
	"sync"
	"time"

	"github.com/coordd/coordd/fsm/command"
)

// history is what clients asked and were answered.
type history struct {
	world *world

	mu        sync.Mutex
	looks     []look
	claims    []claim
	renewals  []renewal
	counters  []counting
	registers []access
	owned     []ownership
}

// look is an answered question whether a name holds a value. An empty value means that nobody holds it.
type look struct {
	name          command.Name
	value         string
	asked, answer moment
}

// claim is a grant that a client was told of.
type claim struct {
	name          command.Name
	token         command.Token
	holder        string
	asked, answer moment
}

// renewal is a promise that a session, or an owner of a name, lives until at least a moment of true time.
type renewal struct {
	session  command.SessionID
	name     command.Name // with token, when it is no session
	token    command.Token
	value    string // instead of a token, for an owner with a Redis value
	until    time.Duration
	answered moment
}

// counting is an increment of a counter that nobody else touches.
type counting struct {
	name    command.Name
	outcome outcome
}

func newHistory(w *world) *history { return &history{world: w} }

// outcome is what a client knows of a command.
type outcome uint8

const (
	done    outcome = iota // answered
	failed                 // it did not happen and will not
	unknown                // it may have happened, or may yet
)

func (o outcome) String() string { return [...]string{"done", "failed", "unknown"}[o] }

func add[T any](h *history, list *[]T, item T) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*list = append(*list, item)
}

// until is the earliest true time at which a deadline of replicated time can be reached, for a command that was sent at a moment and answered that the replicated
// instant was now: replicated time gains no more than the fastest clock. Milliseconds are cut off on the way, so one is taken off.
func (w *world) until(sent moment, now, deadline int64) time.Duration {
	left := time.Duration(float64(deadline-now)/(1+w.setup.drift)*float64(time.Millisecond)) - 2*time.Millisecond
	return sent.at + left
}
