package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coordd/coordd/cmd/coordd/internal/endpoint"
	"github.com/coordd/coordd/transport"
)

const (
	// lookInterval is how often a watch of the members looks. What changes twice in between is shown as it is then.
	lookInterval = 100 * time.Millisecond
	// lookPatience bounds one look; a node that takes longer is left for another.
	lookPatience = 2 * time.Second
)

// memberChange is a line of a watch of the members.
type memberChange struct {
	Time   time.Time `json:"time"` // when the node that is asked came to believe it, by its clock
	NodeID string    `json:"node_id"`
	// Change is alive (at the beginning), joined, suspect, recovered, dead, left; or added, removed, promoted for the committed configuration.
	Change      string `json:"change"`
	SeenBy      string `json:"seen_by"`
	PeerAddress string `json:"peer_address,omitempty"`
}

// memberWatch compares what one node after the other tells with what was told before.
type memberWatch struct {
	gossip  map[string]string // states by node id
	voters  map[string]bool   // members of the committed configuration, and whether they vote
	started bool
}

// changes are what is new in a status.
func (w *memberWatch) changes(status *transport.Status) (all []memberChange) {
	add := func(at time.Time, id, change, peer string) {
		all = append(all, memberChange{at, id, change, status.NodeID, peer})
	}
	for _, g := range status.Gossip {
		if change := changeOf(w.gossip[g.NodeID], g.State, w.started); change != "" {
			add(g.Since, g.NodeID, change, g.PeerAddress)
		}
		w.gossip[g.NodeID] = g.State
	}
	now, voters := time.Now(), map[string]bool{}
	for _, m := range status.Members {
		voters[m.NodeID] = m.Voter
		voted, known := w.voters[m.NodeID]
		switch {
		case !w.started:
		case !known:
			add(now, m.NodeID, "added", m.PeerAddress)
		case m.Voter && !voted:
			add(now, m.NodeID, "promoted", m.PeerAddress)
		}
	}
	for id := range w.voters {
		if _, stays := voters[id]; !stays && len(voters) > 0 {
			add(now, id, "removed", "")
		}
	}
	if len(voters) > 0 {
		w.voters = voters
	}
	w.started = true
	slices.SortStableFunc(all, func(a, b memberChange) int { return a.Time.Compare(b.Time) })
	return all
}

// changeOf names the step from one state of a node to the next; empty when there is none.
func changeOf(before, now string, started bool) string {
	switch {
	case before == now:
		return ""
	case now == "alive" && before == "suspect":
		return "recovered"
	case now == "alive" && started:
		return "joined"
	}
	return now
}

// watchMembers shows what changes, until ctx ends or so many lines were shown; 0: for ever.
func watchMembers(ctx context.Context, around *surroundings, where *reach, asJSON bool, count int) error {
	watch := memberWatch{gossip: map[string]string{}, voters: map[string]bool{}}
	var conn *endpoint.Conn
	defer func() {
		if conn != nil {
			conn.Close()
		}
	}()
	quiet, shown := false, 0
	for ; ctx.Err() == nil; pause(ctx, lookInterval) {
		if conn == nil {
			next, err := where.dial(ctx)
			if err != nil && !watch.started {
				return err
			}
			if err != nil {
				if !quiet && ctx.Err() == nil {
					fmt.Fprintf(around.stderr, "coordd: %v. Trying again\n", err)
				}
				quiet = true
				continue
			}
			conn, quiet = next, false
		}
		status, err := lookAt(ctx, conn)
		if err != nil {
			conn.Close()
			conn = nil
			continue
		}
		for _, change := range watch.changes(status) {
			if err := change.show(around, asJSON); err != nil {
				return err
			}
			if shown++; shown == count {
				return nil
			}
		}
	}
	return nil // Ctrl-C is how it ends
}

func lookAt(ctx context.Context, conn *endpoint.Conn) (*transport.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	return statusOver(ctx, conn)
}

func (c memberChange) show(around *surroundings, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(around.stdout).Encode(c)
	}
	const millis = "15:04:05.000"
	line := fmt.Sprintf("%s  %-9s  %s  %s", c.Time.Local().Format(millis), c.Change, short(printable(c.NodeID)), printable(c.PeerAddress))
	if c.SeenBy != c.NodeID {
		line += "  seen by " + short(printable(c.SeenBy))
	}
	_, err := fmt.Fprintln(around.stdout, strings.TrimRight(line, " "))
	return err
}

// pause waits, unless ctx ends first.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
