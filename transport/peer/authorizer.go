package peer

// Authorizer answers, from the committed configuration, whether a node may be talked to. Roster is the usual one.
//
// The port itself has already checked protocol version, cluster name, that both sides share a cluster id (except for
// PurposeBootstrap), that the node meant is the node reached, and that the other side does not use this node's own id.
// Methods may be called from many goroutines at once and must not block.
type Authorizer interface {
	// AuthorizeInbound says whether the node that dialled may open a connection for this purpose. A *Refusal chooses the code that
	// the other side is told; any other error is told as RefusedNotMember.
	AuthorizeInbound(remote Identity, purpose Purpose) error
	// AuthorizeOutbound says whether the node that answered a dial may be used for this purpose.
	AuthorizeOutbound(remote Identity, purpose Purpose) error
	// AuthorizeRaft says whether a Raft request may come from this sender. election is true for requests that ask for a vote or for
	// an election; those need a member, while entries and snapshots may come from a node that a lagging follower has not heard of.
	AuthorizeRaft(sender NodeID, election bool) error
}
