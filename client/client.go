package client

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/coordd/coordd/transport/resp/wire"
)

// Client is a process's way to one cluster. All methods may be called from any goroutine.
type Client struct {
	options   Options
	endpoints *endpoints
	clock     leaseClock

	living *living

	dialing chan struct{} // holds one element while nobody connects
	mu      sync.Mutex
	shared  *connection // nil until the first, and after it was given up
	past    []*connection
	ctx     context.Context // ends with Close
	end     context.CancelCauseFunc
	working sync.WaitGroup // goroutines in the background
}

// Dial reaches a cluster: it connects to the first endpoint that answers and authenticates there, so that a wrong address or password shows here. The
// context bounds only this.
func Dial(ctx context.Context, options Options) (*Client, error) {
	options, err := options.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("client options: %w", err)
	}
	c := &Client{
		options:   options,
		endpoints: &endpoints{options: options},
		clock:     leaseClock{now: options.Clock, rateTolerance: options.RateTolerance, margin: options.Margin},
		living:    newLiving(),
		dialing:   make(chan struct{}, 1),
	}
	c.dialing <- struct{}{}
	c.ctx, c.end = context.WithCancelCause(context.Background())
	if _, err := c.connection(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if options.steering != nil {
		c.join(options.steering)
	}
	if options.FollowLeader {
		c.work(c.followLeader)
	}
	return c, nil
}

// Close ends all connections and stops renewing all sessions. The contexts of their locks end now; on the cluster they stay held until the sessions' TTLs
// have passed, unless the sessions were closed before.
func (c *Client) Close() error {
	c.end(ErrClosed)
	c.mu.Lock()
	connections := append(c.past, c.shared)
	c.past, c.shared = nil, nil
	c.mu.Unlock()
	for _, established := range connections {
		if established != nil {
			established.close(ErrClosed)
			established.serving.Wait()
		}
	}
	c.working.Wait()
	return nil
}

// work runs something in the background and reports whether it does: not when the client is closed. Close waits for it.
func (c *Client) work(background func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil {
		return false
	}
	c.working.Go(background)
	return true
}

// Do sends a command as it is and returns its answer, for whatever has no method of its own. An error that the cluster answers is returned as *ServerError.
// The command is sent again only when it certainly had no effect; when its fate is not known the error is one that [Definite] denies. All goroutines share
// the connection, so commands that block it or change its state have no place here.
func (c *Client) Do(ctx context.Context, arguments ...string) (wire.Value, error) {
	if len(arguments) == 0 {
		return wire.Value{}, errors.New("Do needs at least the name of a command")
	}
	answer, _, err := c.request(ctx, c.once(), arguments...)
	return answer, err
}

// pushed handles what a node says unasked on the shared connection. It is called by the connection's reader and must not wait for anything.
func (c *Client) pushed(from *connection, push wire.Value) error {
	if mine, err := from.place(push); mine || err != nil {
		return err
	}
	if len(push.Elements) >= 3 && string(push.Elements[0].Text) == "lost" {
		if session := c.living.session(string(push.Elements[1].Text)); session != nil {
			session.lose(push.Elements[2])
		}
	}
	return nil // kinds of pushes that this build does not know are no fault
}

// connection is the one that all goroutines share. When there is none one of them connects, and the others wait for it.
func (c *Client) connection(ctx context.Context) (*connection, error) {
	if established := c.established(); established != nil {
		return established, nil
	}
	select {
	case <-c.dialing:
		defer func() { c.dialing <- struct{}{} }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-c.ctx.Done():
		return nil, ErrClosed
	}
	if established := c.established(); established != nil {
		return established, nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.ctx, func() { cancel(ErrClosed) })()
	established, err := c.endpoints.connect(ctx, c.pushed)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil {
		established.close(ErrClosed)
		established.serving.Wait()
		return nil, ErrClosed
	}
	c.shared = established
	return established, nil
}

// established is the shared connection if it is usable. One that broke is given up here.
func (c *Client) established() *connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shared == nil || c.shared.alive() {
		return c.shared
	}
	c.giveUp()
	return nil
}

// leave goes on to the next endpoint. Requests that are under way on the old connection keep it until they are done with it.
func (c *Client) leave(left *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shared == left {
		c.giveUp()
	}
}

// giveUp is called with mu held.
func (c *Client) giveUp() {
	left := c.shared
	c.shared = nil
	c.endpoints.pass(left.endpoint)
	left.retire()
	c.past = append(c.past, left)
	c.past = dropEnded(c.past)
}

// dropEnded keeps the connections that still have somebody to serve.
func dropEnded(connections []*connection) []*connection {
	kept := connections[:0]
	for _, one := range connections {
		select {
		case <-one.broken:
			one.serving.Wait() // its socket is closed, so this takes no time
		default:
			kept = append(kept, one)
		}
	}
	return kept
}
