package gossip

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/memberlist"
)

func startWorker(t *testing.T, session string, seeds ...*Gossip) *Gossip {
	t.Helper()
	return start(t, "worker-"+session, func(c *Config) {
		c.Meta, c.Worker = Meta{}, Worker{ClusterName: "test", Pool: "orders", ID: "w1", Session: session}
		for _, seed := range seeds {
			c.Seeds = append(c.Seeds, seed.Address())
		}
	})
}

// awaitWorkers waits until the workers that g sees, written as session(state), are these.
func awaitWorkers(t *testing.T, g *Gossip, want ...string) {
	t.Helper()
	var got []string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		got = got[:0]
		for _, m := range g.Workers() {
			got = append(got, fmt.Sprintf("%s(%s)", m.Worker.Session, m.State))
		}
		if fmt.Sprint(got) == fmt.Sprint(want) {
			return
		}
	}
	t.Fatalf("workers %v, want %v", got, want)
}

// A worker is seen by the nodes, never as one of them, and its silence is told from its leave.
func TestWorkersAreSeenApartFromNodes(t *testing.T) {
	a := start(t, "a", nil)
	b := start(t, "b", func(c *Config) { c.Seeds = []string{a.Address()} })
	leaves, dies := startWorker(t, "1-0", a), startWorker(t, "2-0", a)
	for _, g := range []*Gossip{a, b, leaves, dies} {
		await(t, g, 10*time.Second, "a(alive,)", "b(alive,)")
		awaitWorkers(t, g, "1-0(alive)", "2-0(alive)")
	}
	if err := dies.SetWorker(Worker{ClusterName: "test", Pool: "orders", ID: "w1", Session: "3-0"}); err != nil {
		t.Fatal(err)
	}
	awaitWorkers(t, b, "1-0(alive)", "3-0(alive)")
	if answered, known := dies.Answering(t.Context()); answered != 2 || known != 2 {
		t.Fatalf("%d of %d nodes answer a worker", answered, known)
	}
	if err := leaves.Leave(5 * time.Second); err != nil {
		t.Fatal(err)
	}
	awaitWorkers(t, a, "1-0(left)", "3-0(alive)")
	if err := dies.Close(); err != nil {
		t.Fatal(err)
	}
	awaitWorkers(t, a, "1-0(left)", "3-0(suspect)")
	awaitWorkers(t, a, "1-0(left)", "3-0(dead)")
	await(t, a, time.Second, "a(alive,)", "b(alive,)")
	if missing := a.missing(); len(missing) != 0 {
		t.Fatalf("a node looks for workers that are gone: %v", missing)
	}
	if err := b.SetWorker(Worker{ClusterName: "test"}); err == nil {
		t.Error("a node turned into a worker")
	}
}

// A node answers a worker's question while it takes the worker for alive. Of one that it suspects or has given up it says nothing, although it answers pings of anybody.
func TestANodeHearsOnlyAWorkerThatItTakesForAlive(t *testing.T) {
	node := start(t, "a", nil)
	worker := startWorker(t, "1-0", node)
	awaitWorkers(t, node, "1-0(alive)")
	await(t, worker, 10*time.Second, "a(alive,)")
	if !worker.MostAnswer(t.Context()) {
		t.Fatal("a worker that is alive is not heard")
	}
	told := node.Workers()[0]
	for _, state := range []State{Dead, Alive} {
		node.table.mu.Lock()
		told.State = state
		node.table.believe(told)
		node.table.mu.Unlock()
		if heard := worker.MostAnswer(t.Context()); heard != (state == Alive) {
			t.Errorf("a worker that the node takes for %s is heard: %t", state, heard)
		}
	}
}

