package client

import (
	"context"
	"errors"
	"sync"

	"github.com/coordd/coordd/transport/resp/wire"
)

// maxEarly bounds the pushes of one connection that came before the answers that tell what they are for.
const maxEarly = 4 * maxInFlight

var errEarly = errors.New("the node pushed more grants than were asked for")

// places are the places in queues that one connection was told of. What becomes of each is pushed on the same connection, before or after the answer that
// names the waiter, so a push that nobody expects is kept as long as some answer is still to come.
type places struct {
	mu       sync.Mutex
	expected map[string]*place     // by the waiter's id
	early    map[string]wire.Value // likewise
	asking   int                   // requests under way that may be answered with a place
}

// place is a place in a queue, on one connection.
type place struct {
	on      *connection
	waiter  string          // empty until the answer has come
	outcome chan wire.Value // room for one: a grant, or an error
	gone    bool            // nobody waits for it any more
}

// ask sends a request that may be answered with a place in a queue. The place is nil unless it was.
func (c *connection) ask(ctx context.Context, request []byte) (answer wire.Value, taken *place, sent bool, err error) {
	asked := &place{on: c, outcome: make(chan wire.Value, 1)}
	c.places.begin()
	settled := false // changed by the reader, before the answer is handed over
	answer, sent, err = c.carry(ctx, &call{request: request, answer: make(chan wire.Value, 1), arrived: func(answer wire.Value) {
		c.places.settle(asked, answer)
		settled = true
	}})
	switch {
	case !sent:
		c.places.end()
	case err != nil:
		asked.forget()
	case settled && asked.waiter != "":
		return answer, asked, true, nil
	}
	return answer, nil, sent, err
}

func (p *places) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asking++
}

func (p *places) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endLocked()
}

func (p *places) endLocked() {
	if p.asking--; p.asking == 0 {
		clear(p.early)
	}
}

// settle is called by the reader with the answer, so that no push that comes after it is missed.
func (p *places) settle(asked *place, answer wire.Value) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.endLocked()
	waiter := waiterOf(answer)
	if waiter == "" || asked.gone {
		return
	}
	asked.waiter = waiter
	if outcome, came := p.early[waiter]; came {
		delete(p.early, waiter)
		asked.outcome <- outcome
		return
	}
	if p.expected == nil {
		p.expected = map[string]*place{}
	}
	p.expected[waiter] = asked
}

// bring is called by the reader with what became of a waiter.
func (p *places) bring(waiter string, outcome wire.Value) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if asked, found := p.expected[waiter]; found {
		delete(p.expected, waiter)
		asked.outcome <- outcome
		return nil
	}
	if p.asking == 0 {
		return nil // it was given up
	}
	if p.early == nil {
		p.early = map[string]wire.Value{}
	}
	p.early[waiter] = outcome
	if len(p.early) > maxEarly {
		return errEarly // every wait goes on over the next connection
	}
	return nil
}

// forget tells the connection that nobody waits for the place any more.
func (p *place) forget() {
	p.on.places.mu.Lock()
	defer p.on.places.mu.Unlock()
	p.gone = true
	if p.on.places.expected[p.waiter] == p {
		delete(p.on.places.expected, p.waiter)
	}
}

// waiterOf finds the waiter's id in an answer that tells a place in a queue; empty for any other.
func waiterOf(answer wire.Value) string {
	if _, queued := answer.Lookup("queued"); !queued {
		return ""
	}
	waiter, _ := answer.Lookup("waiter")
	return string(waiter.Text)
}

// place hands a push to the place that it is for: [granted, name, waiter, grant] or [refused, name, waiter, error line]. Any other push is not for a place.
func (c *connection) place(push wire.Value) (mine bool, err error) {
	if len(push.Elements) < 4 {
		return false, nil
	}
	outcome := push.Elements[3]
	switch string(push.Elements[0].Text) {
	case "granted":
	case "refused":
		outcome = wire.Value{Type: wire.Error, Text: outcome.Text}
	default:
		return false, nil
	}
	return true, c.places.bring(string(push.Elements[2].Text), outcome)
}
