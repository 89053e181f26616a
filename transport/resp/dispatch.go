package resp

import (
	"bytes"
	"strings"

	"github.com/coordd/coordd/fsm/command"
)

// handle answers one request, or makes its ops part of the batch. The arguments may be overwritten after the batch was carried out.
func (c *connection) handle(argv [][]byte) {
	c.mute.next()
	r, refusal := find(argv)
	if r == nil {
		c.refuse(argv[0], refusal)
		return
	}
	c.lastCommand.Store(r)
	switch {
	case c.user == nil && !r.withoutAuth:
		c.refuse(argv[0], command.Errorf(command.CodeNoAuth, "Authentication required."))
	case c.channels.restrict(c.protocol) && !r.whileSubscribed:
		c.reject(errorf("Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context", r.fullName()))
	case c.queue != nil && r.inMulti == queuedInMulti:
		c.enqueue(r, argv)
	case c.queue != nil && r.inMulti == refusedInMulti:
		c.reject(errorf("Command not allowed inside a transaction"))
	default:
		r.act(c, argv)
	}
}

// act carries a command out for the connection.
func (r *row) act(c *connection, argv [][]byte) {
	if r.parse == nil {
		r.handle(c, argv)
		return
	}
	op, reply, ok := r.parse(c, c.database, argv)
	if !ok {
		c.reply(reply)
		return
	}
	c.run(op, sizeOf(argv), nil)
}

// refuse answers a request that is not carried out. A refused EXEC ends its transaction, as in Redis.
func (c *connection) refuse(name []byte, refusal command.Reply) {
	if !is(name, "exec") {
		c.reject(refusal)
		return
	}
	c.settleWatches()
	c.endTransaction()
	c.watches = watches{}
	reason := bytes.TrimPrefix(refusal.Text, []byte("ERR "))
	c.reply(command.Errorf(command.CodeExecAbort, "Transaction discarded because of: %s", reason))
}

// reject refuses a request as such; a transaction that it was meant for cannot be executed any more.
func (c *connection) reject(reply command.Reply) {
	if c.queue != nil {
		c.queue.broken = true
	}
	c.reply(reply)
}

func sizeOf(argv [][]byte) int {
	size := 0
	for _, argument := range argv {
		size += len(argument) + 8
	}
	return size
}

// is compares an argument with an option's name in any letter case.
func is(argument []byte, option string) bool { return strings.EqualFold(string(argument), option) }

// mute is the state of CLIENT REPLY.
type mute struct{ off, skip, skipNext bool }

func (m *mute) next() { m.skip, m.skipNext = m.skipNext, false }

func (m *mute) muted() bool { return m.off || m.skip }
