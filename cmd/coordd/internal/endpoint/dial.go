package endpoint

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

// Default is where `coordd dev` listens, and so what the command line asks when nothing else is said.
var Default = []string{"127.0.0.1:7379", "127.0.0.1:7380", "127.0.0.1:7381"}

// helloTimeout bounds dialling, the TLS handshake and the greeting together, per endpoint.
const helloTimeout = 3 * time.Second

// Options says how to reach a door.
type Options struct {
	User     string      // empty: no AUTH, unless Password is set; then "default"
	Password string      //
	TLS      *tls.Config // nil: no TLS
	Database int         // 0 to 15
}

// RefusedError is an endpoint that answered and refused the greeting, for example for want of a password. Other endpoints of the cluster would too.
type RefusedError struct {
	Endpoint string
	Reply    wire.ReplyError
}

// Error implements error.
func (e *RefusedError) Error() string {
	advice := ""
	switch e.Reply.Code() {
	case "NOAUTH", "WRONGPASS":
		advice = " (give --user and --password, or COORDD_USER and COORDD_PASSWORD)"
	}
	return fmt.Sprintf("%s refused: %s%s", e.Endpoint, string(e.Reply), advice)
}

// UnreachableError is no endpoint that could be reached, with the reason of each.
type UnreachableError struct{ Reasons []error }

// Error implements error.
func (e *UnreachableError) Error() string {
	texts := make([]string, len(e.Reasons))
	for i, reason := range e.Reasons {
		texts[i] = reason.Error()
	}
	return "no endpoint could be reached: " + strings.Join(texts, "; ") + ". Is the cluster running? Say where with --endpoints or COORDD_ENDPOINTS"
}

// DialAny connects to the first of the endpoints that answers, in order. The error is an *UnreachableError, a *RefusedError or ctx's own.
func DialAny(ctx context.Context, endpoints []string, options Options) (*Conn, error) {
	var reasons []error
	for _, address := range endpoints {
		conn, err := Dial(ctx, address, options)
		var refused *RefusedError
		switch {
		case err == nil:
			return conn, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.As(err, &refused):
			return nil, err
		}
		reasons = append(reasons, err)
	}
	return nil, &UnreachableError{Reasons: reasons}
}

// Dial connects to one endpoint and greets it: HELLO 3 with the credentials, or AUTH on a server that does not know HELLO, then SELECT.
func Dial(ctx context.Context, address string, options Options) (*Conn, error) {
	hello, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	raw, err := dialRaw(hello, address, options.TLS)
	if err != nil {
		return nil, fmt.Errorf("%s: %s", address, plainReason(err))
	}
	conn := newConn(address, raw)
	if err := conn.greet(hello, options); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

func dialRaw(ctx context.Context, address string, config *tls.Config) (net.Conn, error) {
	if config == nil {
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	return (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
}

func (c *Conn) greet(ctx context.Context, options Options) error {
	user := options.User
	if user == "" {
		user = "default"
	}
	hello := []string{"HELLO", "3"}
	if options.Password != "" {
		hello = append(hello, "AUTH", user, options.Password)
	}
	reply, err := c.Do(ctx, hello...)
	if err == nil && reply.Err() != nil && strings.HasPrefix(string(reply.Text), "ERR unknown command") && options.Password != "" {
		reply, err = c.Do(ctx, "AUTH", user, options.Password)
	}
	if err != nil {
		return err
	}
	if refusal := reply.Err(); refusal != nil && !strings.HasPrefix(refusal.Error(), "ERR unknown command") {
		return &RefusedError{c.endpoint, wire.ReplyError(reply.Text)}
	}
	if options.Database == 0 {
		return nil
	}
	reply, err = c.Do(ctx, "SELECT", strconv.Itoa(options.Database))
	if err == nil && reply.Err() != nil {
		return &RefusedError{c.endpoint, wire.ReplyError(reply.Text)}
	}
	return err
}

// plainReason shortens the network's errors to what a person needs.
func plainReason(err error) string {
	var op *net.OpError
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("no answer within %s", helloTimeout)
	}
	if errors.As(err, &op) && op.Err != nil {
		return strings.TrimPrefix(op.Err.Error(), "connect: ")
	}
	return err.Error()
}
