package resp

import (
	"github.com/coordd/coordd/fsm/command"
)

// An election is a lock of its name, so these commands are those of locks in other words.
func electionRows() []*row {
	const flags, categories, group = "noscript fast", "@fast @write", "election"
	one := func(name string, arity int, more, usage, summary string, handle func(*connection, [][]byte)) *row {
		return &row{name: name, arity: arity, flags: flags + more, categories: categories, group: group, firstKey: 1, lastKey: 1, keyStep: 1,
			inMulti: refusedInMulti, handle: handle, usage: usage, summary: summary}
	}
	reads := func(name, usage, summary string, op func(string) command.Op, finish finisher) *row {
		r := one(name, 2, "", usage, summary, func(c *connection, argv [][]byte) {
			if refusal, ok := checkLockName(c.database, argv[1]); !ok {
				c.reply(refusal)
				return
			}
			c.run(op(string(argv[1])), sizeOf(argv), finish)
		})
		r.flags, r.categories = "readonly noscript", "@read @fast"
		return r
	}
	return []*row{
		one("election.campaign", -2, " blocking", "name [VALUE text] "+acquireOptions, "Takes part in an election: wins it, or waits for its turn; OWNER is the candidate's name, VALUE what a leader says.", (*connection).campaign),
		one("election.proclaim", -5, "", "name hold VALUE text SESSION id secret [OWNER owner] [REQUEST n [LOW m]]", "Changes what the leader says.", (*connection).proclaim),
		reads("election.leader", "name", "Answers who leads, or plainly that nobody does.", func(name string) command.Op { return command.ElectionLeader{Name: name} }, nil),
		reads("election.candidates", "name", "Lists who waits for the leadership, in order.", func(name string) command.Op { return command.LockInfo{Name: name} }, candidatesOnly),
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
	a := &acquisition{op: command.HoldAcquire{Names: []string{string(argv[1])}}}
	for i, argument := range argv {
		if is(argument, "value") && i > 1 {
			argv[i] = []byte("META") // what a leader says is its metadata
			break
		}
		if is(argument, "px") && i > 1 {
			c.reply(errorf("ELECTION.CAMPAIGN needs SESSION id secret: a leader is known by its session"))
			return
		}
	}
	c.acquireWith("ELECTION.CAMPAIGN", a, argv, 2, nil)
}

func (c *connection) proclaim(argv [][]byte) {
	op := command.HoldDescribe{Name: string(argv[1])}
	var number numbering
	var value *string
	o := c.holdOptions("ELECTION.PROCLAIM", argv, 3, &op.Hold)
	for o.more() {
		var text string
		switch {
		case o.text("value", "a value", command.MaxHoldMetadataBytes, &text):
			value = &text
		case o.session(&op.By), o.text("owner", "an owner", command.MaxOwnerBytes, &op.Owner), number.option(o):
		default:
			o.unknown()
		}
	}
	if value == nil {
		o.fail(errorf("ELECTION.PROCLAIM needs VALUE text; see HELP ELECTION.PROCLAIM"))
	} else {
		op.Metadata = []byte(*value)
	}
	number.check(o, op.By)
	c.runUnlessFailed(o, number.wrap(op.By, op), argv)
}

func (c *connection) resign(argv [][]byte) { c.release("ELECTION.RESIGN", argv) }

func (c *connection) transferLeadership(argv [][]byte) {
	op := command.ElectionTransfer{Name: string(argv[1])}
	var number numbering
	o := c.holdOptions("ELECTION.TRANSFER", argv, 3, &op.Hold)
	for o.more() {
		switch {
		case o.values("to", 1, func(values [][]byte) {
			if id, _, ok := parseWaiter(values[0]); ok {
				op.Waiter = id
				return
			}
			op.Candidate = string(values[0])
		}):
		case o.session(&op.By), o.text("owner", "an owner", command.MaxOwnerBytes, &op.Owner), number.option(o):
		default:
			o.unknown()
		}
	}
	switch {
	case op.Waiter.IsZero() && (op.Candidate == "" || len(op.Candidate) > command.MaxOwnerBytes):
		o.fail(errorf("ELECTION.TRANSFER needs TO with a candidate's waiter id or owner; see HELP ELECTION.TRANSFER"))
	case op.By.Session.IsZero():
		o.fail(errorf("ELECTION.TRANSFER needs SESSION id secret: only the leader gives its leadership away"))
	}
	number.check(o, op.By)
	c.runUnlessFailed(o, number.wrap(op.By, op), argv)
}
