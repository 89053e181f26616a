package peer

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// raftBacklog is how many accepted Raft connections may wait for the transport to take them.
const raftBacklog = 16

// raftStreams is the raft.StreamLayer of a port. Closing it ends the port's Raft connections and nothing else.
type raftStreams struct {
	port     *Port
	accepted chan *trackedConn
	closed   chan struct{}
	once     sync.Once
}

var _ raft.StreamLayer = (*raftStreams)(nil)

// raftLayer makes the port's stream layer; a later one takes the place of an earlier one.
func (p *Port) raftLayer() *raftStreams {
	streams := &raftStreams{port: p, accepted: make(chan *trackedConn, raftBacklog), closed: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.raft = streams
	return streams
}

// offerRaft hands an accepted connection to Raft, or closes it when no Raft runs here.
func (p *Port) offerRaft(conn *trackedConn) {
	p.mu.Lock()
	streams := p.raft
	p.mu.Unlock()
	if streams == nil {
		_ = conn.Close()
		return
	}
	select {
	case <-streams.closed:
		_ = conn.Close()
	case streams.accepted <- conn:
	default:
		p.logger.Warn("Raft does not take its connections; one was closed", "peer", conn.remote.NodeID)
		_ = conn.Close()
	}
}

// Accept waits for the next connection that another node opened for Raft.
func (s *raftStreams) Accept() (net.Conn, error) {
	select {
	case conn := <-s.accepted:
		return conn, nil
	case <-s.closed:
		return nil, net.ErrClosed
	case <-s.port.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Dial opens a connection for Raft. address has the form id@host:port.
func (s *raftStreams) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	target, err := parseTarget(string(address))
	if err != nil {
		return nil, err
	}
	select {
	case <-s.closed:
		return nil, net.ErrClosed
	default:
	}
	ctx, cancel := context.WithTimeout(s.port.ctx, timeout)
	defer cancel()
	conn, _, err := s.port.dial(ctx, target, PurposeRaft)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// Close ends the Raft connections of the port.
func (s *raftStreams) Close() error {
	s.once.Do(func() {
		close(s.closed)
		s.port.mu.Lock()
		var conns []*trackedConn
		for conn := range s.port.conns {
			conns = append(conns, conn)
		}
		if s.port.raft == s {
			s.port.raft = nil
		}
		s.port.mu.Unlock()
		for _, conn := range conns {
			if conn.carries(PurposeRaft) {
				_ = conn.Close()
			}
		}
	})
	return nil
}

// Addr is the advertised address, which Raft sends along as its own.
func (s *raftStreams) Addr() net.Addr { return advertised(s.port.config.Identity().Address) }

// carries reports whether the connection's handshake is over and it is for this purpose.
func (c *trackedConn) carries(purpose Purpose) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known && c.purpose == purpose
}

// advertised is an address in the form that was configured.
type advertised string

// Network names the kind of network.
func (advertised) Network() string { return "tcp" }

// String gives host:port.
func (a advertised) String() string { return string(a) }
