package replyformat

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/coordd/coordd/transport/resp/wire"
)

// Text writes a value as redis-cli shows it on a terminal: (integer) 1, (nil), "quoted", numbered elements. It ends with a line end.
func Text(value wire.Value) string { return text(value, "") }

// text writes one value; the lines after the first begin with indent.
func text(value wire.Value, indent string) string {
	switch value.Type {
	case wire.Nil:
		return "(nil)\n"
	case wire.Status:
		return string(value.Text) + "\n"
	case wire.Error:
		return "(error) " + string(value.Text) + "\n"
	case wire.Integer:
		return fmt.Sprintf("(integer) %d\n", value.Integer)
	case wire.Bulk:
		return Quote(value.Text) + "\n"
	case wire.Boolean:
		return fmt.Sprintf("(%t)\n", value.Integer != 0)
	case wire.Double:
		return "(double) " + number(value.Double) + "\n"
	case wire.BigNumber, wire.Verbatim:
		return string(value.Text) + "\n"
	case wire.Array, wire.Push:
		return list(value.Elements, ')', "(empty array)", indent)
	case wire.Set:
		return list(value.Elements, '~', "(empty set)", indent)
	case wire.Map:
		return pairs(value.Elements, indent)
	}
	return fmt.Sprintf("(a reply of %s)\n", value.Type)
}

// list numbers the elements, with the numbers aligned at their end.
func list(elements []wire.Value, mark byte, empty, indent string) string {
	if len(elements) == 0 {
		return empty + "\n"
	}
	var out strings.Builder
	width := len(strconv.Itoa(len(elements)))
	deeper := indent + strings.Repeat(" ", width+2)
	for i, element := range elements {
		if i > 0 {
			out.WriteString(indent)
		}
		fmt.Fprintf(&out, "%*d%c %s", width, i+1, mark, text(element, deeper))
	}
	return out.String()
}

// pairs numbers the pairs of a map.
func pairs(elements []wire.Value, indent string) string {
	count := len(elements) / 2
	if count == 0 {
		return "(empty hash)\n"
	}
	var out strings.Builder
	width := len(strconv.Itoa(count))
	deeper := indent + strings.Repeat(" ", width+2)
	for i := range count {
		if i > 0 {
			out.WriteString(indent)
		}
		key := strings.TrimSuffix(text(elements[2*i], deeper), "\n")
		fmt.Fprintf(&out, "%*d# %s => %s", width, i+1, key, text(elements[2*i+1], deeper))
	}
	return out.String()
}

// Quote writes bytes between double quotes, with escapes for what would not print. A line typed at the prompt may use the same escapes.
func Quote(bytes []byte) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, b := range bytes {
		switch b {
		case '\\', '"':
			out.WriteByte('\\')
			out.WriteByte(b)
		case '\n':
			out.WriteString(`\n`)
		case '\r':
			out.WriteString(`\r`)
		case '\t':
			out.WriteString(`\t`)
		case '\a':
			out.WriteString(`\a`)
		case '\b':
			out.WriteString(`\b`)
		default:
			if b >= ' ' && b <= '~' {
				out.WriteByte(b)
			} else {
				fmt.Fprintf(&out, `\x%02x`, b)
			}
		}
	}
	out.WriteByte('"')
	return out.String()
}

// number writes a double as RESP3 does.
func number(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}
