package peer_test

import (
	"context"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/coordd/coordd/transport/peer"
	"github.com/coordd/coordd/transport/peer/memnet"
)

const timeForRetries = 5 * time.Second

func pause(ctx context.Context) {
	select {
	case <-time.After(20 * time.Millisecond):
	case <-ctx.Done():
	}
}

// entries is a state machine that keeps what was applied.
type entries struct {
	mu      sync.Mutex
	applied []string
}

func (e *entries) Apply(log *raft.Log) any {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.applied = append(e.applied, string(log.Data))
	return nil
}

func (e *entries) appliedSoFar() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.applied)
}

func (e *entries) Snapshot() (raft.FSMSnapshot, error) { return nil, io.ErrUnexpectedEOF }
func (e *entries) Restore(io.ReadCloser) error         { return io.ErrUnexpectedEOF }

// disk is what a node keeps over a restart.
type disk struct {
	store     *raft.InmemStore
	snapshots *raft.InmemSnapshotStore
}

func newDisk() *disk {
	return &disk{store: raft.NewInmemStore(), snapshots: raft.NewInmemSnapshotStore()}
}

// raftNode is a testNode with a Raft on it.
type raftNode struct {
	*testNode
	raft      *raft.Raft
	transport *peer.RaftTransport
	machine   *entries
}

func startRaft(t *testing.T, network *memnet.Network, host string, d *disk, change ...func(*peer.Identity)) *raftNode {
	t.Helper()
	n := &raftNode{testNode: startNode(t, network, host, change...), machine: &entries{}}
	initial, _ := d.store.GetUint64([]byte("CurrentTerm"))
	n.transport = peer.NewRaftTransport(n.port, peer.RaftConfig{CurrentTerm: func() uint64 { return initial }, Committed: func() uint64 { return 0 }})
	config := raft.DefaultConfig()
	config.LocalID = raft.ServerID(n.identity.NodeID)
	config.HeartbeatTimeout, config.ElectionTimeout, config.LeaderLeaseTimeout = 300*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond
	config.Logger = hclog.NewNullLogger()
	r, err := raft.NewRaft(config, n.machine, d.store, d.store, d.snapshots, n.transport)
	if err != nil {
		t.Fatal(err)
	}
	n.raft = r
	t.Cleanup(n.stop)
	return n
}

// stop kills the node: Raft, its connections, its port.
func (n *raftNode) stop() {
	_ = n.raft.Shutdown().Error()
	_ = n.port.Close()
}

func bootstrap(t *testing.T, d *disk, host string, hosts ...string) {
	t.Helper()
	config := raft.DefaultConfig()
	config.LocalID = raft.ServerID("id-" + host)
	config.Logger = hclog.NewNullLogger()
	var servers []raft.Server
	for _, h := range hosts {
		servers = append(servers, raft.Server{ID: raft.ServerID("id-" + h), Address: raft.ServerAddress(h + ":7580")})
	}
	_, transport := raft.NewInmemTransport("")
	err := raft.BootstrapCluster(config, d.store, d.store, d.snapshots, transport, raft.Configuration{Servers: servers})
	if err != nil {
		t.Fatal(err)
	}
}

func awaitLeader(t *testing.T, limit time.Duration, nodes ...*raftNode) *raftNode {
	t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		for _, n := range nodes {
			if n.raft.State() == raft.Leader {
				return n
			}
		}
	}
	return nil
}

// Three voters; a grant is committed by two of them while the third is down. One of the two dies, the other comes back emptied, under a
// new id, at its old address, and has already joined the cluster by name and id. The third must not become leader with its help: it
// lacks the grant.
func TestS1_EmptiedMachineDoesNotVoteAsTheVoterItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		diskA, diskB, diskC := newDisk(), newDisk(), newDisk()
		for host, d := range map[string]*disk{"a": diskA, "b": diskB, "c": diskC} {
			bootstrap(t, d, host, "a", "b", "c")
		}
		a, b := startRaft(t, network, "a", diskA), startRaft(t, network, "b", diskB)
		leader := awaitLeader(t, 10*time.Second, a, b)
		if leader == nil {
			t.Fatal("two of three voters elect nobody")
		}
		if err := leader.raft.Apply([]byte("grant"), time.Second).Error(); err != nil {
			t.Fatal(err)
		}
		a.stop()
		b.stop()
		emptied := startRaft(t, network, "b", newDisk(), func(i *peer.Identity) { i.NodeID = "id-new" })
		c := startRaft(t, network, "c", diskC)
		if awaitLeader(t, 30*time.Second, c, emptied) != nil {
			t.Fatal("a node that lacks a committed grant leads with the vote of an emptied machine")
		}
		a = startRaft(t, network, "a", diskA)
		if awaitLeader(t, 10*time.Second, a, c) != a {
			t.Fatal("the node that has the grant does not lead when it is back")
		}
	})
}

