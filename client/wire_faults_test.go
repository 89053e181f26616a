package client_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"time"
)

// way is the way from one client to a cluster, with what can go wrong on it.
type way struct {
	dial func(context.Context, string) (net.Conn, error)

	mu      sync.Mutex
	cut     chan struct{} // closed while nothing passes
	command string        // the answer to the next request that contains it is lost
	lost    func()        // called when the answer has come to nothing, before the connection breaks
	sent    [][]byte      // the requests whose answers were lost
}

func newWay(dial func(context.Context, string) (net.Conn, error)) *way {
	return &way{dial: dial, cut: make(chan struct{})}
}

func (w *way) Dial(ctx context.Context, endpoint string) (net.Conn, error) {
	select {
	case <-w.cut:
		<-ctx.Done() // packets are lost, nothing is refused
		return nil, context.Cause(ctx)
	default:
	}
	under, err := w.dial(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	return &wayConn{Conn: under, way: w, closed: make(chan struct{})}, nil
}

// cutOff lets nothing pass from now on.
func (w *way) cutOff() { close(w.cut) }

// loseAnswer loses the answer to the next request that contains a word, calls what, and breaks the connection.
func (w *way) loseAnswer(command string, what func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.command, w.lost = command, what
}

// losses are the requests whose answers were lost.
func (w *way) losses() [][]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent
}

type wayConn struct {
	net.Conn
	way    *way
	losing bool // with the way's mutex held
	what   func()
	once   sync.Once
	closed chan struct{}
}

func (c *wayConn) Write(p []byte) (int, error) {
	select {
	case <-c.way.cut:
		return len(p), nil // it never arrives
	default:
	}
	c.way.mu.Lock()
	if c.way.command != "" && bytes.Contains(p, []byte(c.way.command)) {
		c.losing, c.what, c.way.command = true, c.way.lost, ""
		c.way.sent = append(c.way.sent, bytes.Clone(p))
	}
	c.way.mu.Unlock()
	return c.Conn.Write(p)
}

func (c *wayConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	select {
	case <-c.way.cut:
		<-c.closed
		return 0, net.ErrClosed
	default:
	}
	c.way.mu.Lock()
	losing, what := c.losing, c.what
	c.way.mu.Unlock()
	if losing && err == nil {
		what()
		_ = c.Conn.Close()
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

func (c *wayConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// bentClock tells the time at a rate of its own.
func bentClock(rate float64) func() time.Duration {
	started := time.Now()
	return func() time.Duration { return time.Duration(float64(time.Since(started)) * rate) }
}
