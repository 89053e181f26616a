package network

// Network is what the processes of a run talk through. There are two: proxies, which work everywhere ([New]), and network namespaces with a firewall between them, which need root
// ([NewNamespaces]). Its methods may be called from many goroutines.
type Network interface {
	// AddNode gives a node its addresses. processes gives the names of the nodes that run, by their process ids.
	AddNode(name string, processes func() map[int]string) (Addresses, error)
	// Reach gives a client place its way to a node that really listens for clients there.
	Reach(place, node, upstream string) (address string, err error)
	// Inside calls start, which starts a process, where the process of that node or client place belongs.
	Inside(name string, start func() error) error
	// Introduce lets datagrams of gossip from an address pass to the nodes, as those of somebody who is no node.
	Introduce(address, name string)
	// Host is the IP address under which all processes reach what the harness itself listens on.
	Host() string

	// Set lets one direction of a link behave like that from now on.
	Set(from, to string, plane Plane, fault Fault)
	// Heal makes every link healthy.
	Heal()
	// Down lets dials to a node be refused, as they are when its process is dead, until Up.
	Down(node string)
	// Up lets a node be dialled again.
	Up(node string) error
	// Effects tells what faults did so far.
	Effects() Effects
	// Err is why a fault could not be made; a run with such an error proves less than it says.
	Err() error
	// Close ends everything and waits for it.
	Close()
}

// Addresses are those of one node.
type Addresses struct {
	// Where the node listens. The harness itself reaches it there, whatever is wrong with the network.
	Redis, HTTP, Peer, Gossip string
	// What the node tells the others.
	PeerAdvertise, GossipAdvertise string
}

// Names of the networks.
const (
	Proxies    = "proxies"
	Namespaces = "namespaces"
)
