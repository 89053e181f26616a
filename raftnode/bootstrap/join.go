package bootstrap

import (
	"context"
	"fmt"

	"github.com/coordd/coordd/raftnode/datadir"
)

// Join is the way of a node with an empty data directory into a cluster that exists: it learns the cluster's id from the nodes it sees and
// records it, once a majority of that cluster's voters say that they do not know this node's id. Until an operator adds it, it is no member.
//
// A node whose id is known there has lost its data directory and chose its old id again. It must not come back under that id, since it has
// forgotten what it voted for and acknowledged: the error is the sentence for the operator. joined is false, without an error, while too
// few voters answer; try again later.
func (f *Founding) Join(ctx context.Context) (joined bool, err error) {
	if f.config.Notes.Identity().ClusterID != "" {
		return true, nil
	}
	for _, seen := range f.config.Discover() {
		if seen.ClusterName != f.config.Notes.Identity().ClusterName || seen.ClusterID == "" {
			continue
		}
		first := datadir.Member{NodeID: string(seen.NodeID), Address: seen.PeerAddress}
		voters, _, err := f.askToJoin(ctx, seen.ClusterID, []datadir.Member{first})
		if err != nil {
			return false, err
		}
		if len(voters) == 0 {
			continue
		}
		_, agreed, err := f.askToJoin(ctx, seen.ClusterID, voters)
		if err != nil {
			return false, err
		}
		if agreed > len(voters)/2 {
			return true, f.config.Notes.SetClusterID(seen.ClusterID)
		}
	}
	return false, nil
}

// askToJoin asks members of one cluster whether this node's id is new to them. It gives the voters that one of them named and how many said yes;
// an error is the sentence of one that knows the id.
func (f *Founding) askToJoin(ctx context.Context, clusterID string, members []datadir.Member) (voters []datadir.Member, agreed int, err error) {
	for _, reply := range f.callAll(ctx, askJoin, members) {
		if reply.err != nil || reply.answer.ClusterID != clusterID {
			continue
		}
		if reply.answer.Known {
			return nil, 0, fmt.Errorf("%s", reply.answer.Reason)
		}
		if reply.answer.Yes {
			agreed++
			voters = reply.answer.Voters
		}
	}
	return voters, agreed, nil
}

// Configuration is what a member knows of its cluster's members.
type Configuration struct {
	// Voters are the voting members.
	Voters []datadir.Member
	// Known are the ids of all members, and of those that were members once as far as this node remembers.
	Known []string
}

// answerJoin says whether a node's id is new to this member's cluster.
func (f *Founding) answerJoin(id string) (said answer) {
	if f.config.Configuration == nil {
		return answer{Reason: "this node cannot tell who is a member"}
	}
	configuration := f.config.Configuration()
	for _, known := range configuration.Known {
		if known == id {
			return answer{Known: true, Reason: fmt.Sprintf(
				"node %s is or was a member of this cluster, but its data directory is empty; what it voted for and acknowledged is lost. Remove it, and start the machine with a new id", id)}
		}
	}
	if len(configuration.Voters) == 0 {
		return answer{Reason: "this node does not know the members yet"}
	}
	return answer{Yes: true, Voters: configuration.Voters}
}
