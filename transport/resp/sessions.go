package resp

import (
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/native"
)

func sessionRows() []*row {
	const writes, reads, administers = "noscript fast", "readonly noscript", "admin write noscript"
	categories := map[string]string{writes: "@fast @write", reads: "@read @fast", administers: "@admin @write @slow @dangerous"}
	one := func(name string, arity int, flags string, handle func(*connection, [][]byte), usage, summary string) *row {
		return &row{name: "session." + name, arity: arity, flags: flags, categories: categories[flags], group: "session", inMulti: refusedInMulti, handle: handle, usage: usage, summary: summary}
	}
	return []*row{
		one("open", -1, writes, (*connection).openSession, "[PX ms] [EARLY ms] [NAME name] [META metadata]",
			"Opens a session and answers its id, its secret, its time to live and its deadline. It ends when SESSION.RENEW stays away for so long; "+
				"with EARLY already when it stays away for that time and the leader has a reason to doubt its client, such as the gossip."),
		one("renew", -3, writes, (*connection).renewSession, "id secret [ACK waiter ...]",
			"Extends a session, and with it all it holds; answers the losses that its client has not acknowledged. A connection that sends this waits for locks with ASYNC only."),
		one("close", 3, writes, (*connection).closeSession, "id secret", "Ends a session and releases all it holds."),
		one("list", -1, reads, (*connection).listSessions, "[CURSOR cursor] [COUNT n] [MATCH glob] [ALL]", "Lists the sessions whose client names match; ALL lists those of nodes too."),
		one("info", 2, reads, (*connection).sessionInfo, "id", "Tells what a session holds and waits for."),
		one("kill", -4, administers, (*connection).killSession, "id REASON text [NOW]",
			"Ends a session; for operators. It is renewed no more and ends at the deadline that it has, or with NOW at once, which leaves only the tokens as protection."),
	}
}

func (c *connection) openSession(argv [][]byte) {
	secret := newSecret()
	op, refusal := native.OpenSession(argv, native.HashSecret([]byte(secret)))
	if refusal != nil {
		c.reply(*refusal)
		return
	}
	c.run(op, sizeOf(argv), func(_ *connection, reply command.Reply) answer {
		if reply.Type == command.ReplyMap {
			reply.Elements = append([]command.Reply{bulk("secret"), bulk(secret)}, reply.Elements...)
		}
		return answer{reply: reply}
	})
}

func (c *connection) renewSession(argv [][]byte) {
	op, refusal := native.RenewSession(argv)
	if refusal != nil {
		c.reply(*refusal)
		return
	}
	c.carriesKeepalives = true
	c.run(op, sizeOf(argv), func(c *connection, reply command.Reply) answer {
		if !reply.IsError() {
			c.server.renewers.renewed(op.By.Session, c)
		}
		return answer{reply: reply}
	})
}

func (c *connection) closeSession(argv [][]byte) {
	op, refusal := native.CloseSession(argv)
	c.runUnlessRefused(op, refusal, argv)
}

func (c *connection) listSessions(argv [][]byte) {
	op, refusal := native.ListSessions(argv)
	c.runUnlessRefused(op, refusal, argv)
}

func (c *connection) sessionInfo(argv [][]byte) {
	op, refusal := native.SessionInfo(argv)
	c.runUnlessRefused(op, refusal, argv)
}

func (c *connection) killSession(argv [][]byte) {
	if !c.user.operator {
		c.reply(errNotOperator("session.kill"))
		return
	}
	op, refusal := native.KillSession(argv, c.actor())
	if refusal != nil {
		c.reply(*refusal)
		return
	}
	c.run(op, sizeOf(argv), audited("an operator killed a session", "session", op.Session.String(), "reason", op.Reason, "now", op.Now))
}
