package bootstrap

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/coordd/coordd/raftnode/datadir"
	"github.com/coordd/coordd/transport/peer"
)

// Sighting is a node that discovery (gossip or a static list) shows.
type Sighting struct {
	NodeID      peer.NodeID
	PeerAddress string
	ClusterName string
	// ClusterID is empty for a node without a cluster.
	ClusterID string
}

// View is all that a decision rests on.
type View struct {
	Self datadir.Member
	// Expect is the number of nodes that found the cluster; 0 in a node that founds none.
	Expect int
	// Notes is what this node's data directory remembers.
	Notes datadir.Identity
	// Seen are the nodes that discovery shows; this node may be among them.
	Seen []Sighting
}

// Action is what a node does next.
type Action int

// The actions.
const (
	// Wait for other nodes; Step.Reason says for whom.
	Wait Action = iota
	// Gather the promises of Step.Members: this node is the founder.
	Gather
	// Ask the members of this node's promise whether the cluster has its id.
	Ask
	// Refuse: it must not go on as things are; Step.Reason says why and what to do.
	Refuse
	// Done: the node belongs to a cluster.
	Done
)

// Step is a decision.
type Step struct {
	Action  Action
	Members []datadir.Member
	Reason  string
}

// Decide says what a node does next. It has no state, reads no clock and sends nothing.
func Decide(view View) Step {
	if view.Notes.ClusterID != "" {
		return Step{Action: Done, Members: promised(view)}
	}
	if stranger, ok := wordOfCluster(view); ok {
		return Step{Action: Refuse, Reason: fmt.Sprintf(
			"cluster %q exists already: node %s at %s belongs to it (id %s). This node founds no second one; start it with --join and without --bootstrap-expect, or under another cluster name",
			view.Notes.ClusterName, stranger.NodeID, stranger.PeerAddress, stranger.ClusterID)}
	}
	if members := promised(view); members != nil {
		if !slices.Contains(members, view.Self) {
			return Step{Action: Refuse, Reason: fmt.Sprintf(
				"this node promised to found a cluster with %s, but it is now %s; start it under the address of the promise, or empty its data directory",
				describe(members), describe([]datadir.Member{view.Self}))}
		}
		if members[0] == view.Self {
			return Step{Action: Gather, Members: members}
		}
		return Step{Action: Ask, Members: members}
	}
	candidates := candidates(view)
	switch {
	case view.Expect < 1:
		return Step{Action: Refuse, Reason: "this node was not started to found a cluster"}
	case len(candidates) > view.Expect:
		return Step{Action: Refuse, Reason: fmt.Sprintf(
			"%d nodes want to found cluster %q, but %d are expected: %s. Stop those that do not belong, or start them with --join once the cluster stands",
			len(candidates), view.Notes.ClusterName, view.Expect, describe(candidates))}
	case len(candidates) < view.Expect:
		return Step{Action: Wait, Reason: fmt.Sprintf("%d of %d nodes are here: %s", len(candidates), view.Expect, describe(candidates))}
	case candidates[0] == view.Self:
		return Step{Action: Gather, Members: candidates}
	}
	return Step{Action: Wait, Members: candidates, Reason: fmt.Sprintf("node %s asks for the promises", candidates[0].NodeID)}
}

// Agree says whether a node may promise to found a cluster with these members when their founder asks it to. The empty reason is yes.
func Agree(view View, founder peer.NodeID, members []datadir.Member) (reason string) {
	if view.Notes.ClusterID != "" {
		return fmt.Sprintf("node %s belongs to cluster %s already", view.Self.NodeID, view.Notes.ClusterID)
	}
	if len(members) == 0 || !ordered(members) || members[0].NodeID != string(founder) {
		return fmt.Sprintf("node %s is not the lowest of the members it names", founder)
	}
	if own := promised(view); own != nil {
		if slices.Equal(own, members) {
			return ""
		}
		return fmt.Sprintf("node %s has promised to found a cluster with %s; to found another, empty its data directory", view.Self.NodeID, describe(own))
	}
	step := Decide(view)
	if step.Action != Wait && step.Action != Gather || !slices.Equal(step.Members, members) {
		return fmt.Sprintf("node %s does not see the same members: %s", view.Self.NodeID, cmp.Or(step.Reason, describe(step.Members)))
	}
	return ""
}

// promised are the members of this node's promise, nil without one.
func promised(view View) []datadir.Member {
	if view.Notes.Promise == nil {
		return nil
	}
	return view.Notes.Promise.Members
}

// wordOfCluster finds a node of this cluster name that belongs to a cluster this node has no part in. A member of the own promise that already
// has the id is no stranger: this node only has to ask it.
func wordOfCluster(view View) (Sighting, bool) {
	for _, seen := range view.Seen {
		if seen.ClusterName != view.Notes.ClusterName || seen.ClusterID == "" || string(seen.NodeID) == view.Self.NodeID {
			continue
		}
		partner := slices.ContainsFunc(promised(view), func(m datadir.Member) bool { return m.NodeID == string(seen.NodeID) })
		if !partner {
			return seen, true
		}
	}
	return Sighting{}, false
}

// candidates are this node and those seen that have the same cluster name and no cluster, ordered by id.
func candidates(view View) []datadir.Member {
	found := []datadir.Member{view.Self}
	for _, seen := range view.Seen {
		if seen.ClusterName == view.Notes.ClusterName && seen.ClusterID == "" && string(seen.NodeID) != view.Self.NodeID {
			found = append(found, datadir.Member{NodeID: string(seen.NodeID), Address: seen.PeerAddress})
		}
	}
	slices.SortFunc(found, compareMembers)
	return slices.Compact(found)
}

func compareMembers(a, b datadir.Member) int {
	return cmp.Or(strings.Compare(a.NodeID, b.NodeID), strings.Compare(a.Address, b.Address))
}

// ordered reports whether members are in order of their ids, each once.
func ordered(members []datadir.Member) bool {
	for i := 1; i < len(members); i++ {
		if members[i-1].NodeID >= members[i].NodeID {
			return false
		}
	}
	return true
}

// describe lists members for a sentence.
func describe(members []datadir.Member) string {
	var names []string
	for _, m := range members {
		names = append(names, m.NodeID+" at "+m.Address)
	}
	return strings.Join(names, ", ")
}