// A question is answered only to a worker that is alive, and is a sign of life as the answer to a ping is. What is no question, or comes from a stranger or another node, has no effect.
func TestQuestionsThatAreAnswered(t *testing.T) {
	table := newTable()
	table.questions = make(chan question, 1)
	table.NotifyJoin(workerNode(t, "w"))
	meta, err := Meta{ClusterName: "test", PeerAddress: "b:1"}.encode()
	if err != nil {
		t.Fatal(err)
	}
	table.NotifyJoin(&memberlist.Node{Name: "b", Meta: meta})
	asks := func(id string) bool {
		t.Helper()
		table.NotifyMsg(spell(questionWord, 7, id))
		select {
		case q := <-table.questions:
			return q.number == 7 && q.worker.NodeID == id
		default:
			return false
		}
	}
	table.answered("w", false)
	if !asks("w") {
		t.Error("a worker that is alive is not answered")
	}
	table.answered("w", false)
	if !asks("w") {
		t.Error("a worker that has asked since is suspected for two silences")
	}
	table.answered("w", false)
	table.answered("w", false)
	if asks("w") {
		t.Error("a worker that is suspected is answered")
	}
	table.answered("w", true)
	if !asks("w") {
		t.Error("a worker that is not suspected any more is not answered")
	}
	table.NotifyLeave(workerNode(t, "w"))
	for _, id := range []string{"w", "b", "nobody", ""} {
		if asks(id) {
			t.Errorf("%q is answered", id)
		}
	}
	table.NotifyMsg(questionWord)
	table.NotifyMsg(append(answerWord, 1))
	table.NotifyMsg(spell(answerWord, 1, "b")) // to a question that nobody asked
	if len(table.questions) != 0 {
		t.Error("what is no question is answered")
	}
}

// What a worker tells is no node for a build that knows no workers, and what a node tells no worker.
func TestAWorkersWordIsNotANodes(t *testing.T) {
	worker, err := Worker{ClusterName: "test", Pool: "p", ID: "w", Session: "1-0"}.encode()
	if err != nil {
		t.Fatal(err)
	}
	if meta, err := decodeMeta(worker); err == nil {
		t.Errorf("a worker is taken for the node %+v", meta)
	}
	if got, err := decodeWorker(append(worker, 1, 'x')); err != nil || got.Session != "1-0" {
		t.Errorf("with a field of a later version: %+v, %v", got, err)
	}
	for cut := range worker {
		if got, err := decodeMember(worker[:cut]); err == nil {
			t.Errorf("%d of %d bytes are taken for %+v", cut, len(worker), got)
		}
	}
	for _, long := range []Worker{{ClusterName: "test", ID: strings.Repeat("x", 256)}, {ClusterName: strings.Repeat("x", 255), ID: strings.Repeat("x", 255)}} {
		if _, err := long.encode(); err == nil {
			t.Errorf("%d bytes are told", len(long.ClusterName)+len(long.ID))
		}
	}
}

// Who said farewell and does not answer any more has left, also while memberlist has not told.
func TestAFarewellIsNoSuspicion(t *testing.T) {
	table := newTable()
	table.NotifyJoin(workerNode(t, "worker"))
	shown := func() State { return table.list(true)[0].State }
	table.farewell["worker"] = time.Now()
	if state := shown(); state != Alive {
		t.Errorf("one that answers is shown as %s", state)
	}
	for range suspectAfter {
		table.answered("worker", false)
	}
	if state := shown(); state != Left {
		t.Errorf("one that said farewell and does not answer is shown as %s", state)
	}
	table.farewell["worker"] = time.Now().Add(-farewellHolds)
	if state := shown(); state != Suspect {
		t.Errorf("one that said farewell long ago, stayed, and does not answer is shown as %s", state)
	}
}

func newTable() *table {
	return &table{self: "a", logger: hclog.NewNullLogger(), changed: make(chan struct{}, 1), members: map[string]Member{}, silences: map[string]int{}, farewell: map[string]time.Time{}}
}

func workerNode(t *testing.T, name string) *memberlist.Node {
	encoded, err := Worker{ClusterName: "test", ID: name, Session: "1-0"}.encode()
	if err != nil {
		t.Fatal(err)
	}
	return &memberlist.Node{Name: name, Meta: encoded}
}

