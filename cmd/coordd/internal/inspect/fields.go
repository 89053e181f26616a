package inspect

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// Fields is a JSON object whose members keep their order.
type Fields []Field

// Field is one member.
type Field struct {
	Name  string
	Value any
}

// MarshalJSON implements json.Marshaler.
func (f Fields) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, field := range f {
		if i > 0 {
			out.WriteByte(',')
		}
		name, err := json.Marshal(field.Name)
		if err != nil {
			return nil, err
		}
		value, err := marshalPlain(field.Value)
		if err != nil {
			return nil, err
		}
		out.Write(name)
		out.WriteByte(':')
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// marshalPlain encodes without the escapes that are only for web pages.
func marshalPlain(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSuffix(out.Bytes(), []byte{'\n'}), err
}

// Text is bytes as JSON can hold them: a string when they are UTF-8, an object {"base64": "…"} when they are not.
type Text []byte

// MarshalJSON implements json.Marshaler.
func (t Text) MarshalJSON() ([]byte, error) {
	if utf8.Valid(t) {
		return marshalPlain(string(t))
	}
	return json.Marshal(struct {
		Base64 []byte `json:"base64"`
	}{t})
}

func texts[T ~string | ~[]byte](values []T) []Text {
	out := make([]Text, len(values))
	for i, value := range values {
		out[i] = Text(value)
	}
	return out
}
