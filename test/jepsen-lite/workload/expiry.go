package workload

import (
	"context"
	"strconv"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/transport/resp/wire"
)

// OpExpired is a note: a lease that was last extended by a request sent at Sent, for TTL, was over no later than the note's instant, since another was granted its name
// then. Value tells the kind of lease.
const OpExpired = "expired"

// expiryActor takes a lease, extends it a few times, and then only watches how long it takes until another can have its name.
func expiryActor(ctx context.Context, a *Actor) {
	for ctx.Err() == nil {
		lease := lease{actor: a, key: "expiry/" + a.unique()}
		kinds := []func() bool{lease.native, lease.redis, lease.session}
		if !kinds[a.Random.IntN(len(kinds))]() {
			a.rest(ctx, 100*time.Millisecond)
			continue
		}
		for extensions := a.Random.IntN(3); extensions > 0 && ctx.Err() == nil; extensions-- {
			a.rest(ctx, a.TTL/2)
			lease.extend()
		}
		lease.watch(ctx)
	}
}

// lease is one that somebody takes and abandons.
type lease struct {
	actor  *Actor
	key    string
	kind   string
	sent   int64    // when the last request was sent that was granted and extended it
	again  []string // extends it
	isDone func(wire.Value) bool
}

func (l *lease) ask(arguments ...string) (wire.Value, bool) {
	limit, cancel := l.actor.limited()
	defer cancel()
	answer, err := l.actor.Cluster.Do(limit, arguments...)
	return answer, err == nil
}

func (l *lease) native() bool {
	sent := history.Now()
	answer, ok := l.ask("LOCK.ACQUIRE", l.key, "PX", milliseconds(l.actor.TTL))
	token, found := answer.Lookup("token")
	if !ok || !found {
		return false
	}
	number, _ := token.Int()
	l.kind, l.sent = "native", sent
	l.again = []string{"LOCK.RENEW", l.key, strconv.FormatInt(number, 10)}
	l.isDone = isDeadline
	return true
}

func (l *lease) redis() bool {
	value, sent := l.actor.unique(), history.Now()
	answer, ok := l.ask("SET", l.key, value, "NX", "PX", milliseconds(l.actor.TTL))
	if !ok || answer.Type != wire.Status {
		return false
	}
	l.kind, l.sent = "redis", sent
	l.again = []string{"EVAL", extendScript, "1", l.key, value, milliseconds(l.actor.TTL)}
	l.isDone = func(answer wire.Value) bool { number, ok := answer.Int(); return ok && number == 1 }
	return true
}

func (l *lease) session() bool {
	sent := history.Now()
	answer, ok := l.ask("SESSION.OPEN", "PX", milliseconds(l.actor.TTL), "NAME", l.actor.Process)
	id, hasID := answer.Lookup("session")
	secret, hasSecret := answer.Lookup("secret")
	if !ok || !hasID || !hasSecret {
		return false
	}
	if _, ok := l.ask("LOCK.ACQUIRE", l.key, "SESSION", string(id.Text), string(secret.Text)); !ok {
		return false
	}
	l.kind, l.sent = "session", sent
	l.again = []string{"SESSION.RENEW", string(id.Text), string(secret.Text)}
	l.isDone = isDeadline
	return true
}

// extend counts only when it was answered: what nobody heard of may have extended the lease, and then it only lasts longer.
func (l *lease) extend() {
	sent := history.Now()
	if answer, ok := l.ask(l.again...); ok && l.isDone(answer) {
		l.sent = sent
	}
}

// watch tries to get the name, as another, until it does.
func (l *lease) watch(ctx context.Context) {
	a := l.actor
	a.Record.Note(history.Event{Op: OpAbandon, Key: l.key, Sent: l.sent, TTL: a.TTL.Milliseconds(), Value: l.kind})
	for ctx.Err() == nil {
		answer, ok := l.ask("SET", l.key, a.unique(), "NX", "PX", "50")
		if ok && answer.Type == wire.Status {
			a.Record.Note(history.Event{Op: OpExpired, Key: l.key, Sent: l.sent, TTL: a.TTL.Milliseconds(), Value: l.kind})
			return
		}
		a.rest(ctx, 30*time.Millisecond)
	}
}
