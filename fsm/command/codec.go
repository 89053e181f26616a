package command

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/coordd/coordd/fsm/internal/canonical"
)

// Version is the log format that this build writes. Every version ever released decodes for ever.
const Version = 1

// The first two bytes of every entry.
const (
	magic0 = 0xC0
	magic1 = 0x0D
)

// ErrMalformed is returned for an entry whose frame does not decode. Every machine refuses it alike, without effect.
var ErrMalformed = errors.New("the bytes are not a log entry: the frame does not decode")

// UnknownFormatError is returned for an entry of a version or kind that this build does not know. The node must stop: other builds run what it cannot
// read, so going on would make its state another one (safety case S10).
type UnknownFormatError struct{ What string }

// Error implements error.
func (e *UnknownFormatError) Error() string {
	return "the log holds " + e.What + ", which this build does not know: it was written by a newer coordd; start that version (or a newer one) on this node"
}

// AppendEntry appends the canonical encoding of an entry.
func AppendEntry(dst []byte, entry Entry) []byte {
	dst = AppendEntryHead(dst, entry.Term, entry.Now, len(entry.Commands))
	for i := range entry.Commands {
		dst = AppendCommand(dst, entry.Commands[i])
	}
	return dst
}

// AppendEntryHead appends what stands in front of the commands of an entry; so many, each as AppendCommand writes it, must follow.
func AppendEntryHead(dst []byte, term uint64, now Instant, commands int) []byte {
	dst = append(dst, magic0, magic1, Version)
	dst = binary.AppendUvarint(dst, term)
	dst = binary.AppendVarint(dst, int64(now))
	return binary.AppendUvarint(dst, uint64(commands))
}

// DecodeEntry reads what AppendEntry wrote. A command whose own payload is malformed comes back as a Malformed op, so that the others still run.
// The entry shares memory with data.
func DecodeEntry(data []byte) (Entry, error) {
	if len(data) < 3 || data[0] != magic0 || data[1] != magic1 {
		return Entry{}, ErrMalformed
	}
	if data[2] != Version {
		return Entry{}, &UnknownFormatError{fmt.Sprintf("an entry of format version %d", data[2])}
	}
	c := reader(data[3:])
	var entry Entry
	c.Uint(&entry.Term)
	c.instant(&entry.Now)
	n := c.Count(0)
	if c.Failed || n > MaxCommandsPerEntry {
		return Entry{}, ErrMalformed
	}
	entry.Commands = make([]Command, n)
	rest := c.Bytes
	body := new(coder)
	for i := range entry.Commands {
		var err error
		if entry.Commands[i], rest, err = body.command(rest); err != nil {
			return Entry{}, err
		}
	}
	if len(rest) > 0 {
		return Entry{}, ErrMalformed
	}
	return entry, nil
}

// AppendCommand appends one command as it lies in an entry: kind, length, payload.
func AppendCommand(dst []byte, command Command) []byte {
	kind := command.Op.Kind()
	dst = binary.AppendUvarint(dst, uint64(kind))
	body := coders.Get().(*coder)
	*body = coder{Coder: canonical.Coder{Writing: true, Bytes: body.Bytes[:0]}}
	body.request(&command.Request)
	body.Uint(&command.Lane)
	codecs[kind].write(body, command.Op)
	dst = binary.AppendUvarint(dst, uint64(len(body.Bytes)))
	dst = append(dst, body.Bytes...)
	if cap(body.Bytes) <= maxBytesKept {
		coders.Put(body)
	}
	return dst
}

// coders keeps coders that are not in use, each with memory for one command.
var coders = sync.Pool{New: func() any { return new(coder) }}

// maxBytesKept is how large that memory may be.
const maxBytesKept = 16 << 10

// DecodeCommand reads one command and returns what follows it.
func DecodeCommand(data []byte) (command Command, rest []byte, err error) {
	return new(coder).command(data)
}

