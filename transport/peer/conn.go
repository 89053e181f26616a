package peer

import (
	"errors"
	"net"
	"os"
	"sync"
)

// trackedConn is a connection that its port can close, and that reports when the other side ends it.
type trackedConn struct {
	port *Port
	// done is closed with the connection.
	done chan struct{}

	// raw is what the network gave; closing it ends everything above it.
	raw net.Conn
	// net.Conn is raw until TLS replaces it, before anything else reads or writes.
	net.Conn

	mu      sync.Mutex
	closed  bool
	known   bool
	ended   bool
	remote  Identity
	purpose Purpose
	inbound bool
}

// track takes a connection into the port's care.
func (p *Port) track(raw net.Conn) (*trackedConn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	if len(p.conns) >= maxConnections {
		p.logger.Warn("the peer port holds as many connections as it may; one was closed", "limit", maxConnections, "address", raw.RemoteAddr())
		return nil, refuse(RefusedBusy, "the port holds %d connections", maxConnections)
	}
	conn := &trackedConn{port: p, raw: raw, Conn: raw, done: make(chan struct{})}
	p.conns[conn] = struct{}{}
	return conn, nil
}

// established marks the end of the handshake; from now on an end by the other side is reported.
func (c *trackedConn) established(remote Identity, purpose Purpose, inbound bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known, c.remote, c.purpose, c.inbound = true, remote, purpose, inbound
}

// Read reads, and notices when the other side is gone.
func (c *trackedConn) Read(buffer []byte) (int, error) {
	count, err := c.Conn.Read(buffer)
	if err != nil {
		c.notice(err)
	}
	return count, err
}

// Write writes, and notices when the other side is gone.
func (c *trackedConn) Write(data []byte) (int, error) {
	count, err := c.Conn.Write(data)
	if err != nil {
		c.notice(err)
	}
	return count, err
}

// notice reports an established connection that ended, once. A deadline that passed is for the connection's user to judge.
func (c *trackedConn) notice(err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) {
		return
	}
	c.report(err)
}

// report tells the observer that the connection ended, unless this side closed it or it was told before.
func (c *trackedConn) report(err error) {
	c.mu.Lock()
	tell := c.known && !c.closed && !c.ended
	c.ended = true
	c.mu.Unlock()
	if tell {
		c.port.config.Observer.ConnectionEnded(c.remote.NodeID, c.purpose, c.inbound, err)
	}
}

// Close ends the connection and lets the port forget it.
func (c *trackedConn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	c.mu.Unlock()
	err := c.raw.Close()
	close(c.done)
	c.port.mu.Lock()
	delete(c.port.conns, c)
	c.port.mu.Unlock()
	return err
}

// Recheck asks the Authorizer again about every open connection and closes those that it no longer allows; their other ends dial again and
// are told the reason. Call it when a member was removed.
func (p *Port) Recheck() {
	p.mu.Lock()
	conns := make([]*trackedConn, 0, len(p.conns))
	for conn := range p.conns {
		conns = append(conns, conn)
	}
	p.mu.Unlock()
	for _, conn := range conns {
		if err := conn.recheck(); err != nil {
			p.logger.Warn("a peer connection is closed", "peer", conn.remote.NodeID, "purpose", conn.purpose, "reason", err)
			_ = conn.Close()
		}
	}
}

// recheck asks whether the connection is still allowed.
func (c *trackedConn) recheck() error {
	c.mu.Lock()
	known, remote, purpose, inbound := c.known, c.remote, c.purpose, c.inbound
	c.mu.Unlock()
	switch {
	case !known:
		return nil
	case inbound:
		return c.port.config.Authorizer.AuthorizeInbound(remote, purpose)
	}
	return c.port.config.Authorizer.AuthorizeOutbound(remote, purpose)
}
