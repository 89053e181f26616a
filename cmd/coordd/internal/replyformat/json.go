package replyformat

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"

	"github.com/coordd/coordd/transport/resp/wire"
)

// JSON writes a value as one line of JSON. An error becomes {"error": "…"}, nil becomes null, and bytes that are not UTF-8 become the
// replacement character, since JSON has no other bytes. The members of an object keep the order of the reply.
func JSON(value wire.Value) []byte {
	return append(appendJSON(nil, value), '\n')
}

func appendJSON(to []byte, value wire.Value) []byte {
	switch value.Type {
	case wire.Nil:
		return append(to, "null"...)
	case wire.Error:
		to = appendString(append(to, `{"error":`...), value.Text)
		return append(to, '}')
	case wire.Integer:
		return strconv.AppendInt(to, value.Integer, 10)
	case wire.Boolean:
		return strconv.AppendBool(to, value.Integer != 0)
	case wire.Double:
		if math.IsInf(value.Double, 0) || math.IsNaN(value.Double) {
			return appendString(to, []byte(number(value.Double)))
		}
		return append(to, number(value.Double)...)
	case wire.BigNumber:
		if !json.Valid(value.Text) { // leading zeros
			return appendString(to, value.Text)
		}
		return append(to, value.Text...)
	case wire.Array, wire.Set, wire.Push:
		return appendList(to, value.Elements)
	case wire.Map:
		return appendObject(to, value.Elements)
	}
	return appendString(to, value.Text)
}

func appendList(to []byte, elements []wire.Value) []byte {
	to = append(to, '[')
	for i, element := range elements {
		if i > 0 {
			to = append(to, ',')
		}
		to = appendJSON(to, element)
	}
	return append(to, ']')
}

func appendObject(to []byte, elements []wire.Value) []byte {
	to = append(to, '{')
	for i := 0; i+1 < len(elements); i += 2 {
		if i > 0 {
			to = append(to, ',')
		}
		to = appendString(to, keyText(elements[i]))
		to = append(to, ':')
		to = appendJSON(to, elements[i+1])
	}
	return append(to, '}')
}

// keyText is a map's key as text, since JSON knows no other keys.
func keyText(key wire.Value) []byte {
	return bytes.TrimSuffix(Raw(key), []byte{'\n'})
}

// appendString writes a JSON string without the escapes that are only for web pages.
func appendString(to, text []byte) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(string(text)); err != nil {
		return append(to, `""`...) // cannot happen: every string encodes
	}
	return append(to, bytes.TrimSuffix(out.Bytes(), []byte{'\n'})...)
}
