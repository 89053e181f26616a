package raftnode_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/raftnode"
	"github.com/coordd/coordd/raftnode/clustertest"
)

// Raft never answers what still lies in one of its channels when it ends, and a leader whose disk hangs has something there. A bubble fails when a goroutine is left over.
func TestANodeThatEndsWhileItsRaftStandsStillLeavesNothingBehind(t *testing.T) {
	const attempts = 6 // whether Raft sees its end or what lies in its channels first is left to chance
	for range attempts {
		synctest.Test(t, func(t *testing.T) {
			c := clustertest.Start(t, clustertest.Options{Founded: true, Log: verboseLog(), Configure: func(_ int, config *raftnode.Config) { config.EntriesInFlight = 8 }})
			leader := c.AwaitLeader(-1)
			node := c.Node(leader)
			c.Disk(leader).SetSyncDelay(time.Hour)
			ctx, cancel := context.WithCancel(context.Background())
			for range 20 {
				go func() { _, _ = node.Execute(ctx, node.OpenLane(), []command.Op{set("job", "me")}) }()
				time.Sleep(time.Millisecond)
			}
			go func() { _ = node.RemoveMember(ctx, "nobody") }()
			go func() { _ = node.TransferLeadership(ctx, "") }()
			for node.Err() == nil { // the watchdog ends it, and Raft's end begins while its main loop stands
				time.Sleep(100 * time.Millisecond)
			}
			cancel()
			c.Kill(leader)
			c.Stop()
			time.Sleep(time.Minute) // after which whatever gives up has given up
		})
	}
}
