package resp

import (
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/resp/wire"
)

func connectionRows() []*row {
	const flags, categories, group = "noscript loading stale fast", "@fast @connection", "connection"
	return []*row{
		{name: "hello", arity: -1, flags: flags + " no_auth allow_busy", categories: categories, group: group, withoutAuth: true, handle: (*connection).hello,
			usage: "[protover [AUTH username password] [SETNAME clientname]]", summary: "Chooses the protocol version and tells about the server."},
		{name: "auth", arity: -2, flags: flags + " no_auth allow_busy", categories: categories, group: group, withoutAuth: true, handle: (*connection).auth,
			usage: "[username] password", summary: "Authenticates the connection."},
		{name: "ping", arity: -1, flags: "fast", categories: categories, group: group, whileSubscribed: true, handle: (*connection).ping,
			usage: "[message]", summary: "Answers PONG or the message."},
		{name: "echo", arity: 2, flags: "loading stale fast", categories: categories, group: group, handle: func(c *connection, argv [][]byte) {
			c.reply(command.Bulk(argv[1]))
		}, usage: "message", summary: "Answers the message."},
		{name: "quit", arity: -1, flags: flags + " no_auth allow_busy", categories: categories, group: group, withoutAuth: true, whileSubscribed: true,
			inMulti: atOnceInMulti, handle: (*connection).quit, summary: "Closes the connection."},
		{name: "reset", arity: 1, flags: flags + " no_auth allow_busy", categories: categories, group: group, withoutAuth: true, whileSubscribed: true,
			inMulti: atOnceInMulti, handle: (*connection).reset, summary: "Makes the connection as it was at first."},
		{name: "select", arity: 2, flags: "loading stale fast", categories: categories, group: group, handle: (*connection).selectDatabase,
			usage: "index", summary: "Chooses one of the databases 0 to 15. Native locks live in database 0."},
		{name: "readonly", arity: 1, flags: "loading stale fast", categories: categories, group: "cluster", handle: refuseCluster,
			summary: "Refused: this is not a Redis cluster."},
		{name: "readwrite", arity: 1, flags: "loading stale fast", categories: categories, group: "cluster", handle: refuseCluster,
			summary: "Refused: this is not a Redis cluster."},
	}
}

func refuseCluster(c *connection, _ [][]byte) {
	c.reply(errorf("This instance has cluster support disabled"))
}

// helloRequest is what HELLO asks for.
type helloRequest struct {
	protocol       wire.Protocol // 0: as it is
	user, password []byte        // nil: no AUTH
	name           []byte        // nil: no SETNAME
}

func parseHello(argv [][]byte) (request helloRequest, refusal command.Reply, ok bool) {
	if len(argv) == 1 {
		return request, refusal, true
	}
	version, ok := wire.ParseInteger(argv[1])
	switch {
	case !ok:
		return request, errorf("Protocol version is not an integer or out of range"), false
	case version != 2 && version != 3:
		return request, command.Errorf(command.CodeNoProtocol, "unsupported protocol version"), false
	}
	request.protocol = wire.Protocol(version)
	for i := 2; i < len(argv); {
		left := len(argv) - i - 1
		switch {
		case is(argv[i], "auth") && left >= 2:
			request.user, request.password = argv[i+1], argv[i+2]
			i += 3
		case is(argv[i], "setname") && left >= 1:
			request.name = argv[i+1]
			if !printableName(request.name) {
				return request, errClientName, false
			}
			i += 2
		default:
			return request, errorf("Syntax error in HELLO option '%.128s'", argv[i]), false
		}
	}
	return request, refusal, true
}

func (c *connection) hello(argv [][]byte) {
	request, refusal, ok := parseHello(argv)
	if !ok {
		c.reply(refusal)
		return
	}
	if request.user != nil && !c.authenticate(request.user, request.password) {
		return
	}
	if c.user == nil {
		c.reply(command.Errorf(command.CodeNoAuth, "HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> "+
			"option can be used to authenticate the client and select the RESP protocol version at the same time"))
		return
	}
	if request.name != nil {
		c.setName(request.name)
	}
	if request.protocol != 0 {
		c.protocol = request.protocol
	}
	c.tellAbout()
	c.reply(command.Map(
		bulk("server"), bulk("redis"),
		bulk("version"), bulk(c.server.config.RedisVersion),
		bulk("proto"), command.Integer(int64(c.protocol)),
		bulk("id"), command.Integer(c.id),
		bulk("mode"), bulk("standalone"),
		bulk("role"), bulk("master"),
		bulk("modules"), command.Array(),
	))
}

func bulk(text string) command.Reply { return command.Bulk([]byte(text)) }

func (c *connection) auth(argv [][]byte) {
	name, password := []byte(defaultUser), argv[1]
	switch {
	case len(argv) > 3:
		c.reply(errorf("syntax error"))
		return
	case len(argv) == 3:
		name, password = argv[1], argv[2]
	case c.server.users.open():
		c.reply(errorf("AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"))
		return
	}
	if c.authenticate(name, password) {
		c.reply(command.OK())
	}
}

// authenticate makes the connection the user's, or answers that it cannot. A failure leaves it whose it was.
func (c *connection) authenticate(name, password []byte) bool {
	found := c.server.users.check(name, password)
	if found == nil {
		c.reply(command.Errorf(command.CodeWrongPassword, "invalid username-password pair or user is disabled."))
		return false
	}
	c.become(found)
	c.tellAbout()
	return true
}

func (c *connection) ping(argv [][]byte) {
	switch {
	case len(argv) > 2:
		c.reply(errorf("wrong number of arguments for 'ping' command"))
	case c.channels.restrict(c.protocol):
		message := []byte{}
		if len(argv) == 2 {
			message = argv[1]
		}
		c.reply(command.Array(bulk("pong"), command.Bulk(message)))
	case len(argv) == 2:
		c.reply(command.Bulk(argv[1]))
	default:
		c.reply(command.Status("PONG"))
	}
}

func (c *connection) quit([][]byte) {
	c.reply(command.OK())
	c.closing = true
}

func (c *connection) reset([][]byte) {
	c.settleWatches()
	c.endTransaction()
	c.watches = watches{}
	c.unfollow()
	c.protocol = wire.RESP2
	c.database = 0
	c.mute = mute{}
	c.channels = subscriptions{}
	c.carriesKeepalives = false
	c.become(c.server.users.anonymous())
	c.setName(nil)
	c.tellAbout()
	c.reply(command.Status("RESET"))
}

func (c *connection) selectDatabase(argv [][]byte) {
	database, refusal, ok := parseDatabase(argv[1])
	if !ok {
		c.reply(refusal)
		return
	}
	c.database = database
	c.tellAbout()
	c.reply(command.OK())
}

func parseDatabase(text []byte) (database uint8, refusal command.Reply, ok bool) {
	index, ok := wire.ParseInteger(text)
	switch {
	case !ok || index != int64(int32(index)):
		return 0, errorf("value is not an integer or out of range"), false
	case index < 0 || index >= command.MaxDatabases:
		return 0, errorf("DB index is out of range"), false
	}
	return uint8(index), command.Reply{}, true
}
