package resp

import (
	"context"
	"sync"

	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport"
	"github.com/coordd/coordd/transport/native"
	"github.com/coordd/coordd/transport/resp/wire"
)

// Following the log: what happens to locks and sessions, in log order, from any position that the node still has.
func eventRows() []*row {
	const flags, categories, group = "readonly noscript", "@read @slow", "events"
	one := func(name string, arity int, more, usage, summary string, handle func(*connection, [][]byte)) *row {
		return &row{name: name, arity: arity, flags: flags + more, categories: categories, group: group, inMulti: refusedInMulti, handle: handle, usage: usage, summary: summary}
	}
	const filters = "[NAME name | PREFIX prefix | SESSION id ...]"
	return []*row{
		one("events.read", -2, " blocking", "position|$ "+filters+" [COUNT n] [BLOCK ms]", "Answers what happened to locks and sessions after a position, and where to go on; BLOCK waits for the first event.", (*connection).readEvents),
		one("events.subscribe", -2, "", "position|$ "+filters, "Pushes what happens to locks and sessions after a position; RESP3 only.", (*connection).subscribeEvents),
		one("events.unsubscribe", 1, "", "", "Ends the subscription to events.", (*connection).unsubscribeEvents),
	}
}

func (c *connection) readEvents(argv [][]byte) {
	f, refusal := native.ReadEvents(argv, c.server.config.Node.Status().AppliedIndex)
	switch {
	case refusal != nil:
		c.reply(*refusal)
	case f.BlockMs > 0 && c.carriesKeepalives:
		c.reply(errorf("EVENTS.READ with BLOCK is refused on a connection that has sent SESSION.RENEW: while it waits no keepalive could pass; subscribe, or read on a connection of its own"))
	default:
		c.carryOut()
		c.answerEvents(f.After, f.Count, &f.Filter, f.BlockMs)
	}
}

func (c *connection) answerEvents(after command.Position, count int, filter *native.EventFilter, block int64) {
	if c.dropped || c.closing {
		return
	}
	ctx, cancel := context.WithTimeout(c.ctx, milliseconds(block))
	defer cancel()
	defer context.AfterFunc(c.server.stopping, cancel)()
	if block > 0 {
		if c.flush() != nil {
			return
		}
		c.hangup.start(0)
		defer c.hangup.stop()
	}
	page, err := c.server.config.Node.Events(ctx, after, count, filter.Wants, block > 0)
	if err != nil {
		c.reply(failureReply(err))
		return
	}
	rows := make([]command.Reply, len(page.Events))
	for i := range page.Events {
		rows[i] = eventReply(&page.Events[i])
	}
	c.reply(command.Map(bulk("position"), bulk(page.Next.String()), bulk("events"), command.Array(rows...)))
}

func (c *connection) subscribeEvents(argv [][]byte) {
	f, refusal := native.SubscribeEvents(argv, c.server.config.Node.Status().AppliedIndex)
	switch {
	case refusal != nil:
		c.reply(*refusal)
		return
	case c.protocol != wire.RESP3:
		c.reply(errorf("EVENTS.SUBSCRIBE pushes, which RESP2 cannot tell from answers; send HELLO 3, or use EVENTS.READ"))
		return
	}
	c.unfollow()
	ctx, cancel := context.WithCancel(c.life)
	c.following = cancel
	c.reply(command.Map(bulk("position"), bulk(f.After.String())))
	c.batch.slots[len(c.batch.slots)-1].after = func() {
		c.beside(func(life context.Context) {
			defer context.AfterFunc(life, cancel)()
			c.follow(ctx, f.After, &f.Filter)
		})
	}
}

// followedPage is how many events are pushed before the log is asked again.
const followedPage = 256

// follow pushes events until ctx ends, or until the node no longer has what comes next.
func (c *connection) follow(ctx context.Context, after command.Position, filter *native.EventFilter) {
	for ctx.Err() == nil {
		page, err := c.server.config.Node.Events(ctx, after, followedPage, filter.Wants, true)
		if err != nil {
			c.push("events-lost", bulk(after.String()), command.Bulk(failureReply(err).Text))
			return
		}
		if len(page.Events) == 0 {
			return // ctx has ended, or the node has
		}
		after = page.Next
		for i := range page.Events {
			if ctx.Err() != nil {
				return
			}
			c.push("event", eventReply(&page.Events[i]))
		}
	}
}