// However many workers come and go, nodes are listed; the worker that has been gone for longest is forgotten first.
func TestWorkersCrowdNoNodeOut(t *testing.T) {
	table := newTable()
	for i := range maxWorkers + 10 {
		table.NotifyJoin(workerNode(t, fmt.Sprint("worker-", i)))
	}
	if n := len(table.list(true)); n != maxWorkers {
		t.Fatalf("%d workers are listed; the limit is %d", n, maxWorkers)
	}
	meta, err := Meta{ClusterName: "test", PeerAddress: "b:1"}.encode()
	if err != nil {
		t.Fatal(err)
	}
	table.NotifyJoin(&memberlist.Node{Name: "b", Meta: meta})
	if nodes := table.list(false); len(nodes) != 1 || nodes[0].Meta.PeerAddress != "b:1" {
		t.Fatalf("the nodes are %+v", nodes)
	}
	table.NotifyLeave(workerNode(t, "worker-7"))
	table.NotifyJoin(workerNode(t, "newcomer"))
	_, stays := table.members["worker-7"]
	if _, listed := table.members["newcomer"]; !listed || stays {
		t.Fatalf("a newcomer is listed: %t; one that is gone still is: %t", listed, stays)
	}
}

// A worker that uses a node's id is no copy of the node's data directory.
func TestAWorkerNeverContestsAnID(t *testing.T) {
	table, told := newTable(), make(chan string, 1)
	table.onConflict = func(_ error, peerAddress string) { told <- peerAddress }
	table.NotifyConflict(&memberlist.Node{Name: "a"}, workerNode(t, "a"))
	select {
	case address := <-told:
		t.Fatalf("a node is told that a worker at %q contests its id", address)
	case <-time.After(50 * time.Millisecond):
	}
	meta, err := Meta{ClusterName: "test", PeerAddress: "b:1"}.encode()
	if err != nil {
		t.Fatal(err)
	}
	table.NotifyConflict(&memberlist.Node{Name: "a"}, &memberlist.Node{Name: "a", Meta: meta})
	if address := <-told; address != "b:1" {
		t.Fatalf("told of %q", address)
	}
}

func FuzzDecodeMember(f *testing.F) {
	for _, told := range []interface{ encode() ([]byte, error) }{Worker{ClusterName: "c", Pool: "p", ID: "w", Session: "1-0"}, Meta{ClusterName: "c", PeerAddress: "p"}} {
		encoded, err := told.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
	}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		told, err := decodeMember(encoded)
		if err != nil || !told.IsWorker() {
			return
		}
		if again, err := told.Worker.encode(); err != nil || !bytes.HasPrefix(encoded, again) {
			t.Fatalf("% x is read as % x (%v)", encoded, again, err)
		}
	})
}

// Who tells something that only a later version understands is no node: not while it lives, and not when it is gone.
func TestWhoIsNotUnderstoodIsNotListedAsDead(t *testing.T) {
	table := newTable()
	stranger := &memberlist.Node{Name: "stranger", Meta: []byte{9}}
	table.NotifyJoin(stranger)
	table.NotifyLeave(stranger)
	if nodes, workers := table.list(false), table.list(true); len(nodes) != 0 || len(workers) != 0 {
		t.Errorf("nodes: %+v, workers: %+v", nodes, workers)
	}
	table.NotifyJoin(workerNode(t, "worker"))
	table.NotifyLeave(&memberlist.Node{Name: "worker", Meta: []byte{9}})
	if workers := table.list(true); len(workers) != 1 || workers[0].State != Dead {
		t.Errorf("a worker that was listed and is gone: %+v", workers)
	}
}

// memberlist tells of a leave over another way than the farewell takes, and may be first.
func TestAFarewellThatComesAfterTheLeaveCounts(t *testing.T) {
	table := newTable()
	table.NotifyJoin(workerNode(t, "worker"))
	table.NotifyLeave(workerNode(t, "worker"))
	table.NotifyMsg(append(farewellWord[:len(farewellWord):len(farewellWord)], "worker"...))
	if state := table.list(true)[0].State; state != Left {
		t.Errorf("it is shown as %s", state)
	}
	dead := table.members["worker"]
	dead.State, dead.Since = Dead, time.Now().Add(-farewellHolds)
	table.members["worker"] = dead
	table.NotifyMsg(append(farewellWord[:len(farewellWord):len(farewellWord)], "worker"...))
	if state := table.list(true)[0].State; state != Dead {
		t.Errorf("one that died long ago is shown as %s after a farewell", state)
	}
}
