package resp

import (
	"github.com/coordd/coordd/fsm/command"
)

// defaultSessionTTL is a session's time to live in ms when its client names none.
const defaultSessionTTL = 10_000

func sessionRows() []*row {
	const flags, categories, group = "noscript fast", "@fast @write", "coordd"
	return []*row{
		{name: "session.open", arity: -1, flags: flags, categories: categories, group: group, inMulti: refusedInMulti, handle: (*connection).openSession,
			usage:   "[PX ms] [NAME name] [META metadata]",
			summary: "Opens a session and answers its id, its secret, its time to live and its deadline. It ends when SESSION.RENEW stays away for so long."},
		{name: "session.renew", arity: 3, flags: flags, categories: categories, group: group, inMulti: refusedInMulti, handle: (*connection).renewSession,
			usage:   "id secret",
			summary: "Extends a session, and with it all it holds. A connection that sends this cannot wait for locks."},
		{name: "session.close", arity: 3, flags: flags, categories: categories, group: group, inMulti: refusedInMulti, handle: (*connection).closeSession,
			usage:   "id secret",
			summary: "Ends a session and releases all it holds."},
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
	if !ok {
		c.reply(refusal)
		return
	}
	c.carriesKeepalives = true
	c.run(command.SessionKeepAlive{Session: who.session, SecretHash: who.hash}, sizeOf(argv), nil)
}

func (c *connection) closeSession(argv [][]byte) {
	who, refusal, ok := parseCredentials(argv[1], argv[2])
	if !ok {
		c.reply(refusal)
		return
	}
	c.run(command.SessionClose{Session: who.session, SecretHash: who.hash}, sizeOf(argv), nil)
}
