package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Limits of one port.
const (
	// maxConnections is how many connections a port holds, in both directions together.
	maxConnections = 512
	// maxHandshakes is how many accepted connections may be before the end of their handshake at one time.
	maxHandshakes = 64
	// maxInboundPerPeer is how many connections one node may have opened to this one.
	maxInboundPerPeer = 32
	// dialLimit is how long a dial with its handshake may take when its context allows more.
	dialLimit = time.Second
)

// Config says how a Port listens and whom it believes.
type Config struct {
	// Identity gives what this node says of itself. It is asked at each handshake, because the cluster id comes later than the port.
	Identity func() Identity
	// ListenAddress is the host:port to bind.
	ListenAddress string
	// Network is TCP when nil.
	Network Network
	// TLS is nil for plain connections.
	TLS *TLS
	// Authorizer and Handler are required.
	Authorizer Authorizer
	Handler    Handler
	// Observer may be nil.
	Observer Observer
	// Logger may be nil.
	Logger hclog.Logger
}

// Port is one node's peer port: it listens, dials, and keeps connections.
type Port struct {
	config   Config
	logger   hclog.Logger
	listener net.Listener
	security *security
	ctx      context.Context
	cancel   context.CancelFunc
	running  sync.WaitGroup
	// handshakes holds a value for each accepted connection before the end of its handshake.
	handshakes chan struct{}

	mu      sync.Mutex
	closed  bool
	conns   map[*trackedConn]struct{}
	inbound map[NodeID]int
	links   map[linkKey]*link
	raft    *raftStreams
}

// Listen binds the port and starts to serve it.
func Listen(config Config) (*Port, error) {
	if config.Identity == nil || config.Authorizer == nil || config.Handler == nil {
		return nil, errors.New("a peer port needs an identity, an authorizer and a handler")
	}
	if err := checkIdentity(config.Identity()); err != nil {
		return nil, err
	}
	if config.Network == nil {
		config.Network = TCP{}
	}
	if config.Logger == nil {
		config.Logger = hclog.NewNullLogger()
	}
	if config.Observer == nil {
		config.Observer = silentObserver{}
	}
	security, err := newSecurity(config.TLS, config.Identity().ClusterName)
	if err != nil {
		return nil, err
	}
	listener, err := config.Network.Listen(config.ListenAddress)
	if err != nil {
		return nil, fmt.Errorf("the peer port cannot listen on %s: %w", config.ListenAddress, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	port := &Port{
		config:     config,
		logger:     config.Logger,
		listener:   listener,
		security:   security,
		ctx:        ctx,
		cancel:     cancel,
		handshakes: make(chan struct{}, maxHandshakes),
		conns:      make(map[*trackedConn]struct{}),
		inbound:    make(map[NodeID]int),
		links:      make(map[linkKey]*link),
	}
	port.running.Go(port.acceptAll)
	return port, nil
}

// Addr is the address that was bound.
func (p *Port) Addr() net.Addr { return p.listener.Addr() }

// Close stops listening, ends every connection and waits for the port's goroutines. Handlers that still run see their contexts end.
func (p *Port) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	conns := make([]*trackedConn, 0, len(p.conns))
	for conn := range p.conns {
		conns = append(conns, conn)
	}
	p.mu.Unlock()
	p.cancel()
	err := p.listener.Close()
	for _, conn := range conns {
		_ = conn.Close()
	}
	p.running.Wait()
	return err
}

// acceptAll takes connections until the port closes.
func (p *Port) acceptAll() {
	const pause = 50 * time.Millisecond
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			if p.ctx.Err() != nil {
				return
			}
			p.logger.Warn("cannot accept a peer connection", "error", err)
			select {
			case <-time.After(pause):
			case <-p.ctx.Done():
				return
			}
			continue
		}
		select {
		case p.handshakes <- struct{}{}:
			p.running.Go(func() { p.admit(conn) })
		default:
			p.logger.Warn("too many peer connections wait for their handshake; one was closed", "from", conn.RemoteAddr())
			_ = conn.Close()
		}
	}
}

// admit runs the handshake on an accepted connection and serves it.
func (p *Port) admit(raw net.Conn) {
	conn, remote, purpose, err := p.receive(raw)
	<-p.handshakes
	if err != nil {
		return
	}
	defer p.dismiss(remote.NodeID)
	if purpose == PurposeRaft {
		p.offerRaft(conn)
		<-conn.done
		return
	}
	defer conn.Close()
	newServing(p, conn, remote, purpose).run()
}

