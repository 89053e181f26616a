package resp

import (
	"context"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/native"
	"github.com/coordd/coordd/transport/resp/wire"
)

// maxAsyncWaits is how many acquires of one connection may wait beside it.
const maxAsyncWaits = command.MaxWaitersPerSession

// acquireAsync answers an acquire's place at once, and pushes how its wait ended. So one connection can carry keepalives and any number of waits (safety case
// S29). The waiter belongs to the session: it stays when the connection ends.
func (c *connection) acquireAsync(a *native.Acquisition, argumentBytes int) {
	c.runAsync(a.Op.Names[0], a.Wrapped(), argumentBytes)
}

// runAsync carries out what may be answered with a place, and pushes what becomes of that.
func (c *connection) runAsync(name string, op command.Op, argumentBytes int) {
	if c.asyncWaits.Load() >= maxAsyncWaits {
		c.reply(command.Errorf(command.CodeLimit, "%d acquires of this connection wait, which is the limit", maxAsyncWaits))
		return
	}
	var waiter command.WaiterID
	waits := false
	c.run(op, argumentBytes, func(_ *connection, reply command.Reply) answer {
		waiter, waits = waiterOf(reply)
		return answer{reply: reply}
	})
	// The push comes behind the answer, so it is not waited for before that is on its way.
	c.batch.slots[len(c.batch.slots)-1].after = func() {
		if waits && c.protocol == wire.RESP3 {
			c.pushWhenOver(name, waiter)
		}
	}
}

// pushWhenOver waits beside the connection.
func (c *connection) pushWhenOver(name string, waiter command.WaiterID) {
	c.asyncWaits.Add(1)
	c.beside(func(ctx context.Context) {
		defer c.asyncWaits.Add(-1)
		reply, err := c.server.config.Node.Await(ctx, name, waiter)
		if err != nil {
			return // the connection or the node ends, and the waiter stays
		}
		reply = waitOver(name, reply)
		kind := "granted"
		if reply.IsError() {
			kind, reply = "refused", command.Bulk(reply.Text)
		}
		c.push(kind, bulk(name), bulk(waiter.String()), reply)
	})
}

// beside runs something for as long as the connection lives. The server's shutdown waits for it.
func (c *connection) beside(run func(ctx context.Context)) {
	ctx, cancel := context.WithCancel(c.life)
	stop := context.AfterFunc(c.server.stopping, cancel)
	c.helpers.Add(1)
	go func() {
		defer c.helpers.Done()
		defer cancel()
		defer stop()
		defer c.endOnPanic()
		run(ctx)
	}()
}

// push sends a message that answers no request, if the client can tell it from one that does. A client that does not read loses its connection.
func (c *connection) push(kind string, values ...command.Reply) {
	c.about.mu.Lock()
	protocol := c.about.protocol
	c.about.mu.Unlock()
	if protocol != wire.RESP3 {
		return
	}
	err := c.output.Push(func(to []byte) []byte {
		to = wire.AppendBulk(wire.AppendPushHeader(to, wire.RESP3, 1+len(values)), kind)
		for _, value := range values {
			to = appendReply(to, wire.RESP3, value)
		}
		return to
	})
	if err != nil {
		c.net.Close()
	}
}

func (c *connection) awaitLock(argv [][]byte) {
	a, refusal := native.Await(c.database, argv)
	switch {
	case refusal != nil:
		c.reply(*refusal)
	case a.Async:
		c.runAsync(a.Outcome.Name, a.Outcome, sizeOf(argv))
	case a.TimeoutMs == 0:
		c.run(a.Outcome, sizeOf(argv), nil)
	case c.carriesKeepalives:
		c.reply(errorf("LOCK.AWAIT with TIMEOUT is refused on a connection that has sent SESSION.RENEW: while it waits no keepalive could pass; ask without TIMEOUT, or on a connection of its own"))
	default:
		c.awaitFor(a.Outcome, a.TimeoutMs)
	}
}

// awaitFor waits for the end of somebody's wait, which goes on when this one is over.
func (c *connection) awaitFor(outcome command.HoldOutcome, timeout int64) {
	c.carryOut()
	if c.dropped || c.closing || c.flush() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(c.ctx, milliseconds(timeout))
	defer cancel()
	reply, gone, err := c.watchWait(ctx, outcome.Name, outcome.Waiter)
	switch {
	case gone:
	case err == nil:
		c.reply(reply)
	default:
		c.run(outcome, 0, nil)
	}
}
