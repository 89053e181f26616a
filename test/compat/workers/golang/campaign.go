package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// campaign takes and releases locks of a few shared names until the time is over.
type campaign struct {
	client lockClient
	names  []string
	ttl    time.Duration
	fence  bool
	until  time.Time

	mu      sync.Mutex
	summary line
}

// attemptLimit ends an attempt that a library would go on with for ever.
const attemptLimit = 10 * time.Second

func (c *campaign) run(ctx context.Context, loops int) {
	if own := c.client.DefaultTTL(); own != 0 {
		c.ttl = own
	}
	var wait sync.WaitGroup
	for range loops {
		wait.Go(func() {
			for time.Now().Before(c.until) && ctx.Err() == nil {
				c.once(ctx, c.names[rand.IntN(len(c.names))])
			}
		})
	}
	wait.Wait()
	c.summary.Event = "summary"
	say(c.summary)
}

func (c *campaign) once(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(ctx, attemptLimit)
	defer cancel()
	held := line{Event: "held", Name: name, SentUS: nowUS(), TTLMS: c.ttl.Milliseconds()}
	c.count(func(s *line) { s.Attempts++ })
	lock, err := c.client.Acquire(ctx, name, c.requestTTL())
	if err != nil {
		c.failed("acquire", name, "", err)
		time.Sleep(randomUpTo(100 * time.Millisecond))
		return
	}
	held.FromUS, held.Holder = nowUS(), lock.Holder()
	held.Token = c.token(ctx, name, lock)
	time.Sleep(randomUpTo(150 * time.Millisecond))
	if rand.IntN(3) == 0 {
		c.extend(ctx, lock, &held)
	}
	held.UntilUS = believedUntil(lock)
	held.End = "released"
	if err := lock.Release(ctx); err != nil {
		held.End = "unknown"
		if errors.Is(err, errNotOwned) {
			held.End = "not_owned"
		}
		c.failed("release", name, held.Holder, err)
	}
	c.count(func(s *line) { s.Held++ })
	say(held)
}

// token is the lock's fencing token, 0 if it is not known.
func (c *campaign) token(ctx context.Context, name string, lock heldLock) int64 {
	if granted, has := lock.(tokenHolder); has {
		return granted.Token()
	}
	if !c.fence {
		return 0
	}
	token, err := integer(c.client.Do(ctx, "FENCE", name, lock.Holder()))
	if err != nil {
		c.failed("fence", name, lock.Holder(), err)
	}
	return token
}

// believedUntil is until when the client has counted on the lock: until now, unless it has known before that it is lost.
func believedUntil(lock heldLock) int64 {
	if knowing, is := lock.(believer); is && knowing.OverUS() != 0 {
		return knowing.OverUS()
	}
	return nowUS()
}

// requestTTL leaves a library that has a default of its own with it.
func (c *campaign) requestTTL() time.Duration {
	if c.client.DefaultTTL() != 0 {
		return 0
	}
	return c.ttl
}

func (c *campaign) extend(ctx context.Context, lock heldLock, held *line) {
	began := nowUS()
	if err := lock.Extend(ctx); err != nil {
		c.failed("extend", held.Name, held.Holder, err)
		return
	}
	held.LastExtendUS = began
	time.Sleep(randomUpTo(100 * time.Millisecond))
}

func (c *campaign) failed(operation, name, holder string, err error) {
	if errors.Is(err, errContended) {
		c.count(func(s *line) { s.Contended++ })
		return
	}
	c.count(func(s *line) { s.Errors++ })
	say(line{Event: "error", Operation: operation, Name: name, Holder: holder, Message: err.Error(), AtUS: nowUS()})
}

func (c *campaign) count(change func(*line)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.summary)
}

func randomUpTo(limit time.Duration) time.Duration { return rand.N(limit) }