// receive does what must be done before a connection is believed.
func (p *Port) receive(raw net.Conn) (*trackedConn, Identity, Purpose, error) {
	conn, err := p.track(raw)
	if err != nil {
		_ = raw.Close()
		return nil, Identity{}, 0, err
	}
	_ = conn.SetDeadline(time.Now().Add(handshakeLimit))
	var remote Identity
	var purpose Purpose
	if err = p.security.accept(p.ctx, conn); err == nil {
		remote, purpose, err = welcome(conn, p.config.Identity(), p.config.Authorizer)
	}
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err == nil {
		err = p.register(remote.NodeID)
	}
	if err != nil {
		_ = conn.Close()
		p.reportHandshake(Target{NodeID: remote.NodeID, Address: remote.Address}, raw.RemoteAddr().String(), purpose, true, err)
		return nil, remote, purpose, err
	}
	conn.established(remote, purpose, true)
	return conn, remote, purpose, nil
}

// dial connects to a target for a purpose and runs the handshake.
func (p *Port) dial(ctx context.Context, target Target, purpose Purpose) (*trackedConn, Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()
	stop := context.AfterFunc(p.ctx, cancel)
	defer stop()
	raw, err := p.config.Network.Dial(ctx, target.Address)
	if err != nil {
		if p.ctx.Err() != nil {
			return nil, Identity{}, ErrClosed
		}
		p.config.Observer.DialFailed(target, purpose, IsRefused(err), err)
		return nil, Identity{}, fmt.Errorf("dial %s: %w", target.Address, err)
	}
	conn, err := p.track(raw)
	if err != nil {
		_ = raw.Close()
		return nil, Identity{}, err
	}
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	var remote Identity
	if err = p.security.dial(ctx, conn); err == nil {
		remote, err = greet(conn, p.config.Identity(), target, purpose, p.config.Authorizer)
	}
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = conn.Close()
		p.reportHandshake(target, target.Address, purpose, false, err)
		return nil, remote, fmt.Errorf("handshake with %s: %w", target, err)
	}
	conn.established(remote, purpose, false)
	return conn, remote, nil
}

// reportHandshake tells log and observer why a connection did not come to be.
func (p *Port) reportHandshake(remote Target, address string, purpose Purpose, inbound bool, err error) {
	if p.ctx.Err() != nil {
		return
	}
	refusal, refused := AsRefusal(err)
	if !refused {
		p.logger.Debug("peer handshake failed", "address", address, "purpose", purpose, "inbound", inbound, "error", err)
		if !inbound {
			p.config.Observer.DialFailed(remote, purpose, false, err)
		}
		return
	}
	p.logger.Warn("peer handshake refused", "peer", remote.NodeID, "address", address, "purpose", purpose, "inbound", inbound,
		"by_peer", refusal.ByPeer, "reason", refusal.Reason)
	p.config.Observer.HandshakeRefused(remote, purpose, inbound, refusal)
}

// register counts an inbound connection of a node.
func (p *Port) register(id NodeID) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.inbound[id] >= maxInboundPerPeer {
		return refuse(RefusedBusy, "node %s already has %d connections open to this one", id, maxInboundPerPeer)
	}
	p.inbound[id]++
	return nil
}

// dismiss forgets an inbound connection of a node.
func (p *Port) dismiss(id NodeID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.inbound[id]--; p.inbound[id] <= 0 {
		delete(p.inbound, id)
	}
}

// CheckDial opens a connection to the target's address and closes it at once, without a handshake. A failure reaches the Observer too.
func (p *Port) CheckDial(ctx context.Context, to Target) error {
	ctx, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()
	conn, err := p.config.Network.Dial(ctx, to.Address)
	if err != nil {
		p.config.Observer.DialFailed(to, PurposeProbe, IsRefused(err), err)
		return err
	}
	return conn.Close()
}

// silentObserver is the Observer when there is none.
type silentObserver struct{}

func (silentObserver) ConnectionEnded(NodeID, Purpose, bool, error)     {}
func (silentObserver) DialFailed(Target, Purpose, bool, error)          {}
func (silentObserver) HandshakeRefused(Target, Purpose, bool, *Refusal) {}
