package peer_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/coordd/coordd/raftnode/store"
	"github.com/coordd/coordd/transport/peer"
	"github.com/coordd/coordd/transport/peer/memnet"
)

// lines is a state machine that can be restored: what was applied, a line each.
type lines struct{ entries }

// Restore implements raft.FSM.
func (l *lines) Restore(source io.ReadCloser) error {
	text, err := io.ReadAll(source)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.applied = strings.Fields(string(text))
	return nil
}

// follower is a real Raft that never stands for election, and a leader that says what the test wants.
type follower struct {
	t         *testing.T
	raft      *raft.Raft
	machine   *lines
	stores    *store.Stores
	self      *testNode
	leader    *testNode
	transport *peer.RaftTransport // of the leader
}

// startFollower starts one whose log has some entries already.
func startFollower(t *testing.T, log ...*raft.Log) *follower {
	t.Helper()
	network := memnet.New()
	f := &follower{t: t, machine: &lines{}, leader: startNode(t, network, "leader"), self: startNode(t, network, "follower")}
	f.transport = peer.NewRaftTransport(f.leader.port, peer.RaftConfig{CurrentTerm: func() uint64 { return 1 }, Committed: func() uint64 { return 0 }})
	t.Cleanup(func() { _ = f.transport.Close() })
	var err error
	f.stores, err = store.NewMemory().Open(store.Options{OnFatal: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range log {
		if err := f.stores.Log.StoreLog(entry); err != nil {
			t.Fatal(err)
		}
	}
	config := raft.DefaultConfig()
	config.LocalID = raft.ServerID(f.self.identity.NodeID)
	config.HeartbeatTimeout, config.ElectionTimeout = time.Hour, time.Hour
	config.SnapshotInterval = time.Hour
	config.Logger = hclog.NewNullLogger()
	var started atomic.Pointer[raft.Raft]
	committed := func() uint64 {
		if engine := started.Load(); engine != nil {
			return max(engine.CommitIndex(), engine.AppliedIndex())
		}
		return 0
	}
	transport := peer.NewRaftTransport(f.self.port, peer.RaftConfig{
		CurrentTerm: func() uint64 { return 1 }, Committed: committed, Covered: func() (uint64, uint64) { return f.stores.NewestSnapshot() },
	})
	if f.raft, err = raft.NewRaft(config, f.machine, f.stores.Log, f.stores.Stable, f.stores.Snapshots, transport); err != nil {
		t.Fatal(err)
	}
	started.Store(f.raft)
	t.Cleanup(func() { _ = f.raft.Shutdown().Error() })
	return f
}

func (f *follower) header() raft.RPCHeader {
	id := f.leader.identity
	return raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(id.NodeID), Addr: f.transport.EncodePeer(raft.ServerID(id.NodeID), raft.ServerAddress(id.Address))}
}

func (f *follower) address() (raft.ServerID, raft.ServerAddress) {
	return raft.ServerID(f.self.identity.NodeID), raft.ServerAddress(f.self.identity.Address)
}

// append sends entries that come after one, and reports whether the follower took them.
func (f *follower) append(term, previous, previousTerm, commit uint64, log ...*raft.Log) bool {
	f.t.Helper()
	request := &raft.AppendEntriesRequest{RPCHeader: f.header(), Term: term, PrevLogEntry: previous, PrevLogTerm: previousTerm, LeaderCommitIndex: commit, Entries: log}
	response := &raft.AppendEntriesResponse{}
	id, address := f.address()
	if err := f.transport.AppendEntries(id, address, request, response); err != nil {
		f.t.Fatal(err)
	}
	return response.Success
}

// install sends a snapshot whose state is entries 1 to its last one.
func (f *follower) install(term, last, lastTerm uint64) {
	f.t.Helper()
	f.installFrom(term, last, lastTerm, func(state string) io.Reader { return strings.NewReader(state) })
}

// installFrom is install with bytes that come as a reader gives them.
func (f *follower) installFrom(term, last, lastTerm uint64, reader func(state string) io.Reader) {
	f.t.Helper()
	id, address := f.address()
	state := strings.Join(dataOf(1, last), "\n")
	configuration := raft.EncodeConfiguration(raft.Configuration{Servers: []raft.Server{{ID: id, Address: address}}})
	request := &raft.InstallSnapshotRequest{
		RPCHeader: f.header(), SnapshotVersion: 1, Term: term, LastLogIndex: last, LastLogTerm: lastTerm, Size: int64(len(state)), Configuration: configuration, ConfigurationIndex: 1,
	}
	response := &raft.InstallSnapshotResponse{}
	if err := f.transport.InstallSnapshot(id, address, request, response, reader(state)); err != nil || !response.Success {
		f.t.Errorf("the snapshot was not taken: %+v, %v", response, err)
	}
}

// wants compares what the machine ran, and what a log that begins behind a snapshot has, with entries 1 to a last one.
func (f *follower) wants(last uint64, terms ...uint64) {
	f.t.Helper()
	synctest.Wait()
	if got := f.machine.appliedSoFar(); !slices.Equal(got, dataOf(1, last)) {
		f.t.Errorf("the machine ran %q, want entries 1 to %d", got, last)
	}
	var got []uint64
	first, _ := f.stores.Log.FirstIndex()
	end, _ := f.stores.Log.LastIndex()
	for index := first; index <= end && end > 0; index++ {
		var entry raft.Log
		if err := f.stores.Log.GetLog(index, &entry); err != nil {
			f.t.Errorf("entry %d of a log from %d to %d: %v", index, first, end, err)
		}
		got = append(got, entry.Term)
	}
	if !slices.Equal(got, terms) {
		f.t.Errorf("the log has entries %d to %d of the terms %v, want %v", first, end, got, terms)
	}
}

func dataOf(first, last uint64) (data []string) {
	for index := first; index <= last; index++ {
		data = append(data, fmt.Sprint("e", index))
	}
	return data
}

// log makes entries of a term. What is never committed says so.
func logOf(term, first, last uint64) (entries []*raft.Log) {
	for index := first; index <= last; index++ {
		entries = append(entries, &raft.Log{Index: index, Term: term, Type: raft.LogCommand, Data: fmt.Append(nil, "e", index)})
	}
	return entries
}

func strayOf(term, first, last uint64) (entries []*raft.Log) {
	entries = logOf(term, first, last)
	for _, entry := range entries {
		entry.Data = []byte("never-committed")
	}
	return entries
}

// A leader sends a snapshot, and then entries behind it; and the snapshot once more, as it does that learnt late that it had arrived. What the follower acknowledged stays.
// Its Raft counts on it: seed 6459 of the simulation ended in a panic.
func TestASnapshotThatComesTwiceTakesNothingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startFollower(t)
		f.install(2, 5, 2)
		if !f.append(2, 5, 2, 5, logOf(2, 6, 8)...) {
			t.Error("entries right behind the snapshot were refused")
		}
		f.install(2, 5, 2)
		f.wants(5, 2, 2, 2)
		if !f.append(2, 8, 2, 9, logOf(2, 9, 9)...) {
			t.Error("what came next was refused")
		}
		f.wants(9, 2, 2, 2, 2)
	})
}

