package resp

import (
	"slices"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/resp/wire"
)

// Clients subscribe while they connect (StackExchange.Redis does so on a connection of its own), so subscriptions are accepted and counted as Redis
// does. PUBLISH is refused, also in scripts, so there is no message that a subscriber could miss.
func subscriptionRows() []*row {
	const flags, categories, group = "pubsub noscript loading stale", "@pubsub @slow", "pubsub"
	make := func(name string, arity int, usage, summary string, handle func(*connection, [][]byte)) *row {
		return &row{name: name, arity: arity, flags: flags, categories: categories, group: group, usage: usage, summary: summary,
			whileSubscribed: true, inMulti: refusedInMulti, handle: handle}
	}
	var rows []*row
	for _, kind := range []struct {
		prefix, what string
		list         func(*subscriptions) *[]string
	}{
		{"", "channel", func(s *subscriptions) *[]string { return &s.channels }},
		{"p", "pattern", func(s *subscriptions) *[]string { return &s.patterns }},
		{"s", "shardchannel", func(s *subscriptions) *[]string { return &s.shard }},
	} {
		rows = append(rows,
			make(kind.prefix+"subscribe", -2, kind.what+" ["+kind.what+" ...]", "Accepted, but nothing is ever published.", subscriber(kind.prefix+"subscribe", kind.list)),
			make(kind.prefix+"unsubscribe", -1, "["+kind.what+" ...]", "Ends subscriptions.", unsubscriber(kind.prefix+"unsubscribe", kind.list)))
	}
	return rows
}

// maxSubscriptions bounds the channels and patterns of one connection.
const maxSubscriptions = 1024

// subscriptions are the channels a connection listens to, in order of subscription.
type subscriptions struct{ channels, patterns, shard []string }

func (s *subscriptions) counts() (channels, patterns, shard int) {
	return len(s.channels), len(s.patterns), len(s.shard)
}

// restrict reports that the connection may send subscription commands only: in RESP2 pushes cannot be told from replies.
func (s *subscriptions) restrict(protocol wire.Protocol) bool {
	return protocol == wire.RESP2 && len(s.channels)+len(s.patterns)+len(s.shard) > 0
}

// count is the number that acknowledgements carry: shard channels are counted by themselves.
func (s *subscriptions) count(list *[]string) int64 {
	if list == &s.shard {
		return int64(len(s.shard))
	}
	return int64(len(s.channels) + len(s.patterns))
}

func (c *connection) acknowledge(kind string, channel command.Reply, count int64) {
	raw := wire.AppendPushHeader(nil, c.protocol, 3)
	raw = wire.AppendBulk(raw, kind)
	raw = appendReply(raw, c.protocol, channel)
	c.replyRaw(wire.AppendInteger(raw, count))
}

func subscriber(kind string, of func(*subscriptions) *[]string) func(*connection, [][]byte) {
	return func(c *connection, argv [][]byte) {
		list := of(&c.channels)
		if len(*list)+len(argv)-1 > maxSubscriptions {
			c.reply(command.Errorf(command.CodeLimit, "a connection subscribes to at most %d channels", maxSubscriptions))
			return
		}
		for _, argument := range argv[1:] {
			if len(argument) > command.MaxNameBytes {
				c.reply(command.Errorf(command.CodeLimit, "a channel name of %d bytes is too long; the limit is %d", len(argument), command.MaxNameBytes))
				return
			}
			if channel := string(argument); !slices.Contains(*list, channel) {
				*list = append(*list, channel)
			}
			c.acknowledge(kind, bulk(string(argument)), c.channels.count(list))
		}
		c.tellAbout()
	}
}

func unsubscriber(kind string, of func(*subscriptions) *[]string) func(*connection, [][]byte) {
	return func(c *connection, argv [][]byte) {
		list := of(&c.channels)
		leaving := make([]string, 0, len(argv))
		for _, argument := range argv[1:] {
			leaving = append(leaving, string(argument))
		}
		if len(argv) == 1 {
			leaving = append(leaving, *list...)
		}
		for _, channel := range leaving {
			if i := slices.Index(*list, channel); i >= 0 {
				*list = slices.Delete(*list, i, i+1)
			}
			c.acknowledge(kind, bulk(channel), c.channels.count(list))
		}
		if len(leaving) == 0 {
			c.acknowledge(kind, command.Nil(), c.channels.count(list))
		}
		c.tellAbout()
	}
}
