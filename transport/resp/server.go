package resp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

// Server serves the Redis door on any number of listeners.
type Server struct {
	config  Config
	users   users
	scripts *scriptCache
	started time.Time

	// stopping ends when Shutdown begins: waiting acquires give up. killed ends when Shutdown stops being patient: everything gives up.
	stopping, killed         context.Context
	beginStopping, beginKill context.CancelFunc

	renewers     renewers
	lastClientID atomic.Int64
	counters     counters
	connections  sync.WaitGroup

	mu        sync.Mutex
	closed    bool
	listeners map[net.Listener]bool
	clients   map[int64]*connection
}

type counters struct {
	received, rejected, commands, blocked atomic.Int64
}

// Stats counts what a door has done since it was made; Clients and Blocked are as of now.
type Stats struct {
	Clients             int   // open connections
	Blocked             int64 // connections whose acquire waits
	ConnectionsReceived int64
	ConnectionsRejected int64 // because MaxClients was reached
	Commands            int64 // requests, refused ones included
}

// ErrServerClosed is what Serve returns after Shutdown.
var ErrServerClosed = errors.New("the Redis door is closed")

// NewServer makes a door. It fails when the configuration is wrong and then names every fault.
func NewServer(config Config) (*Server, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	config = config.withDefaults()
	s := &Server{
		config:    config,
		users:     newUsers(config.Users),
		scripts:   newScriptCache(config.ScriptBytes),
		started:   time.Now(),
		listeners: map[net.Listener]bool{},
		clients:   map[int64]*connection{},
	}
	s.renewers.server = s
	s.stopping, s.beginStopping = context.WithCancel(context.Background())
	s.killed, s.beginKill = context.WithCancel(context.Background())
	return s, nil
}

// Serve accepts connections until Shutdown, when it returns ErrServerClosed, or until the listener fails. It closes the listener.
func (s *Server) Serve(listener net.Listener) error {
	defer listener.Close()
	if !s.addListener(listener) {
		return ErrServerClosed
	}
	defer s.removeListener(listener)
	var pause time.Duration
	for {
		accepted, err := listener.Accept()
		if err == nil {
			pause = 0
			s.accept(accepted)
			continue
		}
		if s.stopping.Err() != nil {
			return ErrServerClosed
		}
		var temporary interface{ Temporary() bool }
		if !errors.As(err, &temporary) || !temporary.Temporary() {
			return fmt.Errorf("the Redis door cannot accept connections on %s: %w", listener.Addr(), err)
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		s.config.Logger.Warn("accepting a connection failed; trying again", "address", listener.Addr(), "pause", pause, "error", err)
		select {
		case <-time.After(pause):
		case <-s.stopping.Done():
			return ErrServerClosed
		}
	}
}

func (s *Server) addListener(listener net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.listeners[listener] = true
	return true
}

func (s *Server) removeListener(listener net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, listener)
}

// accept starts serving a connection, or turns it away.
func (s *Server) accept(accepted net.Conn) {
	s.counters.received.Add(1)
	if s.config.TLS != nil {
		accepted = tls.Server(accepted, s.config.TLS)
	}
	c := newConnection(s, accepted)
	switch admitted, open := s.register(c); {
	case !open:
		accepted.Close()
	case !admitted:
		s.counters.rejected.Add(1)
		go turnAway(accepted)
	default:
		s.start(c)
	}
}

// start serves a connection that was registered.
func (s *Server) start(c *connection) {
	go func() {
		defer s.connections.Done()
		defer s.unregister(c)
		defer c.endOnPanic()
		c.serve()
	}()
}

// turnAway tells a client that there are too many, in Redis' words, without waiting long for it to listen.
func turnAway(accepted net.Conn) {
	defer accepted.Close()
	if accepted.SetDeadline(time.Now().Add(time.Second)) != nil {
		return
	}
	if _, err := accepted.Write([]byte("-ERR max number of clients reached\r\n")); err == nil {
		linger(accepted)
	}
}

func (s *Server) register(c *connection) (admitted, open bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false, false
	}
	if len(s.clients) >= s.config.MaxClients {
		return false, true
	}
	s.clients[c.id] = c
	s.connections.Add(1)
	return true, true
}

func (s *Server) unregister(c *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, c.id)
}

// clientsByID lists the open connections, oldest first.
func (s *Server) clientsByID() []*connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*connection, 0, len(s.clients))
	for _, c := range s.clients {
		list = append(list, c)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].id < list[j].id })
	return list
}

// Stats tells what the door has done.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	clients := len(s.clients)
	s.mu.Unlock()
	return Stats{
		Clients:             clients,
		Blocked:             s.counters.blocked.Load(),
		ConnectionsReceived: s.counters.received.Load(),
		ConnectionsRejected: s.counters.rejected.Load(),
		Commands:            s.counters.commands.Load(),
	}
}

// Shutdown stops accepting, lets every connection finish the commands it has read, cancels waiting acquires, and closes. When ctx ends
// first, the rest is cut off and the error of ctx returned.
func (s *Server) Shutdown(ctx context.Context) error {
	s.beginStopping()
	s.mu.Lock()
	s.closed = true
	for listener := range s.listeners {
		listener.Close()
	}
	s.mu.Unlock()
	for _, c := range s.clientsByID() {
		c.wake()
	}
	done := make(chan struct{})
	go func() {
		s.connections.Wait()
		close(done)
	}()
	select {
	case <-done:
		s.beginKill()
		return nil
	case <-ctx.Done():
	}
	s.beginKill()
	for _, c := range s.clientsByID() {
		c.net.Close()
	}
	<-done
	return ctx.Err()
}
