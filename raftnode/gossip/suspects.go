package gossip

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// memberlist keeps its suspicions to itself: there is no callback for them, and the state of the nodes that it lists is never filled in. So each node pings the others itself, through
// memberlist and so with its key and label, and suspects whoever does not answer. That suspicion is this node's own. It is not gossiped and declares nobody dead.
const (
	pingInterval = 300 * time.Millisecond
	// suspectAfter is how many pings in a row go unanswered, each for probeTimeout, before a member is suspected. One may get lost.
	suspectAfter = 2
	// maxPinged bounds how many nodes, and how many workers, are pinged at the same time; when there are more they take turns.
	maxPinged = 16
)

// keepPinging pings the other members for as long as ctx lasts.
func (g *Gossip) keepPinging(ctx context.Context) {
	ticker := time.NewTicker(pingInterval)
	defer ticker.Stop()
	for turn := 0; ; turn += maxPinged {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		var asking sync.WaitGroup
		for _, others := range [2][]Member{g.others(), living(g.Workers())} {
			for i := range min(len(others), maxPinged) {
				member := others[(turn+i)%len(others)]
				asking.Go(func() { g.table.answered(member.NodeID, g.answers(member)) })
			}
		}
		asking.Wait()
	}
}

// others are the nodes beside this one that are taken for alive.
func (g *Gossip) others() []Member {
	return slices.DeleteFunc(living(g.table.list(false)), func(member Member) bool { return member.NodeID == g.table.self })
}

// living are those of the members that are taken for alive.
func living(members []Member) []Member {
	return slices.DeleteFunc(members, func(member Member) bool { return !member.Alive() })
}

// answers pings a member and waits for the answer, probeTimeout at most.
func (g *Gossip) answers(member Member) bool {
	at, err := netip.ParseAddrPort(member.GossipAddress)
	if err != nil {
		return false
	}
	_, err = g.list.Ping(member.NodeID, net.UDPAddrFromAddrPort(at))
	return err == nil
}

// answered notes whether a member answered a ping.
func (t *table) answered(id string, answered bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	member := t.members[id]
	if !member.Alive() {
		return // it was declared dead, or left, in the meantime
	}
	if answered {
		delete(t.silences, id)
		if member.State == Suspect {
			member.State = Alive
			t.believe(member)
		}
		return
	}
	if t.silences[id]++; t.silences[id] >= suspectAfter && member.State == Alive {
		member.State = Suspect
		t.believe(member)
	}
}
