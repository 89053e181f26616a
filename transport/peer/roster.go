package peer

import "sync"

// Members is what a node knows of the newest configuration in its log.
type Members struct {
	// Addresses gives the peer address of each member, voters and non-voters. Empty before the first configuration is known.
	Addresses map[NodeID]string
	// Removed lists ids that are known, from elsewhere, to have been members and to be no longer.
	Removed []NodeID
	// Leading is true while this node is the leader, whose configuration is complete; a follower's may lag.
	Leading bool
}

// Roster is the Authorizer that judges by the last Members it was given. It may be used by many goroutines at once.
//
// A node that the configuration knows must use the address that stands there: whoever shows its id from elsewhere is a copy. A node
// that was removed is refused and told so. A node that the configuration does not know is refused by the leader; a follower lets it
// send entries and snapshots, because a follower that slept through a change must be able to hear it, but never lets it ask for votes.
type Roster struct {
	mu      sync.RWMutex
	members Members
	removed map[NodeID]bool
}

// NewRoster makes a Roster that knows no configuration yet. Until Set is called it lets in every node of this node's own cluster.
func NewRoster() *Roster { return &Roster{removed: make(map[NodeID]bool)} }

// Set replaces what the roster knows. Ids that were members before and are not in the new set count as removed from then on, until
// they are members again. Call it whenever the configuration changes and whenever this node begins or ceases to lead.
func (r *Roster) Set(members Members) {
	addresses := make(map[NodeID]string, len(members.Addresses))
	for id, address := range members.Addresses {
		addresses[id] = address
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range r.members.Addresses {
		r.removed[id] = true
	}
	for _, id := range members.Removed {
		r.removed[id] = true
	}
	for id := range addresses {
		delete(r.removed, id)
	}
	r.members = Members{Addresses: addresses, Leading: members.Leading}
}

// AuthorizeInbound implements Authorizer.
func (r *Roster) AuthorizeInbound(remote Identity, purpose Purpose) error {
	if purpose == PurposeBootstrap {
		return nil
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if refusal := r.contradictionLocked(remote); refusal != nil {
		return refusal
	}
	if _, known := r.members.Addresses[remote.NodeID]; !known && r.members.Leading {
		return refuse(RefusedNotMember, "node %s at %s is not a member of this cluster; add it first", remote.NodeID, remote.Address)
	}
	return nil
}

// AuthorizeOutbound implements Authorizer. A node that is not known may be one whose addition this node has not heard of; that it is the
// one that was meant has been checked.
func (r *Roster) AuthorizeOutbound(remote Identity, purpose Purpose) error {
	if purpose == PurposeBootstrap {
		return nil
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if refusal := r.contradictionLocked(remote); refusal != nil {
		return refusal
	}
	return nil
}

// contradictionLocked finds what the configuration says against a node.
func (r *Roster) contradictionLocked(remote Identity) *Refusal {
	if r.removed[remote.NodeID] {
		return refuse(RefusedRemoved, "node %s was removed from this cluster; stop it, and add a node with an empty data directory if one is needed", remote.NodeID)
	}
	address, known := r.members.Addresses[remote.NodeID]
	if known && address != remote.Address {
		return refuse(RefusedAddress, "node %s is a member at %s, not at %s: a data directory was copied, or the advertised address was changed without telling the cluster",
			remote.NodeID, address, remote.Address)
	}
	return nil
}

// AuthorizeRaft implements Authorizer.
func (r *Roster) AuthorizeRaft(sender NodeID, election bool) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.removed[sender] {
		return refuse(RefusedRemoved, "node %s was removed from this cluster", sender)
	}
	_, known := r.members.Addresses[sender]
	if election && !known && len(r.members.Addresses) > 0 {
		return refuse(RefusedNotMember, "node %s is not a member of this cluster and gets no vote", sender)
	}
	return nil
}
