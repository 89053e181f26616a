package redissyntax

import (
	"errors"

	"github.com/coordd/coordd/fsm/command"
)

// Parse turns the arguments of one command, its name first, into an op. When ok is false there is nothing to run and reply is the answer: an error in
// Redis' wording. The op shares the memory of byte slices in argv, so the caller must not change them afterwards. argv must not be empty.
func Parse(database uint8, argv [][]byte) (op command.Op, reply command.Reply, ok bool) {
	row := Lookup(argv[0])
	if row == nil {
		return nil, UnknownCommand(argv), false
	}
	return row.Parse(database, argv)
}

// Parse is like the function Parse for a command that the caller has looked up already.
func (c *Command) Parse(database uint8, argv [][]byte) (op command.Op, reply command.Reply, ok bool) {
	if !c.fits(len(argv)) {
		return nil, WrongArity(c.Name), false
	}
	op, err := c.parse(database, argv)
	if err == nil {
		return op, command.Reply{}, true
	}
	var refused *problem
	if !errors.As(err, &refused) {
		return nil, command.Errorf(command.CodeGeneric, "%s", err), false
	}
	return nil, refused.reply, false
}

// ParseInScript is Parse for a redis.call in a script: unknown commands, arity and commands that scripts must not use are answered as Redis answers them
// there, and with readOnly (EVAL_RO, or a script that is flagged no-writes) writes are refused. PING and ECHO are answered at once: ok is false and
// reply is no error.
func ParseInScript(database uint8, argv [][]byte, readOnly bool) (op command.Op, reply command.Reply, ok bool) {
	row := Lookup(argv[0])
	if row == nil {
		return nil, answerWithoutOp(argv), false
	}
	if !row.fits(len(argv)) {
		return nil, scriptArity(), false
	}
	if readOnly && row.Flags&Write != 0 {
		return nil, command.Errorf(command.CodeGeneric, "Write commands are not allowed from read-only scripts."), false
	}
	return row.Parse(database, argv)
}

func scriptArity() command.Reply {
	return command.Errorf(command.CodeGeneric, "Wrong number of args calling Redis command from script")
}

// answerWithoutOp answers what needs no state, and refuses the rest.
func answerWithoutOp(argv [][]byte) command.Reply {
	switch name := lower(argv[0]); name {
	case "ping":
		switch len(argv) {
		case 1:
			return command.Status("PONG")
		case 2:
			return command.Bulk(argv[1])
		}
		return scriptArity()
	case "echo":
		if len(argv) == 2 {
			return command.Bulk(argv[1])
		}
		return scriptArity()
	default:
		if notInScripts[name] {
			return command.Errorf(command.CodeGeneric, "This Redis command is not allowed from script")
		}
		return command.Errorf(command.CodeGeneric, "Unknown Redis command called from script")
	}
}

// KnownInScript reports whether a script may call the command of this name, in any letter case.
func KnownInScript(name []byte) bool {
	if Lookup(name) != nil {
		return true
	}
	text := lower(name)
	return text == "ping" || text == "echo"
}

// notInScripts names commands that exist at the door or in Redis and that Redis does not let scripts call.
var notInScripts = map[string]bool{
	"auth": true, "asking": true, "client": true, "cluster": true, "config": true, "debug": true, "discard": true, "eval": true, "eval_ro": true,
	"evalsha": true, "evalsha_ro": true, "exec": true, "fcall": true, "fcall_ro": true, "function": true, "hello": true, "monitor": true,
	"multi": true, "psubscribe": true, "punsubscribe": true, "quit": true, "readonly": true, "readwrite": true, "reset": true,
	"role": true, "script": true, "shutdown": true, "ssubscribe": true, "subscribe": true, "sunsubscribe": true,
	"unsubscribe": true, "unwatch": true, "wait": true, "watch": true,
}
