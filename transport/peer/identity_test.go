package peer_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/coordd/coordd/transport/peer"
	"github.com/coordd/coordd/transport/peer/memnet"
)

// members lists nodes as the committed configuration would.
func members(nodes ...*testNode) map[peer.NodeID]string {
	addresses := make(map[peer.NodeID]string)
	for _, n := range nodes {
		addresses[n.identity.NodeID] = n.identity.Address
	}
	return addresses
}

func wantRefusal(t *testing.T, err error, code peer.RefusalCode, byPeer bool) {
	t.Helper()
	refusal, ok := peer.AsRefusal(err)
	if !ok || refusal.Code != code || refusal.ByPeer != byPeer {
		t.Fatalf("want refusal %d (by peer: %v), got %v", code, byPeer, err)
	}
	if !peer.Unsent(err) {
		t.Fatalf("a refused handshake sends no call, yet the error does not say so: %v", err)
	}
}

func TestS1_AnotherNodeAtTheMeantAddressIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		a := startNode(t, network, "a")
		newcomer := startNode(t, network, "b", func(i *peer.Identity) { i.NodeID = "id-new" })
		meant := peer.Target{NodeID: "id-b", Address: "b:7580"}
		_, err := a.port.Term(t.Context(), meant)
		wantRefusal(t, err, peer.RefusedWrongNode, true)
		if codes := newcomer.observer.codes(); len(codes) != 1 || codes[0] != peer.RefusedWrongNode {
			t.Fatalf("the newcomer was told %v", codes)
		}
	})
}

func TestS1_EmptiedDirectoryUnderItsOldIDIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		a := startNode(t, network, "a")
		emptied := startNode(t, network, "b", func(i *peer.Identity) { i.ClusterID = "" })
		a.roster.Set(peer.Members{Addresses: members(a, emptied), Leading: true})
		_, err := a.port.Term(t.Context(), emptied.target())
		wantRefusal(t, err, peer.RefusedClusterID, true)
		_, err = emptied.port.Term(t.Context(), a.target())
		wantRefusal(t, err, peer.RefusedClusterID, true)
	})
}

func TestS1_CopiedDataDirectoryIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		a, b := startNode(t, network, "a"), startNode(t, network, "b")
		clone := startNode(t, network, "c", func(i *peer.Identity) { i.NodeID = "id-b" })
		a.roster.Set(peer.Members{Addresses: members(a, b)})
		_, err := clone.port.Term(t.Context(), a.target())
		wantRefusal(t, err, peer.RefusedAddress, true)
		_, err = clone.port.Term(t.Context(), b.target())
		wantRefusal(t, err, peer.RefusedDuplicateID, true)
		_, err = a.port.Term(t.Context(), clone.target())
		wantRefusal(t, err, peer.RefusedAddress, false)
		if _, err := b.port.Term(t.Context(), a.target()); err != nil {
			t.Fatalf("the original is refused too: %v", err)
		}
	})
}

func TestS25_ARemovedNodeIsToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		a, b := startNode(t, network, "a"), startNode(t, network, "b")
		a.roster.Set(peer.Members{Addresses: members(a, b)})
		if _, err := b.port.Term(t.Context(), a.target()); err != nil {
			t.Fatal(err)
		}
		a.roster.Set(peer.Members{Addresses: members(a)})
		if _, err := b.port.Term(t.Context(), a.target()); err != nil {
			t.Fatalf("an open connection ended before it was looked at again: %v", err)
		}
		a.port.Recheck()
		synctest.Wait()
		_, err := b.port.Term(t.Context(), a.target())
		wantRefusal(t, err, peer.RefusedRemoved, true)
		_, err = b.port.Forward(t.Context(), a.target(), nil)
		wantRefusal(t, err, peer.RefusedRemoved, true)
		a.roster.Set(peer.Members{Addresses: members(a, b)})
		synctest.Wait()
		if err := eventually(t, func() error { _, err := b.port.Forward(t.Context(), a.target(), nil); return err }); err != nil {
			t.Fatalf("a node that was added again: %v", err)
		}
	})
}

func TestLeaderRefusesUnknownNodesAndAFollowerRefusesThemVotes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		a, b := startNode(t, network, "a"), startNode(t, network, "b")
		a.roster.Set(peer.Members{Addresses: members(a), Leading: true})
		_, err := b.port.Term(t.Context(), a.target())
		wantRefusal(t, err, peer.RefusedNotMember, true)
		a.roster.Set(peer.Members{Addresses: members(a)})
		if err := a.roster.AuthorizeRaft("id-b", false); err != nil {
			t.Fatalf("entries for a follower that may lag: %v", err)
		}
		if refusal, ok := peer.AsRefusal(a.roster.AuthorizeRaft("id-b", true)); !ok || refusal.Code != peer.RefusedNotMember {
			t.Fatalf("a vote for an unknown node: %v", refusal)
		}
	})
}

func TestClustersDoNotMix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		a := startNode(t, network, "a")
		named := startNode(t, network, "n", func(i *peer.Identity) { i.ClusterName = "other" })
		founded := startNode(t, network, "f", func(i *peer.Identity) { i.ClusterID = "c2" })
		_, err := a.port.Identify(t.Context(), "n:7580")
		wantRefusal(t, err, peer.RefusedClusterName, true)
		_, err = a.port.Term(t.Context(), founded.target())
		wantRefusal(t, err, peer.RefusedClusterID, true)
		_, err = named.port.Term(t.Context(), a.target())
		wantRefusal(t, err, peer.RefusedClusterName, true)
	})
}

// eventually repeats an attempt over a few pauses that a link makes after a refusal.
func eventually(t *testing.T, attempt func() error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeForRetries)
	defer cancel()
	for {
		err := attempt()
		if err == nil || ctx.Err() != nil {
			return err
		}
		pause(ctx)
	}
}
