package script

import (
	"strconv"
	"strings"
)

// badArgument ends the script as Lua's argument checks do. position counts from 0.
func (r *runner) badArgument(line uint32, function string, position int, text string) {
	r.raise(line, "bad argument #"+strconv.Itoa(position+1)+" to '"+function+"' ("+text+")")
}

// wrongType says what was expected and what came.
func (r *runner) wrongType(line uint32, function string, arguments []value, position int, expected string) {
	got := "no value"
	if position < len(arguments) {
		got = arguments[position].kind.String()
	}
	r.badArgument(line, function, position, expected+" expected, got "+got)
}

func (r *runner) numberArgument(line uint32, function string, arguments []value, position int) float64 {
	if position < len(arguments) {
		if number, ok := arguments[position].toNumber(); ok {
			return number
		}
	}
	r.wrongType(line, function, arguments, position, "number")
	return 0
}

// optionalNumber is for arguments that may be missing or nil.
func (r *runner) optionalNumber(line uint32, function string, arguments []value, position int, otherwise float64) float64 {
	if position >= len(arguments) || arguments[position].kind == kindNil {
		return otherwise
	}
	return r.numberArgument(line, function, arguments, position)
}

func (r *runner) textArgument(line uint32, function string, arguments []value, position int) string {
	if position < len(arguments) {
		if text, ok := arguments[position].toText(); ok {
			return text
		}
	}
	r.wrongType(line, function, arguments, position, "string")
	return ""
}

func (r *runner) tableArgument(line uint32, function string, arguments []value, position int) *table {
	if position < len(arguments) && arguments[position].kind == kindTable {
		return arguments[position].table
	}
	r.wrongType(line, function, arguments, position, "table")
	return nil
}

func (r *runner) anyArgument(line uint32, function string, arguments []value) value {
	if len(arguments) == 0 {
		r.badArgument(line, function, 0, "value expected")
	}
	return arguments[0]
}

func toNumberBuiltin(r *runner, line uint32, arguments []value) []value {
	base := r.optionalNumber(line, "tonumber", arguments, 1, 10)
	if base == 10 {
		if number, ok := r.anyArgument(line, "tonumber", arguments).toNumber(); ok {
			return r.one(numberOf(number))
		}
		return r.one(value{})
	}
	text := r.textArgument(line, "tonumber", arguments, 0)
	if base < 2 || base > 36 {
		r.badArgument(line, "tonumber", 1, "base out of range")
	}
	text = strings.Trim(text, space)
	if base == 16 {
		text = strings.TrimPrefix(strings.TrimPrefix(text, "0x"), "0X")
	}
	number, err := strconv.ParseUint(text, int(base), 64)
	if err != nil {
		return r.one(value{})
	}
	return r.one(numberOf(float64(number)))
}

// toStringBuiltin writes tables and functions without the address that Lua shows, because addresses differ from machine to machine.
func toStringBuiltin(r *runner, line uint32, arguments []value) []value {
	v := r.anyArgument(line, "tostring", arguments)
	return r.one(stringOf(printed(v)))
}

func printed(v value) string {
	switch v.kind {
	case kindNil:
		return "nil"
	case kindBoolean:
		return strconv.FormatBool(v.number != 0)
	case kindTable:
		return "table: 0x0"
	case kindFunction:
		return "function: builtin: 0x0"
	}
	text, _ := v.toText()
	return text
}

func typeBuiltin(r *runner, line uint32, arguments []value) []value {
	return r.one(stringOf(r.anyArgument(line, "type", arguments).kind.String()))
}

func unpackBuiltin(r *runner, line uint32, arguments []value) []value {
	t := r.tableArgument(line, "unpack", arguments, 0)
	from := toInteger(r.optionalNumber(line, "unpack", arguments, 1, 1))
	to := toInteger(r.optionalNumber(line, "unpack", arguments, 2, float64(t.length())))
	if from > to {
		return nil
	}
	const most = 8000 // as many as Lua's stack holds
	if from < -1<<53 || to > 1<<53 || to-from >= most {
		r.raise(line, "too many results to unpack")
	}
	count := int(to - from + 1)
	r.take(entryBytes * count)
	values := make([]value, count)
	for i := range values {
		values[i] = t.get(numberOf(float64(from + int64(i))))
	}
	return values
}

// errorBuiltin ends the script. A text gets the place in front unless the level is 0; a table with the field err is an error of Redis.
func errorBuiltin(r *runner, line uint32, arguments []value) []value {
	var cause value
	if len(arguments) > 0 {
		cause = arguments[0]
	}
	level := r.optionalNumber(line, "error", arguments, 1, 1)
	switch {
	case cause.kind == kindTable:
		text, _ := cause.table.text("err").toText()
		r.raiseReply(line, []byte(text))
	case level > 0 && (cause.kind == kindString || cause.kind == kindNumber):
		r.raise(line, printed(cause))
	}
	r.raiseReply(line, []byte("ERR "+printed(cause)))
	return nil
}

func assertBuiltin(r *runner, line uint32, arguments []value) []value {
	if r.anyArgument(line, "assert", arguments).truthy() {
		return arguments
	}
	text := "assertion failed!"
	if len(arguments) > 1 && arguments[1].kind != kindNil {
		text = r.textArgument(line, "assert", arguments, 1)
	}
	r.raise(line, text)
	return nil
}

// nextBuiltin gives the first entry of a table, which scripts ask for to learn whether there is one.
func nextBuiltin(r *runner, line uint32, arguments []value) []value {
	t := r.tableArgument(line, "next", arguments, 0)
	if len(arguments) > 1 && arguments[1].kind != kindNil {
		r.raise(line, "next with a key is not supported")
	}
	r.step((len(t.list) + len(t.fields)) / 8)
	for i, item := range t.list {
		if item.kind != kindNil {
			return []value{numberOf(float64(i + 1)), item}
		}
	}
	for _, f := range t.fields {
		if f.value.kind != kindNil {
			return []value{f.key, f.value}
		}
	}
	return r.one(value{})
}
