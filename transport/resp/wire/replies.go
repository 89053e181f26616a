package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
)

// ReplyLimits bounds what one reply of a server may hold. The zero value of a field means its default.
type ReplyLimits struct {
	BulkBytes  int // bytes of one string; default 16 MiB
	TotalBytes int // bytes of all strings and lines of one reply; default 64 MiB
	Elements   int // values in one reply, nested ones included; default 1,048,576
	Depth      int // nesting; default 32
	LineBytes  int // bytes of a status, an error or a number; default 64 KiB
}

func (l ReplyLimits) withDefaults() ReplyLimits {
	fallback := func(field *int, value int) {
		if *field <= 0 {
			*field = value
		}
	}
	fallback(&l.BulkBytes, 16<<20)
	fallback(&l.TotalBytes, 64<<20)
	fallback(&l.Elements, 1<<20)
	fallback(&l.Depth, 32)
	fallback(&l.LineBytes, 64<<10)
	return l
}

// Replies reads what a server sends. It is used by one goroutine.
type Replies struct {
	source *bufio.Reader
	limits ReplyLimits

	// What the reply under way may still use.
	bytesLeft    int
	elementsLeft int
}

// NewReplies reads from source.
func NewReplies(source io.Reader, limits ReplyLimits) *Replies {
	return &Replies{source: bufio.NewReaderSize(source, 16<<10), limits: limits.withDefaults()}
}

// Buffered is the number of bytes that are read and not parsed.
func (r *Replies) Buffered() int { return r.source.Buffered() }

// Read reads one value: a reply, or a push. An end of the stream between values is io.EOF, inside one io.ErrUnexpectedEOF. After any error
// the place in the stream is lost.
func (r *Replies) Read() (Value, error) {
	if _, err := r.source.Peek(1); err != nil {
		return Value{}, err
	}
	r.bytesLeft = r.limits.TotalBytes
	r.elementsLeft = r.limits.Elements
	value, err := r.value(0)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return value, err
}

// value reads a value with the attributes before it.
func (r *Replies) value(depth int) (Value, error) {
	if depth > r.limits.Depth {
		return Value{}, protocolErrorf("a reply is nested deeper than %d", r.limits.Depth)
	}
	line, err := r.line()
	if err != nil {
		return Value{}, err
	}
	if len(line) == 0 {
		return Value{}, protocolErrorf("an empty line where a reply should begin")
	}
	if line[0] != '|' {
		return r.bare(line, depth)
	}
	attributes, err := r.elements(line, 2, depth)
	if err != nil {
		return Value{}, err
	}
	if attributes.Type == Nil {
		return Value{}, protocolErrorf("an attribute without a length")
	}
	value, err := r.value(depth + 1)
	value.Attributes = append(attributes.Elements, value.Attributes...)
	return value, err
}

// bare reads the rest of a value whose first line is given. The line is valid until the next read.
func (r *Replies) bare(line []byte, depth int) (Value, error) {
	kind, text := line[0], line[1:]
	switch kind {
	case '+':
		return Value{Type: Status, Text: bytes.Clone(text)}, nil
	case '-':
		return Value{Type: Error, Text: bytes.Clone(text)}, nil
	case ':':
		return integerValue(text)
	case '$':
		return r.blob(text, Bulk)
	case '!':
		return r.blob(text, Error)
	case '=':
		return r.verbatim(text)
	case '*':
		return r.typed(line, Array, 1, depth)
	case '~':
		return r.typed(line, Set, 1, depth)
	case '>':
		return r.typed(line, Push, 1, depth)
	case '%':
		return r.typed(line, Map, 2, depth)
	}
	return scalarValue(kind, text)
}

func (r *Replies) typed(line []byte, t Type, perElement, depth int) (Value, error) {
	value, err := r.elements(line, perElement, depth)
	if err == nil && value.Type != Nil {
		value.Type = t
	}
	return value, err
}

func integerValue(text []byte) (Value, error) {
	n, ok := ParseInteger(bytes.TrimPrefix(text, []byte{'+'}))
	if !ok {
		return Value{}, protocolErrorf("%q is not an integer", text)
	}
	return Value{Type: Integer, Integer: n}, nil
}

