package client

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

// The limits of a lease's TTL. The cluster enforces the same.
const (
	MinLeaseTTL = 50 * time.Millisecond
	MaxLeaseTTL = 24 * time.Hour
)

// Lease is a lock without a session: it ends when its own TTL has passed, unless it is renewed, and nothing renews it by itself. It suits work of a known length by
// processes that come and go, as an item with a TTL does elsewhere. All methods may be called from any goroutine.
type Lease struct {
	client *Client
	name   string
	token  uint64
	id     string
	ctx    context.Context
	end    context.CancelCauseFunc

	mu       sync.Mutex
	deadline time.Duration // on the client's clock
	alarm    *time.Timer
}

// TryLease takes a lock for a time of its own if it is free, and otherwise returns a *HeldError. Only MaxHold, LockDelay, AtLeast and Metadata are of use as options: a lease has no owner.
//
// A lease cannot be asked for twice: when the answer is lost, the error is one that [Definite] denies, and the lock may be taken until the TTL has passed.
func (c *Client) TryLease(ctx context.Context, name string, ttl time.Duration, options ...LockOption) (*Lease, error) {
	sent := c.clock.now()
	answer, _, err := c.request(ctx, c.once(), leaseWords(name, ttl, options)...)
	if err != nil {
		return nil, refusal(name, err)
	}
	l, err := c.newLease(name, answer)
	if err != nil {
		return nil, err
	}
	return l.begin(answer, sent)
}

// Lease takes a lock for a time of its own and waits for it, first come, first served, until the context ends; without a deadline for at most a day. The wait takes a connection of its
// own, and ends with it. The TTL runs from the grant, whose moment cannot be known here, so the lease is renewed once before it is returned, and counts from that.
func (c *Client) Lease(ctx context.Context, name string, ttl time.Duration, options ...LockOption) (*Lease, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.ctx, func() { cancel(ErrClosed) })()
	patience := maxWait
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(maxWait, time.Until(deadline))
	}
	words := append(leaseWords(name, ttl, options), "WAIT", strconv.FormatInt(max(1, patience.Milliseconds()), 10))
	answer, _, err := c.persist(ctx, c.once(), func() (answer wire.Value, sent bool, err error) { return c.aside(ctx, words...) })
	if hasCode(err, "TIMEOUT") {
		err = fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
	}
	if err != nil {
		return nil, refusal(name, err)
	}
	l, err := c.newLease(name, answer)
	if err != nil {
		return nil, err
	}
	sent := c.clock.now()
	answer, _, err = c.request(ctx, c.repeated(), "LOCK.RENEW", name, l.id)
	if err != nil {
		l.end(ErrReleased)
		c.work(func() { _, _, _ = c.request(c.ctx, c.repeated(), "LOCK.RELEASE", name, l.id) })
		return nil, refusal(name, err)
	}
	return l.begin(answer, sent)
}

// aside sends a request over a connection of its own, for a wait that blocks its connection. A wait that ends without an answer ends the connection, from which the node learns that
// nobody waits any more.
func (c *Client) aside(ctx context.Context, words ...string) (answer wire.Value, sent bool, err error) {
	established, err := c.endpoints.connect(ctx, func(*connection, wire.Value) error { return nil })
	if err != nil {
		return wire.Value{}, false, err
	}
	defer func() {
		established.close(errRetired)
		established.serving.Wait()
	}()
	return established.do(ctx, wire.AppendRequest(nil, words...))
}

func leaseWords(name string, ttl time.Duration, options []LockOption) []string {
	words := []string{"LOCK.ACQUIRE", name, "PX", strconv.FormatInt(ttl.Milliseconds(), 10)}
	return append(words, optionsOf(options).words()...)
}

func (c *Client) newLease(name string, answer wire.Value) (*Lease, error) {
	granted, err := grantOf(answer, []string{name})
	if err != nil {
		return nil, fmt.Errorf("lock %q: %w", name, err)
	}
	l := &Lease{client: c, name: name, token: granted.token, id: granted.waiter}
	l.ctx, l.end = context.WithCancelCause(c.ctx)
	return l, nil
}

// begin makes the lease count from an answer to a request that was sent then.
func (l *Lease) begin(answer wire.Value, sent time.Duration) (*Lease, error) {
	l.extend(answer, sent)
	if l.Remaining() == 0 {
		err := l.lost()
		l.end(err)
		return nil, err
	}
	l.client.enter(l.ctx, l)
	return l, nil
}

func (l *Lease) extend(answer wire.Value, sent time.Duration) {
	f := mapOf(answer)
	deadline := l.client.clock.deadline(reading{sent: sent, committedMs: f.number("now_ms")}, f.number("deadline_ms"))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deadline = deadline // a renew with a smaller TTL brings the end nearer
	left := deadline - l.client.clock.now()
	if l.alarm == nil {
		l.alarm = time.AfterFunc(left, l.look)
		return
	}
	l.alarm.Reset(left)
}

// look ends the lease at its deadline.
func (l *Lease) look() {
	l.mu.Lock()
	left := l.deadline - l.client.clock.now()
	if left > 0 && l.ctx.Err() == nil {
		l.alarm.Reset(left)
	} else {
		l.alarm.Stop()
	}
	l.mu.Unlock()
	if left <= 0 {
		l.end(l.lost())
	}
}

func (l *Lease) lost() *LostError {
	return &LostError{Name: l.name, Token: l.token, Reason: LossExpired}
}

// Name is the lock's name.
func (l *Lease) Name() string { return l.name }

// Token is the fencing token, as [Held.Token] is.
func (l *Lease) Token() uint64 { return l.token }

// ID names this hold and no other.
func (l *Lease) ID() string { return l.id }

// Context ends when the lease is released or its time is over; its cause says which. It ends before the cluster can give the lock to anybody else, as a [Held.Context] does.
func (l *Lease) Context() context.Context { return l.ctx }

// Remaining is how long the lease is certainly held; 0 when it is over.
func (l *Lease) Remaining() time.Duration {
	if l.ctx.Err() != nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, l.deadline-l.client.clock.now())
}

// Renew makes the lease last for ttl from now on; 0 means the TTL that it has. What was over stays over: the error is then a [*LostError].
func (l *Lease) Renew(ctx context.Context, ttl time.Duration) error {
	if l.Remaining() == 0 {
		l.look()
		return context.Cause(l.ctx)
	}
	words := []string{"LOCK.RENEW", l.name, l.id}
	if ttl != 0 {
		words = append(words, "PX", strconv.FormatInt(ttl.Milliseconds(), 10))
	}
	sent := l.client.clock.now()
	answer, _, err := l.client.request(ctx, l.client.repeated(), words...)
	switch {
	case hasCode(err, "NOTHELD"):
		lost := refusal(l.name, err)
		l.end(lost)
		return lost
	case err != nil:
		return refusal(l.name, err)
	case l.Remaining() == 0:
		l.look()
		return context.Cause(l.ctx) // it ended before the answer came
	}
	l.extend(answer, sent)
	return nil
}

// Release frees the lock. The context ends before the cluster is asked. A release of what was lost is no error. After another error the lock is free when its TTL has passed, and Release
// may be called again.
func (l *Lease) Release(ctx context.Context) error {
	l.end(ErrReleased)
	l.look()
	_, _, err := l.client.request(ctx, l.client.repeated(), "LOCK.RELEASE", l.name, l.id)
	if err == nil || hasCode(err, "NOTHELD") {
		return nil
	}
	return fmt.Errorf("releasing lock %q (token %d): %w", l.name, l.token, err)
}
