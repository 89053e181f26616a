package network

import "github.com/coordd/coordd/internal/freeport"

var _ Network = (*Net)(nil)

// AddNode implements Network: the node listens on loopback and tells others the addresses of two doors.
func (n *Net) AddNode(name string, processes func() map[int]string) (Addresses, error) {
	var addresses Addresses
	for _, one := range []*string{&addresses.Redis, &addresses.HTTP, &addresses.Peer, &addresses.Gossip, &addresses.PeerAdvertise, &addresses.GossipAdvertise} {
		var err error
		if *one, err = freeport.Address(); err != nil {
			return Addresses{}, err
		}
	}
	owner := ByOwner(processes)
	if err := n.Listen(Peer, name, addresses.PeerAdvertise, addresses.Peer, owner); err != nil {
		return Addresses{}, err
	}
	if err := n.ListenGossip(name, addresses.GossipAdvertise, addresses.Gossip, owner, n.senderOf); err != nil {
		return Addresses{}, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.gossips[addresses.Gossip] = name
	return addresses, nil
}

// senderOf names the node that sends datagrams from an address; empty for a stranger.
func (n *Net) senderOf(address string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.gossips[address]
}

// Introduce implements Network.
func (n *Net) Introduce(address, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.gossips[address] = name
}

// Reach implements Network: each client place has a door of its own to each node, which tells who dialled.
func (n *Net) Reach(place, node, upstream string) (string, error) {
	address, err := freeport.Address()
	if err != nil {
		return "", err
	}
	return address, n.Listen(Client, node, address, upstream, From(place))
}

// Inside implements Network: all processes are on the machine's own loopback.
func (n *Net) Inside(_ string, start func() error) error { return start() }

// Host implements Network.
func (n *Net) Host() string { return "127.0.0.1" }

// Err implements Network: what a proxy cannot do it does not promise.
func (n *Net) Err() error { return nil }
