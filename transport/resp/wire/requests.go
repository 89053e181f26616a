package wire

import (
	"bytes"
	"errors"
	"io"
)

// RequestLimits bounds what one client may send. The zero value of a field means its default.
type RequestLimits struct {
	Arguments    int // arguments of one request; default 4,096
	RequestBytes int // bytes of one request, and so of one argument; default 1 MiB
	InlineBytes  int // bytes of one inline request or one length line; default 64 KiB
}

// Default limits of a request.
const (
	DefaultArguments    = 4096
	DefaultRequestBytes = 1 << 20
	DefaultInlineBytes  = 64 << 10
)

func (l RequestLimits) withDefaults() RequestLimits {
	if l.Arguments <= 0 {
		l.Arguments = DefaultArguments
	}
	if l.RequestBytes <= 0 {
		l.RequestBytes = DefaultRequestBytes
	}
	if l.InlineBytes <= 0 {
		l.InlineBytes = DefaultInlineBytes
	}
	return l
}

// Limits that hold while a client has not authenticated yet, as in Redis: a stranger gets no memory.
const (
	unauthenticatedArguments = 10
	unauthenticatedBulkBytes = 16 << 10
)

// Buffer sizes: what a connection starts with and goes back to, and the size up to which it grows merely because its client pipelines a lot.
const (
	smallBuffer    = 4 << 10
	pipelineBuffer = 64 << 10
)

// ErrIncomplete says that the buffered bytes hold no further whole request: call Fill and try again.
var ErrIncomplete = errors.New("the request is not complete yet")

// Requests reads the requests of one connection. It is used by one goroutine, with the one exception described at Fill.
type Requests struct {
	source io.Reader
	limits RequestLimits

	// Unauthenticated restricts arguments and sizes as Redis does for clients that have not given a password.
	Unauthenticated bool

	buffer     []byte // buffer[start:end] is unparsed
	start, end int

	// The request being parsed; offsets count from start, so that they survive a move of the bytes.
	parsed    int // bytes of it that are parsed
	scanned   int // bytes of it in which no line end was found
	remaining int // arguments still to come; 0 between requests
	bulk      int // length of the argument to come; -1 when its length line is to come
	spans     []span
	arguments [][]byte
}

type span struct{ from, to int }

// NewRequests reads from source.
func NewRequests(source io.Reader, limits RequestLimits) *Requests {
	return &Requests{source: source, limits: limits.withDefaults(), buffer: make([]byte, smallBuffer), bulk: -1}
}

// Buffered is the number of bytes that are read and not parsed.
func (r *Requests) Buffered() int { return r.end - r.start }

// Partial reports whether a request has been begun and is not complete, so that an end of the stream now would cut it off.
func (r *Requests) Partial() bool { return r.Buffered() > 0 }

// Fill reads once from the source. The arguments handed out before become invalid: their bytes may be overwritten.
//
// An Extend may take Fill's place when arguments are still in use.
func (r *Requests) Fill() error {
	if r.start == r.end {
		r.start, r.end = 0, 0
		if len(r.buffer) > pipelineBuffer {
			r.buffer = make([]byte, smallBuffer)
		}
	} else if r.start > 0 {
		copy(r.buffer, r.buffer[r.start:r.end])
		r.end -= r.start
		r.start = 0
	}
	if r.end == len(r.buffer) {
		r.grow()
	}
	return r.read()
}

// Extend reads once from the source as Fill does, but leaves every argument handed out before intact, so that it can watch for the end of a
// connection, from another goroutine, while its commands run. Nothing else of r may be used until it has returned.
func (r *Requests) Extend() error {
	if r.end == len(r.buffer) {
		if r.Buffered() > r.limits.RequestBytes+pipelineBuffer {
			return protocolErrorf("too big query buffer")
		}
		r.grow()
	}
	return r.read()
}

// grow moves the unparsed bytes into a larger buffer and leaves the old one to whoever holds arguments in it.
func (r *Requests) grow() {
	larger := make([]byte, max(2*len(r.buffer), smallBuffer))
	r.end = copy(larger, r.buffer[r.start:r.end])
	r.start = 0
	r.buffer = larger
}

func (r *Requests) read() error {
	room := r.buffer[r.end:]
	n, err := r.source.Read(room)
	r.end += n
	if n > 0 {
		if n == len(room) && len(r.buffer) < pipelineBuffer {
			r.grow()
		}
		return nil
	}
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}

