package resp

import (
	"crypto/sha1"
	"encoding/hex"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/resp/wire"
)

func scriptRows() []*row {
	const categories, group = "@slow @scripting", "scripting"
	run := func(name, flags, usage, summary string, bySHA1, readOnly bool) *row {
		return &row{name: name, arity: -3, flags: flags, categories: categories, group: group, usage: usage, summary: summary, keys: scriptKeys,
			parse: func(c *connection, database uint8, argv [][]byte) (command.Op, command.Reply, bool) {
				return c.parseScript(database, argv, bySHA1, readOnly)
			}}
	}
	const flags, readOnlyFlags = "noscript stale skip_monitor no_mandatory_keys movablekeys", "readonly noscript stale skip_monitor no_mandatory_keys movablekeys"
	sub := func(name string, arity int, usage, summary string, handle func(*connection, [][]byte)) *row {
		return &row{name: name, arity: arity, flags: "noscript", categories: categories, group: group, usage: usage, summary: summary, handle: handle}
	}
	return []*row{
		run("eval", flags, "script numkeys [key ...] [arg ...]", "Runs a script as one command.", false, false),
		run("evalsha", flags, "sha1 numkeys [key ...] [arg ...]", "Runs a script that the cluster remembers as one command.", true, false),
		run("eval_ro", readOnlyFlags, "script numkeys [key ...] [arg ...]", "Runs a script that must not write.", false, true),
		run("evalsha_ro", readOnlyFlags, "sha1 numkeys [key ...] [arg ...]", "Runs a script that the cluster remembers and that must not write.", true, true),
		container("script", group, categories, "Keeps scripts for EVALSHA.",
			&row{name: "load", arity: 3, flags: "noscript", categories: categories, group: group, usage: "script", summary: "Compiles and keeps a script and answers its SHA1.",
				parse: func(c *connection, _ uint8, argv [][]byte) (command.Op, command.Reply, bool) {
					return c.parseScriptLoad(argv)
				}},
			sub("exists", -3, "sha1 [sha1 ...]", "Tells which scripts the cluster remembers.", (*connection).scriptExists),
			sub("flush", -2, "[ASYNC|SYNC]", "Forgets all scripts.", (*connection).scriptFlush),
			sub("kill", 2, "", "Answers NOTBUSY: scripts are bounded, so none has to be killed.", func(c *connection, _ [][]byte) {
				c.reply(command.Errorf(command.CodeNotBusy, "No scripts in execution right now."))
			}),
		),
	}
}

// splitKeys reads numkeys and divides what follows into KEYS and ARGV.
func splitKeys(argv [][]byte) (keys, arguments [][]byte, refusal command.Reply, ok bool) {
	count, isNumber := wire.ParseInteger(argv[2])
	rest := argv[3:]
	switch {
	case !isNumber:
		return nil, nil, errorf("value is not an integer or out of range"), false
	case count > int64(len(rest)):
		return nil, nil, errorf("Number of keys can't be greater than number of args"), false
	case count < 0:
		return nil, nil, errorf("Number of keys can't be negative"), false
	case len(rest) > command.MaxScriptArguments:
		return nil, nil, command.Errorf(command.CodeLimit, "%d keys and arguments are too many for a script; the limit is %d", len(rest), command.MaxScriptArguments), false
	}
	return rest[:count], rest[count:], refusal, true
}

// scriptKeys finds the keys of EVAL and its like for COMMAND GETKEYS. A number of keys that cannot be is none, as for Redis.
func scriptKeys(argv [][]byte) ([][]byte, error) {
	keys, _, _, _ := splitKeys(argv)
	return keys, nil
}

var errNoScript = command.Errorf(command.CodeNoScript, "No matching script. Please use EVAL.")

func (c *connection) parseScript(database uint8, argv [][]byte, bySHA1, readOnly bool) (command.Op, command.Reply, bool) {
	keys, arguments, refusal, ok := splitKeys(argv)
	if !ok {
		return nil, refusal, false
	}
	var compiled *compiledScript
	if bySHA1 {
		compiled, refusal, ok = c.scriptBySHA1(argv[1])
	} else {
		compiled, refusal, ok = c.scriptByText(argv[1])
	}
	if !ok {
		return nil, refusal, false
	}
	if op, ok := compiled.typed(database, keys, arguments); ok && !readOnly {
		return op, command.Reply{}, true
	}
	if c.planning == nil && !readOnly {
		c.batch.hope = compiled.hope(database, keys, arguments)
	}
	return command.Script{
		Program:   compiled.program,
		Database:  database,
		Keys:      copies(keys),
		Arguments: copies(arguments),
		ReadsOnly: readOnly || compiled.readOnly,
	}, command.Reply{}, true
}