func TestRaftRunsOverThePortAndPreVoteStaysOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		hosts := []string{"a", "b", "c"}
		var nodes []*raftNode
		for _, host := range hosts {
			d := newDisk()
			bootstrap(t, d, host, hosts...)
			nodes = append(nodes, startRaft(t, network, host, d))
		}
		leader := awaitLeader(t, 10*time.Second, nodes...)
		if leader == nil {
			t.Fatal("no leader")
		}
		for range 100 {
			if err := leader.raft.Apply([]byte("x"), time.Second).Error(); err != nil {
				t.Fatal(err)
			}
		}
		if address, id := leader.raft.LeaderWithID(); string(address) != leader.identity.Address || string(id) != string(leader.identity.NodeID) {
			t.Fatalf("the leader is known as %s at %s", id, address)
		}
		follower := nodes[0]
		if follower == leader {
			follower = nodes[1]
		}
		if address, id := follower.raft.LeaderWithID(); string(address) != leader.identity.Address || string(id) != string(leader.identity.NodeID) {
			t.Fatalf("a follower knows the leader as %s at %s", id, address)
		}
		term := leader.raft.CurrentTerm()
		others := make([]string, 0, 2)
		for _, n := range nodes {
			if n != follower {
				others = append(others, strings.TrimPrefix(string(n.identity.NodeID), "id-"))
			}
		}
		network.Isolate(strings.TrimPrefix(string(follower.identity.NodeID), "id-"), others...)
		time.Sleep(time.Minute)
		network.Rejoin(strings.TrimPrefix(string(follower.identity.NodeID), "id-"), others...)
		time.Sleep(10 * time.Second)
		if now := leader.raft.CurrentTerm(); now != term || leader.raft.State() != raft.Leader {
			t.Fatalf("a follower that was cut off for a minute raised the term from %d to %d: PreVote is off", term, now)
		}
		if follower.raft.CurrentTerm() != term {
			t.Fatalf("the follower's own term rose to %d", follower.raft.CurrentTerm())
		}
	})
}

// pairOfTransports connects two transports without Raft; the second one's requests are answered by answer.
func pairOfTransports(t *testing.T, answer func(raft.RPC)) (from, to *peer.RaftTransport, a, b *testNode) {
	t.Helper()
	network := memnet.New()
	a, b = startNode(t, network, "a"), startNode(t, network, "b")
	config := peer.RaftConfig{CurrentTerm: func() uint64 { return 5 }, Committed: func() uint64 { return 100 }}
	from, to = peer.NewRaftTransport(a.port, config), peer.NewRaftTransport(b.port, config)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case rpc := <-to.Consumer():
				answer(rpc)
			case <-done:
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(done)
		_ = from.Close()
		_ = to.Close()
	})
	return from, to, a, b
}

func header(t *peer.RaftTransport, n *testNode) raft.RPCHeader {
	id, address := raft.ServerID(n.identity.NodeID), raft.ServerAddress(n.identity.Address)
	return raft.RPCHeader{ProtocolVersion: 3, ID: []byte(id), Addr: t.EncodePeer(id, address)}
}

func TestHeartbeatsTakeTheWayOfAllRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := 0
		from, to, a, b := pairOfTransports(t, func(rpc raft.RPC) {
			if _, ok := rpc.Command.(*raft.AppendEntriesRequest); ok {
				seen++
			}
			rpc.Respond(&raft.AppendEntriesResponse{Success: true}, nil)
		})
		to.SetHeartbeatHandler(func(rpc raft.RPC) {
			t.Error("a heartbeat took the fast path beside raft's main loop")
			rpc.Respond(&raft.AppendEntriesResponse{}, nil)
		})
		heartbeat := &raft.AppendEntriesRequest{RPCHeader: header(from, a), Term: 5, Leader: []byte("a")}
		var response raft.AppendEntriesResponse
		err := from.AppendEntries(raft.ServerID(b.identity.NodeID), raft.ServerAddress(b.identity.Address), heartbeat, &response)
		if err != nil || !response.Success || seen != 1 {
			t.Fatalf("heartbeat: %v, %+v, seen %d", err, response, seen)
		}
	})
}

