package script

import (
	"crypto/sha1"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/coordd/coordd/fsm/command"
)

// redisCall runs a command; its error ends the script.
func redisCall(r *runner, line uint32, arguments []value) []value {
	reply, problem := r.callRedis(arguments)
	if problem != "" {
		r.raiseReply(line, []byte("ERR "+problem))
	}
	if reply.IsError() {
		r.raiseReply(line, reply.Text)
	}
	return r.one(r.fromReply(reply))
}

// redisPCall runs a command; its error is a table with the field err.
func redisPCall(r *runner, _ uint32, arguments []value) []value {
	reply, problem := r.callRedis(arguments)
	if problem != "" {
		reply = command.Errorf(command.CodeGeneric, "%s", problem)
	}
	return r.one(r.fromReply(reply))
}

// callRedis passes a command on. The problem is about the call itself.
func (r *runner) callRedis(arguments []value) (reply command.Reply, problem string) {
	if len(arguments) == 0 {
		return reply, "Please specify at least one argument for this redis lib call"
	}
	size := 0
	for _, argument := range arguments {
		size += len(argument.text)
	}
	r.argv, r.argument = r.argv[:0], slices.Grow(r.argument[:0], size)
	for _, argument := range arguments {
		text := argument.text
		switch argument.kind {
		case kindString:
		case kindNumber:
			text = formatNumber(argument.number, 17)
		default:
			return reply, "Lua redis lib command arguments must be strings or integers"
		}
		start := len(r.argument)
		r.argument = append(r.argument, text...)
		r.argv = append(r.argv, r.argument[start:len(r.argument):len(r.argument)])
	}
	if r.budget.Calls--; r.budget.Calls < 0 {
		r.stop("Redis commands")
	}
	reply = r.caller.Call(r.argv)
	if reply.Type == command.ReplyAgain {
		panic(&stopped{command.Again()})
	}
	return reply, ""
}

// redisErrorReply makes a table that becomes an error. A text of one word gets the code ERR, one of more words is its own.
func redisErrorReply(r *runner, _ uint32, arguments []value) []value {
	if len(arguments) != 1 || arguments[0].kind != kindString {
		return r.one(r.fieldTable("err", []byte("ERR wrong number or type of arguments")))
	}
	text := strings.TrimPrefix(arguments[0].text, "-")
	if !strings.Contains(text, " ") {
		text = "ERR " + text
	}
	return r.one(r.fieldTable("err", []byte(text)))
}

func redisStatusReply(r *runner, _ uint32, arguments []value) []value {
	if len(arguments) != 1 || arguments[0].kind != kindString {
		return r.one(r.fieldTable("err", []byte("ERR wrong number or type of arguments")))
	}
	return r.one(r.fieldTable("ok", []byte(arguments[0].text)))
}

// redisReplicateCommands answers true: what a script does is replicated as a whole anyway.
func redisReplicateCommands(*runner, uint32, []value) []value { return []value{booleanOf(true)} }

// redisLog checks its arguments and writes nothing, since a machine does no output.
func redisLog(r *runner, line uint32, arguments []value) []value {
	if len(arguments) < 2 {
		r.raiseReply(line, []byte("ERR redis.log() requires two arguments or more."))
	}
	if arguments[0].kind != kindNumber {
		r.raiseReply(line, []byte("ERR First argument must be a number (log level)."))
	}
	if arguments[0].number < 0 || arguments[0].number > 3 {
		r.raiseReply(line, []byte("ERR Invalid debug level."))
	}
	return nil
}

func redisSHA1Hex(r *runner, line uint32, arguments []value) []value {
	if len(arguments) != 1 {
		r.raiseReply(line, []byte("ERR wrong number of arguments"))
	}
	text, _ := arguments[0].toText()
	r.step(len(text) / 64)
	r.take(2 * sha1.Size)
	sum := sha1.Sum([]byte(text))
	return r.one(stringOf(hex.EncodeToString(sum[:])))
}
