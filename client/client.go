package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

// Client is a process's way to one cluster. All methods may be called from any goroutine.
type Client struct {
	options   Options
	endpoints *endpoints
	clock     leaseClock
	waiting   *waitingRoom

	dialing chan struct{} // holds one element while nobody connects
	mu      sync.Mutex
	shared  *connection // nil until the first, and after it was given up
	past    []*connection
	ctx     context.Context // ends with Close
	end     context.CancelCauseFunc
	working sync.WaitGroup // goroutines of sessions
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
		dialing:   make(chan struct{}, 1),
	}
	c.dialing <- struct{}{}
	c.waiting = newWaitingRoom(c.endpoints, options.MaxWaiting)
	c.ctx, c.end = context.WithCancelCause(context.Background())
	if _, err := c.connection(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
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
	c.waiting.close()
	c.working.Wait()
	return nil
}

// work runs something in the background, unless the client is closed: Close waits for it.
func (c *Client) work(background func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() == nil {
		c.working.Go(background)
	}
}

// Do sends a command as it is and returns its answer, for whatever has no method of its own. An error that the cluster answers is returned as *ServerError. The
// command is sent again only when it certainly had no effect; when its fate is not known the error is one that [Definite] denies.
func (c *Client) Do(ctx context.Context, arguments ...string) (wire.Value, error) {
	if len(arguments) == 0 {
		return wire.Value{}, errors.New("Do needs at least the name of a command")
	}
	answer, _, err := c.request(ctx, once, arguments...)
	return answer, err
}

// The ways to treat a request whose fate is not known.
const (
	once       = false // give up
	repeatable = true  // send it again: twice has the same effect as once
)

// request sends a request until it is answered, within the limits of the options. An error answer is returned as *ServerError. unsure tells that an attempt
// before the answer may have taken effect too.
func (c *Client) request(ctx context.Context, repeat bool, arguments ...string) (answer wire.Value, unsure bool, err error) {
	request := wire.AppendRequest(nil, arguments...)
	return c.persist(ctx, repeat, func() (wire.Value, bool, error) { return c.attempt(ctx, request) })
}

// persist makes attempts until one is answered for good.
func (c *Client) persist(ctx context.Context, repeat bool, attempt func() (answer wire.Value, sent bool, err error)) (answer wire.Value, unsure bool, err error) {
	attempts := 0
	for attempts < c.options.MaxAttempts && ctx.Err() == nil && c.ctx.Err() == nil {
		if attempts > 0 && pause(ctx, attempts) != nil {
			break
		}
		var sent bool
		answer, sent, err = attempt()
		attempts++
		outcome := outcome{definite: !sent, again: true}
		if err == nil {
			if err = serverError(answer); err == nil {
				return answer, unsure, nil
			}
			outcome = outcomeOf(wire.ReplyError(answer.Text))
		} else if refusal := refusedGreeting(err); refusal != nil {
			return wire.Value{}, unsure, refusal
		}
		unsure = unsure || !outcome.definite
		if outcome.definite && !outcome.again {
			return wire.Value{}, unsure, err
		}
		if !outcome.definite && !repeat {
			break
		}
	}
	if cause := cmp.Or(context.Cause(c.ctx), context.Cause(ctx)); cause != nil {
		err = cause
	}
	return wire.Value{}, unsure, &UnreachableError{Attempts: attempts, Sent: unsure, Cause: err}
}

// attempt sends a request once. A node that does not answer in time, or answers that it cannot serve, is left for the next.
func (c *Client) attempt(ctx context.Context, request []byte) (answer wire.Value, sent bool, err error) {
	established, err := c.connection(ctx)
	if err != nil {
		return wire.Value{}, false, err
	}
	limited, cancel := context.WithTimeout(ctx, c.options.AttemptTimeout)
	defer cancel()
	answer, sent, err = established.do(limited, request)
	silent := err != nil && ctx.Err() == nil
	if silent || answer.Type == wire.Error && outcomeOf(wire.ReplyError(answer.Text)).again {
		c.leave(established)
	}
	return answer, sent, err
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
	established, err := c.endpoints.connect(ctx)
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

// refusedGreeting finds the answer of a node that refused the connection for a reason that every node has, such as a wrong password.
func refusedGreeting(err error) error {
	var refusal *ServerError
	if errors.As(err, &refusal) && !outcomes[refusal.Code].again {
		return refusal
	}
	return nil
}

const (
	firstPause = 25 * time.Millisecond
	maxPause   = time.Second
)

// pause waits before the next attempt: a random time below a limit that doubles with each, so that many clients do not come back at once.
func pause(ctx context.Context, attempt int) error {
	limit := min(maxPause, firstPause<<min(attempt-1, 10))
	return wait(ctx, limit/4+rand.N(limit*3/4))
}

// wait returns after a time, or with the cause when the context ends before.
func wait(ctx context.Context, span time.Duration) error {
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
