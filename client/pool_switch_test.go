package client_test

import (
	"context"
	"errors"
	"net"
	"sync"
)

// cutSwitch is a client's way to the cluster, which a test can cut: connections end, and new ones are refused.
type cutSwitch struct {
	to   *served
	mu   sync.Mutex
	away bool
	open []net.Conn
}

func newSwitch(to *served) *cutSwitch { return &cutSwitch{to: to} }

func (c *cutSwitch) dial(ctx context.Context, endpoint string) (net.Conn, error) {
	c.mu.Lock()
	away := c.away
	c.mu.Unlock()
	if away {
		return nil, errors.New("network is unreachable")
	}
	socket, err := c.to.dial(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = append(c.open, socket)
	return socket, nil
}

func (c *cutSwitch) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away = true
	for _, socket := range c.open {
		_ = socket.Close()
	}
	c.open = nil
}

func (c *cutSwitch) heal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away = false
}
