package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/coordd/coordd/raftnode"
	"github.com/coordd/coordd/transport/resp"
)

// settings say where a cluster lives. They stay the same when it starts again.
type settings struct {
	directory string   // each node has a folder of its own in it
	peers     []string // the addresses at which the nodes reach each other; one node for each
	logger    *slog.Logger
}

// member is one node with the door through which clients reach it.
type member struct {
	node     *raftnode.Node
	door     *resp.Server
	listener net.Listener
	serving  chan error
}

type cluster struct{ members []*member }

// startCluster opens a node for each peer address and returns when all of them serve. On empty folders the nodes found a cluster as soon as they have
// seen each other; on others they go on where they stopped.
func startCluster(ctx context.Context, s settings) (_ *cluster, err error) {
	c := &cluster{}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.stop())
		}
	}()
	for i, address := range s.peers {
		config := raftnode.DefaultConfig()
		config.ClusterName = "sharded-counter"
		config.DataDir = filepath.Join(s.directory, fmt.Sprint("node-", i+1))
		config.PeerAddress = address
		config.Join = s.peers
		config.BootstrapExpect = len(s.peers)
		config.Logger = s.logger
		if err := c.open(config); err != nil {
			return nil, fmt.Errorf("node %d: %w", i+1, err)
		}
	}
	for i, m := range c.members {
		if err := m.node.WaitReady(ctx); err != nil {
			return nil, fmt.Errorf("node %d: %w", i+1, err)
		}
	}
	return c, nil
}

// open starts one node and opens a Redis door on it, at any free port of the loopback interface.
func (c *cluster) open(config raftnode.Config) error {
	node, err := raftnode.Open(config)
	if err != nil {
		return err
	}
	m := &member{node: node, serving: make(chan error, 1)}
	c.members = append(c.members, m)
	door, err := resp.NewServer(resp.Config{Node: node, Admin: node, Logger: config.Logger})
	if err != nil {
		return err
	}
	if m.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	m.door = door
	go func() { m.serving <- door.Serve(m.listener) }()
	return nil
}

func (c *cluster) endpoints() []string {
	var addresses []string
	for _, m := range c.members {
		addresses = append(addresses, m.listener.Addr().String())
	}
	return addresses
}

// stopPatience is how long nodes may take to stop in good order. The last ones of a cluster that stops as a whole have no majority left to
// tell that they go, so they use it up.
const stopPatience = time.Second

// stop ends every node: first its door, so that nobody waits for an answer, then the node.
func (c *cluster) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	failures := make([]error, len(c.members))
	var stopping sync.WaitGroup
	for i, m := range c.members {
		stopping.Go(func() { failures[i] = m.stop(ctx) })
	}
	stopping.Wait()
	return errors.Join(failures...)
}

func (m *member) stop(ctx context.Context) (err error) {
	if m.door != nil {
		err = m.door.Shutdown(ctx)
		if served := <-m.serving; !errors.Is(served, resp.ErrServerClosed) {
			err = errors.Join(err, served)
		}
	}
	return errors.Join(err, m.node.Stop(ctx))
}

// freeAddresses finds ports that are free now, below those that systems give to outgoing connections, so that they are still free when the nodes bind them, now and after
// the restart. A program with a configuration would name its own.
func freeAddresses(count int) ([]string, error) {
	var addresses []string
	for port := 20000 + rand.IntN(10000); len(addresses) < count; port++ {
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		switch {
		case err == nil:
			defer listener.Close() // all of them at the end, so that no port is found twice
			addresses = append(addresses, listener.Addr().String())
		case !errors.Is(err, syscall.EADDRINUSE):
			return nil, err
		}
	}
	return addresses, nil
}
