package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"github.com/coordd/coordd/transport/resp/wire"
)

const (
	maxInFlight   = 1024     // requests of one connection that wait for their answer
	maxBatch      = 256      // requests written at once; below maxInFlight, so that a batch never waits for its own answers
	maxBatchBytes = 64 << 10 // from this size on a batch is written
)

// connection is one connection to one node, shared by any number of callers. Two goroutines serve it: one writes what waits, as many requests at
// once as there are, and one reads answers, which come in the order of the requests, and the pushes between them.
type connection struct {
	endpoint string
	socket   net.Conn
	pushed   func(wire.Value) error // called by the reader for each push; an error ends the connection
	calls    chan *call
	inFlight chan *call
	broken   chan struct{} // closed after the socket, once cause is set
	cause    error
	breaking sync.Once
	serving  sync.WaitGroup
	callers  atomic.Int64
	retired  atomic.Bool
	leaving  chan struct{} // closed when the connection is retired: whoever waits for a push here moves to the next one
	places   places
}

// The states of a call. The writer and the caller race for it when the caller gives up: whoever changes it first decides whether the request goes out.
const (
	callWaiting int32 = iota
	callWritten
	callWithdrawn
)

// call is one request on its way.
type call struct {
	request []byte
	state   atomic.Int32
	answer  chan wire.Value  // room for one, so that an answer nobody waits for any more is dropped
	arrived func(wire.Value) // if set, the reader calls it with the answer before it reads on
}

// openConnection starts to serve a socket.
func openConnection(endpoint string, socket net.Conn, pushed func(*connection, wire.Value) error) *connection {
	c := &connection{
		endpoint: endpoint,
		socket:   socket,
		calls:    make(chan *call, maxBatch),
		inFlight: make(chan *call, maxInFlight),
		broken:   make(chan struct{}),
		leaving:  make(chan struct{}),
	}
	c.pushed = func(push wire.Value) error { return pushed(c, push) }
	c.serving.Go(c.write)
	c.serving.Go(c.read)
	return c
}

// do sends a request and waits for its answer. When there is none, sent tells whether the request may have reached the node.
func (c *connection) do(ctx context.Context, request []byte) (answer wire.Value, sent bool, err error) {
	return c.carry(ctx, &call{request: request, answer: make(chan wire.Value, 1)})
}

func (c *connection) carry(ctx context.Context, waiting *call) (answer wire.Value, sent bool, err error) {
	c.callers.Add(1)
	defer c.leave()
	select {
	case c.calls <- waiting:
	case <-c.broken:
		return wire.Value{}, false, c.failure()
	case <-ctx.Done():
		return wire.Value{}, false, context.Cause(ctx)
	}
	select {
	case answer := <-waiting.answer:
		return answer, true, nil
	case <-c.broken:
		err = c.failure()
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if waiting.state.CompareAndSwap(callWaiting, callWithdrawn) {
		return wire.Value{}, false, err
	}
	select {
	case answer := <-waiting.answer: // it came at the same moment
		return answer, true, nil
	default:
		return wire.Value{}, true, err
	}
}

func (c *connection) failure() error { return fmt.Errorf("connection to %s: %w", c.endpoint, c.cause) }

// alive reports whether new requests may be given to the connection.
func (c *connection) alive() bool {
	select {
	case <-c.broken:
		return false
	default:
		return !c.retired.Load()
	}
}

var errRetired = errors.New("left for another endpoint")

// retire lets the connection end once the requests under way have been answered or given up.
func (c *connection) retire() {
	if !c.retired.Swap(true) {
		close(c.leaving)
	}
	if c.callers.Load() == 0 {
		c.close(errRetired)
	}
}

func (c *connection) leave() {
	if c.callers.Add(-1) == 0 && c.retired.Load() {
		c.close(errRetired)
	}
}

// close ends the connection. The socket is closed before anybody is told: a caller that finds its request not written by then can be
// sure that it never will be.
func (c *connection) close(cause error) {
	c.breaking.Do(func() {
		c.cause = cause
		_ = c.socket.Close() // it is given up; an error would not change that
		close(c.broken)
	})
}

func (c *connection) write() {
	var buffer []byte
	for {
		select {
		case first := <-c.calls:
			buffer = c.gather(buffer[:0], first)
		case <-c.broken:
			return
		}
		if len(buffer) == 0 {
			continue
		}
		if _, err := c.socket.Write(buffer); err != nil {
			c.close(err)
			return
		}
		if cap(buffer) > 4*maxBatchBytes {
			buffer = nil
		}
	}
}

// gather puts a request and those that wait behind it into one buffer, and queues them for their answers.
func (c *connection) gather(buffer []byte, next *call) []byte {
	for count := 0; ; {
		if next.state.CompareAndSwap(callWaiting, callWritten) {
			select {
			case c.inFlight <- next:
			case <-c.broken:
				return nil
			}
			buffer = append(buffer, next.request...)
			count++
		}
		if count == maxBatch || len(buffer) >= maxBatchBytes {
			return buffer
		}
		select {
		case next = <-c.calls:
		default:
			return buffer
		}
	}
}

var errUnasked = errors.New("the node sent an answer that nothing had asked for")

func (c *connection) read() {
	replies := wire.NewReplies(c.socket, wire.ReplyLimits{})
	for {
		value, err := replies.Read()
		if err == nil {
			err = c.dispatch(value)
		}
		if err != nil {
			c.close(err)
			return
		}
	}
}

// dispatch hands a value to whom it is for.
func (c *connection) dispatch(value wire.Value) error {
	if value.Type == wire.Push {
		return c.pushed(value)
	}
	select {
	case waiting := <-c.inFlight:
		if waiting.arrived != nil {
			waiting.arrived(value)
		}
		waiting.answer <- value
		return nil
	default:
		return errUnasked
	}
}
