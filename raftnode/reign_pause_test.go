package raftnode_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coordd/coordd/raftnode"
	"github.com/coordd/coordd/raftnode/clustertest"
)

func hostOf(place int) string { return fmt.Sprintf("n%d", place) }

// counting counts log lines that contain a text.
type counting struct {
	text  string
	count *atomic.Int64
}

func (c counting) Enabled(context.Context, slog.Level) bool { return true }
func (c counting) WithAttrs([]slog.Attr) slog.Handler       { return c }
func (c counting) WithGroup(string) slog.Handler            { return c }
func (c counting) Handle(_ context.Context, record slog.Record) error {
	if strings.Contains(record.Message, c.text) {
		c.count.Add(1)
	}
	return nil
}

// A leader whose reign has ended cannot begin another while Raft hands leadership over, here to a node that is down. It waits between one attempt and the next: seed 7866 of the
// simulation did nothing else for ever.
func TestAReignThatCannotBeginIsNotTriedAgainAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var refusals atomic.Int64
		c := clustertest.Start(t, clustertest.Options{
			Configure: func(_ int, config *raftnode.Config) { config.DisableEarlyElection = true }, Log: slog.New(counting{"a reign could not begin", &refusals}),
		})
		leader := c.AwaitLeader(-1)
		heir, third := (leader+1)%3, hostOf((leader+2)%3)
		for _, link := range [][2]string{{hostOf(leader), third}, {third, hostOf(leader)}} {
			c.Network.SetDelay(link[0], link[1], time.Millisecond) // or time would stand still
		}
		heirID := c.Node(heir).Status().NodeID
		c.Kill(heir)
		c.Do(leader, set("job", "which the heir lacks"))
		go c.Node(leader).HandOverNow(heirID)
		time.Sleep(10 * time.Millisecond)
		c.Node(leader).EndReign()
		time.Sleep(200 * time.Millisecond) // for an election timeout of 300 ms Raft goes on trying
		if got := refusals.Load(); got < 2 || got > 5 {
			t.Errorf("in 200 ms a reign could not begin %d times; it is to be tried again every %v", got, raftnode.ReignPause)
		}
		c.Restart(heir)
		time.Sleep(time.Second)
		c.Do(c.AwaitLeader(-1), set("job", "done"))
	})
}
