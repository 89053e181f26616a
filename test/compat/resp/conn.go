package resp

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strconv"
	"time"
)

// Conn is one client connection that never resends and never reconnects: what
// a caller sees is exactly what happened.
type Conn struct {
	Conn   net.Conn
	reader *bufio.Reader
	// Timeout bounds each exchange; zero means none.
	Timeout time.Duration
}

// ServerError is an error reply.
type ServerError struct{ Message string }

func (e *ServerError) Error() string { return e.Message }

// NewConn wraps an established connection.
func NewConn(conn net.Conn) *Conn {
	return &Conn{Conn: conn, reader: bufio.NewReader(conn), Timeout: 10 * time.Second}
}

// Dial connects to the address.
func Dial(ctx context.Context, address string) (*Conn, error) {
	dialer := net.Dialer{Timeout: 2 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return NewConn(conn), nil
}

// Close closes the connection.
func (c *Conn) Close() error { return c.Conn.Close() }

// Write sends bytes as they are.
func (c *Conn) Write(request []byte) error {
	c.arm()
	_, err := c.Conn.Write(request)
	return err
}

// Read reads the next reply.
func (c *Conn) Read() (Value, []byte, error) {
	c.arm()
	return ReadValue(c.reader)
}

func (c *Conn) arm() {
	if c.Timeout > 0 {
		c.Conn.SetDeadline(time.Now().Add(c.Timeout))
	}
}

// Do sends one command and returns its reply; an error reply becomes a
// *ServerError. Any other error means that the fate of the command is unknown
// and the connection is of no more use.
func (c *Conn) Do(args ...string) (Value, error) {
	if err := c.Write(Command(args...)); err != nil {
		return Value{}, fmt.Errorf("send %s: %w", args[0], err)
	}
	value, _, err := c.Read()
	if err != nil {
		return Value{}, fmt.Errorf("read the reply of %s: %w", args[0], err)
	}
	if value.IsError() {
		return value, &ServerError{Message: value.Text}
	}
	return value, nil
}

// Command encodes one command as an array of strings.
func Command(args ...string) []byte {
	request := strconv.AppendInt([]byte{'*'}, int64(len(args)), 10)
	request = append(request, "\r\n"...)
	for _, arg := range args {
		request = append(request, '$')
		request = strconv.AppendInt(request, int64(len(arg)), 10)
		request = append(request, "\r\n"...)
		request = append(request, arg...)
		request = append(request, "\r\n"...)
	}
	return request
}
