package nemesis

import (
	"net"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/coordd/coordd/internal/forgery"
)

// lieInterval is how often live members are declared dead. They deny it, under a higher incarnation, so the next lie needs a higher one still.
const lieInterval = 300 * time.Millisecond

// liesBegan is where the incarnations of lies begin to count. Members count theirs from 1, and one more for each denial.
var liesBegan = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// incarnationOfLies rises by ten a second, also from one liar to the next, so that a member that has denied one lie does not outlast the next.
func incarnationOfLies(now time.Time) uint32 {
	return uint32(now.Sub(liesBegan) / (100 * time.Millisecond))
}

// heardOf are the members that are not the liar itself, from what gossip told it: nodes, and workers that take part.
func heardOf(lists []*memberlist.Memberlist, liar string) map[string]bool {
	names := map[string]bool{}
	for _, list := range lists {
		for _, member := range list.Members() {
			if member.Name != liar && len(member.Name) < 256 {
				names[member.Name] = true
			}
		}
	}
	return names
}

// declareDead tells every node that each of the members is dead, and gives how often it did. Datagrams get lost, and a node may be down: there are many.
func (e *Env) declareDead(from net.PacketConn, members map[string]bool, liar string) (told int) {
	incarnation := incarnationOfLies(time.Now())
	for _, node := range e.Cluster.Nodes() {
		target, err := net.ResolveUDPAddr("udp", node.GossipAddr())
		if err != nil {
			continue
		}
		for member := range members {
			if _, err := from.WriteTo(forgery.Death(ClusterName, member, liar, incarnation), target); err == nil {
				told++
			}
		}
	}
	return told
}
