package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/transport/resp/wire"
)

// nativePatience is how long the native client stands in a queue. Clients that poll get a
// name only while nobody stands in its queue, so it is kept short of what they bear.
const nativePatience = 1500 * time.Millisecond

// nativeClient is coordd's own client, beside which foreign ones want the same names.
type nativeClient struct {
	cluster *client.Client
	session *client.Session // nil takes leases
}

func newNativeLock(addresses string) (lockClient, error) {
	c, err := dialNative(addresses)
	if err != nil {
		return nil, err
	}
	c.session, err = c.cluster.OpenSession(context.Background(), client.SessionOptions{})
	return c, err
}

func newNativeLease(addresses string) (lockClient, error) { return dialNative(addresses) }

// dialNative connects to the nodes at these addresses, which are separated by commas.
func dialNative(addresses string) (*nativeClient, error) {
	cluster, err := client.Dial(context.Background(), client.Options{Endpoints: strings.Split(addresses, ",")})
	if err != nil {
		return nil, err
	}
	return &nativeClient{cluster: cluster}, nil
}

func (c *nativeClient) Acquire(ctx context.Context, name string, ttl time.Duration) (heldLock, error) {
	if c.session == nil {
		return c.lease(ctx, name, ttl)
	}
	ctx, cancel := context.WithTimeout(ctx, nativePatience)
	defer cancel()
	owner := rand.Text()
	held, err := c.session.Lock(ctx, name, client.Owner(owner))
	if err != nil {
		return nil, nativeAcquireError(err)
	}
	return newNativeHold(held, fmt.Sprintf("session %s owner %s", c.session.ID(), owner)), nil
}

func (c *nativeClient) TryAcquire(ctx context.Context, name string, ttl time.Duration) (heldLock, error) {
	if c.session == nil {
		return c.lease(ctx, name, ttl)
	}
	owner := rand.Text()
	held, err := c.session.TryLock(ctx, name, client.Owner(owner))
	if err != nil {
		return nil, nativeAcquireError(err)
	}
	return newNativeHold(held, fmt.Sprintf("session %s owner %s", c.session.ID(), owner)), nil
}

func (c *nativeClient) lease(ctx context.Context, name string, ttl time.Duration) (heldLock, error) {
	lease, err := c.cluster.TryLease(ctx, name, ttl)
	if err != nil {
		return nil, nativeAcquireError(err)
	}
	return newNativeHold(lease, "lock "+lease.ID()), nil
}

// nativeAcquireError tells a lock that another holds, or whose queue did not come to an
// end in time, from a cluster that could not be reached.
func nativeAcquireError(err error) error {
	var held *client.HeldError
	if errors.As(err, &held) || errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, client.ErrNoLeader) {
		return errContended
	}
	return err
}

// DefaultTTL is the session's; a lease has that of the campaign.
func (c *nativeClient) DefaultTTL() time.Duration {
	if c.session == nil {
		return 0
	}
	return c.session.TTL()
}

func (c *nativeClient) Do(ctx context.Context, args ...any) (any, error) {
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = fmt.Sprint(arg)
	}
	answer, err := c.cluster.Do(ctx, words...)
	if err != nil {
		return nil, err
	}
	if number, is := answer.Int(); is && answer.Type == wire.Integer {
		return number, nil
	}
	return string(answer.Text), nil
}

func (c *nativeClient) Close() error {
	if c.session == nil {
		return c.cluster.Close()
	}
	return errors.Join(c.session.Close(context.Background()), c.cluster.Close())
}

// nativeLock is what a lock of a session and a lease have in common.
type nativeLock interface {
	Token() uint64
	Context() context.Context
	Remaining() time.Duration
	Release(ctx context.Context) error
}

// nativeHold remembers when its client ceased to believe in it.
type nativeHold struct {
	lock   nativeLock
	holder string
	overUS atomic.Int64
}

func newNativeHold(lock nativeLock, holder string) *nativeHold {
	h := &nativeHold{lock: lock, holder: holder}
	context.AfterFunc(lock.Context(), func() { h.overUS.Store(nowUS()) })
	return h
}

// Holder is how the log calls it.
func (h *nativeHold) Holder() string { return h.holder }

// OverUS is when its client ceased to believe in it, 0 while it does.
func (h *nativeHold) OverUS() int64 { return h.overUS.Load() }

// Token came with the grant.
func (h *nativeHold) Token() int64 { return int64(h.lock.Token()) }

func (h *nativeHold) Extend(ctx context.Context) error {
	if lease, is := h.lock.(*client.Lease); is {
		return nativeOwnerError(lease.Renew(ctx, 0))
	}
	return nativeOwnerError(context.Cause(h.lock.Context())) // its session is renewed by itself
}

func (h *nativeHold) Release(ctx context.Context) error {
	lost := context.Cause(h.lock.Context())
	if err := h.lock.Release(ctx); err != nil {
		return nativeOwnerError(err)
	}
	return nativeOwnerError(lost)
}

func nativeOwnerError(err error) error {
	if errors.Is(err, client.ErrLost) {
		return fmt.Errorf("%w: %w", errNotOwned, err)
	}
	return err
}
