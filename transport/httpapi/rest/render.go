package rest

import (
	"encoding/base64"
	"encoding/json"
	"strconv"

	"github.com/coordd/coordd/transport/resp/wire"
)

// appendObject writes a native map as a JSON object, its fields in the order in which they came.
func appendObject(to []byte, value wire.Value, s *shape) []byte {
	to = append(to, '{')
	for i := 0; i+1 < len(value.Elements); i += 2 {
		if i > 0 {
			to = append(to, ',')
		}
		name := string(value.Elements[i].Text)
		to = append(appendText(to, name), ':')
		to = appendProperty(to, value.Elements[i+1], s.find(name))
	}
	return append(to, '}')
}

// appendProperty writes a value as its property says; p is nil for one that no shape knows, which is told by its type.
func appendProperty(to []byte, value wire.Value, p *property) []byte {
	if p == nil {
		return appendPlain(to, value, nil)
	}
	n, _ := value.Int()
	switch p.is {
	case aToken:
		return appendText(to, strconv.FormatInt(n, 10))
	case aFlag:
		return strconv.AppendBool(to, n != 0)
	case aCursor:
		return appendText(to, base64.RawURLEncoding.EncodeToString(value.Text))
	case aWord:
		if n >= 0 && n < int64(len(p.words)) {
			return appendText(to, p.words[n])
		}
	case rowsOrNull:
		if value.Type != wire.Nil {
			return appendRows(to, value.Elements, p.of)
		}
	case objects:
		return appendPlain(to, value, p.of)
	}
	return appendPlain(to, value, nil)
}

// appendRows writes a flat array as objects: the values of a row are those of the shape's properties, in their order.
func appendRows(to []byte, values []wire.Value, s *shape) []byte {
	to = append(to, '[')
	for width := len(s.properties); len(values) >= width; values = values[width:] {
		if to[len(to)-1] != '[' {
			to = append(to, ',')
		}
		row := wire.Value{Type: wire.Map}
		for i, p := range s.properties {
			row.Elements = append(row.Elements, textValue(p.name), values[i])
		}
		to = appendObject(to, row, s)
	}
	return append(to, ']')
}

// appendPlain writes a value by its type; s is the shape of the objects in it.
func appendPlain(to []byte, value wire.Value, s *shape) []byte {
	switch value.Type {
	case wire.Integer:
		return strconv.AppendInt(to, value.Integer, 10)
	case wire.Boolean:
		return strconv.AppendBool(to, value.Integer != 0)
	case wire.Double:
		return strconv.AppendFloat(to, value.Double, 'g', -1, 64)
	case wire.Map:
		return appendObject(to, value, s)
	case wire.Array, wire.Set, wire.Push:
		to = append(to, '[')
		for i, element := range value.Elements {
			if i > 0 {
				to = append(to, ',')
			}
			to = appendPlain(to, element, s)
		}
		return append(to, ']')
	case wire.Nil:
		return append(to, "null"...)
	}
	return appendText(to, string(value.Text))
}

// appendText writes a JSON string. Bytes that are not UTF-8 become U+FFFD, since JSON cannot hold them.
func appendText(to []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil { // strings never fail
		return append(to, `""`...)
	}
	return append(to, quoted...)
}
