package peer

// Members is what a node knows of the committed configuration.
type Members struct {
	// Addresses gives the peer address of each member, voters and non-voters. Empty before the first configuration is known.
	Addresses map[NodeID]string
	// Removed lists ids that were members and are no longer.
	Removed []NodeID
	// Leading is true while this node is the leader, whose configuration is complete; a follower's may lag.
	Leading bool
}

// Roster is the Authorizer that judges by the last Members it was given. The zero Roster knows no configuration.
type Roster struct{}

// NewRoster makes a Roster that knows no configuration yet.
func NewRoster() *Roster { return &Roster{} }

// Set replaces what the roster knows. Ids that were members before and are not in the new set count as removed from then on.
func (r *Roster) Set(members Members) {}

// AuthorizeInbound implements Authorizer.
func (r *Roster) AuthorizeInbound(remote Identity, purpose Purpose) error { return nil }

// AuthorizeOutbound implements Authorizer.
func (r *Roster) AuthorizeOutbound(remote Identity, purpose Purpose) error { return nil }

// AuthorizeRaft implements Authorizer.
func (r *Roster) AuthorizeRaft(sender NodeID, election bool) error { return nil }
