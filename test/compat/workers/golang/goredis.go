package main

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// goRedisClient is go-redis alone: SET NX PX, and scripts that compare before
// they act, through the library's own script helper.
type goRedisClient struct{ connections *redis.Client }

var (
	releaseIfMine = redis.NewScript(`
if redis.call("GET", KEYS[1]) == ARGV[1] then
  return redis.call("DEL", KEYS[1])
end
return 0`)
	extendIfMine = redis.NewScript(`
local holder = redis.call("GET", KEYS[1])
if holder == ARGV[1] then
  return redis.call("PEXPIRE", KEYS[1], ARGV[2])
end
return 0`)
)

func newGoRedis(address string) lockClient {
	return &goRedisClient{redis.NewClient(&redis.Options{Addr: address})}
}

func goRedisDo(connections *redis.Client) func(context.Context, ...any) (any, error) {
	return func(ctx context.Context, args ...any) (any, error) {
		reply, err := connections.Do(ctx, args...).Result()
		if errors.Is(err, redis.Nil) {
			return nil, nil
		}
		return reply, err
	}
}

func (c *goRedisClient) Acquire(ctx context.Context, name string, ttl time.Duration) (heldLock, error) {
	holder := rand.Text()
	granted, err := c.connections.SetNX(ctx, name, holder, ttl).Result()
	if err != nil {
		return nil, err
	}
	if !granted {
		return nil, errContended
	}
	return &goRedisLock{c.connections, name, holder, ttl}, nil
}

func (c *goRedisClient) TryAcquire(ctx context.Context, name string, ttl time.Duration) (heldLock, error) {
	return c.Acquire(ctx, name, ttl)
}

func (c *goRedisClient) DefaultTTL() time.Duration { return 0 }

func (c *goRedisClient) Do(ctx context.Context, args ...any) (any, error) {
	return goRedisDo(c.connections)(ctx, args...)
}

func (c *goRedisClient) Close() error { return c.connections.Close() }

type goRedisLock struct {
	connections *redis.Client
	name        string
	holder      string
	ttl         time.Duration
}

func (l *goRedisLock) Holder() string { return l.holder }

func (l *goRedisLock) Extend(ctx context.Context) error {
	return ownerReply(extendIfMine.Run(ctx, l.connections, []string{l.name}, l.holder, l.ttl.Milliseconds()).Int())
}

func (l *goRedisLock) Release(ctx context.Context) error {
	return ownerReply(releaseIfMine.Run(ctx, l.connections, []string{l.name}, l.holder).Int())
}

func ownerReply(changed int, err error) error {
	if err == nil && changed != 1 {
		return errNotOwned
	}
	return err
}
