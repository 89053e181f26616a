package bootstrap

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/coordd/coordd/transport/peer"
)

// Times of static discovery.
const (
	// lookInterval is how often each address is asked who is there.
	lookInterval = 500 * time.Millisecond
	// lookLimit bounds one question.
	lookLimit = 2 * time.Second
	// seenFor is how long a node counts as seen after its last answer.
	seenFor = 3 * time.Second
)

// Identifier asks an address who is there. *peer.Port is one.
type Identifier interface {
	Identify(ctx context.Context, address string) (peer.Identity, error)
}

// Static is discovery without gossip: a fixed list of peer addresses that are asked, again and again, who is there.
type Static struct {
	identifier Identifier
	addresses  []string
	changed    chan struct{}

	mu    sync.Mutex
	seen  map[string]Sighting
	until map[string]time.Time
}

// NewStatic makes it. own is this node's peer address; it is not asked when it stands in the list.
func NewStatic(identifier Identifier, own string, addresses []string) *Static {
	return &Static{
		identifier: identifier,
		addresses:  slices.DeleteFunc(slices.Clone(addresses), func(a string) bool { return a == own }),
		changed:    make(chan struct{}, 1),
		seen:       make(map[string]Sighting),
		until:      make(map[string]time.Time),
	}
}

// Run asks until ctx ends.
func (s *Static) Run(ctx context.Context) {
	var asking sync.WaitGroup
	for _, address := range s.addresses {
		asking.Go(func() { s.watch(ctx, address) })
	}
	asking.Wait()
}

// watch asks one address again and again.
func (s *Static) watch(ctx context.Context, address string) {
	for {
		asked, cancel := context.WithTimeout(ctx, lookLimit)
		identity, err := s.identifier.Identify(asked, address)
		cancel()
		if err == nil {
			s.note(address, identity)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookInterval):
		}
	}
}

// note keeps what an address answered.
func (s *Static) note(address string, identity peer.Identity) {
	sighting := Sighting{NodeID: identity.NodeID, PeerAddress: identity.Address, ClusterName: identity.ClusterName, ClusterID: identity.ClusterID}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until[address] = time.Now().Add(seenFor)
	if s.seen[address] == sighting {
		return
	}
	s.seen[address] = sighting
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Seen lists the nodes that answered lately.
func (s *Static) Seen() []Sighting {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	var seen []Sighting
	for _, address := range s.addresses {
		if now.Before(s.until[address]) {
			seen = append(seen, s.seen[address])
		}
	}
	return seen
}

// Changed holds a value when Seen may have changed.
func (s *Static) Changed() <-chan struct{} { return s.changed }
