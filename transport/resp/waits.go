package resp

import (
	"context"
	"time"

	"github.com/coordd/coordd/fsm/command"
)

// acquireAndWait takes a lock or waits for it, as BLPOP waits: nothing else of this connection is carried out meanwhile. When the client hangs up or
// the server stops, the waiter is cancelled in the log, which also releases a grant that came at the same moment.
func (c *connection) acquireAndWait(op command.LockAcquire) {
	c.carryOut()
	if c.dropped || c.closing {
		return
	}
	replies, err := c.execute([]command.Op{op})
	switch {
	case len(replies) == 0 && mustDrop(err):
		c.dropped = true
		return
	case len(replies) == 0:
		c.reply(failureReply(err))
		return
	}
	waiter, waits := waiterOf(replies[0])
	if !waits {
		c.reply(replies[0])
		return
	}
	if c.flush() != nil {
		c.cancelWait(op, waiter)
		return
	}
	c.await(op, waiter)
}

// waiterOf finds the waiter in the answer to an acquire that has to wait.
func waiterOf(reply command.Reply) (waiter command.WaiterID, waits bool) {
	if reply.Type != command.ReplyMap {
		return waiter, false
	}
	for i := 0; i+1 < len(reply.Elements); i += 2 {
		value := reply.Elements[i+1]
		switch string(reply.Elements[i].Text) {
		case "queued":
			waits = true
		case "waiter":
			var err error
			if waiter, err = command.ParsePosition(string(value.Text)); err != nil {
				return waiter, false
			}
		}
	}
	return waiter, waits && !waiter.IsZero()
}

func (c *connection) await(op command.LockAcquire, waiter command.WaiterID) {
	c.server.counters.blocked.Add(1)
	defer c.server.counters.blocked.Add(-1)
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	defer context.AfterFunc(c.server.stopping, cancel)()
	c.hangup.start(0)
	reply, err := c.server.config.Node.Await(ctx, op.Name, waiter)
	gone := c.hangup.stop()
	switch {
	case gone:
		c.cancelWait(op, waiter)
	case err == nil && reply.Code == command.CodeNotHeld:
		c.reply(command.Errorf(command.CodeWaitTimeout, "the wait for %q is over and nothing is held", op.Name))
	case err == nil:
		c.reply(reply)
	case c.cancelWait(op, waiter):
		c.reply(command.Errorf(command.CodeShuttingDown, "the wait for %q ended because this node is stopping; another one serves", op.Name))
		c.closing = true
	default:
		c.dropped = true
	}
}

// Pauses between attempts to cancel a waiter.
const (
	firstCancelPause = 20 * time.Millisecond
	lastCancelPause  = time.Second
)

// cancelWait withdraws a waiter and repeats that until the log has it, so that a grant that nobody waits for does not stay. It gives up, and is false,
// when the waiter's own time and that of its grant are over anyway, or when the server cuts everything off.
func (c *connection) cancelWait(op command.LockAcquire, waiter command.WaiterID) bool {
	ctx, cancel := context.WithTimeout(c.server.killed, time.Duration(op.WaitMilliseconds+op.TTLMilliseconds)*time.Millisecond+time.Minute)
	defer cancel()
	for pause := firstCancelPause; ; pause = min(2*pause, lastCancelPause) {
		replies, err := c.server.config.Node.Execute(ctx, c.lane, []command.Op{command.LockCancel{Name: op.Name, Waiter: waiter}})
		if len(replies) == 1 && !replies[0].IsError() {
			return true
		}
		c.server.config.Logger.Debug("cancelling a waiter failed; trying again", "lock", op.Name, "waiter", waiter, "pause", pause, "error", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return false
		}
	}
}
