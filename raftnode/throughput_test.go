package raftnode_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/raftnode"
	"github.com/coordd/coordd/raftnode/clustertest"
)

// BenchmarkAcquireRelease takes and releases keys of their own from many lanes, on three nodes with bolt on loopback, all in this process.
func BenchmarkAcquireRelease(b *testing.B) {
	for _, flights := range []int{1, 2, 4, 8} {
		for _, lanes := range []int{1, 64, 256} {
			for _, where := range []string{"leader", "follower"} {
				b.Run(fmt.Sprintf("inflight=%d/lanes=%d/%s", flights, lanes, where), func(b *testing.B) {
					benchmarkAcquireRelease(b, flights, lanes, where == "leader")
				})
			}
		}
	}
}

func benchmarkAcquireRelease(b *testing.B, flights, lanes int, atLeader bool) {
	c := clustertest.Start(b, clustertest.Options{Loopback: true, Configure: func(_ int, config *raftnode.Config) { config.EntriesInFlight = flights }})
	at := c.AwaitLeader(-1)
	if !atLeader {
		at = c.Follower()
	}
	node := c.Node(at)
	entries := node.Metrics().Entries.Load()
	b.ResetTimer()
	var running sync.WaitGroup
	for lane := range lanes {
		running.Go(func() {
			own := node.OpenLane()
			key := command.Name{Key: fmt.Sprintf("lock-%d", lane)}
			for range b.N/lanes + 1 {
				take := command.Set{Name: key, Value: []byte("holder"), Condition: command.IfAbsent, Expiry: command.Expiry{Mode: command.ExpiryRelative, Milliseconds: 30000}}
				for _, op := range []command.Op{take, command.DeleteIf{Name: key, Condition: command.IfEqual, Operand: []byte("holder")}} {
					if _, err := node.Execute(context.Background(), own, []command.Op{op}); err != nil {
						b.Error(err)
						return
					}
				}
			}
		})
	}
	running.Wait()
	b.StopTimer()
	time.Sleep(100 * time.Millisecond)
	b.ReportMetric(2*float64(b.N)/float64(node.Metrics().Entries.Load()-entries+1), "cmds/entry")
}
