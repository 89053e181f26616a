// Package bootstrap founds a cluster, once.
package bootstrap

import (
	"context"
	"errors"

	"github.com/coordd/coordd/raftnode/datadir"
	"github.com/coordd/coordd/transport/peer"
	"github.com/hashicorp/go-hclog"
)

// Sighting is a node that discovery (gossip or a static list) shows.
type Sighting struct {
	NodeID      peer.NodeID
	PeerAddress string
	ClusterName string
	// ClusterID is empty for a node without a cluster.
	ClusterID string
}

// Caller sends one message to another node. *peer.Port is one.
type Caller interface {
	Bootstrap(ctx context.Context, to peer.Target, payload []byte) ([]byte, error)
}

// Notes is where promises are kept. *datadir.Dir is one.
type Notes interface {
	Identity() datadir.Identity
	SetPromise(datadir.Promise) error
	SetClusterID(id string) error
	SetFounded(clusterID string) error
}

// Config says who founds what.
type Config struct {
	Self peer.Target
	// Expect is the number of nodes that found the cluster.
	Expect int
	Notes  Notes
	Caller Caller
	// Discover lists the nodes seen now; this node may be among them. Changed holds a value when the list may have changed.
	Discover func() []Sighting
	Changed  <-chan struct{}
	Logger   hclog.Logger
}

// Outcome is how the founding ended on this node.
type Outcome struct {
	ClusterID string
	// Members are the founding voters, ordered by id.
	Members []datadir.Member
	// Founder is true on the one node that must call raft.BootstrapCluster with Members, then Dir.SetBootstrapped.
	Founder bool
}

// Founding is this node's part in the protocol.
type Founding struct{}

// New makes it. Nothing is sent before Run; Handle answers from the start.
func New(config Config) (*Founding, error) { return nil, errors.New("not made") }

// Run takes part until the cluster is founded, or returns the sentence for which it cannot be.
func (f *Founding) Run(ctx context.Context) (Outcome, error) { return Outcome{}, nil }

// Handle answers a message of another node; peer.Handler.Bootstrap passes them here, also after Run has returned.
func (f *Founding) Handle(ctx context.Context, from peer.Identity, payload []byte) ([]byte, error) {
	return nil, nil
}