// copies gives a list of its own, since the argument list of a request is used for the next one; the bytes stay where they are.
func copies(list [][]byte) [][]byte { return append([][]byte{}, list...) }

// scriptByText compiles a script, or finds it compiled, and has the cluster remember its text if this node does not know that it does: then EVALSHA
// works on every node, also after a failover. A script of a transaction is remembered only if the transaction takes place, by an op inside it.
func (c *connection) scriptByText(source []byte) (*compiledScript, command.Reply, bool) {
	if c.planning != nil {
		return c.planning.scriptByText(c.server.scripts, source)
	}
	compiled, refusal, ok := c.server.scripts.compile(source)
	if !ok {
		return nil, refusal, false
	}
	c.server.scripts.keep(compiled)
	if compiled.remembered.CompareAndSwap(false, true) {
		c.runUnanswered(command.ScriptLoad{Source: source}, len(source), compiled.learn)
	}
	return compiled, refusal, true
}

// learn notes whether the cluster remembers the script, so that the next EVAL tries again if it does not.
func (s *compiledScript) learn(_ *connection, reply command.Reply) answer {
	if reply.IsError() {
		s.remembered.Store(false)
	}
	return answer{reply: reply}
}

// scriptBySHA1 finds a script on this node, or else asks the cluster for its text.
func (c *connection) scriptBySHA1(name []byte) (*compiledScript, command.Reply, bool) {
	sum, ok := parseSHA1(name)
	if !ok {
		return nil, errNoScript, false
	}
	if found := c.planning.script(sum); found != nil {
		return found, command.Reply{}, true
	}
	if found := c.server.scripts.lookup(sum); found != nil {
		return found, command.Reply{}, true
	}
	replies, err := c.execute([]command.Op{command.ScriptSource{SHA1: hex.EncodeToString(sum[:])}})
	switch {
	case len(replies) == 0 && mustDrop(err):
		c.dropped = true
		return nil, errNoScript, false
	case len(replies) == 0:
		return nil, failureReply(err), false
	case replies[0].Type != command.ReplyBulk:
		return nil, errNoScript, false
	}
	compiled, refusal, ok := c.server.scripts.compile(replies[0].Text)
	if ok {
		c.server.scripts.keep(compiled)
		compiled.remembered.Store(true)
	}
	return compiled, refusal, ok
}

// parseScriptLoad has the cluster remember a script's text; this node keeps it compiled.
func (c *connection) parseScriptLoad(argv [][]byte) (command.Op, command.Reply, bool) {
	compiled, refusal, ok := c.server.scripts.compile(argv[2])
	switch {
	case !ok:
		return nil, refusal, false
	case c.planning != nil:
		c.planning.learned = append(c.planning.learned, compiled)
	default:
		c.server.scripts.keep(compiled)
	}
	return command.ScriptLoad{Source: argv[2]}, command.Reply{}, true
}

func (c *connection) scriptExists(argv [][]byte) {
	if asked := len(argv) - 2; asked > command.MaxNamesPerCommand {
		c.reply(command.Errorf(command.CodeLimit, "%d scripts in one command are too many; the limit is %d", asked, command.MaxNamesPerCommand))
		return
	}
	names := make([]string, 0, len(argv)-2)
	for _, name := range argv[2:] {
		sum, ok := parseSHA1(name)
		text := ""
		if ok {
			text = hex.EncodeToString(sum[:])
		}
		names = append(names, text)
	}
	c.run(command.ScriptExists{SHA1s: names}, sizeOf(argv), nil)
}

func (c *connection) scriptFlush(argv [][]byte) {
	if len(argv) > 3 || len(argv) == 3 && !is(argv[2], "async") && !is(argv[2], "sync") {
		c.reply(errorf("SCRIPT FLUSH only support SYNC|ASYNC option"))
		return
	}
	c.server.scripts.flush()
	c.run(command.ScriptFlush{}, sizeOf(argv), nil)
}

// parseSHA1 reads a script's name in any letter case.
func parseSHA1(text []byte) (sum [sha1.Size]byte, ok bool) {
	if len(text) != hex.EncodedLen(sha1.Size) {
		return sum, false
	}
	_, err := hex.Decode(sum[:], text)
	return sum, err == nil
}
