package wire

import (
	"errors"
	"io"
	"sync"
)

// DefaultOutputBytes is the default of what may wait to be written to one connection.
const DefaultOutputBytes = 16 << 20

// ErrOutputFull says that the peer does not read fast enough: more bytes wait than the limit allows. The connection must be closed.
var ErrOutputFull = errors.New("the client does not read its replies: its output buffer is full")

// Output collects what one connection writes. Replies are appended and flushed by the goroutine that serves the connection; pushes may come from
// any goroutine and are written by themselves, always between whole replies. All methods may be called from any goroutine.
type Output struct {
	sink  io.Writer
	limit int

	mu       sync.Mutex
	free     *sync.Cond // signalled when writing ends
	pending  []byte     // waits to be written
	spare    []byte     // the buffer written last, for reuse
	inFlight int        // bytes being written now
	writing  bool
	err      error // the first failure; nothing is written after it
}

// NewOutput writes to sink and lets at most limit bytes wait; 0 means the default.
func NewOutput(sink io.Writer, limit int) *Output {
	if limit <= 0 {
		limit = DefaultOutputBytes
	}
	o := &Output{sink: sink, limit: limit}
	o.free = sync.NewCond(&o.mu)
	return o
}

// Append adds whole values to what waits. The function gets the slice to append to and must not keep it.
func (o *Output) Append(values func(to []byte) []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.append(values)
}

// append is called with mu held.
func (o *Output) append(values func(to []byte) []byte) error {
	if o.err != nil {
		return o.err
	}
	o.pending = values(o.pending)
	if len(o.pending)+o.inFlight > o.limit {
		o.err = ErrOutputFull
		o.pending = nil
		return o.err
	}
	return nil
}

// Push adds whole values and has them written without waiting for it.
func (o *Output) Push(values func(to []byte) []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.append(values); err != nil {
		return err
	}
	if !o.writing {
		o.writing = true
		go o.write()
	}
	return nil
}

// Flush writes what waits and returns when it is written, or with the first error of this connection.
func (o *Output) Flush() error {
	o.mu.Lock()
	for o.writing {
		o.free.Wait()
	}
	if o.err != nil || len(o.pending) == 0 {
		defer o.mu.Unlock()
		return o.err
	}
	o.writing = true
	o.mu.Unlock()
	return o.write()
}

// Waiting is the number of bytes that are not written yet.
func (o *Output) Waiting() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.pending) + o.inFlight
}

// largeBuffer is the size above which a buffer is given back instead of being kept for the next replies.
const largeBuffer = 64 << 10

// write writes until nothing waits. The caller has set writing.
func (o *Output) write() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.err == nil && len(o.pending) > 0 {
		batch := o.pending
		o.pending, o.spare = o.spare[:0], nil
		o.inFlight = len(batch)
		o.mu.Unlock()
		_, err := o.sink.Write(batch)
		o.mu.Lock()
		o.inFlight = 0
		if cap(batch) <= largeBuffer {
			o.spare = batch[:0]
		}
		if err != nil && o.err == nil {
			o.err = err
		}
	}
	o.writing = false
	o.free.Broadcast()
	return o.err
}
