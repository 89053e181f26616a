package gossip

import (
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// A member that leaves says so to each of the others before it goes: memberlist knows who left and who died, but tells its user neither.
var farewellWord = []byte("coordd leaves: ")

const (
	// farewellHolds is how long a farewell is believed. Who said it and stays, and dies later, has died.
	farewellHolds = 10 * time.Second
	// farewellPatience bounds how long a farewell may take; who does not hear it takes the leave for a death.
	farewellPatience = time.Second
)

// sayFarewell tells the members that this node leaves.
func (g *Gossip) sayFarewell() {
	message := append(farewellWord[:len(farewellWord):len(farewellWord)], g.table.self...)
	var telling sync.WaitGroup
	for _, member := range g.others() {
		if at, err := netip.ParseAddrPort(member.GossipAddress); err == nil {
			to := &memberlist.Node{Name: member.NodeID, Addr: at.Addr().AsSlice(), Port: at.Port()}
			telling.Go(func() { _ = g.list.SendReliable(to, message) })
		}
	}
	told := make(chan struct{})
	go func() {
		defer close(told)
		telling.Wait()
	}()
	timer := time.NewTimer(farewellPatience)
	defer timer.Stop()
	select {
	case <-told:
	case <-timer.C:
	}
}