func TestRaftRequestsAreScreened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reached := 0
		from, _, a, b := pairOfTransports(t, func(rpc raft.RPC) {
			reached++
			if rpc.Reader != nil {
				_, _ = io.Copy(io.Discard, rpc.Reader)
			}
			rpc.Respond(&raft.RequestVoteResponse{Term: math.MaxUint64, Granted: true}, nil)
		})
		id, address := raft.ServerID(b.identity.NodeID), raft.ServerAddress(b.identity.Address)
		ask := func(change func(*raft.RequestVoteRequest)) error {
			request := &raft.RequestVoteRequest{RPCHeader: header(from, a), Term: 6}
			change(request)
			return from.RequestVote(id, address, request, &raft.RequestVoteResponse{})
		}
		if err := ask(func(r *raft.RequestVoteRequest) { r.Term = math.MaxUint64 }); err == nil || !strings.Contains(err.Error(), "speaks of term") {
			t.Fatalf("a forged term: %v", err)
		}
		if err := ask(func(r *raft.RequestVoteRequest) { r.ID = nil }); err == nil || !strings.Contains(err.Error(), "name its sender") {
			t.Fatalf("a request without a sender: %v", err)
		}
		b.roster.Set(peer.Members{Addresses: members(b)})
		if err := ask(func(*raft.RequestVoteRequest) {}); err == nil || !strings.Contains(err.Error(), "not a member") {
			t.Fatalf("a vote for a stranger: %v", err)
		}
		if reached != 0 {
			t.Fatalf("%d refused requests reached Raft", reached)
		}
		b.roster.Set(peer.Members{Addresses: members(a, b)})
		if err := ask(func(*raft.RequestVoteRequest) {}); reached != 1 || err == nil || !strings.Contains(err.Error(), "speaks of term") {
			t.Fatalf("an answer with a forged term: %v (reached %d)", err, reached)
		}
		huge := &raft.InstallSnapshotRequest{RPCHeader: header(from, a), Term: math.MaxUint64, Size: 1 << 20}
		err := from.InstallSnapshot(id, address, huge, &raft.InstallSnapshotResponse{}, strings.NewReader(strings.Repeat("x", 1<<20)))
		if err == nil || !strings.Contains(err.Error(), "speaks of term") {
			t.Fatalf("a refused snapshot: %v", err)
		}
	})
}

// A leader gave an attempt up and tried again; its follower went on from there. Then the first attempt's bytes are read. The leader is told the truth, and Raft nothing.
func TestASnapshotOfWhatIsCommittedHereIsNotInstalledAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reached []uint64
		from, _, a, b := pairOfTransports(t, func(rpc raft.RPC) {
			_, _ = io.Copy(io.Discard, rpc.Reader)
			request := rpc.Command.(*raft.InstallSnapshotRequest)
			reached = append(reached, request.LastLogIndex)
			rpc.Respond(&raft.InstallSnapshotResponse{Term: 5, Success: request.Term >= 5}, nil)
		})
		send := func(term, index uint64) raft.InstallSnapshotResponse {
			var response raft.InstallSnapshotResponse
			request := &raft.InstallSnapshotRequest{RPCHeader: header(from, a), Term: term, LastLogIndex: index, Size: 1 << 20}
			if err := from.InstallSnapshot(raft.ServerID(b.identity.NodeID), raft.ServerAddress(b.identity.Address), request, &response, strings.NewReader(strings.Repeat("x", 1<<20))); err != nil {
				t.Errorf("a snapshot up to %d: %v", index, err)
			}
			return response
		}
		for _, index := range []uint64{99, 100} {
			if response := send(5, index); !response.Success || response.Term != 5 || len(reached) != 0 {
				t.Errorf("a snapshot up to %d, of which all is here: %+v, reached %v", index, response, reached)
			}
		}
		if response := send(5, 101); !response.Success || !slices.Equal(reached, []uint64{101}) {
			t.Errorf("a newer snapshot: %+v, reached %v", response, reached)
		}
		if response := send(4, 99); response.Success || response.Term != 5 {
			t.Errorf("a snapshot of a leader that is none any more: %+v", response)
		}
	})
}

func TestStandNowStartsAnElection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		hosts := []string{"a", "b", "c"}
		var nodes []*raftNode
		for _, host := range hosts {
			d := newDisk()
			bootstrap(t, d, host, hosts...)
			nodes = append(nodes, startRaft(t, network, host, d))
		}
		leader := awaitLeader(t, 10*time.Second, nodes...)
		if leader == nil {
			t.Fatal("no leader")
		}
		time.Sleep(time.Second)
		follower := nodes[0]
		if follower == leader {
			follower = nodes[1]
		}
		start := time.Now()
		if err := follower.transport.StandNow(t.Context()); err != nil {
			t.Fatal(err)
		}
		if awaitLeader(t, 200*time.Millisecond, follower) == nil {
			t.Fatalf("the follower does not lead %v after it was told to stand", time.Since(start))
		}
	})
}