// Behind the snapshot stands a change of the members, which counts from when it is stored. The snapshot comes again: what it says of the members is older, and must not count again.
func TestASnapshotThatComesTwiceForgetsNoMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startFollower(t)
		f.install(2, 5, 2)
		id, address := f.address()
		changed := raft.Configuration{Servers: []raft.Server{{ID: id, Address: address}, {ID: "new", Address: "new:1"}}}
		if !f.append(2, 5, 2, 5, &raft.Log{Index: 6, Term: 2, Type: raft.LogConfiguration, Data: raft.EncodeConfiguration(changed)}) {
			t.Fatal("the change of the members was refused")
		}
		f.install(2, 5, 2)
		future := f.raft.GetConfiguration()
		if err := future.Error(); err != nil || len(future.Configuration().Servers) != 2 {
			t.Errorf("the follower counts %v as members (%v), and has acknowledged another one", future.Configuration().Servers, err)
		}
	})
}

// A request that lies before a snapshot comes while Raft installs that one. Whether it is covered cannot be told before Raft is done.
func TestWhatComesWhileASnapshotIsInstalledIsJudgedAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startFollower(t)
		f.install(2, 5, 2)
		release, installed, appended := make(chan struct{}), make(chan struct{}), make(chan struct{})
		go func() {
			defer close(installed)
			f.installFrom(2, 20, 2, func(state string) io.Reader { return &heldReader{strings.NewReader(state), release} })
		}()
		synctest.Wait()
		go func() {
			defer close(appended)
			f.append(2, 5, 2, 8, logOf(2, 6, 8)...)
		}()
		synctest.Wait()
		close(release)
		<-installed
		<-appended
		if !f.append(2, 20, 2, 21, logOf(2, 21, 21)...) {
			t.Error("what came next was refused")
		}
		f.wants(21, 2)
	})
}

