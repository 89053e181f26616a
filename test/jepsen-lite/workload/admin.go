package workload

import (
	"context"
	"strconv"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/test/jepsen-lite/history"
)

// The operations of operators in a history.
const (
	OpForce = "force" // ends the hold of a lock; Value is how many were ended
	OpKill  = "kill"  // ends the session of a lock's holder, Holder
	OpLook  = "look"  // reads who holds a lock: Token and ID, 0 and empty for nobody
)

const adminNames = 2

// adminActor holds locks, and as an operator takes them from others: not at once, so that whoever had one may count on it until it has been told.
func adminActor(ctx context.Context, a *Actor) {
	a.inSessions(ctx, func(ctx context.Context, session *client.Session) {
		key := a.name(adminNames)
		switch a.Random.IntN(5) {
		case 0:
			a.force(key)
		case 1:
			a.killHolder(key)
		default:
			op := history.Event{Key: key, Holder: session.ID()}
			a.take(ctx, op, a.TTL, func(ctx context.Context) (*client.Held, error) { return session.TryLock(ctx, key) })
		}
		a.rest(ctx, 100*time.Millisecond)
	})
}

const reason = "the harness takes locks away"

func (a *Actor) force(key string) {
	op := a.Record.Invoke(history.Event{Op: OpForce, Key: key})
	limit, cancel := a.limited()
	defer cancel()
	forced, err := a.Cluster.ForceUnlock(limit, key, client.Force{Reason: reason})
	op.Value = strconv.Itoa(forced.Ended)
	a.Record.End(op, outcome(err), err)
}

// killHolder looks who holds a lock and, now and then, ends that session.
func (a *Actor) killHolder(key string) {
	op := a.Record.Invoke(history.Event{Op: OpLook, Key: key})
	limit, cancel := a.limited()
	defer cancel()
	info, err := a.Cluster.Info(limit, key)
	session := ""
	if len(info.Holders) == 1 {
		op.Token, op.ID, session = int64(info.Token), info.Holders[0].ID, info.Holders[0].Session
	}
	a.Record.End(op, outcome(err), err)
	if session == "" || a.Random.IntN(4) != 0 {
		return
	}
	kill := a.Record.Invoke(history.Event{Op: OpKill, Key: key, Holder: session})
	_, err = a.Cluster.KillSession(limit, session, reason, false)
	a.Record.End(kill, outcome(err), err)
}
