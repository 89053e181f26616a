package script

import (
	"strconv"
	"strings"
)

func tableInsert(r *runner, line uint32, arguments []value) []value {
	t := r.tableArgument(line, "insert", arguments, 0)
	end := t.length() + 1
	switch len(arguments) {
	case 2:
		r.put(t, end, arguments[1])
	case 3:
		position := int(int32(toInteger(r.numberArgument(line, "insert", arguments, 1))))
		r.step((max(end-position, 0)) / 8)
		for i := max(end, position); i > position; i-- {
			r.put(t, i, t.get(numberOf(float64(i-1))))
		}
		r.put(t, position, arguments[2])
	default:
		r.raise(line, "wrong number of arguments to 'insert'")
	}
	return nil
}

func (r *runner) put(t *table, position int, v value) {
	if t.set(numberOf(float64(position)), v) {
		r.take(entryBytes)
	}
}

func tableRemove(r *runner, line uint32, arguments []value) []value {
	t := r.tableArgument(line, "remove", arguments, 0)
	end := t.length()
	position := int(int32(toInteger(r.optionalNumber(line, "remove", arguments, 1, float64(end)))))
	if position < 1 || position > end {
		return nil
	}
	r.step((end - position) / 8)
	removed := t.list[position-1]
	copy(t.list[position-1:end], t.list[position:end])
	t.list[end-1] = value{}
	return r.one(removed)
}

func tableConcat(r *runner, line uint32, arguments []value) []value {
	t := r.tableArgument(line, "concat", arguments, 0)
	separator := ""
	if len(arguments) > 1 && arguments[1].kind != kindNil {
		separator = r.textArgument(line, "concat", arguments, 1)
	}
	from := toInteger(r.optionalNumber(line, "concat", arguments, 2, 1))
	to := toInteger(r.optionalNumber(line, "concat", arguments, 3, float64(t.length())))
	var joined strings.Builder
	for i := from; i <= to; i++ {
		r.step(1)
		part, ok := t.get(numberOf(float64(i))).toText()
		if !ok {
			kind := t.get(numberOf(float64(i))).kind.String()
			r.raise(line, "invalid value ("+kind+") at index "+strconv.FormatInt(i, 10)+" in table for 'concat'")
		}
		if i > from {
			part = separator + part
		}
		r.take(len(part))
		joined.WriteString(part)
	}
	return r.one(stringOf(joined.String()))
}

func tableGetN(r *runner, line uint32, arguments []value) []value {
	return r.one(numberOf(float64(r.tableArgument(line, "getn", arguments, 0).length())))
}
