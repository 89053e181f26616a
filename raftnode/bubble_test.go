package raftnode_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/raftnode"
	"github.com/coordd/coordd/raftnode/clustertest"
	"github.com/coordd/coordd/transport"
)

// verboseLog writes the nodes' lines when the environment asks for it.
func verboseLog() *slog.Logger {
	if os.Getenv("COORDD_TEST_LOG") == "" {
		return nil
	}
	return slog.New(slog.NewTextHandler(os.Stderr, nil))
}

// inBubble runs a test on a three-node cluster in memory, in fake time.
func inBubble(t *testing.T, options clustertest.Options, test func(t *testing.T, c *clustertest.Cluster)) {
	synctest.Test(t, func(t *testing.T) {
		options.Log = verboseLog()
		test(t, clustertest.Start(t, options))
	})
}

func lease(key, value string, ttl time.Duration) command.Op {
	return command.Set{Name: command.Name{Key: key}, Value: []byte(value), Condition: command.IfAbsent, Expiry: command.Expiry{Mode: command.ExpiryRelative, Milliseconds: ttl.Milliseconds()}}
}

// A leader that is cut off grants nothing; the others go on; when it is back it follows, and has what they did.
func TestIsolatedLeaderGrantsNothing(t *testing.T) {
	inBubble(t, clustertest.Options{}, func(t *testing.T, c *clustertest.Cluster) {
		old := c.AwaitLeader(-1)
		c.Isolate(old)
		outcome := make(chan error, 1)
		go func() {
			_, err := c.Try(old, set("job", "old"))
			outcome <- err
		}()
		next := c.AwaitLeader(old)
		c.Do(next, set("job", "new"))
		if err := <-outcome; transport.CodeOf(err) != command.CodeUnknownOutcome {
			t.Fatalf("the cut-off leader answered %v", err)
		}
		if _, err := c.Try(old, get("job")); transport.CodeOf(err) != command.CodeNoLeader {
			t.Fatalf("the cut-off leader answered a read with %v", err)
		}
		c.Rejoin(old)
		if got := c.Do(old, get("job"))[0]; string(got.Text) != "new" {
			t.Fatalf("after the cut was healed job holds %q", got.Text)
		}
	})
}

// An hour of leases: they end when they should, also across leader changes, and nobody's ends early.
func TestAnHourOfLeases(t *testing.T) {
	// Longer timeouts only make the hour cheaper to simulate.
	slower := func(_ int, config *raftnode.Config) {
		config.RaftTimeout = 2 * time.Second
		config.LeaderHold = 10 * time.Second
	}
	inBubble(t, clustertest.Options{Configure: slower}, func(t *testing.T, c *clustertest.Cluster) {
		const ttl = 30 * time.Second
		end := time.Now().Add(time.Hour)
		for round := 0; time.Now().Before(end); round++ {
			key := fmt.Sprintf("lease-%d", round)
			start := time.Now()
			c.Do(round%3, lease(key, "holder", ttl))
			if round%10 == 5 {
				leader := c.AwaitLeader(-1)
				if err := c.Node(leader).TransferLeadership(context.Background(), ""); err != nil {
					t.Fatalf("round %d: %v", round, err)
				}
			}
			time.Sleep(ttl - 200*time.Millisecond - time.Since(start))
			for len(c.Do((round+1)%3, get(key))[0].Text) > 0 {
				time.Sleep(100 * time.Millisecond)
			}
			lived := time.Since(start)
			if lived < ttl-5*time.Millisecond || lived > ttl+10*time.Second {
				t.Fatalf("round %d: a lease of %s lived %s", round, ttl, lived)
			}
			time.Sleep(30 * time.Second)
		}
	})
}
