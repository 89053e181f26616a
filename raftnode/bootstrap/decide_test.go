package bootstrap

import (
	"strings"
	"testing"

	"github.com/coordd/coordd/raftnode/datadir"
	"github.com/coordd/coordd/transport/peer"
)

func member(id string) datadir.Member { return datadir.Member{NodeID: id, Address: id + ":7580"} }

func seen(id, clusterID string) Sighting {
	return Sighting{NodeID: peer.NodeID(id), PeerAddress: id + ":7580", ClusterName: "test", ClusterID: clusterID}
}

func view(self string, expect int, others ...Sighting) View {
	return View{Self: member(self), Expect: expect, Notes: datadir.Identity{NodeID: self, ClusterName: "test"}, Seen: others}
}

func promisedTo(v View, ids ...string) View {
	v.Notes.Promise = &datadir.Promise{}
	for _, id := range ids {
		v.Notes.Promise.Members = append(v.Notes.Promise.Members, member(id))
	}
	return v
}

func TestDecide(t *testing.T) {
	elsewhere := seen("z", "")
	elsewhere.ClusterName = "other"
	founded := view("b", 3)
	founded.Notes.ClusterID = "c1"
	moved := promisedTo(view("b", 3), "a", "b", "c")
	moved.Self.Address = "b:9999"
	copied := seen("a", "")
	copied.PeerAddress = "copy:7580"
	for _, test := range []struct {
		name   string
		view   View
		action Action
		reason string
	}{
		{"alone", view("a", 3), Wait, "1 of 3 nodes"},
		{"alone and enough", view("a", 1), Gather, ""},
		{"two of three", view("a", 3, seen("b", "")), Wait, "2 of 3 nodes"},
		{"three, and the lowest", view("a", 3, seen("c", ""), seen("b", ""), seen("a", "")), Gather, ""},
		{"three, and not the lowest", view("b", 3, seen("c", ""), seen("a", "")), Wait, "node a asks"},
		{"a node of another cluster name does not count", view("a", 3, seen("b", ""), elsewhere), Wait, "2 of 3 nodes"},
		{"four of three", view("a", 3, seen("b", ""), seen("c", ""), seen("d", "")), Refuse, "4 nodes want to found"},
		{"one id at two addresses", view("b", 3, seen("a", ""), seen("c", ""), copied), Refuse, "4 nodes want to found"},
		{"word of a cluster", view("a", 3, seen("b", ""), seen("c", "c1")), Refuse, "exists already"},
		{"promised, and the founder", promisedTo(view("a", 3), "a", "b", "c"), Gather, ""},
		{"promised, and not the founder", promisedTo(view("b", 3), "a", "b", "c"), Ask, ""},
		{"promised; a partner has the id", promisedTo(view("b", 3, seen("c", "c1")), "a", "b", "c"), Ask, ""},
		{"promised; a stranger has an id", promisedTo(view("b", 3, seen("x", "c1")), "a", "b", "c"), Refuse, "exists already"},
		{"promised under another address", moved, Refuse, "under the address of the promise"},
		{"a promise outlasts more candidates", promisedTo(view("a", 3, seen("d", "")), "a", "b", "c"), Gather, ""},
		{"not started to found", view("a", 0), Refuse, "not started to found"},
		{"founded", founded, Done, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			step := Decide(test.view)
			if step.Action != test.action || !strings.Contains(step.Reason, test.reason) {
				t.Fatalf("got action %d, %q", step.Action, step.Reason)
			}
		})
	}
}

func TestAgree(t *testing.T) {
	abc := []datadir.Member{member("a"), member("b"), member("c")}
	founded := view("b", 3)
	founded.Notes.ClusterID = "c1"
	all := []Sighting{seen("a", ""), seen("c", "")}
	for _, test := range []struct {
		name    string
		view    View
		founder peer.NodeID
		members []datadir.Member
		reason  string
	}{
		{"the same three", view("b", 3, all...), "a", abc, ""},
		{"promised before", promisedTo(view("b", 3), "a", "b", "c"), "a", abc, ""},
		{"promised another set", promisedTo(view("b", 3, all...), "a", "b", "d"), "a", abc, "has promised"},
		{"asked by another than the lowest", view("b", 3, all...), "c", abc, "not the lowest"},
		{"sees one less", view("b", 3, seen("a", "")), "a", abc, "does not see the same members"},
		{"sees one more", view("b", 3, append(all, seen("d", ""))...), "a", abc, "4 nodes want to found"},
		{"knows of a cluster", view("b", 3, append(all, seen("d", "c9"))...), "a", abc, "exists already"},
		{"belongs to a cluster", founded, "a", abc, "belongs to cluster c1"},
		{"not started to found", view("b", 0, all...), "a", abc, "not started to found"},
		{"no members", view("b", 3, all...), "a", nil, "not the lowest"},
		{"out of order", view("b", 3, all...), "b", []datadir.Member{member("b"), member("a"), member("c")}, "not the lowest"},
	} {
		t.Run(test.name, func(t *testing.T) {
			reason := Agree(test.view, test.founder, test.members)
			if test.reason == "" != (reason == "") || !strings.Contains(reason, test.reason) {
				t.Fatalf("got %q", reason)
			}
		})
	}
}
