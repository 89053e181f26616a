package raftnode

import (
	"errors"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// outcomeOf rests on a field of the library's futures. Each kind that this package waits for has it, and an answer that never comes ends with Raft.
func TestEveryFutureOfRaftEndsWithIt(t *testing.T) {
	_, transport := raft.NewInmemTransport("")
	config := raft.DefaultConfig()
	config.LocalID, config.LogOutput = "alone", t.Output()
	engine, err := raft.NewRaft(config, &raft.MockFSM{}, raft.NewInmemStore(), raft.NewInmemStore(), raft.NewInmemSnapshotStore(), transport)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = engine.Shutdown().Error() }()
	for name, future := range map[string]raft.Future{
		"Apply":                      engine.Apply(nil, time.Second),
		"Barrier":                    engine.Barrier(time.Second),
		"AddVoter":                   engine.AddVoter("b", "b", 0, time.Second),
		"LeadershipTransferToServer": engine.LeadershipTransferToServer("b", "b"),
	} {
		ended := make(chan struct{})
		if !watchEnd(future, ended) {
			t.Errorf("the future of %s has no ShutdownCh any more: nodes that end leave goroutines behind; find another way to end the wait", name)
		}
		if err := future.Error(); !errors.Is(err, raft.ErrNotLeader) {
			t.Errorf("%s was answered with %v", name, err)
		}
	}
}
