package resp

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// MaxBulk and MaxElements bound what a reply may announce.
const (
	MaxBulk     = 64 << 20
	MaxElements = 1 << 20
	maxDepth    = 32
)

// Value is one reply: its kind is the byte that introduces it on the wire.
type Value struct {
	Kind byte
	// Text is the content of strings, errors, numbers, booleans and verbatim strings.
	Text string
	// Null is true for the null of either protocol version.
	Null bool
	// Elements are the members of an array, set, push or map (key, value, key, value).
	Elements []Value
}

// IsError says whether the reply is an error.
func (v Value) IsError() bool { return v.Kind == '-' || v.Kind == '!' }

// Int returns the number of an integer reply, or of a string that holds one.
func (v Value) Int() (int64, bool) {
	number, err := strconv.ParseInt(v.Text, 10, 64)
	return number, err == nil && !v.Null && len(v.Elements) == 0
}

// String shows the reply for people, on one line.
func (v Value) String() string {
	switch {
	case v.Null:
		return "nil(" + string(v.Kind) + ")"
	case v.Elements != nil:
		parts := make([]string, len(v.Elements))
		for i, element := range v.Elements {
			parts[i] = element.String()
		}
		return string(v.Kind) + "[" + strings.Join(parts, " ") + "]"
	case v.Kind == '$' || v.Kind == '=':
		return strconv.Quote(v.Text)
	default:
		return string(v.Kind) + v.Text
	}
}

// ReadValue reads one reply and returns it parsed and as it stood on the wire.
func ReadValue(r *bufio.Reader) (Value, []byte, error) {
	reader := reader{r: r}
	value, err := reader.value(0)
	return value, reader.raw, err
}

// reader collects the bytes it reads.
type reader struct {
	r   *bufio.Reader
	raw []byte
}

func (r *reader) line() (string, error) {
	line, err := r.r.ReadString('\n')
	r.raw = append(r.raw, line...)
	if err != nil {
		return "", err
	}
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return "", fmt.Errorf("the reply line %q does not end in CR LF", line)
	}
	return line[:len(line)-2], nil
}

func (r *reader) value(depth int) (Value, error) {
	if depth > maxDepth {
		return Value{}, fmt.Errorf("the reply is nested deeper than %d", maxDepth)
	}
	line, err := r.line()
	if err != nil {
		return Value{}, err
	}
	value := Value{Kind: line[0], Text: line[1:]}
	switch value.Kind {
	case '+', '-', ':', '#', ',', '(':
		return value, nil
	case '_':
		value.Null = true
		return value, nil
	case '$', '=', '!':
		return r.bulk(value)
	case '*', '~', '>':
		return r.aggregate(value, 1, depth)
	case '%', '|':
		return r.aggregate(value, 2, depth)
	default:
		return Value{}, fmt.Errorf("a reply cannot begin with %q", line)
	}
}

func (r *reader) bulk(value Value) (Value, error) {
	length, err := strconv.Atoi(value.Text)
	if err != nil || length < -1 || length > MaxBulk {
		return Value{}, fmt.Errorf("the reply announces a string of %q bytes", value.Text)
	}
	if length == -1 {
		return Value{Kind: value.Kind, Null: true}, nil
	}
	content := make([]byte, length+2)
	count, err := io.ReadFull(r.r, content)
	r.raw = append(r.raw, content[:count]...)
	if err != nil {
		return Value{}, err
	}
	if string(content[length:]) != "\r\n" {
		return Value{}, fmt.Errorf("a string of %d bytes does not end in CR LF", length)
	}
	value.Text = string(content[:length])
	return value, nil
}

func (r *reader) aggregate(value Value, perElement, depth int) (Value, error) {
	count, err := strconv.Atoi(value.Text)
	if err != nil || count < -1 || count > MaxElements {
		return Value{}, fmt.Errorf("the reply announces %q elements", value.Text)
	}
	if count == -1 {
		return Value{Kind: value.Kind, Null: true}, nil
	}
	value.Text = ""
	value.Elements = make([]Value, 0, min(count*perElement, 1024))
	for range count * perElement {
		element, err := r.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		value.Elements = append(value.Elements, element)
	}
	return value, nil
}
