package memnet

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/coordd/coordd/transport/peer"
)

// firstFreePort is where ports begin that are chosen for "host:0" and for dialling ends.
const firstFreePort = 40000

// route is one direction between two hosts.
type route struct{ from, to string }

// Network is a set of hosts and the links between them. Hosts are named by the host part of an address, and need no making.
type Network struct {
	mu          sync.Mutex
	cut         map[route]bool
	link        map[route]Link
	listeners   map[string]*listener
	connections map[*connection]uint64 // and which of the network's connections it is, by age
	lives       map[string]uint64      // how often each host has crashed
	opened      uint64
	nextPort    int
	// chance decides what is lost and how much a delay varies; nil means nothing is and none does.
	chance *rand.Rand
	// changed is closed and replaced whenever a link changes.
	changed chan struct{}
}

// Link says how one direction between two hosts behaves. Bytes of one connection arrive in order whatever a link does, as with TCP: what is lost is sent again
// after Retransmit, and what was written later waits for it.
type Link struct {
	Delay      time.Duration // what every write takes
	Jitter     time.Duration // up to so much more, anew for every write
	Loss       float64       // the part of the writes that must be sent a second time, and a third, …; below 1
	Retransmit time.Duration // until that happens
}

// New makes a network without faults.
func New() *Network {
	return &Network{
		cut:         make(map[route]bool),
		link:        make(map[route]Link),
		listeners:   make(map[string]*listener),
		connections: make(map[*connection]uint64),
		lives:       make(map[string]uint64),
		nextPort:    firstFreePort,
		changed:     make(chan struct{}),
	}
}

// Host gives the view of one host: a peer.Network whose dials leave from it. It is good until the host crashes; a process that comes after that needs one of its own.
func (n *Network) Host(name string) peer.Network {
	n.mu.Lock()
	defer n.mu.Unlock()
	return host{network: n, name: name, life: n.lives[name]}
}

// Cut holds back everything that from sends to to. Dials between the two wait, whichever side dials.
func (n *Network) Cut(from, to string) {
	n.update(func() { n.cut[route{from, to}] = true })
}

// Heal lets through again what from sends to to, held bytes first.
func (n *Network) Heal(from, to string) {
	n.update(func() { delete(n.cut, route{from, to}) })
}

// Isolate cuts both directions between a host and each of the others.
func (n *Network) Isolate(name string, others ...string) {
	for _, other := range others {
		n.Cut(name, other)
		n.Cut(other, name)
	}
}

// Rejoin heals both directions between a host and each of the others.
func (n *Network) Rejoin(name string, others ...string) {
	for _, other := range others {
		n.Heal(name, other)
		n.Heal(other, name)
	}
}

// SetDelay lets what from sends to to from now on take this long.
func (n *Network) SetDelay(from, to string, delay time.Duration) {
	n.SetLink(from, to, Link{Delay: delay})
}

// SetLink lets what from sends to to behave so, from now on. Loss and Jitter need a source of chance.
func (n *Network) SetLink(from, to string, link Link) {
	n.update(func() { n.link[route{from, to}] = link })
}

// SetChance gives the network the source from which it draws losses and jitter. It is used under the network's lock only.
func (n *Network) SetChance(chance *rand.Rand) {
	n.update(func() { n.chance = chance })
}

// takesLocked is how long the next write in one direction takes.
func (n *Network) takesLocked(r route) time.Duration {
	link := n.link[r]
	takes := link.Delay
	if n.chance == nil {
		return takes
	}
	if link.Jitter > 0 {
		takes += time.Duration(n.chance.Int64N(int64(link.Jitter)))
	}
	for link.Loss > 0 && n.chance.Float64() < link.Loss {
		takes += link.Retransmit
	}
	return takes
}

// Drop resets every connection between two hosts at once, at both ends. The link itself stays as it is.
func (n *Network) Drop(a, b string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.connectionsLocked() {
		if c.route == (route{a, b}) || c.route == (route{b, a}) {
			c.breakLocked(syscall.ECONNRESET)
		}
	}
}

// Abort resets the ends that host a has of its connections with b. What a has sent still arrives, late perhaps, before b learns of the reset: so b may carry out
// a request long after a has given it up and sent it again.
func (n *Network) Abort(a, b string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.connectionsLocked() {
		if c.route == (route{a, b}) {
			c.outgoing.pushLocked(chunk{fault: syscall.ECONNRESET})
			c.incoming.readerGone = true
			c.breakLocked(syscall.ECONNRESET)
		}
	}
}

