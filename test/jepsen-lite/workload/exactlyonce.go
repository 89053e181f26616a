package workload

import (
	"context"
	"strconv"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/history"
)

// OpAgain sends an acquire again under the number that it had. Token is the answer; fail with an error says what has become of it since.
const OpAgain = "again"

const onceNames = 2

// onceActor does by hand what the client library does when an answer is late: it sends the same request again, at once and after its lock was given back. Whatever the answers, the request
// may have had one effect.
func onceActor(ctx context.Context, a *Actor) {
	for ctx.Err() == nil {
		session := a.openRaw()
		if session == nil {
			a.rest(ctx, 100*time.Millisecond)
			continue
		}
		for number := int64(1); ctx.Err() == nil && number < 20; number += 2 {
			if !a.once(ctx, session, number) {
				break
			}
			a.rest(ctx, 40*time.Millisecond)
		}
		limit, cancel := a.limited()
		_, _ = a.Cluster.Do(limit, "SESSION.CLOSE", session.id, session.secret) // it ends by itself otherwise
		cancel()
	}
}

// rawSession is one that nobody renews.
type rawSession struct{ id, secret string }

func (a *Actor) openRaw() *rawSession {
	limit, cancel := a.limited()
	defer cancel()
	answer, err := a.Cluster.Do(limit, "SESSION.OPEN", "PX", milliseconds(5*a.TTL), "NAME", a.Process)
	id, hasID := answer.Lookup("session")
	secret, hasSecret := answer.Lookup("secret")
	if err != nil || !hasID || !hasSecret {
		return nil
	}
	return &rawSession{string(id.Text), string(secret.Text)}
}

// once takes a lock, repeats the request, gives the lock back and repeats both. It is false when the session is of no more use.
func (a *Actor) once(ctx context.Context, session *rawSession, number int64) bool {
	key := a.name(onceNames)
	request := []string{"LOCK.ACQUIRE", key, "SESSION", session.id, session.secret, "OWNER", a.unique(), "REQUEST", strconv.FormatInt(number, 10)}
	token := a.numbered(OpAcquire, key, session, number, request)
	for range 1 + a.Random.IntN(2) {
		if again := a.numbered(OpAgain, key, session, number, request); token == 0 {
			token = again
		}
	}
	if token == 0 {
		return a.Random.IntN(2) == 0
	}
	a.rest(ctx, 10*time.Millisecond)
	release := []string{"LOCK.RELEASE", key, strconv.FormatInt(token, 10), "SESSION", session.id, session.secret, "REQUEST", strconv.FormatInt(number+1, 10)}
	limit, cancel := a.limited()
	defer cancel()
	_, _ = a.Cluster.Do(limit, release...)
	_, _ = a.Cluster.Do(limit, release...)
	a.numbered(OpAgain, key, session, number, request)
	return true
}

// numbered sends a numbered acquire and returns the token of its answer, 0 for none.
func (a *Actor) numbered(op, key string, session *rawSession, number int64, request []string) int64 {
	event := a.Record.Invoke(history.Event{Op: op, Key: key, Holder: session.id, Number: number})
	limit, cancel := a.limited()
	defer cancel()
	answer, err := a.Cluster.Do(limit, request...)
	if err == nil {
		token, _ := answer.Lookup("token")
		waiter, _ := answer.Lookup("waiter")
		event.Token, _ = token.Int()
		event.ID = string(waiter.Text)
	}
	a.Record.End(event, outcome(err), err)
	return event.Token
}
