package resp

import (
	"github.com/coordd/coordd/fsm/command"
)

// defaultSessionTTL is a session's time to live in ms when its client names none.
const defaultSessionTTL = 10_000

func sessionRows() []*row {
	const writes, reads, administers = "noscript fast", "readonly noscript", "admin write noscript"
	categories := map[string]string{writes: "@fast @write", reads: "@read @fast", administers: "@admin @write @slow @dangerous"}
	one := func(name string, arity int, flags string, handle func(*connection, [][]byte), usage, summary string) *row {
		return &row{name: "session." + name, arity: arity, flags: flags, categories: categories[flags], group: "session", inMulti: refusedInMulti, handle: handle, usage: usage, summary: summary}
	}
	return []*row{
		one("open", -1, writes, (*connection).openSession, "[PX ms] [NAME name] [META metadata]",
			"Opens a session and answers its id, its secret, its time to live and its deadline. It ends when SESSION.RENEW stays away for so long."),
		one("renew", -3, writes, (*connection).renewSession, "id secret [ACK waiter ...]",
			"Extends a session, and with it all it holds; answers the losses that its client has not acknowledged. A connection that sends this waits for locks with ASYNC only."),
		one("close", 3, writes, (*connection).closeSession, "id secret", "Ends a session and releases all it holds."),
		one("list", -1, reads, (*connection).listSessions, "[CURSOR cursor] [COUNT n] [MATCH glob] [ALL]", "Lists the sessions whose client names match; ALL lists those of nodes too."),
		one("info", 2, reads, (*connection).sessionInfo, "id", "Tells what a session holds and waits for."),
		one("kill", -4, administers, (*connection).killSession, "id REASON text [NOW]",
			"Ends a session; for operators. It is renewed no more and ends at the deadline that it has, or with NOW at once, which leaves only the tokens as protection."),
	}
}

func parseOpenSession(argv [][]byte) (op command.SessionOpen, refusal command.Reply, ok bool) {
	op.TTLMilliseconds = defaultSessionTTL
	for i := 1; i < len(argv); i += 2 {
		if i+1 == len(argv) {
			return op, errNoValue("SESSION.OPEN", argv[i]), false
		}
		value := argv[i+1]
		switch {
		case is(argv[i], "px"):
			if op.TTLMilliseconds, refusal, ok = parseMilliseconds("PX", value, command.MinSessionTTL, command.MaxSessionTTL); !ok {
				return op, refusal, false
			}
		case is(argv[i], "name"):
			if len(value) > command.MaxClientNameBytes {
				return op, command.Errorf(command.CodeLimit, "a client name of %d bytes is too long; the limit is %d", len(value), command.MaxClientNameBytes), false
			}
			op.ClientName = string(value)
		case is(argv[i], "meta"):
			if len(value) > command.MaxMetadataBytes {
				return op, command.Errorf(command.CodeLimit, "metadata of %d bytes are too long; the limit is %d", len(value), command.MaxMetadataBytes), false
			}
			op.Metadata = value
		default:
			return op, errOption("SESSION.OPEN", argv[i]), false
		}
	}
	return op, refusal, true
}

func (c *connection) openSession(argv [][]byte) {
	op, refusal, ok := parseOpenSession(argv)
	if !ok {
		c.reply(refusal)
		return
	}
	secret := newSecret()
	op.SecretHash = hashSecret([]byte(secret))
	c.run(op, sizeOf(argv), func(_ *connection, reply command.Reply) answer {
		if reply.Type == command.ReplyMap {
			reply.Elements = append([]command.Reply{bulk("secret"), bulk(secret)}, reply.Elements...)
		}
		return answer{reply: reply}
	})
}

func (c *connection) renewSession(argv [][]byte) {
	who, refusal, ok := parseCredentials(argv[1], argv[2])
	op := command.SessionRenew{By: command.Credentials{Session: who.session, Secret: who.hash}}
	if ok && len(argv) > 3 {
		op.Acknowledged, refusal, ok = parseAcknowledgements(argv[3:])
	}
	if !ok {
		c.reply(refusal)
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

// parseAcknowledgements reads ACK waiter ….
func parseAcknowledgements(left [][]byte) (ids []command.WaiterID, refusal command.Reply, ok bool) {
	switch {
	case !is(left[0], "ack"):
		return nil, errOption("SESSION.RENEW", left[0]), false
	case len(left) == 1:
		return nil, errNoValue("SESSION.RENEW", left[0]), false
	case len(left)-1 > command.MaxAcknowledgements:
		return nil, command.Errorf(command.CodeLimit, "%d acknowledgements are too many; the limit is %d", len(left)-1, command.MaxAcknowledgements), false
	}
	for _, argument := range left[1:] {
		id, refusal, ok := parseWaiter(argument)
		if !ok {
			return nil, refusal, false
		}
		ids = append(ids, id)
	}
	return ids, refusal, true
}

func (c *connection) closeSession(argv [][]byte) {
	who, refusal, ok := parseCredentials(argv[1], argv[2])
	if !ok {
		c.reply(refusal)
		return
	}
	c.run(command.SessionClose{Session: who.session, SecretHash: who.hash}, sizeOf(argv), nil)
}

func (c *connection) listSessions(argv [][]byte) {
	op := command.SessionList{}
	count := uint64(defaultCount)
	o := &options{command: "SESSION.LIST", left: argv[1:]}
	for o.more() {
		switch {
		case o.waiter("cursor", &op.Cursor), o.number("count", 1, command.MaxListCount, &count), o.text("match", "a pattern", command.MaxClientNameBytes, &op.Match):
		case o.flag("all"):
			op.Nodes = true
		default:
			o.unknown()
		}
	}
	op.Count = int64(count)
	c.runUnlessFailed(o, op, argv)
}

func (c *connection) sessionInfo(argv [][]byte) {
	id, refusal, ok := parseSession(argv[1])
	if !ok {
		c.reply(refusal)
		return
	}
	c.run(command.SessionInfo{Session: id}, sizeOf(argv), nil)
}

func (c *connection) killSession(argv [][]byte) {
	if !c.user.operator {
		c.reply(errNotOperator("session.kill"))
		return
	}
	id, refusal, ok := parseSession(argv[1])
	op := command.SessionKill{Session: id, Actor: c.actor()}
	o := &options{command: "SESSION.KILL", left: argv[2:], failed: !ok, refusal: refusal}
	for o.more() {
		switch {
		case o.text("reason", "a reason", command.MaxReasonBytes, &op.Reason):
		case o.flag("now"):
			op.Now = true
		default:
			o.unknown()
		}
	}
	if op.Reason == "" {
		o.fail(errorf("SESSION.KILL needs REASON text: it is what the session's client is told"))
	}
	if o.failed {
		c.reply(o.refusal)
		return
	}
	c.run(op, sizeOf(argv), audited("an operator killed a session", "session", id.String(), "reason", op.Reason, "now", op.Now))
}
