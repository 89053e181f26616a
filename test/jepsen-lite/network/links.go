package network

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Plane says what a link carries.
type Plane string

// The planes.
const (
	Peer   Plane = "peer"   // Raft, forwarded requests, questions between nodes
	Gossip Plane = "gossip" // gossip, datagrams and streams
	Client Plane = "client" // from a client process to a node's Redis door
)

// Cut says whether a link carries anything.
type Cut uint8

// The cuts.
const (
	Pass  Cut = iota
	Drop      // nothing arrives; streams go on where they were when the link is healed
	Reset     // streams are ended, and new ones at once; datagrams vanish
)

// Fault is how one direction of a link behaves. The zero Fault is a healthy link.
type Fault struct {
	Cut Cut
	// Delay is added to everything, and up to Jitter more; streams keep their order, datagrams do not.
	Delay, Jitter time.Duration
	// Loss and Duplicate are probabilities for each datagram. A lost piece of a stream comes Retransmit later, as after a retransmission.
	Loss, Duplicate float64
	// Rate is how many bytes of each stream pass in a second; 0 does not bound it.
	Rate int
}

// Retransmit is how much later a piece of a stream comes that was lost once.
const Retransmit = 200 * time.Millisecond

type link struct {
	from, to string
	plane    Plane
}

// Net is a network of proxies. Its methods may be called from many goroutines.
type Net struct {
	mu      sync.Mutex
	faults  map[link]Fault
	changed chan struct{} // closed, and made anew, with every change of faults
	streams map[*stream]struct{}
	doors   map[string][]*door // by the name of the node behind them
	gossips map[string]string  // names of nodes by the address from which they send datagrams
	random  *rand.Rand
	closed  bool
	pumping sync.WaitGroup

	held, reset, lost, duplicated, strangers atomic.Int64
}

// New makes a network without any link. The seed decides which datagrams are lost.
func New(seed uint64) *Net {
	return &Net{
		faults: map[link]Fault{}, changed: make(chan struct{}), streams: map[*stream]struct{}{}, doors: map[string][]*door{}, gossips: map[string]string{},
		random: rand.New(rand.NewPCG(seed, 7)),
	}
}

// Set lets one direction of a link behave like that from now on.
func (n *Net) Set(from, to string, plane Plane, fault Fault) {
	n.mu.Lock()
	key := link{from, to, plane}
	if fault == (Fault{}) {
		delete(n.faults, key)
	} else {
		n.faults[key] = fault
	}
	n.announce()
	var ended []*stream
	if fault.Cut == Reset {
		for s := range n.streams {
			if s.touches(key) {
				ended = append(ended, s)
			}
		}
	}
	n.mu.Unlock()
	for _, s := range ended {
		n.reset.Add(1)
		s.abort()
	}
}

// Heal makes every link healthy.
func (n *Net) Heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.faults)
	n.announce()
}

// announce is called with mu held.
func (n *Net) announce() {
	close(n.changed)
	n.changed = make(chan struct{})
}

// Down lets dials to a node be refused, as they are when its process is dead, until Up.
func (n *Net) Down(node string) {
	for _, d := range n.doorsOf(node) {
		d.shut()
	}
}

// Up lets a node be dialled again.
func (n *Net) Up(node string) error {
	for _, d := range n.doorsOf(node) {
		if err := d.open(); err != nil {
			return err
		}
	}
	return nil
}

// Redirect lets what arrives for a node go to another address from now on, and ends what is under way.
func (n *Net) Redirect(node, upstream string) {
	for _, d := range n.doorsOf(node) {
		d.mu.Lock()
		d.upstream = upstream
		d.mu.Unlock()
	}
	n.mu.Lock()
	var ended []*stream
	for s := range n.streams {
		if s.request.to == node {
			ended = append(ended, s)
		}
	}
	n.mu.Unlock()
	for _, s := range ended {
		s.abort()
	}
}

func (n *Net) doorsOf(node string) []*door {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]*door(nil), n.doors[node]...)
}

// Effects tells what was done so far.
func (n *Net) Effects() Effects {
	return Effects{Held: n.held.Load(), Reset: n.reset.Load(), Lost: n.lost.Load(), Duplicated: n.duplicated.Load(), Strangers: n.strangers.Load()}
}

// Close ends everything and waits for it.
func (n *Net) Close() {
	n.mu.Lock()
	n.closed = true
	var doors []*door
	for _, some := range n.doors {
		doors = append(doors, some...)
	}
	var streams []*stream
	for s := range n.streams {
		streams = append(streams, s)
	}
	n.mu.Unlock()
	for _, d := range doors {
		d.shut()
		if d.packets != nil {
			_ = d.packets.Close()
		}
	}
	for _, s := range streams {
		s.abort()
	}
	n.pumping.Wait()
}

// fault is how a link behaves now, and a channel that is closed when that may have changed.
func (n *Net) fault(key link) (Fault, <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.faults[key], n.changed
}

// chance is true with a probability.
func (n *Net) chance(probability float64) bool {
	if probability <= 0 {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.random.Float64() < probability
}

// lag draws the delay of one piece.
func (n *Net) lag(fault Fault) time.Duration {
	if fault.Jitter <= 0 {
		return fault.Delay
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return fault.Delay + time.Duration(n.random.Int64N(int64(fault.Jitter)))
}
