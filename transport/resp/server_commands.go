package resp

import (
	"path"
	"strconv"
	"strings"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/resp/wire"
)

func serverRows() []*row {
	const config, slow = "admin noscript loading stale", "@admin @slow @dangerous"
	clusterChild := func(name string, arity int) *row {
		return &row{name: name, arity: arity, flags: "loading stale", categories: "@slow", group: "cluster", handle: refuseCluster, summary: "Refused: this is not a Redis cluster."}
	}
	refuseConfig := func(name, sentence string) *row {
		return &row{name: name, arity: -2, flags: config, categories: slow, group: "server", summary: sentence,
			handle: func(c *connection, _ [][]byte) { c.reply(errorf("%s", sentence)) }}
	}
	all := &row{name: "command", arity: -1, flags: "loading stale", categories: "@slow @connection", group: "server",
		summary: "Describes all commands.", handle: (*connection).describeAll}
	for _, child := range container("command", "server", "@slow @connection", "",
		&row{name: "count", arity: 2, flags: "loading stale", categories: "@slow @connection", group: "server", summary: "Counts the commands.",
			handle: func(c *connection, _ [][]byte) { c.reply(command.Integer(int64(len(commandsSorted)))) }},
		&row{name: "docs", arity: -2, flags: "loading stale", categories: "@slow @connection", group: "server", usage: "[name ...]", summary: "Documents commands.", handle: (*connection).commandDocs},
		&row{name: "getkeys", arity: -4, flags: "loading stale", categories: "@slow @connection", group: "server", usage: "command [argument ...]", summary: "Finds the keys of a command.", handle: (*connection).commandGetKeys},
		&row{name: "info", arity: -2, flags: "loading stale", categories: "@slow @connection", group: "server", usage: "[name ...]", summary: "Describes commands.", handle: (*connection).commandInfo},
		&row{name: "list", arity: 2, flags: "loading stale", categories: "@slow @connection", group: "server", summary: "Lists the commands' names.", handle: (*connection).commandList},
	).children {
		all.children = append(all.children, child)
	}
	return []*row{
		all,
		{name: "help", arity: -1, flags: "loading stale fast", categories: "@fast @connection", group: "server", usage: "[command]", handle: (*connection).help,
			summary: "Lists the commands, or explains one."},
		container("config", "server", slow, "Shows settings.",
			&row{name: "get", arity: -3, flags: config, categories: slow, group: "server", usage: "pattern [pattern ...]", summary: "Answers settings whose names match.", handle: (*connection).configGet},
			refuseConfig("set", "CONFIG SET is refused: coordd is configured by its flags, environment and config file"),
			refuseConfig("resetstat", "CONFIG RESETSTAT is refused: counters run since the start of the process"),
			refuseConfig("rewrite", "CONFIG REWRITE is refused: coordd does not change its config file"),
		),
		container("cluster", "cluster", "@slow", "Refused: this is not a Redis cluster.",
			clusterChild("slots", 2), clusterChild("shards", 2), clusterChild("nodes", 2), clusterChild("info", 2), clusterChild("myid", 2),
			clusterChild("keyslot", 3), clusterChild("countkeysinslot", 3), clusterChild("links", 2), clusterChild("myshardid", 2), clusterChild("reset", -2)),
		{name: "wait", arity: 3, flags: "noscript", categories: "@slow @connection", group: "generic", usage: "numreplicas timeout", handle: (*connection).wait,
			summary: "Answers how many other voters hold every write answered here, which never has to be waited for."},
		{name: "waitaof", arity: 4, flags: "noscript", categories: "@slow @connection", group: "generic", usage: "numlocal numreplicas timeout", handle: (*connection).waitAOF,
			summary: "Answers how many disks hold every write answered here, which never has to be waited for."},
	}
}

// otherVoters is how many voters, the answering leader aside, hold an entry that was answered at least: the rest of a majority.
func (c *connection) otherVoters() int64 { return int64(c.server.config.Node.Status().Voters() / 2) }

func (c *connection) wait(argv [][]byte) {
	if _, ok := wire.ParseInteger(argv[1]); !ok {
		c.reply(errorf("value is not an integer or out of range"))
		return
	}
	if c.validTimeout(argv[2]) {
		c.reply(command.Integer(c.otherVoters()))
	}
}

func (c *connection) waitAOF(argv [][]byte) {
	for _, argument := range argv[1:3] {
		if n, ok := wire.ParseInteger(argument); !ok || n < 0 {
			c.reply(errorf("value is out of range, must be positive"))
			return
		}
	}
	if c.validTimeout(argv[3]) {
		c.reply(command.Array(command.Integer(1), command.Integer(c.otherVoters())))
	}
}

// validTimeout answers the error if the argument is no timeout in ms.
func (c *connection) validTimeout(argument []byte) bool {
	timeout, ok := wire.ParseInteger(argument)
	switch {
	case !ok:
		c.reply(errorf("timeout is not an integer or out of range"))
		return false
	case timeout < 0:
		c.reply(errorf("timeout is negative"))
		return false
	}
	return true
}

// settings is what CONFIG GET shows: what clients ask for, as it holds here.
func (c *connection) settings() [][2]string {
	config := c.server.config
	return [][2]string{
		{"appendonly", "yes"},
		{"appendfsync", "always"},
		{"cluster-enabled", "no"},
		{"databases", strconv.Itoa(command.MaxDatabases)},
		{"maxclients", strconv.Itoa(config.MaxClients)},
		{"maxmemory", "0"},
		{"maxmemory-policy", "noeviction"},
		{"proto-max-bulk-len", strconv.Itoa(command.MaxValueBytes)},
		{"replica-read-only", "yes"},
		{"save", ""},
		{"slave-read-only", "yes"},
		{"timeout", strconv.Itoa(int(config.IdleTimeout.Seconds()))},
	}
}

