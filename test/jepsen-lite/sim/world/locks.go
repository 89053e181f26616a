package world

import (
	"context"
	"fmt"
	"time"

	"github.com/coordd/coordd/fsm/command"
)

// lockName draws a lock. Some names are used by Redis clients only, some by native ones only, some by both.
func (c *client) lockName(kind string) command.Name {
	if c.chance.IntN(3) == 0 {
		kind = "mixed"
	}
	return command.Name{Key: fmt.Sprintf("%s-%d", kind, c.chance.IntN(2))}
}

// readNames are the names that clients read.
func readNames() (names []command.Name) {
	for _, kind := range []string{"register", "redis", "mixed"} {
		for number := range 3 {
			names = append(names, command.Name{Key: fmt.Sprintf("%s-%d", kind, number)})
		}
	}
	return names
}

// useRedisLocks takes locks as Redis clients do, asks for the token, and gives them back, extends them, or lets them run out.
func (c *client) useRedisLocks() {
	for !c.over() {
		name, value := c.lockName("redis"), c.unique()
		ttl := between(c.chance, 300*time.Millisecond, 2*time.Second)
		asked := c.world.now()
		reply, outcome := c.ask(command.Set{Name: name, Value: []byte(value), Condition: command.IfAbsent, Expiry: relative(ttl)})
		switch {
		case outcome == done && string(reply.Text) == "OK":
			c.promised(renewal{name: name, until: c.world.until(asked, 0, ttl.Milliseconds())}, value)
			c.holdRedisLock(name, value, asked)
		case outcome == done:
			c.look(name)
		case outcome == unknown:
			_, _ = c.ask(command.DeleteIf{Name: name, Condition: command.IfEqual, Operand: []byte(value)})
		}
		c.rest(200 * time.Millisecond)
	}
}

func relative(ttl time.Duration) command.Expiry {
	return command.Expiry{Mode: command.ExpiryRelative, Milliseconds: ttl.Milliseconds()}
}

// promised notes until when the owner of a Redis lock is safe.
func (c *client) promised(promise renewal, value string) {
	promise.value, promise.answered = value, c.world.now()
	add(c.world.history, &c.world.history.renewals, promise)
}

// holdRedisLock is what a holder does.
func (c *client) holdRedisLock(name command.Name, value string, asked moment) {
	reply, outcome := c.ask(command.Fence{Name: name, HasValue: true, Value: []byte(value)})
	if outcome == done && reply.Type == command.ReplyInteger {
		add(c.world.history, &c.world.history.claims, claim{name, command.Token(reply.Integer), value, asked, c.world.now()})
	}
	c.rest(400 * time.Millisecond)
	if c.chance.IntN(3) == 0 {
		c.extend(name, value)
	}
	if c.chance.IntN(4) > 0 {
		_, _ = c.ask(command.DeleteIf{Name: name, Condition: command.IfEqual, Operand: []byte(value)})
	}
}

// extend sets a longer life where the value is still there, as ShedLock and others do, in one step. It never shortens one.
func (c *client) extend(name command.Name, value string) {
	ttl, asked := between(c.chance, 2*time.Second, 3*time.Second), c.world.now()
	reply, outcome := c.ask(command.Set{Name: name, Value: []byte(value), Condition: command.IfEqual, Operand: []byte(value), Expiry: relative(ttl)})
	if outcome == done && string(reply.Text) == "OK" {
		c.promised(renewal{name: name, until: c.world.until(asked, 0, ttl.Milliseconds())}, value)
	}
}

// look asks who holds a name. A native hold answers with a value of its own, which is another one each time.
func (c *client) look(name command.Name) {
	asked := c.world.now()
	reply, outcome := c.ask(command.Get{Name: name})
	if outcome == done {
		c.saw(name, valueOf(reply), asked, c.world.now())
	}
}

// useLocksWithoutSession takes native locks that live by a TTL of their own.
func (c *client) useLocksWithoutSession() {
	for !c.over() {
		name := c.lockName("native")
		ttl, asked := between(c.chance, 400*time.Millisecond, 2*time.Second), c.world.now()
		reply, outcome := c.ask(command.LockAcquire{Name: name.Key, TTLMilliseconds: ttl.Milliseconds()})
		if outcome == done && !reply.IsError() {
			token := command.Token(integer(reply, "token"))
			c.granted(name, "lock "+text(reply, "waiter"), reply, asked)
			c.promisedToken(name, token, reply, asked)
			c.rest(300 * time.Millisecond)
			asked = c.world.now()
			if reply, outcome = c.ask(command.LockRenew{Name: name.Key, Token: token}); outcome == done && !reply.IsError() {
				c.promisedToken(name, token, reply, asked)
			}
			c.rest(300 * time.Millisecond)
			if c.chance.IntN(2) == 0 {
				_, _ = c.ask(command.LockRelease{Name: name.Key, Token: token})
			}
			c.late = append(c.late, command.LockRelease{Name: name.Key, Token: token})
		}
		c.releaseLate()
		c.rest(300 * time.Millisecond)
	}
}

// releaseLate releases once more what was given back or lost some time ago, as a holder does that was stopped. Nobody else may lose anything by it.
func (c *client) releaseLate() {
	if len(c.late) > 4 {
		c.late = c.late[len(c.late)-4:]
	}
	if len(c.late) > 1 && c.chance.IntN(3) == 0 {
		_, _ = c.ask(c.late[c.chance.IntN(len(c.late)-1)])
	}
}