// Next parses the next request from the buffer. It returns ErrIncomplete when bytes are missing, and a *ProtocolError when the stream is
// broken. Empty requests are skipped, as in Redis. The slice is valid until the next call of Next, the arguments' bytes until the next Fill.
func (r *Requests) Next() ([][]byte, error) {
	for {
		if r.remaining == 0 {
			if r.start == r.end {
				return nil, ErrIncomplete
			}
			if r.buffer[r.start] != '*' {
				arguments, err := r.inline()
				if err != nil || len(arguments) > 0 {
					return arguments, err
				}
				continue
			}
			if err := r.header(); err != nil {
				return nil, err
			}
			if r.remaining == 0 {
				r.consume()
				continue
			}
		}
		for r.remaining > 0 {
			if err := r.argument(); err != nil {
				return nil, err
			}
		}
		return r.finish(), nil
	}
}

// line finds the line that begins at parsed and moves parsed behind it.
func (r *Requests) line(tooBig string) ([]byte, error) {
	unread := r.buffer[r.start:r.end]
	from := max(r.parsed, r.scanned)
	found := bytes.IndexByte(unread[from:], '\n')
	if found < 0 {
		r.scanned = len(unread)
		if len(unread)-r.parsed > r.limits.InlineBytes {
			return nil, protocolErrorf("%s", tooBig)
		}
		return nil, ErrIncomplete
	}
	line := unread[r.parsed : from+found]
	if len(line) > r.limits.InlineBytes {
		return nil, protocolErrorf("%s", tooBig)
	}
	r.parsed = from + found + 1
	return bytes.TrimSuffix(line, []byte{'\r'}), nil
}

func (r *Requests) header() error {
	line, err := r.line("too big mbulk count string")
	if err != nil {
		return err
	}
	count, ok := ParseInteger(line[1:])
	switch {
	case !ok || count > int64(r.limits.Arguments):
		return protocolErrorf("invalid multibulk length")
	case r.Unauthenticated && count > unauthenticatedArguments:
		return protocolErrorf("unauthenticated multibulk length")
	}
	r.remaining = int(max(count, 0))
	r.bulk = -1
	r.spans = r.spans[:0]
	return nil
}

// argument parses one argument, or as much of it as is there.
func (r *Requests) argument() error {
	if r.bulk < 0 {
		if err := r.bulkLength(); err != nil {
			return err
		}
	}
	if r.Buffered() < r.parsed+r.bulk+2 {
		return ErrIncomplete
	}
	after := r.start + r.parsed + r.bulk
	if r.buffer[after] != '\r' || r.buffer[after+1] != '\n' {
		return protocolErrorf("expected CRLF after a bulk of %d bytes", r.bulk)
	}
	r.spans = append(r.spans, span{r.parsed, r.parsed + r.bulk})
	r.parsed += r.bulk + 2
	r.bulk = -1
	r.remaining--
	return nil
}

func (r *Requests) bulkLength() error {
	if r.Buffered() > r.parsed && r.buffer[r.start+r.parsed] != '$' {
		return protocolErrorf("expected '$', got '%s'", printable(r.buffer[r.start+r.parsed]))
	}
	line, err := r.line("too big bulk count string")
	if err != nil {
		return err
	}
	length, ok := ParseInteger(line[1:])
	switch {
	case !ok || length < 0 || length > int64(r.limits.RequestBytes-r.parsed):
		return protocolErrorf("invalid bulk length")
	case r.Unauthenticated && length > unauthenticatedBulkBytes:
		return protocolErrorf("unauthenticated bulk length")
	}
	r.bulk = int(length)
	return nil
}

// finish turns the spans into arguments and steps over the request.
func (r *Requests) finish() [][]byte {
	request := r.buffer[r.start:r.end]
	r.arguments = r.arguments[:0]
	for _, s := range r.spans {
		r.arguments = append(r.arguments, request[s.from:s.to:s.to])
	}
	r.consume()
	return r.arguments
}

func (r *Requests) consume() {
	r.start += r.parsed
	r.parsed, r.scanned = 0, 0
}

func (r *Requests) inline() ([][]byte, error) {
	line, err := r.line("too big inline request")
	if err != nil {
		return nil, err
	}
	r.arguments, err = splitInline(r.arguments[:0], line)
	if err != nil {
		return nil, err
	}
	if len(r.arguments) > r.limits.Arguments {
		return nil, protocolErrorf("invalid multibulk length")
	}
	r.consume()
	return r.arguments, nil
}

// printable keeps a byte that cannot stand in an error line out of it.
func printable(b byte) string {
	if b < ' ' || b > '~' {
		return "?"
	}
	return string(rune(b))
}
