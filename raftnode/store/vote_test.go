package store

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// Raft votes in term 5 for X and, later, begins to write a vote in term 6 for Y when the machine crashes between the two writes. After the
// restart X, whose log is older, asks for a vote in term 6. It must not get one: the stored pair is the whole vote of term 5.
func TestS21_CrashBetweenTheTwoVoteWrites(t *testing.T) {
	disk := NewMemory()
	stores, err := disk.Open(Options{OnFatal: unexpected(t)})
	if err != nil {
		t.Fatal(err)
	}
	configuration := raft.Configuration{Servers: []raft.Server{
		{ID: "id-a", Address: "a"}, {ID: "id-x", Address: "x"}, {ID: "id-y", Address: "y"},
	}}
	must(t, stores.Bootstrap(configuration))
	must(t, stores.Log.StoreLog(&raft.Log{Index: 2, Term: 5, Type: raft.LogCommand, Data: []byte("grant")}))
	must(t, stores.Stable.SetUint64([]byte("CurrentTerm"), 5))
	must(t, stores.Stable.SetUint64([]byte("LastVoteTerm"), 5))
	must(t, stores.Stable.Set([]byte("LastVoteCand"), []byte("x")))
	must(t, stores.Stable.SetUint64([]byte("CurrentTerm"), 6))
	must(t, stores.Stable.SetUint64([]byte("LastVoteTerm"), 6))
	disk.Crash()

	if stores, err = disk.Open(Options{OnFatal: unexpected(t)}); err != nil {
		t.Fatal(err)
	}
	if term, err := stores.Stable.GetUint64([]byte("LastVoteTerm")); term != 5 || err != nil {
		t.Errorf("the term of the last vote is %d, %v; the last whole vote was in term 5", term, err)
	}
	response := askForVote(t, stores, &raft.RequestVoteRequest{
		RPCHeader: raft.RPCHeader{ProtocolVersion: 3, ID: []byte("id-x"), Addr: []byte("x")},
		Term:      6, LastLogIndex: 1, LastLogTerm: 1,
	})
	if response.Granted {
		t.Fatal("a candidate without the newest entry got a vote that was never cast")
	}
}

// CurrentTerm must be on disk before anything else happens in that term: a node that forgot it would vote in it again.
func TestS21_CurrentTermIsWrittenThroughAtOnce(t *testing.T) {
	disk := NewMemory()
	stores, err := disk.Open(Options{OnFatal: unexpected(t)})
	if err != nil {
		t.Fatal(err)
	}
	must(t, stores.Stable.SetUint64([]byte("CurrentTerm"), 9))
	disk.Crash()
	if stores, err = disk.Open(Options{OnFatal: unexpected(t)}); err != nil {
		t.Fatal(err)
	}
	if term, err := stores.CurrentTerm(); term != 9 || err != nil {
		t.Fatalf("current term %d, %v", term, err)
	}
}

// A vote that was written whole survives, and binds: nobody else gets a vote in that term, the same candidate gets it again.
func TestS21_WholeVoteBindsAfterACrash(t *testing.T) {
	disk := NewMemory()
	stores, err := disk.Open(Options{OnFatal: unexpected(t)})
	if err != nil {
		t.Fatal(err)
	}
	must(t, stores.Bootstrap(raft.Configuration{Servers: []raft.Server{
		{ID: "id-a", Address: "a"}, {ID: "id-x", Address: "x"}, {ID: "id-y", Address: "y"},
	}}))
	must(t, stores.Stable.SetUint64([]byte("CurrentTerm"), 6))
	must(t, stores.Stable.SetUint64([]byte("LastVoteTerm"), 6))
	must(t, stores.Stable.Set([]byte("LastVoteCand"), []byte("x")))
	for candidate, granted := range map[string]bool{"y": false, "x": true} {
		disk.Crash()
		if stores, err = disk.Open(Options{OnFatal: unexpected(t)}); err != nil {
			t.Fatal(err)
		}
		response := askForVote(t, stores, &raft.RequestVoteRequest{
			RPCHeader: raft.RPCHeader{ProtocolVersion: 3, ID: []byte("id-" + candidate), Addr: []byte(candidate)},
			Term:      6, LastLogIndex: 10, LastLogTerm: 5,
		})
		if response.Granted != granted {
			t.Errorf("candidate %s: granted %v", candidate, response.Granted)
		}
	}
}

// askForVote starts a Raft on the stores, asks it for a vote, and stops it.
func askForVote(t *testing.T, stores *Stores, request *raft.RequestVoteRequest) raft.RequestVoteResponse {
	t.Helper()
	config := raft.DefaultConfig()
	config.LocalID = "id-a"
	config.HeartbeatTimeout, config.ElectionTimeout = time.Hour, time.Hour
	config.Logger = hclog.NewNullLogger()
	_, transport := raft.NewInmemTransport("a")
	node, err := raft.NewRaft(config, nothing{}, stores.Log, stores.Stable, stores.Snapshots, transport)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := node.Shutdown().Error(); err != nil {
			t.Error(err)
		}
	}()
	_, asking := raft.NewInmemTransport("x")
	asking.Connect("a", transport)
	var response raft.RequestVoteResponse
	if err := asking.RequestVote("id-a", "a", request, &response); err != nil {
		t.Fatal(err)
	}
	return response
}

// nothing is a state machine without state.
type nothing struct{}

func (nothing) Apply(*raft.Log) any                 { return nil }
func (nothing) Snapshot() (raft.FSMSnapshot, error) { return nil, errors.New("nothing to keep") }
func (nothing) Restore(io.ReadCloser) error         { return errors.New("nothing to restore") }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
