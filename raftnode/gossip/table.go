package gossip

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/memberlist"
)

// rememberDead is how long a member that is gone stays in the table.
const rememberDead = 10 * time.Minute

// maxMembers bounds the table; a cluster has a handful of nodes.
const maxMembers = 256

// State is what is believed of a member.
type State string

// The states. A suspect is still taken for alive: it did not answer this node lately, and nobody has declared it dead. One that is dead or left stays listed for ten minutes.
const (
	Alive   State = "alive"
	Suspect State = "suspect"
	Dead    State = "dead"
	Left    State = "left" // it said so before it went
)

// Member is a node, or a worker, as gossip sees it.
type Member struct {
	NodeID string
	// GossipAddress is the host:port of the member's gossip port.
	GossipAddress string
	Meta          Meta   // of a node
	Worker        Worker // of a worker; empty for a node
	State         State
	// Since is when this node came to believe that state.
	Since time.Time
}

// IsWorker reports whether the member is a worker, and so no node.
func (m Member) IsWorker() bool { return m.Worker.ClusterName != "" }

// Alive reports whether the member is taken for alive, suspected or not.
func (m Member) Alive() bool { return m.State == Alive || m.State == Suspect }

// table is what memberlist's callbacks write into. It implements memberlist's delegates; none of its methods waits for anything.
type table struct {
	self       string
	worker     bool // this member itself is one
	logger     hclog.Logger
	changed    chan struct{}
	onConflict func(err error, peerAddress string)
	contested  atomic.Bool   // onConflict is being told
	questions  chan question // of workers to this node
	inquiries  inquiries     // of this worker

	mu       sync.Mutex
	own      []byte
	members  map[string]Member
	silences map[string]int       // pings of this node in a row that a member did not answer
	farewell map[string]time.Time // when a member said that it leaves
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

// NotifyLeave is called when a member left or is believed dead. memberlist does not say which, so members say farewell.
func (t *table) NotifyLeave(node *memberlist.Node) { t.put(node, false) }

// put copies what a callback shows; the node belongs to memberlist.
func (t *table) put(node *memberlist.Node, alive bool) {
	told, err := decodeMember(node.Meta)
	t.mu.Lock()
	defer t.mu.Unlock()
	known, listed := t.members[node.Name]
	if err != nil {
		if alive {
			t.logger.Warn("a gossip member is ignored", "member", node.Name, "address", node.Address(), "error", err)
		}
		if alive || !listed {
			return // what was never listed, because nobody here understands what it tells, is not listed as dead either
		}
		told = known
	}
	if (!listed || known.IsWorker() != told.IsWorker()) && !t.makeRoom(told.IsWorker()) {
		t.logger.Warn("a gossip member is ignored: the table is full", "member", node.Name, "worker", told.IsWorker())
		return
	}
	told.NodeID, told.GossipAddress, told.State = node.Name, node.Address(), t.stateOf(node.Name, alive)
	t.believe(told)
}

// decodeMember reads what a member tells about itself.
func decodeMember(encoded []byte) (told Member, err error) {
	if isWorker(encoded) {
		told.Worker, err = decodeWorker(encoded)
		if err == nil && told.Worker.ClusterName == "" {
			err = errors.New("a worker tells no cluster name")
		}
		return told, err
	}
	told.Meta, err = decodeMeta(encoded)
	return told, err
}

// stateOf is what to believe of a member that memberlist takes for alive or not. The caller holds mu.
func (t *table) stateOf(id string, alive bool) State {
	switch said, leaves := t.farewell[id]; {
	case alive && t.members[id].State == Suspect:
		return Suspect // only an answer to this node ends that
	case alive:
		return Alive
	case leaves && time.Since(said) < farewellHolds:
		return Left
	}
	return Dead
}

// believe puts a member into the table and wakes the reader. The caller holds mu.
func (t *table) believe(member Member) {
	if before := t.members[member.NodeID]; before.State == member.State {
		member.Since = before.Since
	} else {
		member.Since = time.Now()
	}
	if !member.Alive() {
		delete(t.silences, member.NodeID)
		delete(t.farewell, member.NodeID)
	}
	t.members[member.NodeID] = member
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

// NotifyConflict is called when two addresses use one name.
func (t *table) NotifyConflict(existing, other *memberlist.Node) {
	err := fmt.Errorf("node id %s is used at %s and at %s: a data directory was copied; stop one of the two and give it an empty directory",
		existing.Name, existing.Address(), other.Address())
	if existing.Name != t.self || t.onConflict == nil {
		t.logger.Error("two nodes use one id", "error", err)
		return
	}
	if isWorker(other.Meta) {
		t.logger.Error("a worker uses this node's id; a worker is never a copy of a node, so it is not believed", "error", err)
		return
	}
	meta, _ := decodeMeta(other.Meta) // a member that tells nothing of itself has no peer address
	if t.contested.CompareAndSwap(false, true) {
		go func() {
			defer t.contested.Store(false)
			t.onConflict(err, meta.PeerAddress)
		}()
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

// NotifyMsg is called with what members send each other: farewells, and the questions of workers with their answers.
func (t *table) NotifyMsg(message []byte) {
	if number, worker, ok := unspell(questionWord, message); ok {
		t.asked(number, worker)
		return
	}
	if number, node, ok := unspell(answerWord, message); ok {
		t.inquiries.answered(number, node)
		return
	}
	id, ok := bytes.CutPrefix(message, farewellWord)
	if !ok {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch member, known := t.members[string(id)]; {
	case !known:
	case member.Alive():
		t.farewell[member.NodeID] = time.Now()
	case member.State == Dead && time.Since(member.Since) < farewellHolds: // memberlist told first
		member.State = Left
		t.believe(member)
	}
}

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
	return t.setOwn(meta.encode())
}

// setOwn keeps what is told from now on, unless it could not be encoded.
func (t *table) setOwn(encoded []byte, err error) error {
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.own = encoded
	return nil
}

// list gives the members that are workers, or those that are nodes, and forgets those that have long been gone.
func (t *table) list(workers bool) []Member {
	t.mu.Lock()
	defer t.mu.Unlock()
	var members []Member
	for id, member := range t.members {
		if !member.Alive() && time.Since(member.Since) > rememberDead {
			delete(t.members, id)
			continue
		}
		if member.IsWorker() != workers {
			continue
		}
		if member.State == Suspect && time.Since(t.farewell[id]) < farewellHolds {
			member.State = Left // it said so, and does not answer any more; that memberlist has not told yet is no suspicion
		}
		members = append(members, member)
	}
	slices.SortFunc(members, func(a, b Member) int { return strings.Compare(a.NodeID, b.NodeID) })
	return members
}