func (c *connection) configGet(argv [][]byte) {
	var pairs []command.Reply
	for _, setting := range c.settings() {
		for _, pattern := range argv[2:] {
			if name, matches := settingAsAsked(string(pattern), setting[0]); matches {
				pairs = append(pairs, bulk(name), bulk(setting[1]))
				break
			}
		}
	}
	c.reply(command.Map(pairs...))
}

// settingAsAsked is the name under which a setting is answered if the pattern asks for it: a name is answered in the letters in which it was asked for.
func settingAsAsked(pattern, setting string) (name string, matches bool) {
	if !strings.ContainsAny(pattern, "[*?") {
		return pattern, strings.EqualFold(pattern, setting)
	}
	matches, err := path.Match(strings.ToLower(pattern), setting)
	return setting, err == nil && matches
}

func (c *connection) describeAll([][]byte) {
	raw := wire.AppendArrayHeader(nil, len(commandsSorted))
	for _, r := range commandsSorted {
		raw = r.appendInfo(raw, c.protocol)
	}
	c.replyRaw(raw)
}

func (c *connection) commandInfo(argv [][]byte) {
	if len(argv) == 2 {
		c.describeAll(nil)
		return
	}
	raw := wire.AppendArrayHeader(nil, len(argv)-2)
	for _, name := range argv[2:] {
		if r := findFull(name); r != nil {
			raw = r.appendInfo(raw, c.protocol)
		} else {
			raw = wire.AppendNil(raw, c.protocol)
		}
	}
	c.replyRaw(raw)
}

// findFull finds a command by its name, or a subcommand by "container|name".
func findFull(name []byte) *row {
	first, rest, isChild := strings.Cut(string(name), "|")
	r := findByName([]byte(first))
	switch {
	case r == nil || r.hidden:
		return nil
	case isChild:
		return r.child([]byte(rest))
	}
	return r
}

// appendInfo writes the row as COMMAND shows it: ten fields, of which tips and key specifications are empty.
func (r *row) appendInfo(to []byte, protocol wire.Protocol) []byte {
	to = wire.AppendArrayHeader(to, 10)
	to = wire.AppendBulk(to, r.fullName())
	to = wire.AppendInteger(to, int64(r.arity))
	to = appendWords(to, protocol, r.flags)
	to = wire.AppendInteger(to, int64(r.firstKey))
	to = wire.AppendInteger(to, int64(r.lastKey))
	to = wire.AppendInteger(to, int64(r.keyStep))
	to = appendWords(to, protocol, r.categories)
	to = wire.AppendArrayHeader(to, 0)
	to = wire.AppendArrayHeader(to, 0)
	to = wire.AppendArrayHeader(to, len(r.children))
	for _, child := range r.children {
		to = child.appendInfo(to, protocol)
	}
	return to
}

func appendWords(to []byte, protocol wire.Protocol, words string) []byte {
	list := strings.Fields(words)
	to = wire.AppendSetHeader(to, protocol, len(list))
	for _, word := range list {
		to = wire.AppendStatus(to, word)
	}
	return to
}

func (c *connection) commandList([][]byte) {
	names := make([]command.Reply, 0, len(commandsSorted))
	for _, r := range commandsSorted {
		names = append(names, bulk(r.name))
	}
	c.reply(command.Array(names...))
}

func (c *connection) commandDocs(argv [][]byte) {
	rows := commandsSorted
	if len(argv) > 2 {
		rows = nil
		for _, name := range argv[2:] {
			if r := findFull(name); r != nil {
				rows = append(rows, r)
			}
		}
	}
	var pairs []command.Reply
	for _, r := range rows {
		pairs = append(pairs, bulk(r.fullName()), r.docs())
	}
	c.reply(command.Map(pairs...))
}

func (r *row) docs() command.Reply {
	pairs := []command.Reply{bulk("summary"), bulk(r.summary), bulk("group"), bulk(r.group)}
	if r.usage != "" {
		pairs = append(pairs, bulk("usage"), bulk(r.usage))
	}
	if len(r.children) > 0 {
		var children []command.Reply
		for _, child := range r.children {
			children = append(children, bulk(child.fullName()), child.docs())
		}
		pairs = append(pairs, bulk("subcommands"), command.Map(children...))
	}
	return command.Map(pairs...)
}

func (c *connection) commandGetKeys(argv [][]byte) {
	request := argv[2:]
	r, refusal := find(request)
	if r == nil {
		if findByName(request[0]) == nil {
			refusal = errorf("Invalid command specified")
		} else {
			refusal = errorf("Invalid number of arguments specified for command")
		}
		c.reply(refusal)
		return
	}
	if r.firstKey == 0 && r.keys == nil {
		c.reply(errorf("The command has no key arguments"))
		return
	}
	keys, err := r.keysOf(request)
	if err != nil {
		c.reply(errorf("Invalid arguments specified for command"))
		return
	}
	replies := make([]command.Reply, 0, len(keys))
	for _, key := range keys {
		replies = append(replies, bulk(string(key)))
	}
	c.reply(command.Array(replies...))
}
