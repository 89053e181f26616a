package memnet

import (
	"net"
	"syscall"
)

// listener is a bound address with the connections that nobody has accepted yet.
type listener struct {
	network *Network
	host    string
	address string
	waiting []*connection
	// arrived holds a value when waiting may be non-empty.
	arrived  chan struct{}
	closed   chan struct{}
	isClosed bool
}

// Accept waits for the next connection.
func (l *listener) Accept() (net.Conn, error) {
	for {
		if conn, err := l.next(); conn != nil || err != nil {
			return conn, err
		}
		select {
		case <-l.arrived:
		case <-l.closed:
		}
	}
}

// next takes a waiting connection, if there is one.
func (l *listener) next() (net.Conn, error) {
	l.network.mu.Lock()
	defer l.network.mu.Unlock()
	if l.isClosed {
		return nil, opError("accept", l.address, net.ErrClosed)
	}
	if len(l.waiting) == 0 {
		return nil, nil
	}
	conn := l.waiting[0]
	l.waiting = l.waiting[1:]
	if len(l.waiting) > 0 {
		select {
		case l.arrived <- struct{}{}:
		default:
		}
	}
	return conn, nil
}

// Close frees the address and resets what was not accepted.
func (l *listener) Close() error {
	l.network.mu.Lock()
	defer l.network.mu.Unlock()
	if l.isClosed {
		return opError("close", l.address, net.ErrClosed)
	}
	l.closeLocked()
	return nil
}

func (l *listener) closeLocked() {
	l.isClosed = true
	close(l.closed)
	delete(l.network.listeners, l.address)
	for _, conn := range l.waiting {
		conn.outgoing.pushLocked(chunk{fault: syscall.ECONNRESET})
		conn.incoming.readerGone = true
		conn.breakLocked(net.ErrClosed)
	}
	l.waiting = nil
}

// Addr is the bound address.
func (l *listener) Addr() net.Addr { return Address(l.address) }
