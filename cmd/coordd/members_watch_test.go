package main

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/coordd/coordd/transport"
)

// A watch names each step between two states, whichever node tells them, and says nothing when nothing has changed.
func TestMemberWatch(t *testing.T) {
	watch := memberWatch{gossip: map[string]string{}, voters: map[string]bool{}}
	at := time.Now()
	status := func(gossip []string, members ...transport.Member) *transport.Status {
		s := &transport.Status{NodeID: "n1", Members: members}
		for i := 0; i+1 < len(gossip); i += 2 {
			at = at.Add(time.Second)
			s.Gossip = append(s.Gossip, transport.Gossiper{NodeID: gossip[i], State: gossip[i+1], Since: at})
		}
		return s
	}
	one, two := transport.Member{NodeID: "n1", Voter: true}, transport.Member{NodeID: "n2"}
	voter := transport.Member{NodeID: "n2", Voter: true}
	for i, step := range []struct {
		status *transport.Status
		want   []string
	}{
		{status([]string{"n1", "alive", "n2", "alive"}, one), []string{"n1 alive", "n2 alive"}},
		{status([]string{"n1", "alive", "n2", "alive"}, one), nil},
		{status([]string{"n1", "alive", "n2", "suspect", "n3", "alive"}, one, two), []string{"n2 suspect", "n3 joined", "n2 added"}},
		{status([]string{"n1", "alive", "n2", "alive", "n3", "dead"}, one, voter), []string{"n2 recovered", "n3 dead", "n2 promoted"}},
		{status([]string{"n1", "alive", "n2", "left", "n3", "alive"}, one), []string{"n2 left", "n3 joined", "n2 removed"}},
		{status(nil), nil}, // a node that belongs to no cluster and does not gossip
		{status([]string{"n1", "alive", "n2", "left"}, one), nil},
	} {
		var got []string
		for _, change := range watch.changes(step.status) {
			got = append(got, fmt.Sprint(change.NodeID, " ", change.Change))
			if change.SeenBy != "n1" {
				t.Errorf("%+v is seen by %q", change, change.SeenBy)
			}
		}
		if !sameChanges(got, step.want) {
			t.Errorf("step %d shows %v, want %v", i, got, step.want)
		}
	}
}

// sameChanges compares without the order between gossip and configuration, whose times come from different clocks here.
func sameChanges(got, want []string) bool {
	count := func(list []string) map[string]int {
		counts := map[string]int{}
		for _, one := range list {
			counts[one]++
		}
		return counts
	}
	return reflect.DeepEqual(count(got), count(want))
}

// Workers in the gossip have a table of their own, are shown by no other, and tell a terminal nothing but text.
func TestWorkersInTheGossipAreShownApart(t *testing.T) {
	around := &surroundings{getenv: func(string) string { return "" }, stdout: io.Discard}
	got := gossipWorkerTable(around, []transport.GossipWorker{{Pool: "orders", ID: "w1\x1b[2J", Session: "7-0", State: "dead", GossipAddress: "a:1"}})
	for _, want := range []string{"POOL", "orders", "7-0", "dead", "a:1"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q does not show %q", got, want)
		}
	}
	if strings.Contains(got, "\x1b[2J") {
		t.Errorf("%q gives a terminal orders", got)
	}
	watch := memberWatch{gossip: map[string]string{}, voters: map[string]bool{}}
	if changes := watch.changes(&transport.Status{Workers: []transport.GossipWorker{{ID: "w1", State: "alive"}}}); len(changes) != 0 {
		t.Errorf("a watch of the members shows workers: %+v", changes)
	}
}
