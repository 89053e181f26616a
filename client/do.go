package client

import (
	"context"
	"errors"
	"time"
)

// releasePatience bounds how long Do waits for the answer to its release; the release itself goes on in the background.
const releasePatience = 5 * time.Second

// Do runs a function under a lock: it waits for the lock as [Session.Lock] does, runs the function, and gives the lock back when it has returned, also when it panics. The function gets
// a context that ends with the lock and with ctx, and the fencing token, to send along to what the lock protects. The cluster is told of a lost lock only after the function has
// returned, so the next holder of a forced unlock does not begin before.
//
// The error is the function's. If the lock was lost while the function ran it also wraps the [*LostError], whatever the function returned: what it did may have been done beside another
// holder, unless the token kept that out.
func (s *Session) Do(ctx context.Context, name string, work func(ctx context.Context, token uint64) error, options ...LockOption) (err error) {
	held, err := s.Lock(ctx, name, options...)
	if err != nil {
		return err
	}
	return held.Do(ctx, work)
}

// Do runs a function under a lock that is held, as [Session.Do] does, and releases it.
func (h *Held) Do(ctx context.Context, work func(ctx context.Context, token uint64) error) (err error) {
	working, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(h.ctx, func() { cancel(context.Cause(h.ctx)) })
	defer func() {
		stop()
		cancel(nil)
		var lost *LostError
		if errors.As(context.Cause(h.ctx), &lost) {
			err = errors.Join(err, lost)
		}
		patience, done := context.WithTimeout(context.WithoutCancel(ctx), releasePatience)
		defer done()
		_ = h.Release(patience) // it goes on in the background, and an error of it would hide what the function did
	}()
	return work(working, h.Token())
}