// scalarValue reads the one-line types of RESP3.
func scalarValue(kind byte, text []byte) (Value, error) {
	switch kind {
	case '_':
		return Value{Type: Nil}, nil
	case '#':
		if len(text) != 1 || text[0] != 't' && text[0] != 'f' {
			return Value{}, protocolErrorf("%q is not a boolean", text)
		}
		value := Value{Type: Boolean}
		if text[0] == 't' {
			value.Integer = 1
		}
		return value, nil
	case ',':
		f, err := strconv.ParseFloat(string(text), 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return Value{}, protocolErrorf("%q is not a number", text)
		}
		return Value{Type: Double, Double: f}, nil
	case '(':
		if !isDecimal(text) {
			return Value{}, protocolErrorf("%q is not a number", text)
		}
		return Value{Type: BigNumber, Text: bytes.Clone(text)}, nil
	}
	return Value{}, protocolErrorf("a reply cannot begin with '%s'", printable(kind))
}

func isDecimal(text []byte) bool {
	digits := bytes.TrimPrefix(text, []byte{'-'})
	for _, b := range digits {
		if b < '0' || b > '9' {
			return false
		}
	}
	return len(digits) > 0
}

// length reads a count; -1 stands for the nil of RESP2. Streamed values, whose length is "?", are used by no server and refused.
func (r *Replies) length(text []byte, limit int) (int, error) {
	n, ok := ParseInteger(text)
	if !ok || n < -1 || n > int64(limit) {
		return 0, protocolErrorf("%q is not a length from -1 to %d", text, limit)
	}
	return int(n), nil
}

// blob reads the bytes behind a length and the line end after them.
func (r *Replies) blob(text []byte, t Type) (Value, error) {
	n, err := r.length(text, min(r.limits.BulkBytes, r.bytesLeft))
	if err != nil {
		return Value{}, err
	}
	if n < 0 {
		return Value{Type: Nil}, nil
	}
	r.bytesLeft -= n
	content := make([]byte, 0, min(n+2, 64<<10))
	for len(content) < n+2 {
		from := len(content)
		content = append(content, make([]byte, min(n+2-from, 64<<10))...)
		if _, err := io.ReadFull(r.source, content[from:]); err != nil {
			return Value{}, unexpected(err)
		}
	}
	if content[n] != '\r' || content[n+1] != '\n' {
		return Value{}, protocolErrorf("expected CRLF after a bulk of %d bytes", n)
	}
	return Value{Type: t, Text: content[:n:n]}, nil
}

func (r *Replies) verbatim(text []byte) (Value, error) {
	value, err := r.blob(text, Verbatim)
	if err != nil || value.Type == Nil {
		return value, err
	}
	if len(value.Text) < 4 || value.Text[3] != ':' {
		return Value{}, protocolErrorf("a verbatim string without a format")
	}
	value.Format, value.Text = string(value.Text[:3]), value.Text[4:]
	return value, nil
}

// elements reads the values behind a count, perElement for each.
func (r *Replies) elements(line []byte, perElement, depth int) (Value, error) {
	n, err := r.length(line[1:], r.elementsLeft/perElement)
	if err != nil {
		return Value{}, err
	}
	if n < 0 {
		return Value{Type: Nil}, nil
	}
	n *= perElement
	r.elementsLeft -= n
	elements := make([]Value, 0, min(n, 64))
	for range n {
		element, err := r.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		elements = append(elements, element)
	}
	return Value{Type: Array, Elements: elements}, nil
}

// line reads up to the next line end. What it returns is valid until the next read.
func (r *Replies) line() ([]byte, error) {
	line, err := r.source.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line, err = r.longLine(line)
	}
	if err != nil {
		return nil, err
	}
	r.bytesLeft -= len(line)
	if r.bytesLeft < 0 {
		return nil, protocolErrorf("a reply has more than %d bytes", r.limits.TotalBytes)
	}
	if len(line) < 2 || line[len(line)-2] != '\r' {
		return nil, protocolErrorf("a line does not end in CRLF")
	}
	line = line[:len(line)-2]
	if bytes.IndexByte(line, '\r') >= 0 {
		return nil, protocolErrorf("a line holds a carriage return")
	}
	return line, nil
}

func (r *Replies) longLine(begin []byte) ([]byte, error) {
	line := bytes.Clone(begin)
	for len(line) <= r.limits.LineBytes {
		part, err := r.source.ReadSlice('\n')
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
	return nil, protocolErrorf("a line has more than %d bytes", r.limits.LineBytes)
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
