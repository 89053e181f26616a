package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

// endpoints opens connections, each time at the endpoint whose turn it is.
type endpoints struct {
	options Options
	mu      sync.Mutex
	next    int // into options.Endpoints
}

// pass goes on to the next endpoint, if from is the one whose turn it is: of many callers that see one node fail only the first moves on.
func (e *endpoints) pass(from string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.options.Endpoints[e.next] == from {
		e.next = (e.next + 1) % len(e.options.Endpoints)
	}
}

func (e *endpoints) current() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.options.Endpoints[e.next]
}

// connect tries each endpoint once, beginning with the one whose turn it is.
func (e *endpoints) connect(ctx context.Context, pushed func(*connection, wire.Value) error) (*connection, error) {
	var failures []error
	for range e.options.Endpoints {
		endpoint := e.current()
		established, err := e.open(ctx, endpoint, pushed)
		if err == nil {
			return established, nil
		}
		failures = append(failures, err)
		e.pass(endpoint)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(failures...)
}

func (e *endpoints) open(ctx context.Context, endpoint string, pushed func(*connection, wire.Value) error) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, e.options.DialTimeout)
	defer cancel()
	socket, err := e.dial(ctx, endpoint)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", endpoint, err)
	}
	opened := openConnection(endpoint, socket, pushed)
	answer, _, err := opened.do(ctx, e.greeting())
	if err == nil {
		err = serverError(answer)
	}
	if err != nil {
		opened.close(err)
		opened.serving.Wait()
		return nil, fmt.Errorf("greeting %s: %w", endpoint, err)
	}
	return opened, nil
}

func (e *endpoints) dial(ctx context.Context, endpoint string) (net.Conn, error) {
	dial := e.options.Dialer
	if dial == nil {
		dialer := &net.Dialer{KeepAlive: 15 * time.Second}
		dial = func(ctx context.Context, endpoint string) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp", endpoint)
		}
	}
	socket, err := dial(ctx, endpoint)
	if err != nil || e.options.TLS == nil {
		return socket, err
	}
	configuration := e.options.TLS.Clone()
	if host, _, err := net.SplitHostPort(endpoint); err == nil && configuration.ServerName == "" {
		configuration.ServerName = host
	}
	secured := tls.Client(socket, configuration)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, socket.Close())
	}
	return secured, nil
}

// greeting asks for RESP3, authenticates and says who is calling.
func (e *endpoints) greeting() []byte {
	arguments := []string{"HELLO", strconv.Itoa(int(wire.RESP3))}
	if e.options.Password != "" {
		user := e.options.Username
		setDefault(&user, "default")
		arguments = append(arguments, "AUTH", user, e.options.Password)
	}
	if e.options.Name != "" {
		arguments = append(arguments, "SETNAME", e.options.Name)
	}
	return wire.AppendRequest(nil, arguments...)
}

// choose makes it the turn of an endpoint.
func (e *endpoints) choose(endpoint string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.next = max(0, slices.Index(e.options.Endpoints, endpoint))
}
