package script

import (
	"bytes"

	"github.com/coordd/coordd/fsm/command"
)

// reply converts what a script returned, with the rules of Redis: numbers lose their fraction, false and nil are nil, true is 1, a list ends at its first
// nil, a table with the field err or ok is an error or a status.
func (r *runner) reply(v value, depth int) command.Reply {
	r.takeReply(16)
	switch v.kind {
	case kindString:
		r.takeReply(len(v.text))
		return command.Bulk([]byte(v.text))
	case kindNumber:
		return command.Integer(toInteger(v.number))
	case kindBoolean:
		if v.number != 0 {
			return command.Integer(1)
		}
	case kindTable:
		return r.tableReply(v.table, depth+1)
	}
	return command.Nil()
}

func (r *runner) takeReply(count int) {
	if r.replyBytes -= count; r.replyBytes < 0 {
		r.stop("bytes of reply")
	}
}

func (r *runner) tableReply(t *table, depth int) command.Reply {
	if depth > MaxDepth {
		return command.Errorf(command.CodeGeneric, "reached lua stack limit")
	}
	if failure := t.text("err"); failure.kind == kindString {
		r.takeReply(len(failure.text))
		return errorReply([]byte(failure.text))
	}
	if status := t.text("ok"); status.kind == kindString {
		r.takeReply(len(status.text))
		return command.Reply{Type: command.ReplyStatus, Text: oneLine([]byte(status.text))}
	}
	if double := t.text("double"); double.kind == kindNumber {
		return command.Bulk([]byte(formatNumber(double.number, 17)))
	}
	for _, name := range []string{"map", "set", "big_number", "verbatim_string"} {
		if t.text(name).kind != kindNil {
			return command.Errorf(command.CodeGeneric, "coordd does not support replies of type %s from scripts", name)
		}
	}
	reply := command.Array()
	for i := 1; ; i++ {
		item := t.get(numberOf(float64(i)))
		if item.kind == kindNil {
			return reply
		}
		reply.Elements = append(reply.Elements, r.reply(item, depth))
	}
}

// errorReply makes an error of a text that begins with its code.
func errorReply(text []byte) command.Reply {
	prefix, _, _ := bytes.Cut(text, []byte(" "))
	return command.Reply{Type: command.ReplyError, Code: codeOf(string(prefix)), Text: oneLine(text)}
}

// codeOf finds the code of an error again after it was text in a script. Only codes that Redis commands answer are known here: a script may write any
// word in front of its errors, and must not be able to speak for the node about leaders or unknown outcomes.
func codeOf(prefix string) command.Code {
	for _, code := range []command.Code{command.CodeLocked, command.CodeLimit} {
		if code.Prefix() == prefix {
			return code
		}
	}
	return command.CodeGeneric
}

// oneLine makes line ends into spaces, since a status or an error is one line of the protocol.
func oneLine(text []byte) []byte {
	for i, b := range text {
		if b == '\r' || b == '\n' {
			text[i] = ' '
		}
	}
	return text
}

// fromReply converts the reply of a Redis command to a value. Errors are left to the caller.
func (r *runner) fromReply(reply command.Reply) value {
	switch reply.Type {
	case command.ReplyInteger:
		return numberOf(float64(reply.Integer))
	case command.ReplyBulk:
		r.take(len(reply.Text))
		return stringOf(string(reply.Text))
	case command.ReplyStatus:
		return r.fieldTable("ok", reply.Text)
	case command.ReplyError:
		return r.fieldTable("err", reply.Text)
	case command.ReplyArray, command.ReplyMap:
		r.take(tableBytes + entryBytes*len(reply.Elements))
		r.step(len(reply.Elements) / 8)
		t := &table{list: make([]value, len(reply.Elements))}
		for i, element := range reply.Elements {
			t.list[i] = r.fromReply(element)
		}
		return tableOf(t)
	}
	return booleanOf(false)
}

func (r *runner) fieldTable(name string, text []byte) value {
	r.take(tableBytes + entryBytes + len(text))
	t := &table{}
	t.fields = append(t.firstField[:0], field{stringOf(name), stringOf(string(text))})
	return tableOf(t)
}
