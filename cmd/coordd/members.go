package main

import (
	"context"
	"fmt"

	"github.com/coordd/coordd/cmd/coordd/internal/options"
	"github.com/coordd/coordd/cmd/coordd/internal/table"
	"github.com/coordd/coordd/transport"
)

var membersCommand = options.Command{
	Name:    "members",
	Summary: "show who belongs to the cluster, and who comes and goes; add and remove members",
	Usage:   []string{"[flags]", "--watch [--count N] [flags]", "--workers [flags]", "add NODE-ID PEER-ADDRESS [--non-voter] [flags]", "remove NODE-ID [flags]"},
	Details: `Members are the servers of the committed configuration, as the endpoint that answers first knows it. A node added becomes a voter
once it has caught up. To replace a node in place, remove the old one first, then add the new one: two members cannot share an address.

--watch shows what gossip sees, a line for each change: joined, suspect (it does not answer the node that is asked), recovered, dead, left (it said so). Gossip is early and can
be wrong; it decides nothing. added, promoted (to a voter) and removed are changes of the committed configuration, which does decide. When the node that is asked goes, the
watch goes on at another endpoint. It ends with Ctrl-C.

--workers shows the workers of pools that take part in the gossip, as the endpoint that answers first hears them. They are no members, and what a pool's workers own is decided without gossip:
see coordd pool.`,
	Examples: []options.Example{
		{Line: "coordd members", Says: "a table"},
		{Line: "coordd members --watch", Says: "joins, leaves and failures as they are seen"},
		{Line: "coordd members add 3f0c… 10.0.0.4:7580", Says: "let a node in that was started with --join and no --bootstrap-expect"},
		{Line: "coordd members remove 3f0c…", Says: "take a node out for good"},
	},
}

func runMembers(ctx context.Context, around *surroundings, arguments []string) error {
	set := options.New(membersCommand)
	var where reach
	where.declare(set)
	asJSON := set.Bool("json", false, "write one JSON array, an object for each member; with --watch a line of JSON for each change")
	workers := set.Bool("workers", false, "show the workers of pools that gossip shows; they are no members")
	watch := set.Bool("watch", false, "show who joins, leaves and fails, as it is seen")
	count := options.Number{AtMost: 1 << 30}
	set.Var(&count, "count", "watch: end after so many lines; 0: never")
	set.WithoutVariables("watch", "count", "workers")
	nonVoter := set.Bool("non-voter", false, "add: leave the node without a vote")
	set.Variable("json", "")
	set.Variable("non-voter", "")
	operands, done, err := parse(around, set, arguments)
	if done || err != nil {
		return err
	}
	switch {
	case *workers && (*watch || set.Given("count") || len(operands) > 0):
		return options.Usagef("--workers stands alone: coordd members --workers")
	case *workers:
		return listGossipWorkers(ctx, around, &where, *asJSON)
	case *watch && len(operands) > 0:
		return options.Usagef("--watch takes no argument %q", operands[0])
	case *watch:
		return watchMembers(ctx, around, &where, *asJSON, count.Value)
	case set.Given("count"):
		return options.Usagef("--count is for --watch")
	case len(operands) == 0:
		return listMembers(ctx, around, &where, *asJSON)
	case operands[0] == "add" && len(operands) == 3:
		return addMember(ctx, around, &where, operands[1], operands[2], *nonVoter)
	case operands[0] == "remove" && len(operands) == 2:
		return administer(ctx, around, &where, "removed "+operands[1], "COORDD.MEMBERS", "REMOVE", operands[1])
	case operands[0] == "add":
		return options.Usagef("add takes a node id and a peer address: coordd members add NODE-ID HOST:PORT")
	case operands[0] == "remove":
		return options.Usagef("remove takes a node id: coordd members remove NODE-ID; coordd members --json shows the ids")
	}
	return unknownWord("action", operands[0], []string{"add", "remove"}, "coordd members --help")
}

func addMember(ctx context.Context, around *surroundings, where *reach, nodeID, peerAddress string, nonVoter bool) error {
	if err := options.CheckAddress(peerAddress); err != nil {
		return options.Usagef("%s: %v", peerAddress, err)
	}
	request := []string{"COORDD.MEMBERS", "ADD", nodeID, peerAddress}
	if nonVoter {
		request = append(request, "NONVOTER")
	}
	return administer(ctx, around, where, "added "+nodeID+" at "+peerAddress, request...)
}

// administer sends an operator's command to the first endpoint that answers, and tells what was done.
func administer(ctx context.Context, around *surroundings, where *reach, done string, request ...string) error {
	conn, err := where.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	reply, err := conn.Do(ctx, request...)
	if err != nil {
		return err
	}
	if refusal := reply.Err(); refusal != nil {
		return replyFailure(refusal)
	}
	_, err = fmt.Fprintln(around.stdout, done)
	return err
}

// firstStatus asks the first endpoint that answers for its status.
func firstStatus(ctx context.Context, where *reach) (*transport.Status, error) {
	conn, err := where.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return statusOver(ctx, conn)
}

func listMembers(ctx context.Context, around *surroundings, where *reach, asJSON bool) error {
	status, err := firstStatus(ctx, where)
	if err != nil {
		return err
	}
	if asJSON {
		return writeIndented(around, status.Members)
	}
	_, err = fmt.Fprint(around.stdout, memberTable(around, status.Members))
	return err
}

func memberTable(around *surroundings, members []transport.Member) string {
	if len(members) == 0 {
		return "this node belongs to no cluster yet\n"
	}
	t := table.New(paints(around), "NODE", "ROLE", "VOTER", "PEER", "REDIS", "HTTP", "GOSSIP", "ASKED")
	for _, m := range members {
		role, voter, self := table.Plain("follower"), table.Plain("no"), table.Plain("")
		if m.Leader {
			role = table.Good("leader")
		}
		if m.Voter {
			voter = table.Plain("yes")
		}
		if m.Self {
			self = table.Plain("here")
		}
		t.Row(table.Plain(m.NodeID), role, voter, table.Plain(m.PeerAddress), table.Plain(m.RedisAddress), table.Plain(m.HTTPAddress), gossipCell(m.Gossip), self)
	}
	return t.String()
}

// listGossipWorkers shows the workers that gossip shows.
func listGossipWorkers(ctx context.Context, around *surroundings, where *reach, asJSON bool) error {
	status, err := firstStatus(ctx, where)
	if err != nil {
		return err
	}
	if asJSON {
		return writeIndented(around, append([]transport.GossipWorker{}, status.Workers...))
	}
	_, err = fmt.Fprint(around.stdout, gossipWorkerTable(around, status.Workers))
	return err
}

func gossipWorkerTable(around *surroundings, workers []transport.GossipWorker) string {
	if len(workers) == 0 {
		return "no worker takes part in the gossip\n"
	}
	t := table.New(paints(around), "POOL", "WORKER", "SESSION", "GOSSIP", "SINCE", "ADDRESS")
	for _, w := range workers {
		t.Row(table.Plain(printable(w.Pool)), table.Plain(printable(w.ID)), table.Plain(printable(w.Session)), gossipCell(w.State), table.Plain(w.Since.Local().Format("15:04:05")), table.Plain(printable(w.GossipAddress)))
	}
	return t.String()
}

func gossipCell(seen string) table.Cell {
	switch seen {
	case "dead", "suspect", "left":
		return table.Bad(seen)
	}
	return table.Plain(seen)
}
