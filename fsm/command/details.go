package command

import "strconv"

// Details are what an error says to programs: one JSON object at the end of its sentence. Texts may be any bytes; what is not UTF-8 or not printable is
// escaped, so an object never holds a line break.
type Details struct{ json []byte }

// Text adds a text.
func (d *Details) Text(key, value string) *Details {
	d.key(key)
	d.json = appendJSONText(d.json, value)
	return d
}

// Number adds a number.
func (d *Details) Number(key string, n int64) *Details {
	d.key(key)
	d.json = strconv.AppendInt(d.json, n, 10)
	return d
}

// Token adds a fencing token, as a text, since many readers of JSON cannot hold all of its digits in a number.
func (d *Details) Token(key string, token Token) *Details {
	return d.Text(key, strconv.FormatUint(uint64(token), 10))
}

// List adds an array of objects.
func (d *Details) List(key string, objects []Details) *Details {
	d.key(key)
	d.json = append(d.json, '[')
	for i := range objects {
		if i > 0 {
			d.json = append(d.json, ',')
		}
		d.json = append(d.json, objects[i].object()...)
	}
	d.json = append(d.json, ']')
	return d
}

func (d *Details) key(key string) {
	separator := byte(',')
	if len(d.json) == 0 {
		separator = '{'
	}
	d.json = append(d.json, separator)
	d.json = append(appendJSONText(d.json, key), ':')
}

func (d *Details) object() []byte {
	if len(d.json) == 0 {
		return []byte("{}")
	}
	return append(d.json[:len(d.json):len(d.json)], '}')
}

// With ends an error's sentence with details.
func (r Reply) With(details *Details) Reply {
	r.Text = append(append(r.Text[:len(r.Text):len(r.Text)], ' '), details.object()...)
	return r
}

// Sentence is the text of an error without its details.
func (r Reply) Sentence() []byte {
	for i := 0; i+2 < len(r.Text); i++ {
		if r.Text[i] == ' ' && r.Text[i+1] == '{' && r.Text[i+2] == '"' {
			return r.Text[:i]
		}
	}
	return r.Text
}

// appendJSONText writes a JSON string. Bytes that are no UTF-8 become U+FFFD, as JSON has no way to say them.
func appendJSONText(to []byte, text string) []byte {
	const digits = "0123456789abcdef"
	to = append(to, '"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			to = append(to, '\\', byte(r))
		case r < 0x20 || r == 0x7f:
			to = append(to, '\\', 'u', '0', '0', digits[r>>4], digits[r&15])
		case r == '{':
			to = append(to, `\u007b`...) // so that an object never begins inside a text
		default:
			to = append(to, string(r)...)
		}
	}
	return append(to, '"')
}
