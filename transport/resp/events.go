package resp

import (
	"context"
	"math"
	"strings"
	"sync"

	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport"
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

// eventFilter says which events somebody wants: all, or those of some names or sessions.
type eventFilter struct {
	names, prefixes []string
	sessions        []command.SessionID
}

// maxEventFilters bounds how many names, prefixes and sessions one follower asks for.
const maxEventFilters = 256

func (f *eventFilter) option(o *options) bool {
	o.seen = nil // these may stand there many times
	if len(f.names)+len(f.prefixes)+len(f.sessions) >= maxEventFilters {
		o.fail(command.Errorf(command.CodeLimit, "%d names, prefixes and sessions are the limit of one follower", maxEventFilters))
		return true
	}
	var text string
	var id command.SessionID
	switch {
	case o.text("name", "a name", command.MaxNameBytes, &text):
		f.names = append(f.names, text)
	case o.text("prefix", "a prefix", command.MaxNameBytes, &text):
		f.prefixes = append(f.prefixes, text)
	case o.waiter("session", &id):
		f.sessions = append(f.sessions, id)
	default:
		return false
	}
	return true
}

func (f *eventFilter) wants(event *fsm.Event) bool {
	if len(f.names)+len(f.prefixes)+len(f.sessions) == 0 {
		return true
	}
	for _, name := range f.names {
		if event.Name.Database == 0 && event.Name.Key == name {
			return true
		}
	}
	for _, prefix := range f.prefixes {
		if event.Name.Database == 0 && event.Name.Key != "" && strings.HasPrefix(event.Name.Key, prefix) {
			return true
		}
	}
	for _, session := range f.sessions {
		if event.Session == session {
			return true
		}
	}
	return false
}

// parseFrom reads the position to go on from; $ is now.
func (c *connection) parseFrom(argument []byte) (command.Position, command.Reply, bool) {
	if string(argument) == "$" {
		return command.Position{Index: c.server.config.Node.Status().AppliedIndex, Offset: math.MaxUint32}, command.Reply{}, true
	}
	position, err := command.ParsePosition(clipped(argument))
	if err != nil {
		return position, errorf("%q is not a position such as 812-3, or $ for now", clipped(argument)), false
	}
	return position, command.Reply{}, true
}

func (c *connection) readEvents(argv [][]byte) {
	var filter eventFilter
	var block int64
	count := uint64(defaultCount)
	after, refusal, ok := c.parseFrom(argv[1])
	o := &options{command: "EVENTS.READ", left: argv[2:], failed: !ok, refusal: refusal}
	for o.more() {
		switch {
		case o.number("count", 1, command.MaxListCount, &count), o.milliseconds("block", "BLOCK", 0, maxEventBlock, &block):
		case filter.option(o):
		default:
			o.unknown()
		}
	}
	switch {
	case o.failed:
		c.reply(o.refusal)
	case block > 0 && c.carriesKeepalives:
		c.reply(errorf("EVENTS.READ with BLOCK is refused on a connection that has sent SESSION.RENEW: while it waits no keepalive could pass; subscribe, or read on a connection of its own"))
	default:
		c.carryOut()
		c.answerEvents(after, int(count), &filter, block)
	}
}

// maxEventBlock is how long EVENTS.READ may wait, in ms.
const maxEventBlock = 60_000

func (c *connection) answerEvents(after command.Position, count int, filter *eventFilter, block int64) {
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
	page, err := c.server.config.Node.Events(ctx, after, count, filter.wants, block > 0)
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
	var filter eventFilter
	after, refusal, ok := c.parseFrom(argv[1])
	o := &options{command: "EVENTS.SUBSCRIBE", left: argv[2:], failed: !ok, refusal: refusal}
	for o.more() {
		if !filter.option(o) {
			o.unknown()
		}
	}
	if c.protocol != wire.RESP3 {
		o.fail(errorf("EVENTS.SUBSCRIBE pushes, which RESP2 cannot tell from answers; send HELLO 3, or use EVENTS.READ"))
	}
	if o.failed {
		c.reply(o.refusal)
		return
	}
	c.unfollow()
	ctx, cancel := context.WithCancel(c.life)
	c.following = cancel
	c.reply(command.Map(bulk("position"), bulk(after.String())))
	c.batch.slots[len(c.batch.slots)-1].after = func() {
		c.beside(func(life context.Context) {
			defer context.AfterFunc(life, cancel)()
			c.follow(ctx, after, &filter)
		})
	}
}

// followedPage is how many events are pushed before the log is asked again.
const followedPage = 256

// follow pushes events until ctx ends, or until the node no longer has what comes next.
func (c *connection) follow(ctx context.Context, after command.Position, filter *eventFilter) {
	for ctx.Err() == nil {
		page, err := c.server.config.Node.Events(ctx, after, followedPage, filter.wants, true)
		if err != nil {
			c.push("events-lost", bulk(after.String()), command.Bulk(failureReply(err).Text))
			return
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
	now := command.Position{Index: r.server.config.Node.Status().AppliedIndex}
	lost := func(event *fsm.Event) bool { return event.Type == fsm.EventLost || event.Type == fsm.EventSessionEnded }
	for r.server.stopping.Err() == nil {
		page, err := r.server.config.Node.Events(r.server.stopping, now, followedPage, lost, true)
		if err != nil { // it fell behind, and keepalives tell what it missed
			now = command.Position{Index: r.server.config.Node.Status().AppliedIndex}
			continue
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
