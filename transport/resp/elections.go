package resp

import (
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/native"
)

// An election is a lock of its name, so these commands are those of locks in other words.
func electionRows() []*row {
	const flags, categories, group = "noscript fast", "@fast @write", "election"
	one := func(name string, arity int, more, usage, summary string, handle func(*connection, [][]byte)) *row {
		return &row{name: name, arity: arity, flags: flags + more, categories: categories, group: group, firstKey: 1, lastKey: 1, keyStep: 1,
			inMulti: refusedInMulti, handle: handle, usage: usage, summary: summary}
	}
	reads := func(name, usage, summary string, parse func(uint8, [][]byte) (command.Op, *command.Reply), finish finisher) *row {
		r := one(name, 2, "", usage, summary, func(c *connection, argv [][]byte) {
			op, refusal := parse(c.database, argv)
			if refusal != nil {
				c.reply(*refusal)
				return
			}
			c.run(op, sizeOf(argv), finish)
		})
		r.flags, r.categories = "readonly noscript", "@read @fast"
		return r
	}
	return []*row{
		one("election.campaign", -2, " blocking", "name [VALUE text] "+sessionOptions, "Takes part in an election: wins it, or waits for its turn; OWNER is the candidate's name, VALUE what a leader says.", (*connection).campaign),
		one("election.proclaim", -5, "", "name hold VALUE text SESSION id secret [OWNER owner] [REQUEST n [LOW m]]", "Changes what the leader says.", (*connection).proclaim),
		reads("election.leader", "name", "Answers who leads, or plainly that nobody does.", native.Leader, nil),
		reads("election.candidates", "name", "Lists who waits for the leadership, in order.", native.Info, candidatesOnly),
		one("election.resign", -3, "", "name hold SESSION id secret [OWNER owner] [REQUEST n [LOW m]]", "Gives the leadership to the next candidate.", (*connection).resign),
		one("election.transfer", -5, "", "name hold TO candidate SESSION id secret [OWNER owner] [REQUEST n [LOW m]]", "Gives the leadership to one candidate, out of turn: by waiter id or owner.", (*connection).transferLeadership),
	}
}

// candidatesOnly leaves of all that is known about a name those who wait.
func candidatesOnly(_ *connection, reply command.Reply) answer {
	if reply.Type != command.ReplyMap {
		return answer{reply: reply}
	}
	for i := 0; i+1 < len(reply.Elements); i += 2 {
		if string(reply.Elements[i].Text) == "waiters" {
			return answer{reply: reply.Elements[i+1]}
		}
	}
	return answer{reply: command.Array()}
}

func (c *connection) campaign(argv [][]byte) {
	a, refusal := native.Campaign(c.database, argv)
	c.acquire(a, refusal, argv)
}

func (c *connection) proclaim(argv [][]byte) {
	op, refusal := native.Proclaim(c.database, argv)
	c.runUnlessRefused(op, refusal, argv)
}

func (c *connection) resign(argv [][]byte) {
	op, refusal := native.Release("ELECTION.RESIGN", c.database, argv)
	c.runUnlessRefused(op, refusal, argv)
}

func (c *connection) transferLeadership(argv [][]byte) {
	op, refusal := native.Transfer(c.database, argv)
	c.runUnlessRefused(op, refusal, argv)
}
