package resp

import (
	"fmt"
	"strings"
	"time"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/resp/wire"
)

func clientRows() []*row {
	const flags, categories = "noscript loading stale", "@slow @connection"
	sub := func(name string, arity int, usage, summary string, handle func(*connection, [][]byte)) *row {
		return &row{name: name, arity: arity, flags: flags, categories: categories, group: "connection", usage: usage, summary: summary, handle: handle}
	}
	reply := sub("reply", 3, "ON|OFF|SKIP", "Switches replies to this connection.", (*connection).clientReply)
	reply.inMulti = refusedInMulti
	return []*row{container("client", "connection", "@slow @connection", "Tells about connections and changes them.",
		sub("caching", 3, "YES|NO", "Refused: client-side caching is not supported.", func(c *connection, _ [][]byte) {
			c.reply(errorf("CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"))
		}),
		sub("capa", -3, "capability [capability ...]", "Takes note of what the client can do; nothing depends on it.", answerOK),
		sub("getname", 2, "", "Answers the connection's name.", (*connection).clientGetName),
		sub("getredir", 2, "", "Answers -1: nothing is tracked.", func(c *connection, _ [][]byte) { c.reply(command.Integer(-1)) }),
		sub("id", 2, "", "Answers the connection's id.", func(c *connection, _ [][]byte) { c.reply(command.Integer(c.id)) }),
		sub("info", 2, "", "Tells about this connection.", func(c *connection, _ [][]byte) { c.replyText(c.describe(time.Now()) + "\n") }),
		sub("kill", -3, "address | ID id | ADDR address | USER name | SKIPME yes|no ...", "Closes connections.", (*connection).clientKill),
		sub("list", -2, "[TYPE normal|pubsub] [ID id ...]", "Tells about all connections of this node.", (*connection).clientList),
		sub("no-evict", 3, "ON|OFF", "Changes nothing: no connection is evicted.", answerOnOff),
		sub("no-touch", 3, "ON|OFF", "Changes nothing: reads do not change names.", answerOnOff),
		reply,
		sub("setinfo", 4, "LIB-NAME|LIB-VER value", "Names the client's library or its version.", (*connection).clientSetInfo),
		sub("setname", 3, "name", "Names the connection.", (*connection).clientSetName),
		sub("tracking", -3, "ON|OFF ...", "OFF changes nothing; ON is refused, since no invalidations are sent.", (*connection).clientTracking),
	)}
}

// container makes a command that consists of subcommands, HELP among them.
func container(name, group, categories, summary string, children ...*row) *row {
	r := &row{name: name, arity: -2, group: group, categories: categories, summary: summary, children: children}
	r.children = append(r.children, &row{name: "help", arity: 2, flags: "loading stale", categories: categories, group: group,
		summary: "Lists the subcommands.", handle: func(c *connection, _ [][]byte) { c.reply(helpOf(r)) }})
	return r
}

func answerOK(c *connection, _ [][]byte) { c.reply(command.OK()) }

func answerOnOff(c *connection, argv [][]byte) {
	if !is(argv[2], "on") && !is(argv[2], "off") {
		c.reply(errorf("syntax error"))
		return
	}
	c.reply(command.OK())
}

// replyText answers a text for people: a verbatim string in RESP3.
func (c *connection) replyText(text string) {
	c.replyRaw(wire.AppendVerbatim(nil, c.protocol, "txt", text))
}

var errClientName = errorf("Client names cannot contain spaces, newlines or special characters.")

// printableName reports whether a text may stand in CLIENT LIST, where a blank would end it.
func printableName(text []byte) bool {
	for _, b := range text {
		if b < '!' || b > '~' {
			return false
		}
	}
	return len(text) <= command.MaxClientNameBytes
}

func (c *connection) setName(name []byte) {
	c.about.mu.Lock()
	defer c.about.mu.Unlock()
	c.about.name = string(name)
}

func (c *connection) clientSetName(argv [][]byte) {
	if !printableName(argv[2]) {
		c.reply(errClientName)
		return
	}
	c.setName(argv[2])
	c.reply(command.OK())
}

func (c *connection) clientGetName([][]byte) {
	c.about.mu.Lock()
	name := c.about.name
	c.about.mu.Unlock()
	if name == "" {
		c.reply(command.Nil())
		return
	}
	c.reply(bulk(name))
}

func (c *connection) clientSetInfo(argv [][]byte) {
	option := strings.ToLower(string(argv[2]))
	if option != "lib-name" && option != "lib-ver" {
		c.reply(errorf("Unrecognized option '%.128s'", argv[2]))
		return
	}
	if !printableName(argv[3]) {
		c.reply(errorf("%s cannot contain spaces, newlines or special characters.", option))
		return
	}
	c.about.mu.Lock()
	if option == "lib-name" {
		c.about.library = string(argv[3])
	} else {
		c.about.libraryVersion = string(argv[3])
	}
	c.about.mu.Unlock()
	c.reply(command.OK())
}

func (c *connection) clientReply(argv [][]byte) {
	switch {
	case is(argv[2], "on"):
		c.mute = mute{}
		c.reply(command.OK())
	case is(argv[2], "off"):
		c.mute.off = true
	case is(argv[2], "skip"):
		c.mute.skipNext = !c.mute.off
	default:
		c.reply(errorf("syntax error"))
	}
}

