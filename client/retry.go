package client

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

// patience says how often a request is sent until it is answered for good.
type patience struct {
	attempts int  // at most; 0: until the context ends
	repeat   bool // send it again although an earlier attempt may have taken effect: twice has the same effect as once
}

// once bounds the attempts and never repeats what may have happened; repeated repeats it.
func (c *Client) once() patience     { return patience{attempts: c.options.MaxAttempts} }
func (c *Client) repeated() patience { return patience{attempts: c.options.MaxAttempts, repeat: true} }

// persistent goes on until the context ends, which must be that of a session.
var persistent = patience{repeat: true}

// request sends a request until it is answered. An error answer is returned as *ServerError. unsure tells that an attempt
// before the answer may have taken effect too.
func (c *Client) request(ctx context.Context, how patience, arguments ...string) (answer wire.Value, unsure bool, err error) {
	request := wire.AppendRequest(nil, arguments...)
	return c.persist(ctx, how, func() (wire.Value, bool, error) {
		answer, _, sent, err := c.attempt(ctx, func(ctx context.Context, to *connection) (wire.Value, *place, bool, error) {
			answer, sent, err := to.do(ctx, request)
			return answer, nil, sent, err
		})
		return answer, sent, err
	})
}

// ask sends a request that may be answered with a place in a queue, which is then not nil.
func (c *Client) ask(ctx context.Context, how patience, arguments ...string) (answer wire.Value, taken *place, unsure bool, err error) {
	request := wire.AppendRequest(nil, arguments...)
	answer, unsure, err = c.persist(ctx, how, func() (answer wire.Value, sent bool, err error) {
		answer, taken, sent, err = c.attempt(ctx, func(ctx context.Context, to *connection) (wire.Value, *place, bool, error) {
			return to.ask(ctx, request)
		})
		return answer, sent, err
	})
	return answer, taken, unsure, err
}

// persist makes attempts until one is answered for good.
func (c *Client) persist(ctx context.Context, how patience, attempt func() (answer wire.Value, sent bool, err error)) (answer wire.Value, unsure bool, err error) {
	attempts := 0
	for (how.attempts == 0 || attempts < how.attempts) && ctx.Err() == nil && c.ctx.Err() == nil {
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
		if !outcome.definite && !how.repeat {
			break
		}
	}
	if cause := cmp.Or(context.Cause(c.ctx), context.Cause(ctx)); cause != nil {
		err = cause
	}
	return wire.Value{}, unsure, &UnreachableError{Attempts: attempts, Sent: unsure, Cause: err}
}

// attempt sends a request once. A node that does not answer in time, or answers that it cannot serve, is left for the next.
func (c *Client) attempt(ctx context.Context, send func(context.Context, *connection) (wire.Value, *place, bool, error)) (answer wire.Value, taken *place, sent bool, err error) {
	established, err := c.connection(ctx)
	if err != nil {
		return wire.Value{}, nil, false, err
	}
	limited, cancel := context.WithTimeout(ctx, c.options.AttemptTimeout)
	defer cancel()
	answer, taken, sent, err = send(limited, established)
	silent := err != nil && ctx.Err() == nil
	if silent || answer.Type == wire.Error && outcomeOf(wire.ReplyError(answer.Text)).again {
		c.leave(established)
	}
	return answer, taken, sent, err
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
