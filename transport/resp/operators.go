package resp

import (
	"context"
	"encoding/json"
	"time"

	"github.com/coordd/coordd/fsm/command"
)

// operatorPatience is how long a change of the cluster may take before the operator is told that its fate is unknown.
const operatorPatience = 30 * time.Second

func operatorRows() []*row {
	const flags, categories, group = "admin noscript", "@admin @slow @dangerous", "coordd"
	member := container("coordd.members", group, categories, "Changes the members of the cluster; for operators.",
		&row{name: "add", arity: -4, flags: flags, categories: categories, group: group, usage: "node-id peer-address [NONVOTER]", handle: (*connection).addMember,
			summary: "Adds a node; it becomes a voter once it has caught up, unless NONVOTER is given.", inMulti: refusedInMulti},
		&row{name: "remove", arity: 3, flags: flags, categories: categories, group: group, usage: "node-id", handle: (*connection).removeMember,
			summary: "Takes a node out of the cluster.", inMulti: refusedInMulti},
	)
	return []*row{
		{name: "coordd.status", arity: 1, flags: "loading stale", categories: "@slow", group: group, handle: (*connection).status,
			summary: "Answers, as JSON, how this node sees itself and the cluster."},
		member,
		{name: "coordd.transfer", arity: -1, flags: flags, categories: categories, group: group, usage: "[node-id]", handle: (*connection).transfer,
			summary: "Hands leadership to a voter; for operators.", inMulti: refusedInMulti},
	}
}

func (c *connection) status([][]byte) {
	text, err := json.Marshal(c.server.config.Node.Status())
	if err != nil {
		c.reply(errorf("the status cannot be written as JSON: %s", err))
		return
	}
	c.reply(command.Bulk(text))
}

func (c *connection) addMember(argv [][]byte) {
	voter := len(argv) == 4
	if len(argv) > 5 || len(argv) == 5 && !is(argv[4], "nonvoter") {
		c.reply(errOption("COORDD.MEMBERS", argv[4]))
		return
	}
	nodeID, address := string(argv[2]), string(argv[3])
	c.operate("coordd.members|add", func(ctx context.Context) error { return c.server.config.Admin.AddMember(ctx, nodeID, address, voter) })
}

func (c *connection) removeMember(argv [][]byte) {
	nodeID := string(argv[2])
	c.operate("coordd.members|remove", func(ctx context.Context) error { return c.server.config.Admin.RemoveMember(ctx, nodeID) })
}

func (c *connection) transfer(argv [][]byte) {
	nodeID := ""
	switch len(argv) {
	case 1:
	case 2:
		nodeID = string(argv[1])
	default:
		c.reply(errOption("COORDD.TRANSFER", argv[2]))
		return
	}
	c.operate("coordd.transfer", func(ctx context.Context) error { return c.server.config.Admin.TransferLeadership(ctx, nodeID) })
}

// operate makes one change of the cluster, after all that the connection has sent before it. Unlike other commands it is answered when its fate is
// unknown: an operator looks, and no client resends it.
func (c *connection) operate(name string, change func(ctx context.Context) error) {
	switch {
	case !c.user.operator:
		c.reply(errNotOperator(name))
		return
	case c.server.config.Admin == nil:
		c.reply(errorf("this node cannot change its cluster"))
		return
	}
	c.carryOut()
	if c.dropped || c.closing {
		return
	}
	ctx, cancel := context.WithTimeout(c.ctx, operatorPatience)
	defer cancel()
	if err := change(ctx); err != nil {
		c.reply(command.Reply{Type: command.ReplyError, Code: codeOf(err), Text: []byte(operatorError(err))})
		return
	}
	c.reply(command.OK())
}

func operatorError(err error) string {
	if codeOf(err) == command.CodeUnknownOutcome {
		return command.CodeUnknownOutcome.Prefix() + " the change was begun and its fate is not known; look at COORDD.STATUS: " + err.Error()
	}
	return err.Error()
}
