package endpoint

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

// Conn is a connection to one door. It is used by one goroutine, and is of no further use after any error.
type Conn struct {
	endpoint string
	raw      net.Conn
	replies  *wire.Replies
	request  []byte

	// OnPush, when set, is told what the server sent without being asked. It is called while Do waits.
	OnPush func(wire.Value)
}

func newConn(endpoint string, raw net.Conn) *Conn {
	return &Conn{endpoint: endpoint, raw: raw, replies: wire.NewReplies(raw, wire.ReplyLimits{})}
}

// Endpoint is the address that was dialled.
func (c *Conn) Endpoint() string { return c.endpoint }

// BrokenError is a connection that ended before the answer. The command may or may not have taken effect, unless Unsent.
type BrokenError struct {
	Endpoint string
	Unsent   bool
	Err      error
}

// Error implements error.
func (e *BrokenError) Error() string {
	if e.Unsent {
		return fmt.Sprintf("the connection to %s broke before the command was sent: %v", e.Endpoint, e.Err)
	}
	return fmt.Sprintf("the connection to %s ended before the answer (%v): the command may or may not have taken effect", e.Endpoint, e.Err)
}

// Unwrap gives the reason.
func (e *BrokenError) Unwrap() error { return e.Err }

// Do sends one command and waits for its reply, for as long as ctx lasts. An error reply is a value, not an error; the error is a *BrokenError.
func (c *Conn) Do(ctx context.Context, arguments ...string) (wire.Value, error) {
	// A deadline in the past ends reads and writes that are under way, so a context that ends interrupts the exchange.
	stop := context.AfterFunc(ctx, func() { _ = c.raw.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	c.request = wire.AppendRequest(c.request[:0], arguments...)
	if n, err := c.raw.Write(c.request); err != nil {
		return wire.Value{}, &BrokenError{c.endpoint, n == 0, reasonFor(ctx, err)}
	}
	for {
		value, err := c.replies.Read()
		if err != nil {
			return wire.Value{}, &BrokenError{c.endpoint, false, reasonFor(ctx, err)}
		}
		if value.Type != wire.Push {
			return value, nil
		}
		if c.OnPush != nil {
			c.OnPush(value)
		}
	}
}

// reasonFor prefers the end of the context to the deadline error that it caused.
func reasonFor(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// Close closes the connection.
func (c *Conn) Close() error { return c.raw.Close() }
