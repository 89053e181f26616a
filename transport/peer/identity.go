package peer

import (
	"fmt"
	"strings"
)

// NodeID names a node for as long as its data directory lives. It is a UUID in its usual text form.
type NodeID string

// Limits of what a handshake may carry, in bytes.
const (
	MaxNodeIDLength      = 64
	MaxAddressLength     = 255
	MaxClusterNameLength = 128
	MaxClusterIDLength   = 64
)

// Identity is what a node says of itself in a handshake.
type Identity struct {
	// ClusterName is what the operator calls the cluster. It is never empty.
	ClusterName string
	// ClusterID is made when the cluster is founded. It is empty while the node belongs to no cluster yet.
	ClusterID string
	// NodeID is this node's own id.
	NodeID NodeID
	// Address is the host:port under which this node's peer port is reached, the same that the committed configuration has.
	Address string
}

// Target names the node that a dialler means to reach.
type Target struct {
	// NodeID may be empty only where the dialler cannot know it yet: in Identify.
	NodeID NodeID
	// Address is host:port.
	Address string
}

// String gives the form id@host:port.
func (t Target) String() string { return string(t.NodeID) + "@" + t.Address }

// parseTarget undoes Target.String. Host names cannot contain '@' and neither can node ids.
func parseTarget(text string) (Target, error) {
	id, address, found := strings.Cut(text, "@")
	if !found || address == "" {
		return Target{}, fmt.Errorf("peer address %q is not of the form id@host:port", text)
	}
	return Target{NodeID: NodeID(id), Address: address}, nil
}

// Purpose says what a connection is for. It is settled in the handshake and never changes.
type Purpose uint8

// The purposes. The numbers travel in the handshake and are never reused.
const (
	// PurposeRaft carries the requests of hashicorp/raft.
	PurposeRaft Purpose = 1
	// PurposeForward carries forwarded commands.
	PurposeForward Purpose = 2
	// PurposeProbe carries the small questions of read rounds and early elections.
	PurposeProbe Purpose = 3
	// PurposeBootstrap carries what nodes say to each other before they share a cluster id.
	PurposeBootstrap Purpose = 4
)

// String gives the purpose as it stands in log lines.
func (p Purpose) String() string {
	switch p {
	case PurposeRaft:
		return "raft"
	case PurposeForward:
		return "forward"
	case PurposeProbe:
		return "probe"
	case PurposeBootstrap:
		return "bootstrap"
	}
	return fmt.Sprintf("purpose %d", uint8(p))
}
