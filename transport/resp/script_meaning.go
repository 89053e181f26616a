package resp

import (
	"strings"

	"github.com/coordd/coordd/fsm/command"
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
