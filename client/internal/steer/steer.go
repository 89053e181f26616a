package steer

import (
	"sync"
	"time"
)

// Steered is a client as it is steered. Its methods return when everything that follows has happened in the client.
type Steered interface {
	// TimeMoved looks at every deadline and sends every keepalive that is due.
	TimeMoved()
	// LoseSession ends a session as if no keepalive had been answered in time; false when it has no session of that id.
	LoseSession(id string) bool
}

// Wheel is a clock that goes on by itself and can be moved forward, with the clients that go by it.
type Wheel struct {
	started time.Time
	mu      sync.Mutex
	moved   time.Duration
	clients map[Steered]struct{}
}

// New makes a wheel whose clock begins now.
func New() *Wheel { return &Wheel{started: time.Now(), clients: map[Steered]struct{}{}} }

// Now reads the clock.
func (w *Wheel) Now() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Since(w.started) + w.moved
}

// Join lets a client be steered until it leaves.
func (w *Wheel) Join(client Steered) (leave func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clients[client] = struct{}{}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.clients, client)
	}
}

// Move moves the clock forward and lets every client follow.
func (w *Wheel) Move(forward time.Duration) {
	w.mu.Lock()
	w.moved += forward
	w.mu.Unlock()
	for _, client := range w.all() {
		client.TimeMoved()
	}
}

// Lose ends a session in the client that has it; false when none has.
func (w *Wheel) Lose(session string) bool {
	for _, client := range w.all() {
		if client.LoseSession(session) {
			return true
		}
	}
	return false
}

func (w *Wheel) all() []Steered {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []Steered
	for client := range w.clients {
		all = append(all, client)
	}
	return all
}
