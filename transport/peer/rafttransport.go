package peer

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// Settings of the Raft transport.
const (
	// raftTimeout bounds one Raft request; snapshots get more by their size.
	raftTimeout = 1500 * time.Millisecond
	// raftPool is how many idle connections to one node Raft keeps.
	raftPool = 3
	// raftRequestsInFlight of 1 turns pipelining off, which can deadlock in hashicorp/raft after a follower refuses entries.
	raftRequestsInFlight = 1
	// maxTermJump is how far ahead of the own term another node's may be. No cluster gets there by elections; a forged request could.
	maxTermJump = 1 << 32
)

// RaftConfig completes a RaftTransport.
type RaftConfig struct {
	// CurrentTerm gives the node's current Raft term; what jumps more than 2^32 terms ahead of it is refused. It is asked
	// from before raft.NewRaft returns, so it must answer from what the stable store holds until then. Required.
	CurrentTerm func() uint64
	// Committed gives the highest log index that this node has and knows to be committed; a snapshot that goes no further is not installed again. It is asked from before
	// raft.NewRaft returns and may answer 0 until then. Required.
	Committed func() uint64
	// Covered gives the last entry of the newest snapshot on which this node's machine stands, 0 without one. It may be asked from before raft.NewRaft returns. nil means that there
	// never is one.
	Covered func() (index, term uint64)
	// Logger may be nil.
	Logger hclog.Logger
}

// RaftTransport is the raft.Transport over a Port. It is raft's own network transport with five changes: addresses carry the id of the
// node that is meant; heartbeats take the same way as all other requests, because raft's fast path for them changes term and state
// beside its main loop, from which logs can diverge; senders and terms are screened; what a snapshot covers is taken out of requests; and the
// local Raft can be told to stand.
type RaftTransport struct {
	*raft.NetworkTransport
	port      *Port
	config    RaftConfig
	screened  chan raft.RPC
	closed    chan struct{}
	once      sync.Once
	screening sync.WaitGroup
}

var (
	_ raft.Transport   = (*RaftTransport)(nil)
	_ raft.WithPreVote = (*RaftTransport)(nil)
	_ raft.WithClose   = (*RaftTransport)(nil)
)

// NewRaftTransport makes the transport for the one Raft of this node. Raft closes it when it shuts down; the port stays open.
func NewRaftTransport(port *Port, config RaftConfig) *RaftTransport {
	if config.Logger == nil {
		config.Logger = hclog.NewNullLogger()
	}
	t := &RaftTransport{
		NetworkTransport: raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
			Stream:          port.raftLayer(),
			MaxPool:         raftPool,
			MaxRPCsInFlight: raftRequestsInFlight,
			Timeout:         raftTimeout,
			Logger:          config.Logger,
		}),
		port:     port,
		config:   config,
		screened: make(chan raft.RPC),
		closed:   make(chan struct{}),
	}
	t.screening.Go(t.screen)
	return t
}

// SetHeartbeatHandler does nothing, so that heartbeats reach raft's main loop like every other request.
func (t *RaftTransport) SetHeartbeatHandler(func(raft.RPC)) {}

// Consumer gives the requests that passed the screening.
func (t *RaftTransport) Consumer() <-chan raft.RPC { return t.screened }

// Close ends the transport and its connections. The port stays open.
func (t *RaftTransport) Close() error {
	t.once.Do(func() { close(t.closed) })
	err := t.NetworkTransport.Close()
	t.screening.Wait()
	return err
}

// StandNow lets the local Raft stand for election at once, as if its leader had asked it to take over. Raft obeys whatever its
// role; the caller must have made sure that it is a follower whose leader is dead.
func (t *RaftTransport) StandNow(ctx context.Context) error {
	self := t.port.config.Identity()
	request := &raft.TimeoutNowRequest{RPCHeader: raft.RPCHeader{
		ProtocolVersion: raft.ProtocolVersionMax,
		ID:              []byte(self.NodeID),
		Addr:            t.EncodePeer(raft.ServerID(self.NodeID), raft.ServerAddress(self.Address)),
	}}
	answered := make(chan raft.RPCResponse, 1)
	select {
	case t.screened <- raft.RPC{Command: request, RespChan: answered}:
	case <-ctx.Done():
		return ctx.Err()
	case <-t.closed:
		return raft.ErrTransportShutdown
	}
	select {
	case response := <-answered:
		return response.Error
	case <-ctx.Done():
		return ctx.Err()
	case <-t.closed:
		return raft.ErrTransportShutdown
	}
}

// EncodePeer names a node in a request: the id goes along, so that votes are remembered by node and not by address.
func (t *RaftTransport) EncodePeer(id raft.ServerID, address raft.ServerAddress) []byte {
	return []byte(Target{NodeID: NodeID(id), Address: string(address)}.String())
}

// DecodePeer undoes EncodePeer and gives the address alone, as it stands in the configuration.
func (t *RaftTransport) DecodePeer(encoded []byte) raft.ServerAddress {
	if target, err := parseTarget(string(encoded)); err == nil {
		return raft.ServerAddress(target.Address)
	}
	return raft.ServerAddress(encoded)
}

// meant is the address under which the stream layer learns whom Raft means.
func meant(id raft.ServerID, address raft.ServerAddress) raft.ServerAddress {
	return raft.ServerAddress(Target{NodeID: NodeID(id), Address: string(address)}.String())
}

// AppendEntriesPipeline tells raft that requests go one at a time.
func (t *RaftTransport) AppendEntriesPipeline(raft.ServerID, raft.ServerAddress) (raft.AppendPipeline, error) {
	return nil, raft.ErrPipelineReplicationNotSupported
}

// AppendEntries sends entries or a heartbeat.
func (t *RaftTransport) AppendEntries(id raft.ServerID, target raft.ServerAddress, request *raft.AppendEntriesRequest, response *raft.AppendEntriesResponse) error {
	err := t.NetworkTransport.AppendEntries(id, meant(id, target), request, response)
	return errors.Join(err, t.judgeTerm(NodeID(id), response.Term))
}

// RequestVote asks for a vote.
func (t *RaftTransport) RequestVote(id raft.ServerID, target raft.ServerAddress, request *raft.RequestVoteRequest, response *raft.RequestVoteResponse) error {
	err := t.NetworkTransport.RequestVote(id, meant(id, target), request, response)
	return errors.Join(err, t.judgeTerm(NodeID(id), response.Term))
}

// RequestPreVote asks whether a vote would be given.
func (t *RaftTransport) RequestPreVote(id raft.ServerID, target raft.ServerAddress, request *raft.RequestPreVoteRequest, response *raft.RequestPreVoteResponse) error {
	err := t.NetworkTransport.RequestPreVote(id, meant(id, target), request, response)
	return errors.Join(err, t.judgeTerm(NodeID(id), response.Term))
}

// InstallSnapshot sends a snapshot.
func (t *RaftTransport) InstallSnapshot(id raft.ServerID, target raft.ServerAddress, request *raft.InstallSnapshotRequest, response *raft.InstallSnapshotResponse, data io.Reader) error {
	err := t.NetworkTransport.InstallSnapshot(id, meant(id, target), request, response, data)
	return errors.Join(err, t.judgeTerm(NodeID(id), response.Term))
}

// TimeoutNow asks another node to take over.
func (t *RaftTransport) TimeoutNow(id raft.ServerID, target raft.ServerAddress, request *raft.TimeoutNowRequest, response *raft.TimeoutNowResponse) error {
	return t.NetworkTransport.TimeoutNow(id, meant(id, target), request, response)
}
