package bootstrap

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/coordd/coordd/raftnode/datadir"
	"github.com/coordd/coordd/transport/peer"
)

// joinerOf makes three members a, b and c of cluster c1, and a node that sees them and has no cluster. Members in silent do not answer; members in
// lagging do not know the newest member m yet.
func joinerOf(t *testing.T, id string, silent, lagging []string) (*Founding, *notes) {
	t.Helper()
	nodes := make(map[string]*Founding)
	abc := []datadir.Member{member("a"), member("b"), member("c")}
	for _, m := range abc {
		own := newNotes(m.NodeID)
		own.identity.ClusterID = "c1"
		configuration := Configuration{Voters: abc, Known: []string{"a", "b", "c", "m"}}
		if strings.Contains(strings.Join(lagging, " "), m.NodeID) {
			configuration.Known = []string{"a", "b", "c"}
		}
		founding, err := New(Config{
			Self:          peer.Target{NodeID: peer.NodeID(m.NodeID), Address: m.Address},
			Notes:         own,
			Caller:        direct{},
			Configuration: func() Configuration { return configuration },
		})
		if err != nil {
			t.Fatal(err)
		}
		nodes[m.NodeID] = founding
	}
	own := newNotes(id)
	joiner, err := New(Config{
		Self:     peer.Target{NodeID: peer.NodeID(id), Address: id + ":7580"},
		Notes:    own,
		Caller:   quiet{direct{nodes: nodes, from: id}, strings.Join(silent, " ")},
		Discover: func() []Sighting { return []Sighting{seen("a", "c1"), seen("b", "c1"), seen("c", "c1")} },
	})
	if err != nil {
		t.Fatal(err)
	}
	return joiner, own
}

// quiet carries messages to all but some.
type quiet struct {
	direct
	silent string
}

func (q quiet) Bootstrap(ctx context.Context, to peer.Target, payload []byte) ([]byte, error) {
	if strings.Contains(q.silent, string(to.NodeID)) {
		return nil, errors.New("no answer")
	}
	return q.direct.Bootstrap(ctx, to, payload)
}

func TestS1_EmptiedDirectoryUnderAKnownIDMayNotJoin(t *testing.T) {
	for name, lagging := range map[string][]string{"everybody knows the id": nil, "one member lags": {"a"}} {
		t.Run(name, func(t *testing.T) {
			joiner, own := joinerOf(t, "m", nil, lagging)
			joined, err := joiner.Join(t.Context())
			if joined || err == nil || !strings.Contains(err.Error(), "is or was a member") {
				t.Fatalf("joined %v, %v", joined, err)
			}
			if own.Identity().ClusterID != "" {
				t.Fatal("the emptied node took the cluster's id")
			}
		})
	}
}

func TestNewNodeJoinsWithTheWordOfAMajority(t *testing.T) {
	joiner, own := joinerOf(t, "n", []string{"c"}, nil)
	if joined, err := joiner.Join(t.Context()); !joined || err != nil || own.Identity().ClusterID != "c1" {
		t.Fatalf("joined %v, %v", joined, err)
	}
	joiner, own = joinerOf(t, "m", []string{"b", "c"}, []string{"a"})
	if joined, err := joiner.Join(t.Context()); joined || err != nil || own.Identity().ClusterID != "" {
		t.Fatalf("joined by the word of one lagging member of three: %v, %v", joined, err)
	}
}
