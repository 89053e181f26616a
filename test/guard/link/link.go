package link

import (
	"context"
	"net"
	"sync"
	"time"
)

// Direction is that of bytes.
type Direction int

// The directions.
const (
	ToServer Direction = iota
	ToClient
)

// flow is what happens to bytes.
type flow int

const (
	passing flow = iota
	keptBack
	lost // swallowed, and their connection is closed
)

// Link leads from its address to a server's.
type Link struct {
	Address  string
	target   string
	listener net.Listener

	mu      sync.Mutex
	changed chan struct{} // closed and replaced with each change
	flows   [2]flow
	waiting [2]int // connections with bytes that are kept back
	cut     bool
	sockets map[net.Conn]struct{}
	serving sync.WaitGroup
}

// New opens a link to a server.
func New(target string) (*Link, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &Link{Address: listener.Addr().String(), target: target, listener: listener, changed: make(chan struct{}), sockets: map[net.Conn]struct{}{}}
	l.serving.Go(l.accept)
	return l, nil
}

// Close ends the link and all its connections.
func (l *Link) Close() {
	_ = l.listener.Close() // ends accept
	l.Cut()
	l.serving.Wait()
}

// Hold keeps back bytes in a direction until Pass. They are delivered then, even if the sender has gone meanwhile.
func (l *Link) Hold(d Direction) { l.set(func() { l.flows[d] = keptBack }) }

// Lose swallows the next bytes in a direction and closes the connection on which they came; so does each further connection until Pass.
func (l *Link) Lose(d Direction) { l.set(func() { l.flows[d] = lost }) }

// Pass lets bytes through again, those that were kept back first.
func (l *Link) Pass(d Direction) { l.set(func() { l.flows[d] = passing }) }

// Cut closes every connection and each new one at once, until Mend.
func (l *Link) Cut() {
	l.set(func() {
		l.cut = true
		for socket := range l.sockets {
			socket.Close()
		}
	})
}

// Mend takes new connections again.
func (l *Link) Mend() { l.set(func() { l.cut = false }) }

func (l *Link) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
	close(l.changed)
	l.changed = make(chan struct{})
}

// AwaitHeld waits until bytes are kept back in a direction.
func (l *Link) AwaitHeld(ctx context.Context, d Direction) error {
	for {
		l.mu.Lock()
		held, changed := l.waiting[d] > 0, l.changed
		l.mu.Unlock()
		if held {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (l *Link) accept() {
	for {
		client, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.serving.Go(func() { l.serve(client) })
	}
}

func (l *Link) serve(client net.Conn) {
	defer client.Close()
	if !l.admit(client) {
		return
	}
	defer l.forget(client)
	server, err := net.DialTimeout("tcp", l.target, 5*time.Second)
	if err != nil {
		return
	}
	defer server.Close()
	if !l.admit(server) {
		return
	}
	defer l.forget(server)
	var pumps sync.WaitGroup
	pumps.Go(func() { l.pump(client, server, ToServer) })
	pumps.Go(func() { l.pump(server, client, ToClient) })
	pumps.Wait()
}

func (l *Link) admit(socket net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.cut {
		l.sockets[socket] = struct{}{}
	}
	return !l.cut
}

func (l *Link) forget(socket net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.sockets, socket)
}

// pump carries bytes one way until their sender ends, and passes that end on.
func (l *Link) pump(from, to net.Conn, d Direction) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if !l.allow(d) {
				from.Close()
				to.Close()
				return
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				from.Close()
				return
			}
		}
		if err != nil {
			if half, ok := to.(*net.TCPConn); ok {
				_ = half.CloseWrite() // fails only if it is closed already
			}
			return
		}
	}
}

// allow waits while bytes are kept back, and answers whether they are to be delivered.
func (l *Link) allow(d Direction) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.flows[d] == keptBack {
		l.waiting[d]++
		close(l.changed)
		l.changed = make(chan struct{})
		defer func() { l.waiting[d]-- }()
	}
	for l.flows[d] == keptBack && !l.cut {
		changed := l.changed
		l.mu.Unlock()
		<-changed
		l.mu.Lock()
	}
	return l.flows[d] == passing && !l.cut
}