func (c *connection) unsubscribeEvents([][]byte) {
	c.unfollow()
	c.reply(command.OK())
}

// unfollow ends the subscription to events, if there is one.
func (c *connection) unfollow() {
	if c.following != nil {
		c.following()
		c.following = nil
	}
}

// eventReply tells an event as a map.
func eventReply(event *transport.Event) command.Reply {
	id := func(p command.Position) command.Reply {
		if p.IsZero() {
			return bulk("")
		}
		return bulk(p.String())
	}
	return command.Map(
		bulk("position"), bulk(event.Position.String()),
		bulk("at_ms"), command.Integer(int64(event.At)),
		bulk("type"), bulk(event.Type.String()),
		bulk("name"), bulk(event.Name.Key),
		bulk("database"), command.Integer(int64(event.Name.Database)),
		bulk("token"), command.Integer(int64(event.Token)),
		bulk("waiter"), id(event.Waiter),
		bulk("mode"), bulk(event.Mode),
		bulk("session"), id(event.Session),
		bulk("owner"), bulk(event.Owner),
		bulk("holder"), bulk(event.Holder),
		bulk("reason"), bulk(event.Reason),
		bulk("actor"), bulk(event.Actor),
		bulk("why"), bulk(event.Why),
		bulk("meta"), command.Bulk(event.Metadata),
		bulk("until_ms"), command.Integer(int64(event.Deadline)),
	)
}

// renewers are the connections that renewed a session last, and can be told at once that it has lost something. Keepalives tell it too, until it was
// acknowledged; this is only sooner.
type renewers struct {
	server *Server

	mu        sync.Mutex
	sessions  map[command.SessionID]*connection
	following bool
}

// renewed notes who renews a session.
func (r *renewers) renewed(session command.SessionID, c *connection) {
	if c.protocol != wire.RESP3 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sessions == nil {
		r.sessions = map[command.SessionID]*connection{}
	}
	r.sessions[session] = c
	c.renews[session] = true
	if !r.following {
		r.following = true
		r.server.connections.Add(1) // this connection is counted, so nobody has waited for zero yet
		go r.follow()
	}
}

// forget takes a connection out that ends.
func (r *renewers) forget(c *connection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for session := range c.renews {
		if r.sessions[session] == c {
			delete(r.sessions, session)
		}
	}
}

// follow pushes losses until the server stops.
func (r *renewers) follow() {
	defer r.server.connections.Done()
	now := native.Now(r.server.config.Node.Status().AppliedIndex)
	lost := func(event *fsm.Event) bool { return event.Type == fsm.EventLost || event.Type == fsm.EventSessionEnded }
	for r.server.stopping.Err() == nil {
		page, err := r.server.config.Node.Events(r.server.stopping, now, followedPage, lost, true)
		if err != nil { // it fell behind, and keepalives tell what it missed
			now = native.Now(r.server.config.Node.Status().AppliedIndex)
			continue
		}
		if len(page.Events) == 0 {
			return // the node has ended, and does not wait for anything any more
		}
		now = page.Next
		for i := range page.Events {
			r.tell(&page.Events[i])
		}
	}
}

func (r *renewers) tell(event *transport.Event) {
	r.mu.Lock()
	c := r.sessions[event.Session]
	if c != nil && event.Type == fsm.EventSessionEnded {
		delete(r.sessions, event.Session)
		delete(c.renews, event.Session)
	}
	r.mu.Unlock()
	if c != nil && event.Type == fsm.EventLost {
		c.push("lost", bulk(event.Session.String()), lossReply(event))
	}
}

// lossReply tells a loss as answers to keepalives do.
func lossReply(event *transport.Event) command.Reply {
	return command.Map(
		bulk("name"), bulk(event.Name.Key),
		bulk("waiter"), bulk(event.Waiter.String()),
		bulk("token"), command.Integer(int64(event.Token)),
		bulk("owner"), bulk(event.Owner),
		bulk("mode"), bulk(event.Mode),
		bulk("reason"), bulk(event.Reason),
		bulk("actor"), bulk(event.Actor),
		bulk("why"), bulk(event.Why),
		bulk("at_ms"), command.Integer(int64(event.At)),
		bulk("until_ms"), command.Integer(int64(event.Deadline)),
	)
}
