package resp

import (
	"context"
	"errors"
	"net"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/resp/wire"
)

// errTooManyClients is what Dial says when MaxClients was reached.
var errTooManyClients = errors.New("the Redis door has as many clients as it may have")

// Dial connects to the door from within the process, for another door of the same node. Everything holds that holds for a client of the network, except that
// there is no TLS, since there is no network: users authenticate, and operators are told apart from others. client is for whom the caller acts; what operators
// do is kept under that address.
//
// Errors on such a connection carry an attribute, the number of their code (command.Code), since some share their first word: [wire.Value.Attributes] has it
// after HELLO 3. It fails with ErrServerClosed after Shutdown, and when there are too many clients.
func (s *Server) Dial(ctx context.Context, client net.Addr) (net.Conn, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	ours, theirs := net.Pipe()
	c := newConnection(s, &actingConn{Conn: theirs, client: client})
	c.tellsCodes = true
	s.counters.received.Add(1)
	switch admitted, open := s.register(c); {
	case !open:
		return nil, ErrServerClosed
	case !admitted:
		s.counters.rejected.Add(1)
		return nil, errTooManyClients
	}
	s.start(c)
	return ours, nil
}

// actingConn is a connection for somebody else.
type actingConn struct {
	net.Conn
	client net.Addr
}

// RemoteAddr implements net.Conn.
func (c *actingConn) RemoteAddr() net.Addr { return c.client }

// CodeAttribute is the key of the attribute that carries the code of an error.
const CodeAttribute = "code"

// appendCode appends the attribute that belongs before an error.
func appendCode(to []byte, code command.Code) []byte {
	to = append(to, "|1\r\n"...)
	to = wire.AppendBulk(to, CodeAttribute)
	return wire.AppendInteger(to, int64(code))
}
