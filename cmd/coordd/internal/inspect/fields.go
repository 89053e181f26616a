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
	err := f.write(&out)
	return out.Bytes(), err
}

// write writes the object. Objects within it are written in place: encoding/json would encode each by itself and then read it again, at every level.
func (f Fields) write(out *bytes.Buffer) error {
	out.WriteByte('{')
	for i, field := range f {
		if i > 0 {
			out.WriteByte(',')
		}
		if err := writeValue(out, field.Name); err != nil {
			return err
		}
		out.WriteByte(':')
		if err := writeValue(out, field.Value); err != nil {
			return err
		}
	}
	out.WriteByte('}')
	return nil
}

// writeValue encodes without the escapes that are only for web pages.
func writeValue(out *bytes.Buffer, value any) error {
	switch value := value.(type) {
	case Fields:
		return value.write(out)
	case Text:
		if utf8.Valid(value) {
			return writeValue(out, string(value))
		}
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	out.Truncate(len(bytes.TrimSuffix(out.Bytes(), []byte{'\n'})))
	return err
}

// marshalPlain is writeValue into a slice of its own.
func marshalPlain(value any) ([]byte, error) {
	var out bytes.Buffer
	err := writeValue(&out, value)
	return out.Bytes(), err
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