// command reads one command with this coder, whatever it did before.
func (body *coder) command(data []byte) (command Command, rest []byte, err error) {
	c := canonical.Coder{Bytes: data}
	var kind uint64
	var payload []byte
	c.Uint(&kind)
	c.Data(&payload)
	if c.Failed || kind > 1<<16-1 {
		return Command{}, nil, ErrMalformed
	}
	codec, known := codecs[Kind(kind)]
	if !known {
		return Command{}, nil, &UnknownFormatError{fmt.Sprintf("a command of kind %d", kind)}
	}
	*body = coder{Coder: canonical.Coder{Bytes: payload}}
	body.request(&command.Request)
	body.Uint(&command.Lane)
	if body.Failed {
		return Command{Op: Malformed{Kind(kind)}}, c.Bytes, nil
	}
	command.Op = codec.read(body)
	if body.unknown != nil {
		return Command{}, nil, body.unknown
	}
	if body.Failed || len(body.Bytes) > 0 {
		command.Op = Malformed{Kind(kind)}
	}
	return command, c.Bytes, nil
}

// AppendOp appends one op without a request: how reads travel between nodes.
func AppendOp(dst []byte, op Op) []byte { return AppendCommand(dst, Command{Op: op}) }

// DecodeOp reads what AppendOp wrote and returns what follows it.
func DecodeOp(data []byte) (op Op, rest []byte, err error) {
	command, rest, err := DecodeCommand(data)
	return command.Op, rest, err
}

// Kinds lists every kind that this build knows, in rising order.
func Kinds() (kinds []Kind) {
	for kind := range Kind(math.MaxUint16) {
		if _, known := codecs[kind]; known {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// nested codes an op inside a transaction: a string or key op, or a script.
func (c *coder) nested(op *Op) { c.inner(op, Nestable) }

// inner codes an op inside another one, of a kind that may stand there.
func (c *coder) inner(op *Op, allowed func(Kind) bool) {
	if c.Writing {
		kind := uint64((*op).Kind())
		c.Uint(&kind)
		codecs[(*op).Kind()].write(c, *op)
		return
	}
	var kind uint64
	c.Uint(&kind)
	codec, known := codecs[Kind(kind)]
	switch {
	case c.Failed:
	case kind > 1<<16-1 || !known:
		c.unknown = &UnknownFormatError{fmt.Sprintf("a command of kind %d", kind)}
		c.Fail()
	case !allowed(Kind(kind)):
		c.Fail()
	default:
		*op = codec.read(c)
	}
}

// Nestable reports whether ops of the kind may stand inside a transaction.
func Nestable(kind Kind) bool {
	return kind >= KindSet && kind < KindTransaction || kind >= KindScript && kind <= KindScriptFlush
}

// maxReplyDepth bounds the nesting of a reply: an EXEC of scripts that answer nested tables.
const maxReplyDepth = 40

// AppendReply appends the canonical encoding of a reply.
func AppendReply(dst []byte, reply Reply) []byte {
	c := coders.Get().(*coder)
	own := c.Bytes
	*c = coder{Coder: canonical.Coder{Writing: true, Bytes: dst}}
	c.reply(&reply, 0)
	dst, c.Bytes = c.Bytes, own
	coders.Put(c)
	return dst
}

// DecodeReply reads what AppendReply wrote and returns what follows it. The reply shares memory with data.
func DecodeReply(data []byte) (reply Reply, rest []byte, err error) {
	c := reader(data)
	c.reply(&reply, 0)
	if c.Failed {
		return Reply{}, nil, errors.New("the bytes are not an encoded reply")
	}
	return reply, c.Bytes, nil
}

func (c *coder) reply(r *Reply, depth int) {
	if depth > maxReplyDepth {
		c.Fail()
		return
	}
	c.Byte((*byte)(&r.Type), byte(ReplyAgain))
	switch r.Type {
	case ReplyInteger:
		c.Int(&r.Integer)
	case ReplyStatus, ReplyBulk:
		c.Data(&r.Text)
	case ReplyError:
		c.Byte((*byte)(&r.Code), 255)
		c.Data(&r.Text)
	case ReplyArray, ReplyMap:
		list(c, &r.Elements, func(c *coder, element *Reply) { c.reply(element, depth+1) })
	}
}
