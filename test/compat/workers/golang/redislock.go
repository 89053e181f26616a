package main

import (
	"context"
	"errors"
	"time"

	"github.com/bsm/redislock"
	"github.com/redis/go-redis/v9"
)

// redislockClient is bsm/redislock, which by default does not retry.
type redislockClient struct {
	connections *redis.Client
	locks       *redislock.Client
}

func newRedislock(address string) lockClient {
	connections := redis.NewClient(&redis.Options{Addr: address})
	return &redislockClient{connections: connections, locks: redislock.New(connections)}
}

func (c *redislockClient) Acquire(ctx context.Context, name string, ttl time.Duration) (heldLock, error) {
	lock, err := c.locks.Obtain(ctx, name, ttl, nil)
	if errors.Is(err, redislock.ErrNotObtained) {
		return nil, errContended
	}
	return &redislockLock{lock, ttl}, err
}

func (c *redislockClient) TryAcquire(ctx context.Context, name string, ttl time.Duration) (heldLock, error) {
	return c.Acquire(ctx, name, ttl)
}

func (c *redislockClient) DefaultTTL() time.Duration { return 0 }

func (c *redislockClient) Do(ctx context.Context, args ...any) (any, error) {
	return goRedisDo(c.connections)(ctx, args...)
}

func (c *redislockClient) Close() error { return c.connections.Close() }

type redislockLock struct {
	lock *redislock.Lock
	ttl  time.Duration
}

func (l *redislockLock) Holder() string { return l.lock.Token() + l.lock.Metadata() }

func (l *redislockLock) Extend(ctx context.Context) error {
	err := l.lock.Refresh(ctx, l.ttl, nil)
	if errors.Is(err, redislock.ErrNotObtained) {
		return errNotOwned
	}
	return err
}

func (l *redislockLock) Release(ctx context.Context) error {
	err := l.lock.Release(ctx)
	if errors.Is(err, redislock.ErrLockNotHeld) {
		return errNotOwned
	}
	return err
}
