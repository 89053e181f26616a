package gossip

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/memberlist"
)

// rememberDead is how long a member that is gone stays in the table.
const rememberDead = 10 * time.Minute

// maxMembers bounds the table; a cluster has a handful of nodes.
const maxMembers = 256

// Member is a node as gossip sees it.
type Member struct {
	NodeID string
	// GossipAddress is the host:port of the member's gossip port.
	GossipAddress string
	Meta          Meta
	// Alive is false for a node that gossip believes dead or that left; it stays listed for ten minutes.
	Alive bool
}

// table is what memberlist's callbacks write into. It implements memberlist's delegates; none of its methods waits for anything.
type table struct {
	self       string
	logger     hclog.Logger
	changed    chan struct{}
	onConflict func(error)
	conflict   sync.Once

	mu      sync.Mutex
	own     []byte
	members map[string]Member
	diedAt  map[string]time.Time
}

var (
	_ memberlist.Delegate         = (*table)(nil)
	_ memberlist.EventDelegate    = (*table)(nil)
	_ memberlist.ConflictDelegate = (*table)(nil)
)

// NotifyJoin is called when a member appears.
func (t *table) NotifyJoin(node *memberlist.Node) { t.put(node, true) }

// NotifyUpdate is called when a member tells something new.
func (t *table) NotifyUpdate(node *memberlist.Node) { t.put(node, true) }

// NotifyLeave is called when a member left or is believed dead.
func (t *table) NotifyLeave(node *memberlist.Node) { t.put(node, false) }

// put copies what a callback shows; the node belongs to memberlist.
func (t *table) put(node *memberlist.Node, alive bool) {
	meta, err := decodeMeta(node.Meta)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		if known, ok := t.members[node.Name]; ok && !alive {
			meta = known.Meta
		} else if alive {
			t.logger.Warn("a gossip member is ignored", "member", node.Name, "address", node.Address(), "error", err)
			return
		}
	}
	if _, known := t.members[node.Name]; !known && len(t.members) >= maxMembers {
		t.logger.Warn("a gossip member is ignored: the table is full", "member", node.Name, "limit", maxMembers)
		return
	}
	t.members[node.Name] = Member{NodeID: node.Name, GossipAddress: node.Address(), Meta: meta, Alive: alive}
	if alive {
		delete(t.diedAt, node.Name)
	} else {
		t.diedAt[node.Name] = time.Now()
	}
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

// NotifyConflict is called when two addresses use one name.
func (t *table) NotifyConflict(existing, other *memberlist.Node) {
	err := fmt.Errorf("node id %s is used at %s and at %s: a data directory was copied; stop one of the two and give it an empty directory",
		existing.Name, existing.Address(), other.Address())
	t.logger.Error("two nodes use one id", "error", err)
	if existing.Name == t.self && t.onConflict != nil {
		t.conflict.Do(func() { go t.onConflict(err) })
	}
}

// NodeMeta gives what this node tells.
func (t *table) NodeMeta(limit int) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.own) > limit {
		return nil
	}
	return t.own
}

// NotifyMsg drops user messages; nobody here sends any.
func (t *table) NotifyMsg([]byte) {}

// GetBroadcasts sends no user messages.
func (t *table) GetBroadcasts(int, int) [][]byte { return nil }

// LocalState adds nothing to the exchange of members.
func (t *table) LocalState(bool) []byte { return nil }

// MergeRemoteState takes nothing from the exchange of members.
func (t *table) MergeRemoteState([]byte, bool) {}

// tell sets what this node tells from now on.
func (t *table) tell(meta Meta) error {
	if meta.ClusterName == "" {
		return errors.New("a node gossips under the name of its cluster")
	}
	encoded, err := meta.encode()
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.own = encoded
	return nil
}

// list gives the members, and forgets those that have long been gone.
func (t *table) list() []Member {
	t.mu.Lock()
	defer t.mu.Unlock()
	var members []Member
	for id, member := range t.members {
		if died, dead := t.diedAt[id]; dead && time.Since(died) > rememberDead {
			delete(t.members, id)
			delete(t.diedAt, id)
			continue
		}
		members = append(members, member)
	}
	slices.SortFunc(members, func(a, b Member) int { return strings.Compare(a.NodeID, b.NodeID) })
	return members
}
