package workload

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/store"
)

// What fenced-register does unless it is told otherwise.
const (
	DefaultThink     = 60 * time.Millisecond
	DefaultRegisters = 2
)

// fencedActor changes a register outside of the cluster under a lock. It is careless on purpose: it never looks whether it still holds the lock before it
// writes, as a process that was stopped between looking and writing cannot. Only the token stands between it and a lost update.
func fencedActor(ctx context.Context, a *Actor) {
	for ctx.Err() == nil {
		session := a.openSession(ctx)
		if session == nil {
			continue
		}
		for ctx.Err() == nil && session.Context().Err() == nil {
			a.changeUnderLock(ctx, session)
			a.rest(ctx, 40*time.Millisecond)
		}
		a.closeSession(session)
	}
}

func (a *Actor) changeUnderLock(ctx context.Context, session *client.Session) {
	op := a.Record.Invoke(history.Event{Op: OpAcquire, Key: a.nameOf(cmp.Or(a.Registers, DefaultRegisters), longEpoch), Holder: session.ID()})
	limit, cancel := a.limited()
	defer cancel()
	held, err := session.TryLock(limit, op.Key)
	if !a.granted(op, held, err) {
		return
	}
	a.change(ctx, op.Key, int64(held.Token()))
	a.release(held, belief{})
}

// change reads the register, thinks, and writes.
func (a *Actor) change(ctx context.Context, key string, token int64) {
	limit, cancel := context.WithTimeout(context.Background(), time.Minute) // the process may be stopped in between
	defer cancel()
	request := store.Request{Process: fmt.Sprintf("%s/%s/%d", a.Process, a.workload, a.number), Key: key, Token: token}
	read, err := a.Store.Do(limit, request)
	if err != nil || !read.Accepted {
		return
	}
	a.rest(ctx, cmp.Or(a.Think, DefaultThink))
	request.Write, request.Base, request.Value = true, read.Value, a.unique()
	_, _ = a.Store.Do(limit, request) // the store writes down what it did
}
