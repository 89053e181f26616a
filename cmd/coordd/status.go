package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/coordd/coordd/cmd/coordd/internal/endpoint"
	"github.com/coordd/coordd/cmd/coordd/internal/options"
	"github.com/coordd/coordd/cmd/coordd/internal/table"
	"github.com/coordd/coordd/transport"
)

var statusCommand = options.Command{
	Name:    "status",
	Summary: "show what every node says of itself",
	Usage:   []string{"[flags]"},
	Details: `Asks every endpoint, not just the first, and shows those that do not answer. It fails only when none does.`,
	Examples: []options.Example{
		{Line: "coordd status", Says: "a table"},
		{Line: "coordd status --json", Says: "everything a node tells, for programs"},
	},
}

// answerTimeout bounds how long one endpoint may take to tell its status.
const answerTimeout = 3 * time.Second

// nodeAnswer is what one endpoint said.
type nodeAnswer struct {
	Endpoint string            `json:"endpoint"`
	Error    string            `json:"error,omitempty"`
	Status   *transport.Status `json:"status,omitempty"`

	err error
}

func runStatus(ctx context.Context, around *surroundings, arguments []string) error {
	set := options.New(statusCommand)
	var where reach
	where.declare(set)
	asJSON := set.Bool("json", false, "write one JSON array, an object for each endpoint")
	set.Variable("json", "")
	operands, done, err := parse(around, set, arguments)
	if done || err != nil {
		return err
	}
	if err := noOperands(set, operands); err != nil {
		return err
	}
	answers, err := askAll(ctx, &where)
	if err != nil {
		return err
	}
	if *asJSON {
		err = writeIndented(around, answers)
	} else {
		_, err = fmt.Fprint(around.stdout, statusTable(around, answers))
	}
	if err != nil {
		return err
	}
	return unreachableUnlessOne(answers)
}

// askAll asks every endpoint at once and answers in their order.
func askAll(ctx context.Context, where *reach) ([]nodeAnswer, error) {
	dialOptions, err := where.dialOptions(0)
	if err != nil {
		return nil, err
	}
	answers := make([]nodeAnswer, len(where.endpoints.Values))
	var group sync.WaitGroup
	for i, address := range where.endpoints.Values {
		group.Go(func() {
			answers[i] = nodeAnswer{Endpoint: address}
			answers[i].Status, answers[i].err = askStatus(ctx, address, dialOptions)
			if answers[i].err != nil {
				answers[i].Error = answers[i].err.Error()
			}
		})
	}
	group.Wait()
	return answers, nil
}

func askStatus(ctx context.Context, address string, dialOptions endpoint.Options) (*transport.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	conn, err := endpoint.Dial(ctx, address, dialOptions)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return statusOver(ctx, conn)
}

// statusOver asks the node behind a connection for its status.
func statusOver(ctx context.Context, conn *endpoint.Conn) (*transport.Status, error) {
	reply, err := conn.Do(ctx, "COORDD.STATUS")
	if err != nil {
		return nil, err
	}
	if refusal := reply.Err(); refusal != nil {
		return nil, fmt.Errorf("%s: %w", conn.Endpoint(), refusal)
	}
	var status transport.Status
	if err := json.Unmarshal(reply.Text, &status); err != nil {
		return nil, fmt.Errorf("%s does not answer like a coordd node: %w", conn.Endpoint(), err)
	}
	return &status, nil
}

// unreachableUnlessOne fails when no endpoint told its status. The table has told the reasons already.
func unreachableUnlessOne(answers []nodeAnswer) error {
	for _, answer := range answers {
		if answer.err == nil {
			return nil
		}
	}
	return failWith(exitUnreachable, fmt.Errorf("none of the %d endpoints told its status; say where the cluster is with --endpoints or COORDD_ENDPOINTS", len(answers)))
}

func statusTable(around *surroundings, answers []nodeAnswer) string {
	t := table.New(paints(around), "ENDPOINT", "NODE", "ROLE", "READY", "TERM", "COMMIT", "APPLIED", "NAMES", "LOCKS", "SESSIONS", "WAITERS", "UPTIME")
	var notes []string
	for _, answer := range answers {
		s := answer.Status
		if s == nil {
			t.Row(table.Plain(answer.Endpoint), table.Plain("-"), table.Bad("unreachable"))
			notes = append(notes, answer.Error)
			continue
		}
		t.Row(table.Plain(answer.Endpoint), table.Plain(short(s.NodeID)), roleCell(s.Role), readyCell(s.Ready), number(s.Term), number(s.CommitIndex), number(s.AppliedIndex),
			number(s.Names), number(s.Locks), number(s.Sessions), number(s.Waiters), table.Plain(age(time.Since(s.StartedAt))))
		if !s.Ready && s.ReadyReason != "" {
			notes = append(notes, fmt.Sprintf("%s is not ready: %s", answer.Endpoint, s.ReadyReason))
		}
	}
	text := t.String()
	for _, note := range notes {
		text += note + "\n"
	}
	return clusterLine(answers) + text
}

// clusterLine names the clusters that answered; more than one means that the endpoints do not belong together.
func clusterLine(answers []nodeAnswer) string {
	seen := map[string]bool{}
	line := ""
	for _, answer := range answers {
		if s := answer.Status; s != nil && s.ClusterID != "" && !seen[s.ClusterID] {
			seen[s.ClusterID] = true
			line += fmt.Sprintf("cluster %s (%s)\n", s.ClusterName, s.ClusterID)
		}
	}
	if len(seen) > 1 {
		line += "these endpoints belong to different clusters\n"
	}
	return line
}
