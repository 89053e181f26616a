package memnet

import (
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// streamCapacity is how many bytes may be under way in one direction before a writer waits.
const streamCapacity = 1 << 20

// chunk is what one write put under way, or the end of a stream: fault is io.EOF after a close, a reset after a crash.
type chunk struct {
	data  []byte
	ready time.Time
	fault error
}

// stream is one direction of a connection. All fields are guarded by the network's mutex.
type stream struct {
	network *Network
	route   route
	chunks  []chunk
	size    int
	// readerGone is true once the reading end closed: a writer learns of it when the way back is open.
	readerGone bool
	// changed is closed and replaced whenever a reader or writer may have something to do.
	changed chan struct{}
}

func newStream(n *Network, r route) *stream {
	return &stream{network: n, route: r, changed: make(chan struct{})}
}

// pushLocked puts something under way.
func (s *stream) pushLocked(c chunk) {
	c.ready = time.Now().Add(s.network.takesLocked(s.route))
	s.chunks = append(s.chunks, c)
	s.size += len(c.data)
	s.wakeLocked()
}

func (s *stream) wakeLocked() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// takeLocked copies what has arrived. wait is how long the first chunk is still under way, when that is all there is.
func (s *stream) takeLocked(buffer []byte) (count int, wait time.Duration, err error) {
	if len(s.chunks) == 0 || s.network.cut[s.route] {
		return 0, 0, nil
	}
	first := &s.chunks[0]
	if wait = time.Until(first.ready); wait > 0 {
		return 0, wait, nil
	}
	if first.fault != nil {
		return 0, 0, first.fault
	}
	count = copy(buffer, first.data)
	first.data = first.data[count:]
	s.size -= count
	if len(first.data) == 0 {
		s.chunks = s.chunks[1:]
	}
	s.wakeLocked()
	return count, 0, nil
}

// connection is one end of a connection. Mutable fields are guarded by the network's mutex.
type connection struct {
	network            *Network
	route              route
	outgoing, incoming *stream
	local, remote      Address
	broken             error
	readBy, writeBy    time.Time
}

func newConnection(n *Network, r route, outgoing, incoming *stream, local, remote Address) *connection {
	c := &connection{network: n, route: r, outgoing: outgoing, incoming: incoming, local: local, remote: remote}
	n.opened++
	n.connections[c] = n.opened
	return c
}

// breakLocked ends this end at once: every read and write fails with err from now on.
func (c *connection) breakLocked(err error) {
	if c.broken == nil {
		c.broken = err
	}
	delete(c.network.connections, c)
	c.incoming.wakeLocked()
	c.outgoing.wakeLocked()
}

// Read waits for bytes.
func (c *connection) Read(buffer []byte) (int, error) {
	for {
		c.network.mu.Lock()
		if err := c.endedLocked(c.readBy); err != nil {
			c.network.mu.Unlock()
			return 0, c.failure("read", err)
		}
		count, wait, err := c.incoming.takeLocked(buffer)
		if err == io.EOF {
			c.network.mu.Unlock()
			return 0, io.EOF
		}
		if count > 0 || err != nil || len(buffer) == 0 {
			c.network.mu.Unlock()
			return count, c.failure("read", err)
		}
		changed, links, deadline := c.incoming.changed, c.network.changed, c.readBy
		c.network.mu.Unlock()
		await(changed, links, wait, deadline)
	}
}

// Write puts bytes under way, and waits while too many already are.
func (c *connection) Write(data []byte) (int, error) {
	written := 0
	for written < len(data) {
		c.network.mu.Lock()
		err := c.endedLocked(c.writeBy)
		if err == nil && c.outgoing.readerGone && !c.network.cut[c.incoming.route] {
			err = syscall.EPIPE
		}
		if err != nil {
			c.network.mu.Unlock()
			return written, c.failure("write", err)
		}
		if room := streamCapacity - c.outgoing.size; room > 0 {
			part := data[written:min(len(data), written+room)]
			c.outgoing.pushLocked(chunk{data: append([]byte(nil), part...)})
			written += len(part)
			c.network.mu.Unlock()
			continue
		}
		changed, links, deadline := c.outgoing.changed, c.network.changed, c.writeBy
		c.network.mu.Unlock()
		await(changed, links, 0, deadline)
	}
	return written, nil
}

// endedLocked says why an operation cannot go on, if it cannot.
func (c *connection) endedLocked(deadline time.Time) error {
	if c.broken != nil {
		return c.broken
	}
	if !deadline.IsZero() && !time.Now().Before(deadline) {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// await waits until one of the channels closes, the wait is over (0: none), or the deadline comes (zero: none).
func await(changed, links <-chan struct{}, wait time.Duration, deadline time.Time) {
	if !deadline.IsZero() {
		if left := time.Until(deadline); wait == 0 || left < wait {
			wait = max(left, 1)
		}
	}
	var over <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-changed:
	case <-links:
	case <-over:
	}
}

// failure dresses an error as the net package does.
func (c *connection) failure(operation string, err error) error {
	if err == nil {
		return nil
	}
	return opError(operation, string(c.remote), err)
}

// Close ends this end; the other one reads what is under way and then the end of the stream.
func (c *connection) Close() error {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	if c.broken != nil {
		return nil
	}
	c.outgoing.pushLocked(chunk{fault: io.EOF})
	c.incoming.readerGone = true
	c.breakLocked(net.ErrClosed)
	return nil
}

// LocalAddr is this end's address.
func (c *connection) LocalAddr() net.Addr { return c.local }

// RemoteAddr is the other end's address.
func (c *connection) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets both deadlines; the zero time means none.
func (c *connection) SetDeadline(t time.Time) error { return c.setDeadlines(&t, &t) }

// SetReadDeadline sets the deadline of reads.
func (c *connection) SetReadDeadline(t time.Time) error { return c.setDeadlines(&t, nil) }

// SetWriteDeadline sets the deadline of writes.
func (c *connection) SetWriteDeadline(t time.Time) error { return c.setDeadlines(nil, &t) }

func (c *connection) setDeadlines(read, write *time.Time) error {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	if read != nil {
		c.readBy = *read
		c.incoming.wakeLocked()
	}
	if write != nil {
		c.writeBy = *write
		c.outgoing.wakeLocked()
	}
	return nil
}
