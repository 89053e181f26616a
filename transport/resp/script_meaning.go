package resp

import (
	"strings"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/fsm/redissyntax"
	"github.com/coordd/coordd/fsm/script"
)

// deletesIfEqual reports whether a program is the one with which nearly every client gives a lock back, however it is written:
//
//	if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) else return 0 end
//
// Such a script is proposed as the one typed command that it means, which takes less of the log and of every machine than a program.
func deletesIfEqual(p *script.Program) bool {
	if len(p.Functions) > 0 || len(p.Main) == 0 || len(p.Main) > 2 {
		return false
	}
	choice := &p.Main[0]
	if choice.Op != script.If || len(choice.Expressions) != 1 || !returns(choice.Blocks[0], isDelete) {
		return false
	}
	otherwise := p.Main[1:] // either behind the if, or its else
	switch {
	case len(choice.Blocks) == 2 && len(otherwise) == 0:
		otherwise = choice.Blocks[1]
	case len(choice.Blocks) == 2:
		return false
	}
	condition := &choice.Expressions[0]
	if condition.Op != script.Equal || !returns(otherwise, isZero) {
		return false
	}
	left, right := &condition.Operands[0], &condition.Operands[1]
	return isGet(left) && isFirst(right, script.Arguments) || isFirst(left, script.Arguments) && isGet(right)
}

// takesIfFree gives the arguments of the SET with which a program begins, if all it does when that succeeds is to answer OK:
//
//	if redis.call("set", KEYS[1], ARGV[1], "NX", "PX", ARGV[3]) then return redis.status_reply("OK") end
//
// What follows matters only when the name is not free. Nil for other programs.
func takesIfFree(p *script.Program) []script.Expression {
	if len(p.Main) == 0 {
		return nil
	}
	choice := &p.Main[0]
	if choice.Op != script.If || !returns(choice.Blocks[0], isStatusOK) {
		return nil
	}
	call := &choice.Expressions[0]
	if call.Op != script.CallBuiltin || script.Builtin(call.Place) != script.RedisCall || len(call.Operands) < 5 {
		return nil
	}
	for i := range call.Operands {
		if e := &call.Operands[i]; e.Op != script.Text && !isInput(e) {
			return nil
		}
	}
	return call.Operands
}

func isStatusOK(e *script.Expression) bool {
	return e.Op == script.CallBuiltin && script.Builtin(e.Place) == script.RedisStatusReply && len(e.Operands) == 1 && e.Operands[0].Op == script.Text && e.Operands[0].Text == "OK"
}

// isInput recognises KEYS[n] and ARGV[n].
func isInput(e *script.Expression) bool {
	return e.Op == script.Index && (e.Operands[0].Op == script.Keys || e.Operands[0].Op == script.Arguments) &&
		e.Operands[1].Op == script.Number && e.Operands[1].Number >= 1 && e.Operands[1].Number <= command.MaxScriptArguments && e.Operands[1].Number == float64(int(e.Operands[1].Number))
}

// returns reports whether a block does nothing but return one such value.
func returns(block []script.Statement, such func(*script.Expression) bool) bool {
	return len(block) == 1 && block[0].Op == script.Return && len(block[0].Expressions) == 1 && such(&block[0].Expressions[0])
}

func isZero(e *script.Expression) bool { return e.Op == script.Number && e.Number == 0 }

func isGet(e *script.Expression) bool { return callsOnKey(e, "get") }

func isDelete(e *script.Expression) bool { return callsOnKey(e, "del") || callsOnKey(e, "unlink") }

// callsOnKey recognises redis.call(name, KEYS[1]).
func callsOnKey(e *script.Expression, name string) bool {
	return e.Op == script.CallBuiltin && script.Builtin(e.Place) == script.RedisCall && len(e.Operands) == 2 &&
		e.Operands[0].Op == script.Text && strings.EqualFold(e.Operands[0].Text, name) && isFirst(&e.Operands[1], script.Keys)
}

// isFirst recognises KEYS[1] or ARGV[1].
func isFirst(e *script.Expression, of script.ExpressionOp) bool {
	return e.Op == script.Index && e.Operands[0].Op == of && e.Operands[1].Op == script.Number && e.Operands[1].Number == 1
}

// typed is the command that a script means with these keys and arguments, if there is one and nothing about them could make the script fail.
func (s *compiledScript) typed(database uint8, keys, arguments [][]byte) (command.Op, bool) {
	if !s.deletesIfEqual || s.readOnly || len(keys) == 0 || len(arguments) == 0 || len(keys[0]) > command.MaxNameBytes || len(arguments[0]) > command.MaxValueBytes {
		return nil, false
	}
	name := command.Name{Database: database, Key: string(keys[0])}
	if strings.HasPrefix(name.Key, command.ReservedPrefix) {
		return nil, false
	}
	return command.DeleteIf{Name: name, Condition: command.IfEqual, Operand: arguments[0]}, true
}

// hope is the chance that a script does no more than take a free name. Then the SET alone is proposed first. If the name is not free, that did nothing, and
// the script is run as if nothing had been tried. A script that often finds its names taken is only watched until it finds them free again.
type hope struct {
	set command.Op // nil: not now
	of  *compiledScript
}

// hope gives the SET that may be enough for a script, when nothing about the script's keys and arguments makes it anything but a plain SET NX.
func (s *compiledScript) hope(database uint8, keys, arguments [][]byte) *hope {
	if len(s.takesIfFree) == 0 || s.readOnly {
		return nil
	}
	if s.disappointed.Load() > 0 {
		return &hope{of: s}
	}
	argv := make([][]byte, len(s.takesIfFree))
	for i := range s.takesIfFree {
		e := &s.takesIfFree[i]
		if e.Op == script.Text {
			argv[i] = []byte(e.Text)
			continue
		}
		list := keys
		if e.Operands[0].Op == script.Arguments {
			list = arguments
		}
		place := int(e.Operands[1].Number)
		if place > len(list) {
			return nil
		}
		argv[i] = list[place-1]
	}
	op, _, ok := redissyntax.ParseInScript(database, argv, false)
	set, isSet := op.(command.Set)
	if !ok || !isSet || set.Condition != command.IfAbsent || set.Reply != command.SetReplyStatus || strings.HasPrefix(set.Name.Key, command.ReservedPrefix) {
		return nil
	}
	return &hope{set: set, of: s}
}

// How much a name that was taken counts, against one that was free.
const (
	disappointment     = 8
	mostDisappointment = 64
)

// learnIfFree notes whether the script found its name free.
func (s *compiledScript) learnIfFree(free bool) {
	before := s.disappointed.Load()
	after := min(before+disappointment, mostDisappointment)
	if free {
		after = max(before-1, 0)
	}
	if after != before {
		s.disappointed.CompareAndSwap(before, after) // another's word counts as much as this one
	}
}

func isOK(reply command.Reply) bool {
	return reply.Type == command.ReplyStatus && string(reply.Text) == "OK"
}

// executeHopefully is execute for a batch of one script that may be no more than a SET.
func (c *connection) executeHopefully(ops []command.Op, hope *hope) ([]command.Reply, error) {
	if hope.set != nil {
		replies, failure := c.execute([]command.Op{hope.set})
		if failure != nil || len(replies) == 1 && isOK(replies[0]) {
			return replies, failure
		}
		hope.of.learnIfFree(false)
		return c.execute(ops)
	}
	replies, failure := c.execute(ops)
	if failure == nil && len(replies) == 1 {
		hope.of.learnIfFree(isOK(replies[0]))
	}
	return replies, failure
}
