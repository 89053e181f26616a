// Package datadir owns the data directory of one node.
package datadir

import "errors"

// Options says which directory, and what the operator believes about it.
type Options struct {
	Path string
	// ClusterName must equal the directory's, once it has one.
	ClusterName string
	// NodeID is the operator's choice of id for an empty directory; a random UUID is made when it is empty. A directory that has an id
	// refuses any other.
	NodeID string
}

// Promise is a node's word that it founds a cluster with exactly these members, given once per data directory.
type Promise struct {
	Members []Member `json:"members"`
}

// Member is one of the founding nodes.
type Member struct {
	NodeID  string `json:"node_id"`
	Address string `json:"address"`
}

// Identity is what the directory remembers about its node.
type Identity struct {
	FormatVersion int    `json:"format_version"`
	NodeID        string `json:"node_id"`
	ClusterName   string `json:"cluster_name"`
	// ClusterID is empty until the node belongs to a cluster.
	ClusterID string `json:"cluster_id,omitempty"`
	// Promise is nil until the node promised to found a cluster.
	Promise *Promise `json:"promise,omitempty"`
	// Founder is true on the node that bootstraps Raft for all.
	Founder bool `json:"founder,omitempty"`
	// Bootstrapped is true once Raft's first configuration is in the log of the founder.
	Bootstrapped bool `json:"bootstrapped,omitempty"`
	// Starts counts how often the directory was opened.
	Starts uint64 `json:"starts"`
}

// Dir is an open, locked data directory. Its methods may be called from many goroutines.
type Dir struct{}

// Open makes or opens the directory, locks it against other processes, and counts the start.
func Open(options Options) (*Dir, error) { return nil, errors.New("not opened") }

// Identity is what the directory remembers now.
func (d *Dir) Identity() Identity { return Identity{} }

// WasEmpty reports whether this Open made the identity.
func (d *Dir) WasEmpty() bool { return false }

// RaftDir is where the stores go.
func (d *Dir) RaftDir() string { return "" }

// SetClusterID records the cluster that the node belongs to. It refuses to change one.
func (d *Dir) SetClusterID(id string) error { return nil }

// SetPromise records the founding promise. It refuses to change one.
func (d *Dir) SetPromise(promise Promise) error { return nil }

// SetFounded records on the founder, in one write, the id of the cluster it founds.
func (d *Dir) SetFounded(clusterID string) error { return nil }

// SetBootstrapped records that Raft's first configuration is written.
func (d *Dir) SetBootstrapped() error { return nil }

// Close releases the lock.
func (d *Dir) Close() error { return nil }
