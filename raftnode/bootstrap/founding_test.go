package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	_ "github.com/coordd/coordd/internal/rapidseed"
	"github.com/coordd/coordd/raftnode/datadir"
	"github.com/coordd/coordd/transport/peer"
	"github.com/coordd/coordd/transport/peer/memnet"
)

var errCrash = errors.New("the machine crashed")

// notes is a data directory in memory whose next write may be the last thing the machine does. It takes what it is given, unlike a real one, which refuses a second promise or cluster
// by itself: what is tested here must not need that.
type notes struct {
	mu       sync.Mutex
	identity datadir.Identity
	// crash is called before and after each write; true ends the machine there.
	crash func() bool
}

func newNotes(id string) *notes {
	return &notes{identity: datadir.Identity{NodeID: id, ClusterName: "test"}, crash: func() bool { return false }}
}

func (n *notes) Identity() datadir.Identity {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.identity
}

func (n *notes) write(change func(*datadir.Identity) error) error {
	if n.crash() {
		return errCrash
	}
	n.mu.Lock()
	err := change(&n.identity)
	n.mu.Unlock()
	if err == nil && n.crash() {
		err = errCrash
	}
	return err
}

func (n *notes) SetPromise(promise datadir.Promise) error {
	return n.write(func(i *datadir.Identity) error {
		i.Promise = &promise
		return nil
	})
}

func (n *notes) SetClusterID(id string) error {
	return n.write(func(i *datadir.Identity) error {
		i.ClusterID = id
		return nil
	})
}

func (n *notes) SetFounded(id string) error {
	return n.write(func(i *datadir.Identity) error {
		i.ClusterID, i.Founder = id, true
		return nil
	})
}

// world is a set of nodes whose every message and write a test decides about.
type world struct {
	t     *rapid.T
	ids   []string
	nodes map[string]*Founding
	notes map[string]*notes
	// hidden holds the pairs "a b" where a does not see b.
	hidden map[string]bool
}

func newWorld(t *rapid.T, expect int, ids ...string) *world {
	w := &world{t: t, ids: ids, nodes: make(map[string]*Founding), notes: make(map[string]*notes), hidden: make(map[string]bool)}
	for _, id := range ids {
		w.notes[id] = newNotes(id)
		w.notes[id].crash = func() bool { return rapid.IntRange(0, 9).Draw(t, "crash at a write") == 0 }
		founding, err := New(Config{
			Self:     peer.Target{NodeID: peer.NodeID(id), Address: id + ":7580"},
			Expect:   expect,
			Notes:    w.notes[id],
			Caller:   courier{world: w, from: id},
			Discover: func() []Sighting { return w.seenBy(id) },
		})
		if err != nil {
			t.Fatal(err)
		}
		w.nodes[id] = founding
	}
	return w
}

func (w *world) seenBy(id string) []Sighting {
	var all []Sighting
	for _, other := range w.ids {
		if !w.hidden[id+" "+other] {
			all = append(all, seen(other, w.notes[other].Identity().ClusterID))
		}
	}
	return all
}

// courier carries messages, and loses some before or after they were read.
type courier struct {
	world *world
	from  string
}

var deliveries sync.Mutex

func (c courier) Bootstrap(ctx context.Context, to peer.Target, payload []byte) ([]byte, error) {
	deliveries.Lock()
	defer deliveries.Unlock()
	fate := rapid.IntRange(0, 9).Draw(c.world.t, "fate of a message")
	if fate == 0 {
		return nil, errors.New("lost on the way there")
	}
	from := peer.Identity{ClusterName: "test", NodeID: peer.NodeID(c.from), Address: c.from + ":7580"}
	reply, err := c.world.nodes[string(to.NodeID)].Handle(ctx, from, payload)
	if fate == 1 {
		return nil, errors.New("lost on the way back")
	}
	return reply, err
}

// hideFromAll lets everybody see everybody but one, who sees nobody.
func (w *world) hideFromAll(hidden string) {
	clear(w.hidden)
	for _, other := range w.ids {
		w.hidden[hidden+" "+other] = true
		w.hidden[other+" "+hidden] = true
	}
}

// clusters lists the distinct cluster ids on all disks.
func (w *world) clusters() []string {
	var ids []string
	for _, id := range w.ids {
		if cluster := w.notes[id].Identity().ClusterID; cluster != "" && !slices.Contains(ids, cluster) {
			ids = append(ids, cluster)
		}
	}
	return ids
}