func (c *connection) clientTracking(argv [][]byte) {
	switch {
	case is(argv[2], "off"):
		c.reply(command.OK())
	case is(argv[2], "on"):
		c.reply(errorf("client-side caching is not supported: coordd sends no invalidations; switch it off in the client"))
	default:
		c.reply(errorf("syntax error"))
	}
}

// describe is the connection's line in CLIENT LIST. Any goroutine may call it.
func (c *connection) describe(now time.Time) string {
	c.about.mu.Lock()
	defer c.about.mu.Unlock()
	a := &c.about
	flags, last := "N", "NULL"
	if a.channels+a.patterns+a.shardChannel > 0 {
		flags = "P"
	}
	if r := c.lastCommand.Load(); r != nil {
		last = r.fullName()
	}
	idle := max(0, now.UnixMilli()-c.lastActive.Load()) / 1000
	return fmt.Sprintf("id=%d addr=%s laddr=%s name=%s age=%d idle=%d flags=%s db=%d sub=%d psub=%d ssub=%d multi=%d omem=%d cmd=%s user=%s redir=-1 resp=%d lib-name=%s lib-ver=%s",
		c.id, c.net.RemoteAddr(), c.net.LocalAddr(), a.name, int(now.Sub(c.accepted).Seconds()), idle, flags, a.database,
		a.channels, a.patterns, a.shardChannel, c.queuedForAll.Load(), c.output.Waiting(), last, a.userName, a.protocol, a.library, a.libraryVersion)
}

func (c *connection) subscribed() bool {
	c.about.mu.Lock()
	defer c.about.mu.Unlock()
	return c.about.channels+c.about.patterns+c.about.shardChannel > 0
}

func (c *connection) clientList(argv [][]byte) {
	wanted := func(*connection) bool { return true }
	switch {
	case len(argv) == 2:
	case len(argv) == 4 && is(argv[2], "type"):
		kind := strings.ToLower(string(argv[3]))
		switch kind {
		case "normal", "pubsub":
			wanted = func(other *connection) bool { return other.subscribed() == (kind == "pubsub") }
		case "master", "replica", "slave":
			wanted = func(*connection) bool { return false }
		default:
			c.reply(errorf("Unknown client type '%.128s'", argv[3]))
			return
		}
	case len(argv) > 3 && is(argv[2], "id"):
		ids := map[int64]bool{}
		for _, argument := range argv[3:] {
			id, ok := wire.ParseInteger(argument)
			if !ok || id < 1 {
				c.reply(errorf("Invalid client ID"))
				return
			}
			ids[id] = true
		}
		wanted = func(other *connection) bool { return ids[other.id] }
	default:
		c.reply(errorf("syntax error"))
		return
	}
	now := time.Now()
	var list strings.Builder
	for _, other := range c.server.clientsByID() {
		if wanted(other) {
			list.WriteString(other.describe(now) + "\n")
		}
	}
	c.replyText(list.String())
}

// killFilter says which connections CLIENT KILL closes.
type killFilter struct {
	id       int64
	address  string
	user     string
	skipSelf bool
}

func parseKill(argv [][]byte) (filter killFilter, refusal command.Reply, ok bool) {
	filter.skipSelf = true
	if len(argv) == 3 {
		filter.address, filter.skipSelf = string(argv[2]), false
		return filter, refusal, true
	}
	if len(argv)%2 != 0 {
		return filter, errorf("syntax error"), false
	}
	for i := 2; i < len(argv); i += 2 {
		value := string(argv[i+1])
		switch strings.ToLower(string(argv[i])) {
		case "id":
			id, ok := wire.ParseInteger(argv[i+1])
			if !ok || id < 1 {
				return filter, errorf("client-id should be greater than 0"), false
			}
			filter.id = id
		case "addr":
			filter.address = value
		case "user":
			filter.user = value
		case "skipme":
			if !strings.EqualFold(value, "yes") && !strings.EqualFold(value, "no") {
				return filter, errorf("syntax error"), false
			}
			filter.skipSelf = strings.EqualFold(value, "yes")
		default:
			return filter, errorf("syntax error"), false
		}
	}
	return filter, refusal, true
}

func (f killFilter) matches(other *connection) bool {
	other.about.mu.Lock()
	userName := other.about.userName
	other.about.mu.Unlock()
	return (f.id == 0 || f.id == other.id) && (f.address == "" || f.address == other.net.RemoteAddr().String()) && (f.user == "" || f.user == userName)
}

func (c *connection) clientKill(argv [][]byte) {
	if !c.user.operator {
		c.reply(errNotOperator("client|kill"))
		return
	}
	filter, refusal, ok := parseKill(argv)
	if !ok {
		c.reply(refusal)
		return
	}
	killed := 0
	for _, other := range c.server.clientsByID() {
		if !filter.matches(other) || other == c && filter.skipSelf {
			continue
		}
		killed++
		if other == c {
			c.closing = true
		} else {
			other.net.Close()
		}
	}
	switch {
	case len(argv) > 3:
		c.reply(command.Integer(int64(killed)))
	case killed == 0:
		c.reply(errorf("No such client"))
	default:
		c.reply(command.OK())
	}
}

func errNotOperator(name string) command.Reply {
	return command.Errorf(command.CodeNoPermission, "this user has no permissions to run the '%s' command; it is for operators", name)
}
