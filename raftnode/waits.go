package raftnode

import (
	"context"
	"sync"

	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
)

// waits wakes those who wait for a place in a lock's queue. Every node runs the whole log, so a waiter is answered by the node its client is connected to.
type waits struct {
	mu      sync.Mutex
	waiting map[command.WaiterID][]chan struct{} // buffered, one slot: a wake that was not consumed yet is enough
}

func newWaits() *waits { return &waits{waiting: make(map[command.WaiterID][]chan struct{})} }

// notice wakes the waiters that the events speak of. It never blocks.
func (w *waits) notice(events []fsm.Event) {
	for _, event := range events {
		if event.Type == fsm.EventWaiterGranted || event.Type == fsm.EventWaiterGone {
			w.mu.Lock()
			for _, wake := range w.waiting[event.Waiter] {
				nudge(wake)
			}
			w.mu.Unlock()
		}
	}
}

// recheckAll wakes everybody: a restored snapshot may hold what no event told.
func (w *waits) recheckAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, wakes := range w.waiting {
		for _, wake := range wakes {
			nudge(wake)
		}
	}
}

// register returns a channel that is signalled when something happens to the waiter, and what takes it back.
func (w *waits) register(id command.WaiterID) (wake <-chan struct{}, unregister func()) {
	channel := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting[id] = append(w.waiting[id], channel)
	return channel, func() { w.remove(id, channel) }
}

func (w *waits) remove(id command.WaiterID, channel chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	kept := w.waiting[id][:0]
	for _, other := range w.waiting[id] {
		if other != channel {
			kept = append(kept, other)
		}
	}
	if len(kept) == 0 {
		delete(w.waiting, id)
		return
	}
	w.waiting[id] = kept
}

// await waits until the machine knows how the wait ended. The state decides; events only say when to look.
func (w *waits) await(ctx context.Context, machine *fsm.Machine, name string, id command.WaiterID) (command.Reply, error) {
	wake, unregister := w.register(id)
	defer unregister()
	for {
		if reply, done := machine.WaiterOutcome(name, id); done {
			return reply, nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return command.Reply{}, ctx.Err()
		}
	}
}

// nudge puts a signal into a channel with one slot, unless one is there already.
func nudge(channel chan struct{}) {
	select {
	case channel <- struct{}{}:
	default:
	}
}