// Whatever is lost, hidden or crashed in whatever order, N+1 nodes of which N are expected never hold two cluster ids, and every holder of
// one promised the same set.
func TestS22_NeverTwoClusters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := []string{"a", "b", "c", "d"}
		w := newWorld(t, 3, ids...)
		for range rapid.IntRange(10, 60).Draw(t, "steps") {
			id := rapid.SampledFrom(ids).Draw(t, "node")
			switch rapid.IntRange(0, 3).Draw(t, "event") {
			case 0:
				w.hideFromAll(id)
			default:
				if _, _, err := w.nodes[id].step(context.Background()); err != nil && !errors.Is(err, errCrash) {
					t.Fatalf("node %s: %v", id, err)
				}
			}
			if clusters := w.clusters(); len(clusters) > 1 {
				t.Fatalf("clusters %v", clusters)
			}
		}
		var promise *datadir.Promise
		for _, id := range ids {
			identity := w.notes[id].Identity()
			if identity.ClusterID == "" {
				continue
			}
			if identity.Promise == nil || promise != nil && !promise.Equal(*identity.Promise) {
				t.Fatalf("node %s belongs to a cluster by the promise %+v, another by %+v", id, identity.Promise, promise)
			}
			promise = identity.Promise
		}
	})
}

// A node that has promised to found a cluster founds no other one with somebody else, who sees neither the first founder nor anybody who belongs to a cluster already.
func TestS22_APromiseBindsAgainstAnotherFounder(t *testing.T) {
	w := &world{ids: []string{"a", "b", "c", "d"}, notes: make(map[string]*notes), hidden: make(map[string]bool)}
	nodes := make(map[string]*Founding)
	for _, id := range w.ids {
		w.notes[id] = newNotes(id)
		founding, err := New(Config{
			Self:     peer.Target{NodeID: peer.NodeID(id), Address: id + ":7580"},
			Expect:   3,
			Notes:    w.notes[id],
			Caller:   direct{nodes: nodes, from: id},
			Discover: func() []Sighting { return w.seenBy(id) },
		})
		if err != nil {
			t.Fatal(err)
		}
		nodes[id] = founding
	}
	for _, pair := range [][2]string{{"a", "b"}, {"b", "a"}} {
		founder, hidden := pair[0], pair[1]
		w.hideFromAll(hidden)
		if _, _, err := nodes[founder].step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if clusters := w.clusters(); len(clusters) != 1 {
		t.Fatalf("with the promises of c and d there are %d clusters", len(clusters))
	}
}

// When losses and crashes end, the three nodes that see each other found their cluster, wherever they were interrupted.
func TestS22_InterruptedFoundingIsFinished(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := []string{"a", "b", "c"}
		w := newWorld(t, 3, ids...)
		for range rapid.IntRange(0, 20).Draw(t, "troubled steps") {
			id := rapid.SampledFrom(ids).Draw(t, "node")
			if _, _, err := w.nodes[id].step(context.Background()); err != nil && !errors.Is(err, errCrash) {
				t.Fatal(err)
			}
		}
		calm := newWorldOn(w)
		for range 4 {
			for _, id := range ids {
				if _, refusal, err := calm[id].step(context.Background()); err != nil || refusal != "" {
					t.Fatalf("node %s: %q, %v", id, refusal, err)
				}
			}
		}
		for _, id := range ids {
			identity := w.notes[id].Identity()
			if identity.ClusterID == "" || identity.ClusterID != w.notes["a"].Identity().ClusterID || identity.Founder != (id == "a") {
				t.Fatalf("node %s ends with %+v", id, identity)
			}
		}
	})
}

// direct carries every message.
type direct struct {
	nodes map[string]*Founding
	from  string
}

func (d direct) Bootstrap(ctx context.Context, to peer.Target, payload []byte) ([]byte, error) {
	from := peer.Identity{ClusterName: "test", NodeID: peer.NodeID(d.from), Address: d.from + ":7580"}
	return d.nodes[string(to.NodeID)].Handle(ctx, from, payload)
}

// newWorldOn restarts a world's nodes on their disks without further trouble.
func newWorldOn(w *world) map[string]*Founding {
	nodes := make(map[string]*Founding)
	for _, id := range w.ids {
		w.notes[id].crash = func() bool { return false }
		founding, err := New(Config{
			Self:     peer.Target{NodeID: peer.NodeID(id), Address: id + ":7580"},
			Expect:   len(w.ids),
			Notes:    w.notes[id],
			Caller:   direct{nodes: nodes, from: id},
			Discover: func() []Sighting { return w.seenBy(id) },
		})
		if err != nil {
			w.t.Fatal(err)
		}
		nodes[id] = founding
	}
	return nodes
}

// handler lets a Founding answer on a port; nothing else is asked of it here.
type handler struct{ founding *Founding }

func (h *handler) Forward(context.Context, peer.NodeID, []byte, func([]byte)) {}
func (h *handler) Term() peer.TermAnswer                                      { return peer.TermAnswer{} }
func (h *handler) LostLeader(peer.NodeID, peer.LostLeaderQuestion) peer.LostLeaderVerdict {
	return peer.LostLeaderNo
}
func (h *handler) Bootstrap(ctx context.Context, from peer.Identity, payload []byte) ([]byte, error) {
	return h.founding.Handle(ctx, from, payload)
}

// host is a node with a port, as raftnode puts it together.
type host struct {
	founding *Founding
	notes    *notes
	static   *Static
}

