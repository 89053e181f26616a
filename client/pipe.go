package client

import (
	"context"
	"errors"
	"net"
	"sync"
)

// Pipe is a way to a node in the same program, without a port: the node's Redis door serves it as a net.Listener, and a client dials it.
//
//	pipe := client.NewPipe()
//	go door.Serve(pipe)
//	cluster, err := client.Dial(ctx, client.Options{Endpoints: []string{"embedded"}, Dialer: pipe.Dial})
type Pipe struct {
	waiting chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

// NewPipe makes a pipe. Both ends may be used at once: a dial waits until somebody accepts it.
func NewPipe() *Pipe { return &Pipe{waiting: make(chan net.Conn), closed: make(chan struct{})} }

var errPipeClosed = errors.New("nobody serves the pipe any more")

// Dial connects; whatever the endpoint is called, the pipe has one.
func (p *Pipe) Dial(ctx context.Context, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.waiting <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, errPipeClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Accept implements net.Listener.
func (p *Pipe) Accept() (net.Conn, error) {
	select {
	case accepted := <-p.waiting:
		return accepted, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. Connections that were accepted go on.
func (p *Pipe) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr implements net.Listener.
func (p *Pipe) Addr() net.Addr { return pipeAddress{} }

type pipeAddress struct{}

// Network implements net.Addr.
func (pipeAddress) Network() string { return "pipe" }

// String implements net.Addr.
func (pipeAddress) String() string { return "pipe" }