// heldReader gives its last bytes when it is released.
type heldReader struct {
	state   *strings.Reader // not embedded: it could write itself, all at once
	release chan struct{}
}

func (r *heldReader) Read(into []byte) (int, error) {
	if r.state.Len() <= 3 {
		<-r.release
	} else {
		into = into[:min(len(into), r.state.Len()-3)]
	}
	return r.state.Read(into)
}

// The entries behind a snapshot were never committed, and a new leader has others. It compares the snapshot's last entry, which no log has.
func TestAnewLeaderOverwritesWhatStandsBehindASnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startFollower(t)
		f.install(2, 5, 2)
		f.append(2, 5, 2, 5, strayOf(2, 6, 8)...)
		if !f.append(3, 5, 2, 6, logOf(3, 6, 6)...) {
			t.Fatal("the new leader's entry was refused: it can only send its snapshot again, for ever")
		}
		f.wants(6, 3)
		if !f.append(3, 6, 3, 7, logOf(3, 7, 7)...) {
			t.Error("what came next was refused")
		}
		f.wants(7, 3, 3)
	})
}

// The follower led once, was cut off, and has a history of its own, beyond the snapshot that it is sent.
func TestAHistoryOfItsOwnGivesWayToASnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startFollower(t, strayOf(1, 1, 9)...)
		f.install(2, 5, 2)
		f.wants(5, 1, 1, 1, 1)
		if !f.append(2, 5, 2, 7, logOf(2, 6, 7)...) {
			t.Fatal("the leader's entries were refused: this node could only be started again")
		}
		f.wants(7, 2, 2)
	})
}

// A request may begin before what the snapshot covers, and end before it, in it or behind it. What is left of it is all that counts: the rest of the log may be of another history.
func TestRequestsAreShortenedByWhatASnapshotCovers(t *testing.T) {
	for _, c := range []struct {
		name            string
		previous, first uint64
		last, commit    uint64
		takes           bool
		terms           []uint64
		ran             uint64
	}{
		{"it ends before", 2, 3, 4, 8, true, []uint64{2, 2, 2}, 5},
		{"it ends where the snapshot does", 2, 3, 5, 8, true, []uint64{2, 2, 2}, 5},
		{"it goes on behind it", 2, 3, 6, 8, true, []uint64{3}, 6},
		{"it has nothing more", 5, 6, 5, 8, true, []uint64{2, 2, 2}, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := startFollower(t)
				f.install(2, 5, 2)
				f.append(2, 5, 2, 5, strayOf(2, 6, 8)...)
				sent := logOf(2, c.first, c.last)
				for _, entry := range sent {
					if entry.Index > 5 {
						entry.Term = 3
					}
				}
				if got := f.append(3, c.previous, 2, c.commit, sent...); got != c.takes {
					t.Errorf("taken: %t", got)
				}
				f.wants(c.ran, c.terms...)
			})
		})
	}
}

// Who says something else of a committed entry is not believed.
func TestAnotherTermThanTheSnapshotsIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startFollower(t)
		f.install(2, 5, 2)
		f.append(2, 5, 2, 5, logOf(2, 6, 8)...)
		if f.append(2, 5, 1, 8, logOf(2, 6, 6)...) {
			t.Error("a request was taken that names another term for the snapshot's last entry")
		}
		if f.append(2, 3, 2, 8, logOf(1, 4, 6)...) {
			t.Error("a request was taken whose entries contradict the snapshot")
		}
		f.wants(5, 2, 2, 2)
	})
}
