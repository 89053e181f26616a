package client_test

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/raftnode/clustertest"
	"github.com/coordd/coordd/transport/resp"
)

// served is a cluster of three nodes in memory with a Redis door on each, reached through pipes. Endpoint "0" is the door of the node at place 0.
type served struct {
	t       *testing.T
	cluster *clustertest.Cluster
	mu      sync.Mutex
	doors   map[string]*door
}

type door struct {
	server   *resp.Server
	listener *client.Pipe
	done     chan struct{}
}

func startServed(t *testing.T) *served {
	t.Helper()
	s := &served{t: t, cluster: clustertest.Start(t, clustertest.Options{}), doors: map[string]*door{}}
	for i := range s.cluster.Size() {
		s.openDoor(i)
	}
	return s
}

func (s *served) openDoor(i int) { s.openDoorWith(i, resp.Config{}) }

func (s *served) serve(i int, server *resp.Server) {
	opened := &door{server: server, listener: client.NewPipe(), done: make(chan struct{})}
	go func() {
		defer close(opened.done)
		if err := server.Serve(opened.listener); !errors.Is(err, resp.ErrServerClosed) {
			s.t.Error(err)
		}
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doors[strconv.Itoa(i)] = opened
}

// closeDoor cuts every connection of a door off.
func (s *served) closeDoor(i int) {
	s.mu.Lock()
	closed := s.doors[strconv.Itoa(i)]
	delete(s.doors, strconv.Itoa(i))
	s.mu.Unlock()
	if closed == nil {
		return
	}
	atOnce, cancel := context.WithCancel(context.Background())
	cancel()
	_ = closed.server.Shutdown(atOnce)
	<-closed.done
}

func (s *served) stop() {
	for i := range s.cluster.Size() {
		s.closeDoor(i)
	}
	s.cluster.Stop()
}

// kill ends a node with its door, as a dying process does.
func (s *served) kill(i int) {
	s.cluster.Kill(i)
	s.closeDoor(i)
}

func (s *served) restart(i int) {
	s.cluster.Restart(i)
	s.openDoor(i)
}

func (s *served) dial(ctx context.Context, endpoint string) (net.Conn, error) {
	s.mu.Lock()
	opened := s.doors[endpoint]
	s.mu.Unlock()
	if opened == nil {
		return nil, errors.New("connection refused")
	}
	return opened.listener.Dial(ctx, endpoint)
}

func (s *served) client() *client.Client {
	s.t.Helper()
	return s.clientWith(func(*client.Options) {})
}

// clientWith connects a client with options of the test's own.
func (s *served) clientWith(change func(*client.Options)) *client.Client {
	s.t.Helper()
	started := time.Now()
	options := client.Options{
		Endpoints: []string{"0", "1", "2"},
		Dialer:    s.dial,
		Clock:     func() time.Duration { return time.Since(started) },
	}
	change(&options)
	c, err := client.Dial(s.t.Context(), options)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *served) session(c *client.Client, ttl time.Duration) *client.Session {
	s.t.Helper()
	session, err := c.OpenSession(s.t.Context(), client.SessionOptions{TTL: ttl, Name: "test"})
	if err != nil {
		s.t.Fatal(err)
	}
	return session
}

func closeClient(t *testing.T, c *client.Client) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
