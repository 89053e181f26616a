package resp

import (
	"context"
	"math"
	"time"

	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/native"
	"github.com/coordd/coordd/transport/resp/wire"
)

// Limits of those who follow pools.
const (
	maxPoolWatches = 64                     // watches of one connection
	watchPause     = 200 * time.Millisecond // before a watch asks again when the cluster could not answer
)

func (c *connection) poolTable(argv [][]byte) {
	f, refusal := native.PoolTable(argv)
	switch {
	case refusal != nil || f.Block == 0:
		c.runUnlessRefused(f.Table, refusal, argv)
	case c.carriesKeepalives:
		c.reply(errorf("POOL.TABLE with BLOCK is refused on a connection that has sent SESSION.RENEW: while it waits no keepalive could pass; watch, or wait on a connection of its own"))
	default:
		c.carryOut()
		c.awaitTable(f.Table, f.Block)
	}
}

// awaitTable answers as soon as there is something newer than the table that the client has, or when it has waited long enough.
func (c *connection) awaitTable(op command.PoolTable, block int64) {
	if c.dropped || c.closing || c.flush() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(c.ctx, milliseconds(block))
	defer cancel()
	defer context.AfterFunc(c.server.stopping, cancel)()
	c.hangup.start(0)
	follower := newPoolFollower(c, op)
	table, err := follower.next(ctx)
	switch gone := c.hangup.stop(); {
	case gone:
	case err == nil:
		c.reply(table)
	case ctx.Err() != nil: // it has waited long enough, or the server stops
		c.run(follower.op, 0, nil)
	default:
		c.reply(failureReply(err))
	}
}

// poolFollower reads what changes in a pool, on a lane of its own. Events only say when to look: what is told is read from the state, so nothing is missed however
// far it falls behind.
type poolFollower struct {
	c     *connection
	lane  uint64
	op    command.PoolTable // what the client has
	after command.Position  // events up to here have been looked at
}

func newPoolFollower(c *connection, op command.PoolTable) *poolFollower {
	return &poolFollower{c: c, lane: c.server.config.Node.OpenLane(), op: op}
}

// next waits for something newer than what the client has. A reply that is an error says that there is no such pool.
func (f *poolFollower) next(ctx context.Context) (command.Reply, error) {
	node := f.c.server.config.Node
	for {
		f.after = command.Position{Index: node.Status().AppliedIndex, Offset: math.MaxUint32} // before the read, so that what comes after it wakes
		replies, err := node.Execute(ctx, f.lane, []command.Op{f.op})
		if err != nil {
			return command.Reply{}, err
		}
		if table := replies[0]; table.IsError() || f.take(table) {
			return table, nil
		}
		wanted := func(event *fsm.Event) bool { return event.Type == fsm.EventPoolChanged && event.Name.Key == f.op.Pool }
		// An error says that the events have gone on without this reader, which is a reason to look.
		_, _ = node.Events(ctx, f.after, 1, wanted, true)
		if err := ctx.Err(); err != nil {
			return command.Reply{}, err
		}
	}
}

// take notes what the client will have with this table. It is false when that is what it has already.
func (f *poolFollower) take(table command.Reply) (newer bool) {
	before := f.op
	for i := 0; i+1 < len(table.Elements); i += 2 {
		value := table.Elements[i+1]
		switch string(table.Elements[i].Text) {
		case "version":
			f.op.Since = uint64(value.Integer)
		case "incarnation":
			f.op.Incarnation, _ = command.ParsePosition(string(value.Text))
		}
	}
	return f.op != before
}

func (c *connection) watchPool(argv [][]byte) {
	f, refusal := native.WatchPool(argv)
	op := f.Table
	switch {
	case refusal != nil:
		c.reply(*refusal)
		return
	case c.protocol != wire.RESP3:
		c.reply(errorf("POOL.WATCH pushes, which RESP2 cannot tell from answers; send HELLO 3, or use POOL.TABLE with BLOCK"))
		return
	case c.poolWatches[op.Pool] == nil && len(c.poolWatches) >= maxPoolWatches:
		c.reply(command.Errorf(command.CodeLimit, "a connection watches at most %d pools", maxPoolWatches))
		return
	}
	var follower *poolFollower
	c.run(op, sizeOf(argv), func(_ *connection, reply command.Reply) answer {
		if !reply.IsError() {
			follower = newPoolFollower(c, op)
			follower.take(reply)
		}
		return answer{reply: reply}
	})
	// Pushes come behind the answer that they continue.
	c.batch.slots[len(c.batch.slots)-1].after = func() {
		if follower != nil {
			c.followPool(follower)
		}
	}
}

// followPool pushes what changes in a pool from then on. A watch of the same pool that was there ends.
func (c *connection) followPool(follower *poolFollower) {
	pool := follower.op.Pool
	if end := c.poolWatches[pool]; end != nil {
		end()
	}
	ctx, cancel := context.WithCancel(c.life)
	if c.poolWatches == nil {
		c.poolWatches = map[string]context.CancelFunc{}
	}
	c.poolWatches[pool] = cancel
	c.beside(func(life context.Context) {
		defer context.AfterFunc(life, cancel)()
		for ctx.Err() == nil {
			table, err := follower.next(ctx)
			switch {
			case ctx.Err() != nil:
			case err != nil:
				pause(ctx, watchPause)
			case table.IsError():
				c.push("pool", bulk(pool), command.Nil())
				return
			default:
				c.push("pool", bulk(pool), table)
			}
		}
	})
}

// pause waits, unless ctx ends first.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (c *connection) unwatchPool(argv [][]byte) {
	if end := c.poolWatches[string(argv[1])]; end != nil {
		end()
		delete(c.poolWatches, string(argv[1]))
	}
	c.reply(command.OK())
}