func (c *client) promisedToken(name command.Name, token command.Token, reply command.Reply, asked moment) {
	add(c.world.history, &c.world.history.renewals, renewal{
		name: name, token: token, until: c.world.until(asked, integer(reply, "now_ms"), integer(reply, "deadline_ms")), answered: c.world.now(),
	})
}

// granted notes a grant that the client was told of.
func (c *client) granted(name command.Name, holder string, reply command.Reply, asked moment) {
	add(c.world.history, &c.world.history.claims, claim{name, command.Token(integer(reply, "token")), holder, asked, c.world.now()})
}

// useSessions opens one session after another, keeps each alive while it takes and gives back locks, and then closes it or walks away.
func (c *client) useSessions() {
	for !c.over() {
		s, ok := c.openSession()
		if !ok {
			c.rest(100 * time.Millisecond)
			continue
		}
		for range 1 + c.chance.IntN(6) {
			if s.gone() || c.over() {
				break
			}
			s.useLock()
		}
		close(s.leave)
		<-s.left
		if c.chance.IntN(2) == 0 {
			_, _ = c.ask(command.SessionClose{Session: s.id})
		}
	}
}

// openSession opens a session and keeps it.
func (c *client) openSession() (*session, bool) {
	asked := c.world.now()
	reply, outcome := c.ask(command.SessionOpen{TTLMilliseconds: c.world.setup.sessionTTL.Milliseconds(), ClientName: fmt.Sprint(c.number)})
	if outcome != done {
		return nil, false
	}
	s := &session{client: c, leave: make(chan struct{}), left: make(chan struct{})}
	s.id, _ = command.ParsePosition(text(reply, "session"))
	s.renewed(reply, asked)
	go s.keep(c.world.newClient(c.number + 100))
	return s, true
}

// session is one session of a client.
type session struct {
	client *client
	id     command.SessionID
	owners int
	leave  chan struct{} // closed when the client keeps it no longer
	left   chan struct{} // closed when it is not kept any more
}

// renewed notes until when the session is safe.
func (s *session) renewed(reply command.Reply, asked moment) {
	w := s.client.world
	add(w.history, &w.history.renewals, renewal{
		session: s.id, until: w.until(asked, integer(reply, "now_ms"), integer(reply, "deadline_ms")), answered: w.now(),
	})
}

// keepalive is one of the two requests that keep a session.
func (s *session) keepalive() command.Op {
	if s.client.number%2 == 0 {
		return command.SessionKeepAlive{Session: s.id}
	}
	return command.SessionRenew{By: command.Credentials{Session: s.id}}
}

// keep renews the session three times in its TTL, over a connection of its own, until the client leaves or the session is gone.
func (s *session) keep(connection *client) {
	defer close(s.left)
	for {
		select {
		case <-time.After(s.client.world.setup.sessionTTL / 3):
		case <-s.leave:
			return
		}
		asked := s.client.world.now()
		reply, outcome := connection.ask(s.keepalive())
		switch {
		case outcome != done:
		case reply.IsError():
			return
		default:
			s.renewed(reply, asked)
		}
	}
}

// gone reports whether the session is not kept any more.
func (s *session) gone() bool {
	select {
	case <-s.left:
		return true
	default:
		return false
	}
}

// useLock takes a lock, waiting for it perhaps, and gives it back.
func (s *session) useLock() {
	c, name := s.client, s.client.lockName("native")
	s.owners++
	acquire := command.LockAcquire{Name: name.Key, Session: s.id, Owner: fmt.Sprintf("o%d", s.owners)}
	if c.chance.IntN(3) > 0 {
		acquire.WaitMilliseconds = between(c.chance, 100*time.Millisecond, 4*time.Second).Milliseconds()
	}
	asked := c.world.now()
	reply, outcome := c.ask(acquire)
	for outcome == unknown && !s.gone() { // the owner asks again for what it may have, and is answered with what became of it
		reply, outcome = c.ask(acquire)
	}
	if outcome == done && integer(reply, "queued") > 0 {
		reply, outcome = s.await(name, text(reply, "waiter"))
	}
	if outcome == done && integer(reply, "token") > 0 {
		c.granted(name, fmt.Sprintf("session %s owner %s", s.id, acquire.Owner), reply, asked)
		c.rest(300 * time.Millisecond)
		release := command.LockRelease{Name: name.Key, Token: command.Token(integer(reply, "token")), Session: s.id}
		if c.chance.IntN(5) > 0 {
			_, _ = c.ask(release)
		}
		c.late = append(c.late, release)
	}
	c.releaseLate()
	c.rest(100 * time.Millisecond)
}

// await waits for a place in a line to come up, at whatever nodes there are, or gives it up.
func (s *session) await(name command.Name, place string) (command.Reply, outcome) {
	c := s.client
	waiter, err := command.ParsePosition(place)
	if err != nil {
		c.world.violate(linearizable, "a place in the line for %q has the id %q", name.Key, place)
		return command.Reply{}, failed
	}
	if c.chance.IntN(4) == 0 {
		c.rest(500 * time.Millisecond)
		_, _ = c.ask(command.LockCancel{Name: name.Key, Waiter: waiter})
		return command.Reply{}, failed
	}
	for !s.gone() && !c.over() {
		if c.node == nil || c.node != c.world.cluster.Node(c.place) {
			c.reconnect()
		}
		if c.node == nil {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		reply, err := c.node.Await(ctx, name.Key, waiter)
		cancel()
		c.world.fingerprint("awaited", uint64(c.number), uint64(reply.Type))
		if err == nil && !c.life.over.Load() {
			c.world.count("awaited")
			return reply, done
		}
		c.reconnect()
		c.rest(50 * time.Millisecond)
	}
	return command.Reply{}, failed
}
