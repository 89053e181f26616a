package workload

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/transport/resp/wire"
)

// The operations of native locks without a session. Each names the token; fail says that the lock is not held with it.
const (
	OpRenew = "renew"
	OpDrop  = "drop"
)

const leaseNames = 2

// leaseActor takes locks that have a time to live of their own. Now and then it gives one back twice, as a client does whose first answer was late: the second must not
// take the lock from whoever has it then.
func leaseActor(ctx context.Context, a *Actor) {
	var dropped []history.Event
	for ctx.Err() == nil {
		op, granted := a.acquireLease(a.name(leaseNames))
		a.rest(ctx, 40*time.Millisecond)
		if granted {
			if a.Random.IntN(4) == 0 {
				a.withToken(OpRenew, op, "LOCK.RENEW")
				a.rest(ctx, 40*time.Millisecond)
			}
			a.withToken(OpDrop, op, "LOCK.RELEASE")
			dropped = append(dropped, op)
		}
		if len(dropped) > 0 && a.Random.IntN(3) == 0 {
			late := dropped[len(dropped)-1]
			a.withToken(OpDrop, late, "LOCK.RELEASE")
		}
		a.rest(ctx, 40*time.Millisecond)
	}
}

func (a *Actor) acquireLease(key string) (history.Event, bool) {
	op := a.Record.Invoke(history.Event{Op: OpAcquire, Key: key, TTL: a.TTL.Milliseconds()})
	limit, cancel := a.limited()
	defer cancel()
	answer, err := a.Cluster.Do(limit, "LOCK.ACQUIRE", key, "PX", milliseconds(a.TTL))
	if err != nil {
		op.Value = heldToken(err)
		a.Record.End(op, outcome(err), err)
		return op, false
	}
	token, _ := answer.Lookup("token")
	op.Token, _ = token.Int()
	a.Record.End(op, history.OK, nil)
	return op, true
}

var holdersToken = regexp.MustCompile(`\(token (\d+)\)`)

// heldToken reads the holder's token out of a refusal, "0" if it names none, and nothing out of any other error.
func heldToken(err error) string {
	var refused *client.ServerError
	if !errors.As(err, &refused) || refused.Code != "HELD" {
		return ""
	}
	if match := holdersToken.FindStringSubmatch(refused.Text); match != nil {
		return match[1]
	}
	return "0"
}

// withToken renews or gives back what was acquired. A refusal that says that the token does not hold the lock is an answer, and carries no error.
func (a *Actor) withToken(op string, acquired history.Event, command string) {
	event := a.Record.Invoke(history.Event{Op: op, Key: acquired.Key, Token: acquired.Token, TTL: a.TTL.Milliseconds()})
	limit, cancel := a.limited()
	defer cancel()
	_, err := a.Cluster.Do(limit, command, acquired.Key, strconv.FormatInt(acquired.Token, 10))
	var refused *client.ServerError
	if errors.As(err, &refused) && refused.Code == "NOTHELD" {
		a.Record.End(event, history.Fail, nil)
		return
	}
	a.Record.End(event, outcome(err), err)
}

const keeperNames = 2

// keeperActor holds a lock for up to three times its session's time to live, kept alive by renewals alone.
func keeperActor(ctx context.Context, a *Actor) {
	for ctx.Err() == nil {
		session := a.openSession(ctx)
		if session == nil {
			continue
		}
		for ctx.Err() == nil && session.Context().Err() == nil {
			op := a.Record.Invoke(history.Event{Op: OpAcquire, Key: a.nameOf(keeperNames, longEpoch), Holder: session.ID()})
			limit, cancel := a.limited()
			held, err := session.TryLock(limit, op.Key)
			cancel()
			if a.granted(op, held, err) {
				a.release(held, a.hold(ctx, held, 3*a.TTL))
			}
			a.rest(ctx, 50*time.Millisecond)
		}
		a.closeSession(session)
	}
}

// isDeadline says that an answer tells until when something holds.
func isDeadline(answer wire.Value) bool {
	_, found := answer.Lookup("deadline_ms")
	return found
}
