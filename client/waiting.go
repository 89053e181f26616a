package client

import (
	"context"
	"sync"

	"github.com/coordd/coordd/transport/resp/wire"
)

// maxIdleWaiting is how many connections are kept for the next acquires that wait.
const maxIdleWaiting = 4

// waitingRoom lends connections to acquires that wait. Answers come in the order of the requests, so a wait has a connection of its own: on a shared one it
// would hold back the keepalives behind it.
type waitingRoom struct {
	endpoints *endpoints
	places    chan struct{} // one element for each wait under way
	mu        sync.Mutex
	idle      []*connection
	lent      map[*connection]struct{}
	closed    bool
}

func newWaitingRoom(endpoints *endpoints, size int) *waitingRoom {
	return &waitingRoom{endpoints: endpoints, places: make(chan struct{}, size), lent: map[*connection]struct{}{}}
}

// do sends a request on a connection that nothing else uses and waits for the answer as long as the context allows. A wait that ends without an
// answer ends its connection, from which the node learns that nobody waits any more.
func (w *waitingRoom) do(ctx context.Context, request []byte) (answer wire.Value, sent bool, err error) {
	select {
	case w.places <- struct{}{}:
		defer func() { <-w.places }()
	case <-ctx.Done():
		return wire.Value{}, false, context.Cause(ctx)
	}
	established, err := w.take(ctx)
	if err != nil {
		return wire.Value{}, false, err
	}
	answer, sent, err = established.do(ctx, request)
	if err != nil && ctx.Err() == nil {
		w.endpoints.pass(established.endpoint)
	}
	w.giveBack(established, err == nil)
	return answer, sent, err
}

func (w *waitingRoom) take(ctx context.Context) (*connection, error) {
	for {
		established, err := w.idleOne()
		if established == nil && err == nil {
			established, err = w.endpoints.connect(ctx)
		}
		if err != nil {
			return nil, err
		}
		if w.lend(established) {
			return established, nil
		}
	}
}

// idleOne is a connection that was used before, nil when there is none.
func (w *waitingRoom) idleOne() (*connection, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, ErrClosed
	}
	if len(w.idle) == 0 {
		return nil, nil
	}
	last := w.idle[len(w.idle)-1]
	w.idle = w.idle[:len(w.idle)-1]
	return last, nil
}

// lend notes that a connection is in use, unless it broke meanwhile.
func (w *waitingRoom) lend(established *connection) bool {
	w.mu.Lock()
	usable := !w.closed && established.alive()
	if usable {
		w.lent[established] = struct{}{}
	}
	w.mu.Unlock()
	if !usable {
		established.close(ErrClosed)
		established.serving.Wait()
	}
	return usable
}

func (w *waitingRoom) giveBack(established *connection, answered bool) {
	w.mu.Lock()
	delete(w.lent, established)
	keep := answered && !w.closed && len(w.idle) < maxIdleWaiting && established.endpoint == w.endpoints.current()
	if keep {
		w.idle = append(w.idle, established)
	}
	w.mu.Unlock()
	if !keep {
		established.close(errRetired)
		established.serving.Wait()
	}
}

// close ends every wait.
func (w *waitingRoom) close() {
	w.mu.Lock()
	w.closed = true
	connections := w.idle
	w.idle = nil
	for established := range w.lent {
		connections = append(connections, established)
	}
	w.mu.Unlock()
	for _, established := range connections {
		established.close(ErrClosed)
		established.serving.Wait()
	}
}
