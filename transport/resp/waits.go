package resp

import (
	"context"
	"time"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/native"
)

// acquireAndWait takes a lock or waits for it, as BLPOP waits: nothing else of this connection is carried out meanwhile. When the client hangs up or
// the server stops, the waiter is cancelled in the log, which also releases a grant that came at the same moment.
//
// A wait under a request number of its session stays in its queue when the client hangs up: the client asks again under that number, and gets its place.
func (c *connection) acquireAndWait(a *native.Acquisition) {
	c.carryOut()
	if c.dropped || c.closing {
		return
	}
	replies, err := c.execute([]command.Op{a.Wrapped()})
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
		c.giveUp(a, waiter)
		return
	}
	c.await(a, waiter)
}

// giveUp withdraws a waiter whose client has gone, unless it will be asked for again.
func (c *connection) giveUp(a *native.Acquisition, waiter command.WaiterID) {
	if a.Number.Number == 0 {
		c.cancelWait(a, waiter)
	}
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

// watchWait waits for the end of a wait, or until ctx ends, the server stops or the client hangs up.
func (c *connection) watchWait(ctx context.Context, name string, waiter command.WaiterID) (reply command.Reply, gone bool, err error) {
	c.server.counters.blocked.Add(1)
	defer c.server.counters.blocked.Add(-1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.server.stopping, cancel)()
	c.hangup.start(0)
	reply, err = c.server.config.Node.Await(ctx, name, waiter)
	gone = c.hangup.stop()
	return waitOver(name, reply), gone, err
}

// waitOver says of a wait that ended some time ago what is left to say.
func waitOver(name string, reply command.Reply) command.Reply {
	if reply.Code == command.CodeNotHeld {
		return command.Errorf(command.CodeWaitTimeout, "the wait for %q is over and nothing is held", name)
	}
	return reply
}

func (c *connection) await(a *native.Acquisition, waiter command.WaiterID) {
	name := a.Op.Names[0]
	reply, gone, err := c.watchWait(c.ctx, name, waiter)
	switch {
	case gone:
		c.giveUp(a, waiter)
	case err == nil:
		c.reply(reply)
	case c.cancelWait(a, waiter):
		c.reply(command.Errorf(command.CodeShuttingDown, "the wait for %q ended because this node is stopping; another one serves", name))
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
func (c *connection) cancelWait(a *native.Acquisition, waiter command.WaiterID) bool {
	ctx, cancel := context.WithTimeout(c.server.killed, time.Duration(a.Op.WaitMilliseconds+a.Op.TTLMilliseconds)*time.Millisecond+time.Minute)
	defer cancel()
	op := command.HoldCancel{Name: a.Op.Names[0], Waiter: waiter, By: a.Op.By}
	for pause := firstCancelPause; ; pause = min(2*pause, lastCancelPause) {
		replies, err := c.server.config.Node.Execute(ctx, c.lane, []command.Op{op})
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