func startHost(t *testing.T, network *memnet.Network, name string, expect int, addresses []string) *host {
	t.Helper()
	h := &host{notes: newNotes("id-" + name)}
	answers := &handler{}
	port, err := peer.Listen(peer.Config{
		Identity: func() peer.Identity {
			return peer.Identity{ClusterName: "test", ClusterID: h.notes.Identity().ClusterID, NodeID: peer.NodeID("id-" + name), Address: name + ":7580"}
		},
		ListenAddress: name + ":7580",
		Network:       network.Host(name),
		Authorizer:    peer.NewRoster(),
		Handler:       answers,
	})
	if err != nil {
		t.Fatal(err)
	}
	h.static = NewStatic(port, name+":7580", addresses)
	h.founding, err = New(Config{
		Self:     peer.Target{NodeID: peer.NodeID("id-" + name), Address: name + ":7580"},
		Expect:   expect,
		Notes:    h.notes,
		Caller:   port,
		Discover: h.static.Seen,
		Changed:  h.static.Changed(),
	})
	if err != nil {
		t.Fatal(err)
	}
	answers.founding = h.founding
	ctx, cancel := context.WithCancel(context.Background())
	var looking sync.WaitGroup
	looking.Go(func() { h.static.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		looking.Wait()
		_ = port.Close()
	})
	return h
}

func TestS22_ThreeNodesFoundOneClusterOverThePeerPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		addresses := []string{"a:7580", "b:7580", "c:7580"}
		outcomes := make(chan Outcome, 3)
		start := time.Now()
		for _, name := range []string{"a", "b", "c"} {
			h := startHost(t, network, name, 3, addresses)
			go func() {
				outcome, err := h.founding.Run(t.Context())
				if err != nil {
					t.Errorf("node %s: %v", name, err)
				}
				outcomes <- outcome
			}()
		}
		founders, clusters := 0, make(map[string]bool)
		for range 3 {
			outcome := <-outcomes
			clusters[outcome.ClusterID] = true
			if outcome.Founder {
				founders++
			}
			if len(outcome.Members) != 3 || outcome.Members[0].NodeID != "id-a" {
				t.Errorf("members %v", outcome.Members)
			}
		}
		if founders != 1 || len(clusters) != 1 || clusters[""] {
			t.Fatalf("%d founders, clusters %v", founders, clusters)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Fatalf("founding took %v", took)
		}
	})
}

func TestS22_FourNodesOfThreeAreRefusedWithASentence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		addresses := []string{"a:7580", "b:7580", "c:7580", "d:7580"}
		refusals := make(chan error, 4)
		for _, name := range []string{"a", "b", "c", "d"} {
			h := startHost(t, network, name, 3, addresses)
			// Everybody has looked around before anybody decides.
			go func() {
				time.Sleep(time.Second)
				_, err := h.founding.Run(t.Context())
				refusals <- err
			}()
		}
		for range 4 {
			if err := <-refusals; err == nil || !strings.Contains(err.Error(), "4 nodes want to found") {
				t.Fatalf("refusal: %v", err)
			}
		}
	})
}

func TestS22_WipedNodesDoNotFoundASecondCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		addresses := []string{"a:7580", "b:7580", "c:7580", "d:7580"}
		old := startHost(t, network, "d", 0, addresses)
		old.notes.identity.ClusterID = "c1"
		refusals := make(chan error, 3)
		for _, name := range []string{"a", "b", "c"} {
			h := startHost(t, network, name, 3, addresses)
			go func() {
				time.Sleep(time.Second)
				_, err := h.founding.Run(t.Context())
				refusals <- err
			}()
		}
		for range 3 {
			if err := <-refusals; err == nil || !strings.Contains(err.Error(), "exists already") || !strings.Contains(err.Error(), "with --join and without --bootstrap-expect") {
				t.Fatalf("refusal: %v", err)
			}
		}
	})
}

func TestMessagesOutsideTheLimitsAreRefused(t *testing.T) {
	founding, err := New(Config{Self: peer.Target{NodeID: "a", Address: "a:1"}, Notes: newNotes("a"), Caller: direct{}})
	if err != nil {
		t.Fatal(err)
	}
	var many []string
	for range maxMembers + 1 {
		many = append(many, "{}")
	}
	for payload, sentence := range map[string]string{
		"":                                    "malformed",
		`{"version":2,"question":"cluster"}`:  "version 2",
		`{"version":1,"question":"else"}`:     "not known here",
		strings.Repeat("x", maxMessageSize+1): "exceeds",
		fmt.Sprintf(`{"version":1,"question":"agree","members":[%s]}`, strings.Join(many, ",")): "65 members",
	} {
		if _, err := founding.Handle(t.Context(), peer.Identity{}, []byte(payload)); err == nil || !strings.Contains(err.Error(), sentence) {
			t.Errorf("%.40q: %v", payload, err)
		}
	}
}
