package client_test

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
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
	listener *pipeListener
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
	opened := &door{server: server, listener: newPipeListener(), done: make(chan struct{})}
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
	return opened.listener.dial(ctx)
}

func (s *served) client() *client.Client {
	s.t.Helper()
	started := time.Now()
	c, err := client.Dial(s.t.Context(), client.Options{
		Endpoints: []string{"0", "1", "2"},
		Dialer:    s.dial,
		Clock:     func() time.Duration { return time.Since(started) },
	})
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

// The client against real nodes: tries, waits, releases, tokens, and what the holder's name looks like to others.
func TestAgainstACluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServed(t)
		defer s.stop()
		c := s.client()
		defer closeClient(t, c)
		session := s.session(c, 10*time.Second)
		first, err := session.TryLock(t.Context(), "job")
		if err != nil {
			t.Fatal(err)
		}
		other := s.session(c, 10*time.Second)
		_, err = other.TryLock(t.Context(), "job")
		var held *client.HeldError
		if !errors.As(err, &held) || held.Token != first.Token() || held.Remaining <= 0 || held.Remaining > 10*time.Second {
			t.Fatalf("got %v, want a HeldError with token %d", err, first.Token())
		}
		granted := make(chan *client.Held)
		go func() {
			second, err := other.Lock(t.Context(), "job")
			if err != nil {
				t.Error(err)
			}
			granted <- second
		}()
		time.Sleep(time.Minute)
		if err := first.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		second := <-granted
		if second == nil || second.Token() <= first.Token() {
			t.Fatalf("token %v after %d", second, first.Token())
		}
		if answer, err := c.Do(t.Context(), "SET", "job", "me", "NX"); err != nil || len(answer.Text) != 0 {
			t.Errorf("SET NX of a natively held name answered %q, %v", answer.Text, err)
		}
		if err := other.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if third, err := session.TryLock(t.Context(), "job"); err != nil || third.Token() <= second.Token() {
			t.Errorf("after the session's end: %v, %v", third, err)
		}
	})
}

// A wait that times out leaves nothing behind.
func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServed(t)
		defer s.stop()
		c := s.client()
		defer closeClient(t, c)
		session := s.session(c, 10*time.Second)
		first, err := session.Lock(t.Context(), "job")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if _, err := session.Lock(ctx, "job"); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v, want DeadlineExceeded", err)
		}
		if err := first.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		second, err := session.TryLock(t.Context(), "job")
		if err != nil {
			t.Fatalf("the waiter that gave up holds the lock: %v", err)
		}
		if err := second.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// Leaders die one after another, with their doors, while three holders take turns: never two at once, tokens only grow, and no session is lost.
func TestLeadersDieUnderHolders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServed(t)
		defer s.stop()
		var (
			inside  atomic.Int32
			highest atomic.Uint64
			turns   atomic.Int32
			holders sync.WaitGroup
		)
		ctx, stop := context.WithCancel(t.Context())
		for range 3 {
			c := s.client()
			defer closeClient(t, c)
			session := s.session(c, 10*time.Second)
			holders.Go(func() {
				for ctx.Err() == nil {
					held, err := session.Lock(ctx, "job")
					if err != nil {
						if ctx.Err() == nil {
							t.Errorf("lock: %v", err)
						}
						return
					}
					if inside.Add(1) != 1 {
						t.Error("two hold the lock at once")
					}
					if before := highest.Swap(held.Token()); before >= held.Token() {
						t.Errorf("token %d after %d", held.Token(), before)
					}
					time.Sleep(100 * time.Millisecond)
					if held.Context().Err() != nil {
						t.Errorf("lost: %v", context.Cause(held.Context()))
					}
					turns.Add(1)
					inside.Add(-1)
					if err := held.Release(t.Context()); err != nil {
						t.Errorf("release: %v", err)
						return
					}
				}
			})
		}
		for range 8 {
			time.Sleep(5 * time.Second)
			leader := s.cluster.AwaitLeader(-1)
			s.kill(leader)
			time.Sleep(5 * time.Second)
			s.restart(leader)
			s.cluster.AwaitReady(leader)
		}
		stop()
		holders.Wait()
		t.Logf("%d turns, highest token %d", turns.Load(), highest.Load())
		if turns.Load() < 200 {
			t.Errorf("only %d turns in 80 seconds with 8 dead leaders", turns.Load())
		}
	})
}

// pipeListener is a net.Listener whose connections are pipes in memory, which a synctest bubble understands.
type pipeListener struct {
	connections chan net.Conn
	closed      chan struct{}
	once        sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{connections: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) dial(ctx context.Context) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.connections <- theirs:
		return ours, nil
	case <-l.closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case accepted := <-l.connections:
		return accepted, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return pipeAddress{} }

type pipeAddress struct{}

func (pipeAddress) Network() string { return "pipe" }
func (pipeAddress) String() string  { return "pipe" }
