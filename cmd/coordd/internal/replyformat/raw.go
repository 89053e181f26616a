package replyformat

import (
	"strconv"

	"github.com/coordd/coordd/transport/resp/wire"
)

// Raw writes a value as its bytes alone, for shell scripts: nothing is quoted or numbered, each element of a list has a line, and nil is an
// empty line. It ends with a line end.
func Raw(value wire.Value) []byte { return appendRaw(nil, value) }

func appendRaw(to []byte, value wire.Value) []byte {
	switch value.Type {
	case wire.Array, wire.Set, wire.Push, wire.Map:
		for _, element := range value.Elements {
			to = appendRaw(to, element)
		}
		if len(value.Elements) == 0 {
			to = append(to, '\n')
		}
		return to
	case wire.Integer:
		to = strconv.AppendInt(to, value.Integer, 10)
	case wire.Boolean:
		to = strconv.AppendBool(to, value.Integer != 0)
	case wire.Double:
		to = append(to, number(value.Double)...)
	default:
		to = append(to, value.Text...)
	}
	return append(to, '\n')
}