// connectionsLocked lists the ends of connections, older ones first: what happens to all of them happens in an order that a test can repeat.
func (n *Network) connectionsLocked() []*connection {
	return slices.SortedFunc(maps.Keys(n.connections), func(a, b *connection) int { return cmp.Compare(n.connections[a], n.connections[b]) })
}

// Crash ends what a killed process leaves behind: the host's connections are reset, as far as its links let the other side see it, and its
// listeners are gone, so that dials are refused until it listens again. Whatever still runs of the process reaches nobody any more: it can neither dial nor listen.
func (n *Network) Crash(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lives[name]++
	for _, c := range n.connectionsLocked() {
		if c.route.from == name {
			c.outgoing.pushLocked(chunk{fault: syscall.ECONNRESET})
			c.incoming.readerGone = true
			c.breakLocked(net.ErrClosed)
		}
	}
	for _, address := range slices.Sorted(maps.Keys(n.listeners)) {
		if l := n.listeners[address]; l.host == name {
			l.closeLocked()
		}
	}
}

// update changes a link and wakes everything that waits for one.
func (n *Network) update(change func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change()
	close(n.changed)
	n.changed = make(chan struct{})
}

// freePortLocked hands out a port number that nobody had before.
func (n *Network) freePortLocked() int {
	n.nextPort++
	return n.nextPort
}

// host is one host's view of the network.
type host struct {
	network *Network
	name    string
	life    uint64
}

// overLocked reports that the host has crashed since this view of it was given.
func (h host) overLocked() bool { return h.network.lives[h.name] != h.life }

// Listen implements peer.Network. The host part of address must be this host's name.
func (h host) Listen(address string) (net.Listener, error) {
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if name != h.name {
		return nil, fmt.Errorf("host %s cannot listen on %s", h.name, address)
	}
	n := h.network
	n.mu.Lock()
	defer n.mu.Unlock()
	if h.overLocked() {
		return nil, opError("listen", address, net.ErrClosed)
	}
	if port == "0" {
		address = fmt.Sprintf("%s:%d", name, n.freePortLocked())
	}
	if n.listeners[address] != nil {
		return nil, opError("listen", address, syscall.EADDRINUSE)
	}
	l := &listener{network: n, host: name, address: address, arrived: make(chan struct{}, 1), closed: make(chan struct{})}
	n.listeners[address] = l
	return l, nil
}

// Dial implements peer.Network.
func (h host) Dial(ctx context.Context, address string) (net.Conn, error) {
	name, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	there, back := route{h.name, name}, route{name, h.name}
	roundTrip, err := h.network.awaitLink(ctx, there, back)
	if err != nil {
		return nil, opError("dial", address, err)
	}
	if roundTrip > 0 {
		timer := time.NewTimer(roundTrip)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil, opError("dial", address, ctx.Err())
		}
	}
	return h.connect(there, address)
}

// awaitLink waits until neither direction is cut and gives the time for there and back.
func (n *Network) awaitLink(ctx context.Context, there, back route) (time.Duration, error) {
	for {
		n.mu.Lock()
		if !n.cut[there] && !n.cut[back] {
			roundTrip := n.takesLocked(there) + n.takesLocked(back)
			n.mu.Unlock()
			return roundTrip, ctx.Err()
		}
		changed := n.changed
		n.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// connect makes the two ends of a connection and hands one to the listener.
func (h host) connect(there route, address string) (net.Conn, error) {
	n := h.network
	n.mu.Lock()
	defer n.mu.Unlock()
	if h.overLocked() {
		return nil, opError("dial", address, net.ErrClosed)
	}
	l := n.listeners[address]
	if l == nil {
		return nil, opError("dial", address, syscall.ECONNREFUSED)
	}
	dialler := Address(fmt.Sprintf("%s:%d", there.from, n.freePortLocked()))
	forth, back := newStream(n, there), newStream(n, route{there.to, there.from})
	near := newConnection(n, there, forth, back, dialler, Address(address))
	far := newConnection(n, route{there.to, there.from}, back, forth, Address(address), dialler)
	l.waiting = append(l.waiting, far)
	select {
	case l.arrived <- struct{}{}:
	default:
	}
	return near, nil
}

// opError dresses an error as the net package does.
func opError(operation, address string, err error) error {
	if errno, ok := err.(syscall.Errno); ok {
		err = os.NewSyscallError(operation, errno)
	}
	return &net.OpError{Op: operation, Net: "memory", Addr: Address(address), Err: err}
}

// Address is host:port in this network.
type Address string

// Network names the kind of network.
func (Address) Network() string { return "memory" }

// String gives host:port.
func (a Address) String() string { return string(a) }
