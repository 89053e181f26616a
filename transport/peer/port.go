package peer

import (
	"context"
	"errors"
	"net"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

var errSkeleton = errors.New("not connected")

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
type Port struct{}

// Listen binds the port and starts to serve it.
func Listen(config Config) (*Port, error) { return nil, errSkeleton }

// Addr is the address that was bound.
func (p *Port) Addr() net.Addr { return nil }

// Close stops listening, ends every connection and waits for the port's goroutines.
func (p *Port) Close() error { return nil }

// Forward sends one frame to the node's Handler.Forward and waits for its answer.
func (p *Port) Forward(ctx context.Context, to Target, payload []byte) ([]byte, error) {
	return nil, errSkeleton
}

// Term asks a node for its current term and wall clock.
func (p *Port) Term(ctx context.Context, to Target) (TermAnswer, error) {
	return TermAnswer{}, errSkeleton
}

// LostLeader asks a node whether it lost the same leader.
func (p *Port) LostLeader(ctx context.Context, to Target, question LostLeaderQuestion) (LostLeaderVerdict, error) {
	return 0, errSkeleton
}

// Identify asks whoever listens at address who it is. It works before a cluster exists.
func (p *Port) Identify(ctx context.Context, address string) (Identity, error) {
	return Identity{}, errSkeleton
}

// Bootstrap sends one message of the founding protocol to the node's Handler.Bootstrap.
func (p *Port) Bootstrap(ctx context.Context, to Target, payload []byte) ([]byte, error) {
	return nil, errSkeleton
}

// CheckDial opens a connection to the address and closes it at once, without a handshake. The result reaches the Observer too.
func (p *Port) CheckDial(ctx context.Context, to Target) error { return errSkeleton }

// TLS names the files of mutual TLS 1.3. They are read again when they change.
type TLS struct {
	// CertFile and KeyFile are this node's certificate and key, PEM.
	CertFile, KeyFile string
	// CAFile holds the authorities that sign node certificates and nothing else, PEM.
	CAFile string
}

// RaftConfig completes a RaftTransport.
type RaftConfig struct {
	// CurrentTerm gives the node's current Raft term; requests that jump more than 2^32 terms ahead of it are refused. It is asked
	// from before raft.NewRaft returns, so it must answer from what the stable store held until then.
	CurrentTerm func() uint64
	Logger      hclog.Logger
}

// RaftTransport is the raft.Transport over a Port.
type RaftTransport struct{ *raft.NetworkTransport }

// NewRaftTransport makes the transport for the one Raft of this node. Closing it leaves the port open.
func NewRaftTransport(port *Port, config RaftConfig) *RaftTransport { return nil }

// StandNow lets the local Raft stand for election at once, as if its leader had asked it to take over.
func (t *RaftTransport) StandNow(ctx context.Context) error { return errSkeleton }
