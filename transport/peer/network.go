package peer

import (
	"context"
	"net"
	"time"
)

// Network opens listeners and connections. The zero choice is TCP; tests plug package memnet.
type Network interface {
	// Listen binds address, which is host:port; port 0 chooses a free one.
	Listen(address string) (net.Listener, error)
	// Dial connects to address. It gives up when ctx ends.
	Dial(ctx context.Context, address string) (net.Conn, error)
}

// unackedTimeout is how long the kernel waits for sent bytes to be acknowledged before it ends a connection.
const unackedTimeout = 3 * time.Second

// TCP is the Network of production.
type TCP struct{}

// Listen binds a TCP address.
func (TCP) Listen(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return tunedListener{listener}, nil
}

// Dial connects over TCP.
func (TCP) Dial(ctx context.Context, address string) (net.Conn, error) {
	dialer := net.Dialer{KeepAliveConfig: keepAlive}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	limitUnacked(conn)
	return conn, nil
}

// keepAlive lets an idle connection to a vanished machine end within about six seconds.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 3 * time.Second, Interval: time.Second, Count: 3}

// tunedListener applies the connection settings to what it accepts.
type tunedListener struct{ net.Listener }

// Accept waits for the next connection.
func (l tunedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetKeepAliveConfig(keepAlive)
		limitUnacked(tcp)
	}
	return conn, nil
}
