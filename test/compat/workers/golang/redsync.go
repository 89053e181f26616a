package main

import (
	"context"
	"errors"
	"time"

	"github.com/go-redsync/redsync/v4"
	redsyncredis "github.com/go-redsync/redsync/v4/redis"
	redsyncgoredis "github.com/go-redsync/redsync/v4/redis/goredis/v9"
	redsyncredigo "github.com/go-redsync/redsync/v4/redis/redigo"
	redigo "github.com/gomodule/redigo/redis"
	"github.com/redis/go-redis/v9"
)

// redsyncClient is redsync over one pool, with redsync's default settings.
type redsyncClient struct {
	sync  *redsync.Redsync
	do    func(ctx context.Context, args ...any) (any, error)
	close func() error
}

func newRedsyncGoRedis(address string) lockClient {
	connections := redis.NewClient(&redis.Options{Addr: address})
	return &redsyncClient{
		sync:  redsync.New(redsyncgoredis.NewPool(connections)),
		do:    goRedisDo(connections),
		close: connections.Close,
	}
}

func newRedsyncRedigo(address string) lockClient {
	pool := &redigo.Pool{
		MaxIdle:     3,
		IdleTimeout: 240 * time.Second,
		DialContext: func(ctx context.Context) (redigo.Conn, error) { return redigo.DialContext(ctx, "tcp", address) },
		TestOnBorrow: func(conn redigo.Conn, since time.Time) error {
			if time.Since(since) < time.Minute {
				return nil
			}
			_, err := conn.Do("PING")
			return err
		},
	}
	return &redsyncClient{
		sync:  redsync.New([]redsyncredis.Pool{redsyncredigo.NewPool(pool)}...),
		do:    redigoDo(pool),
		close: pool.Close,
	}
}

func redigoDo(pool *redigo.Pool) func(context.Context, ...any) (any, error) {
	return func(ctx context.Context, args ...any) (any, error) {
		conn, err := pool.GetContext(ctx)
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		return redigo.DoContext(conn, ctx, args[0].(string), args[1:]...)
	}
}

func (c *redsyncClient) mutex(name string, ttl time.Duration) *redsync.Mutex {
	if ttl == 0 {
		return c.sync.NewMutex(name)
	}
	return c.sync.NewMutex(name, redsync.WithExpiry(ttl))
}

func (c *redsyncClient) Acquire(ctx context.Context, name string, ttl time.Duration) (heldLock, error) {
	mutex := c.mutex(name, ttl)
	return redsyncLock{mutex}, redsyncAcquireError(mutex.LockContext(ctx))
}

func (c *redsyncClient) TryAcquire(ctx context.Context, name string, ttl time.Duration) (heldLock, error) {
	mutex := c.mutex(name, ttl)
	return redsyncLock{mutex}, redsyncAcquireError(mutex.TryLockContext(ctx))
}

func (c *redsyncClient) DefaultTTL() time.Duration { return 8 * time.Second }

func (c *redsyncClient) Do(ctx context.Context, args ...any) (any, error) { return c.do(ctx, args...) }

func (c *redsyncClient) Close() error { return c.close() }

func redsyncAcquireError(err error) error {
	var taken *redsync.ErrTaken
	if errors.Is(err, redsync.ErrFailed) || errors.As(err, &taken) {
		return errContended
	}
	return err
}

type redsyncLock struct{ mutex *redsync.Mutex }

func (l redsyncLock) Holder() string { return l.mutex.Value() }

func (l redsyncLock) Extend(ctx context.Context) error {
	return redsyncOwnerError(l.mutex.ExtendContext(ctx))
}

func (l redsyncLock) Release(ctx context.Context) error {
	return redsyncOwnerError(l.mutex.UnlockContext(ctx))
}

func redsyncOwnerError(ok bool, err error) error {
	var taken *redsync.ErrTaken
	switch {
	case errors.Is(err, redsync.ErrLockAlreadyExpired), errors.As(err, &taken), errors.Is(err, redsync.ErrExtendFailed):
		return errNotOwned
	case err != nil:
		return err
	case !ok:
		return errNotOwned
	}
	return nil
}
