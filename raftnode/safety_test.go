package raftnode_test

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/raftnode"
	"github.com/coordd/coordd/raftnode/clustertest"
	"github.com/coordd/coordd/raftnode/store"
	"github.com/coordd/coordd/transport"
	"github.com/coordd/coordd/transport/peer"
)

func TestS13_NoSessionEndsBecauseEveryNodeWasStopped(t *testing.T) {
	inBubble(t, clustertest.Options{}, func(t *testing.T, c *clustertest.Cluster) {
		const ttl = 2 * time.Second
		opened := c.Do(0, command.SessionOpen{TTLMilliseconds: ttl.Milliseconds()})[0]
		session, err := command.ParsePosition(string(opened.Elements[1].Text))
		if err != nil {
			t.Fatal(err)
		}
		keepAlive := command.SessionKeepAlive{Session: session}
		c.Do(0, keepAlive)
		for i := range c.Size() {
			c.Clock(i).Jump(3 * ttl) // every process was stopped for three times the TTL
		}
		time.Sleep(ttl / 3)
		if reply := c.Do(0, keepAlive)[0]; reply.IsError() {
			t.Fatalf("the session of a client that could not renew ended: %s", reply.Text)
		}
		time.Sleep(ttl + 600*time.Millisecond)
		if reply := c.Do(0, keepAlive)[0]; reply.Code != command.CodeNoSession {
			t.Fatalf("a session that nobody renewed for its TTL lives on: %+v", reply)
		}
	})
}

// A new leader knows no commit index of its own term until its barrier has passed, and may not know the last one of its predecessor's: what that has acknowledged is read all the same.
func TestS16_ANewLeaderReadsWhatItsPredecessorAcknowledged(t *testing.T) {
	inBubble(t, clustertest.Options{}, func(t *testing.T, c *clustertest.Cluster) {
		for round := range 5 {
			leader := c.AwaitLeader(-1)
			want := fmt.Sprint(round)
			c.Do(leader, set("k", want))
			c.Kill(leader)
			for i := range c.Size() {
				c.Disk(i).SetSyncDelay(100 * time.Millisecond) // so that the barrier takes its time
			}
			next := c.AwaitLeader(leader)
			if got := string(c.Do(next, get("k"))[0].Text); got != want {
				t.Fatalf("round %d: the new leader answers %q", round, got)
			}
			for i := range c.Size() {
				c.Disk(i).SetSyncDelay(0)
			}
			c.Restart(leader)
			c.AwaitReady(leader)
			time.Sleep(2 * time.Minute)
		}
	})
}

// unixNow asks a node for the time, in seconds.
func unixNow(t *testing.T, c *clustertest.Cluster, node int) time.Time {
	t.Helper()
	reply := c.Do(node, command.Time{})[0]
	seconds, err := strconv.ParseInt(string(reply.Elements[0].Text), 10, 64)
	if err != nil {
		t.Fatalf("TIME answers %+v", reply)
	}
	micros, _ := strconv.ParseInt(string(reply.Elements[1].Text), 10, 64)
	return time.Unix(seconds, micros*1000)
}

func TestS27_UnixTimeFollowsTheMedianOfTheVoters(t *testing.T) {
	inBubble(t, clustertest.Options{}, func(t *testing.T, c *clustertest.Cluster) {
		near := func(when string) {
			t.Helper()
			if off := unixNow(t, c, 0).Sub(time.Now()).Abs(); off > 1200*time.Millisecond {
				t.Fatalf("%s TIME is off by %s", when, off)
			}
		}
		near("at first")
		wrong := c.AwaitLeader(-1)
		c.Clock(wrong).SetWallOffset(time.Hour)
		time.Sleep(2 * time.Minute)
		near("with a leader whose clock was stepped by an hour")
		inTwoSeconds := command.Expiry{Mode: command.ExpiryAbsolute, Milliseconds: time.Now().Add(2 * time.Second).UnixMilli()}
		c.Do(1, command.Set{Name: command.Name{Key: "soon"}, Value: []byte("v"), Expiry: inTwoSeconds})
		time.Sleep(1500 * time.Millisecond)
		if c.Do(1, get("soon"))[0].IsNil() {
			t.Fatal("a PXAT two seconds ahead was gone after one and a half")
		}
		time.Sleep(1200 * time.Millisecond)
		if !c.Do(1, get("soon"))[0].IsNil() {
			t.Fatal("a PXAT two seconds ahead was there after 2.7 s")
		}
		for i := range c.Size() {
			c.Clock(i).Jump(20 * time.Second)
			c.Clock(i).SetWallOffset(20 * time.Second) // the processes were stopped for 20 s of wall time
		}
		time.Sleep(time.Second)
		if off := (unixNow(t, c, 0).Sub(time.Now()) - 20*time.Second).Abs(); off > 1200*time.Millisecond {
			t.Fatalf("after a stop of 20 s TIME is off by %s", off)
		}
	})
}

func TestLeasesHoldWhenClocksRunAtDifferentRates(t *testing.T) {
	inBubble(t, clustertest.Options{}, func(t *testing.T, c *clustertest.Cluster) {
		for i, rate := range []float64{0.95, 1, 1.05} {
			c.Clock(i).SetRate(rate)
		}
		for range 5 {
			start := time.Now()
			c.Do(0, lease("k", "holder", 4*time.Second))
			time.Sleep(3700 * time.Millisecond)
			if c.Do(0, get("k"))[0].IsNil() {
				t.Fatalf("a lease of 4 s was gone after %s", time.Since(start))
			}
			time.Sleep(2 * time.Second)
			if !c.Do(0, get("k"))[0].IsNil() {
				t.Fatalf("a lease of 4 s was there after %s", time.Since(start))
			}
			if err := c.Node(0).TransferLeadership(context.Background(), ""); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Increments from every node, while connections break, leaders are cut off and killed: each one counts once.
func TestS17_AResentCommandHasOneEffect(t *testing.T) {
	inBubble(t, clustertest.Options{}, func(t *testing.T, c *clustertest.Cluster) {
		counter := command.Increment{Name: command.Name{Key: "counter"}, Delta: 1}
		for from := range c.Size() {
			for to := range c.Size() {
				c.Network.SetDelay(fmt.Sprintf("n%d", from), fmt.Sprintf("n%d", to), 5*time.Millisecond) // so that every cut meets something under way
			}
		}
		var mu sync.Mutex
		var acknowledged, unknown int
		stop := make(chan struct{})
		var running sync.WaitGroup
		for worker := range 12 {
			node := c.Node(worker % 3)
			running.Go(func() {
				for lane := node.OpenLane(); ; {
					select {
					case <-stop:
						return
					default:
					}
					replies, err := node.Execute(context.Background(), lane, []command.Op{counter})
					mu.Lock()
					switch {
					case err == nil && replies[0].Type == command.ReplyInteger:
						acknowledged++
					case transport.CodeOf(err) == command.CodeUnknownOutcome:
						unknown++
					}
					mu.Unlock()
					time.Sleep(3 * time.Millisecond)
				}
			})
		}
		for round := range 12 {
			time.Sleep(400 * time.Millisecond)
			leader := c.AwaitLeader(-1)
			switch round % 3 {
			case 0:
				for other := range c.Size() {
					if other != leader {
						c.Network.Drop(fmt.Sprintf("n%d", leader), fmt.Sprintf("n%d", other))
					}
				}
			case 1:
				c.Isolate(leader)
				c.AwaitLeader(leader)
				time.Sleep(200 * time.Millisecond)
				c.Rejoin(leader)
			case 2:
				_ = c.Node(leader).TransferLeadership(context.Background(), "")
			}
		}
		close(stop)
		running.Wait()
		reply := c.Do(0, get("counter"))[0]
		total, _ := strconv.Atoi(string(reply.Text))
		t.Logf("%d acknowledged, %d unknown, the counter says %d", acknowledged, unknown, total)
		if total < acknowledged || total > acknowledged+unknown || acknowledged < 500 {
			t.Fatalf("%d increments were acknowledged and %d are unknown, but the counter says %d", acknowledged, unknown, total)
		}
	})
}

func TestS17_ALostNodeSessionCostsUnknownOutcomesNeverASecondEffect(t *testing.T) {
	inBubble(t, clustertest.Options{}, func(t *testing.T, c *clustertest.Cluster) {
		node := c.Follower()
		c.Do(node, set("a", "1"))
		c.Node(node).LoseSession()
		// The first command under the dead session is refused by the machine, and runs under a number of the new one, since it never ran.
		if reply := c.Do(node, command.Increment{Name: command.Name{Key: "n"}, Delta: 1})[0]; reply.Integer != 1 {
			t.Fatalf("after its node's session was lost INCR answers %+v", reply)
		}
		if reply := c.Do(node, get("n"))[0]; string(reply.Text) != "1" {
			t.Fatalf("it ran %s times", reply.Text)
		}
	})
}

func TestS36_ANodeWhoseStateDiffersStopsServing(t *testing.T) {
	inBubble(t, clustertest.Options{}, func(t *testing.T, c *clustertest.Cluster) {
		c.Do(0, lease("k", "v", time.Hour)) // a deadline, so that the leader ticks
		wrong := c.Follower()
		c.Node(wrong).Diverge(set("nobody wrote this", "v"))
		for range 100 {
			c.Do(c.AwaitLeader(-1), set("x", "y"))
			if c.Node(wrong).Err() != nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		if c.Node(wrong).Err() == nil {
			t.Fatal("a node with another state goes on")
		}
		if _, err := c.Try(wrong, get("k")); transport.CodeOf(err) != command.CodeShuttingDown {
			t.Fatalf("it answers %v", err)
		}
	})
}

func TestMembersComeAndGo(t *testing.T) {
	inBubble(t, clustertest.Options{}, func(t *testing.T, c *clustertest.Cluster) {
		c.Do(0, set("job", "v"))
		leader := c.AwaitLeader(-1)
		added := c.Add()
		status := c.Node(added).Status()
		if err := c.Node((leader+1)%3).AddMember(context.Background(), status.NodeID, c.Config(added).PeerAddress, true); err != nil {
			t.Fatal(err)
		}
		c.AwaitReady(added)
		if got := c.Do(added, get("job"))[0]; string(got.Text) != "v" {
			t.Fatalf("the new node answers %+v", got)
		}
		if voters := c.Node(leader).Status().Voters(); voters != 4 {
			t.Fatalf("%d voters", voters)
		}
		removed := c.Node(leader)
		if err := removed.RemoveMember(context.Background(), removed.Status().NodeID); err != nil {
			t.Fatal(err)
		}
		next := c.AwaitLeader(leader)
		c.Do(next, set("job", "w"))
		for deadline := time.Now().Add(20 * time.Second); removed.Err() == nil; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("a removed node goes on")
			}
		}
		if voters := c.Node(next).Status().Voters(); voters != 3 {
			t.Fatalf("%d voters", voters)
		}
	})
}

// A node gets its vote once it has nearly all of the log: before, it would count among those who are needed and could not help.
func TestS25_AVoterHasCaughtUp(t *testing.T) {
	inBubble(t, clustertest.Options{}, func(t *testing.T, c *clustertest.Cluster) {
		leader := c.AwaitLeader(-1)
		const entries, nearly = 1000, 300
		for i := range entries {
			c.Do(leader, set(fmt.Sprint(i), "v"))
		}
		added := c.Add()
		c.Disk(added).SetSyncDelay(300 * time.Millisecond)
		if err := c.Node(leader).AddMember(context.Background(), c.Node(added).Status().NodeID, c.Config(added).PeerAddress, true); err != nil {
			t.Fatal(err)
		}
		has, all, voters := c.Node(added).Status().LastIndex, c.Node(leader).Status().LastIndex, c.Node(leader).Status().Voters()
		c.Disk(added).SetSyncDelay(0)
		if all < entries || has+nearly < all {
			t.Errorf("a node with %d of %d entries is a voter", has, all)
		}
		if voters != 4 {
			t.Errorf("%d voters", voters)
		}
		c.AwaitReady(added)
	})
}

func TestAGracefulStopHandsLeadershipOver(t *testing.T) {
	inBubble(t, clustertest.Options{}, func(t *testing.T, c *clustertest.Cluster) {
		leader := c.AwaitLeader(-1)
		start := time.Now()
		c.StopNode(leader)
		next := c.AwaitLeader(leader)
		c.Do(next, set("k", "v"))
		if took := time.Since(start); took > 200*time.Millisecond {
			t.Fatalf("the next write was done %s after the stop began", took)
		}
		c.Restart(leader)
		c.AwaitReady(leader)
	})
}

func TestS14_ACrashedLeaderIsReplacedAtOnce(t *testing.T) {
	inBubble(t, clustertest.Options{}, func(t *testing.T, c *clustertest.Cluster) {
		for range 3 {
			leader := c.AwaitLeader(-1)
			start := time.Now()
			c.Kill(leader)
			next := c.AwaitLeader(leader)
			c.Do(next, set("k", "v"))
			if took := time.Since(start); took > 250*time.Millisecond {
				t.Fatalf("it took %s", took)
			}
			c.Restart(leader)
			c.AwaitReady(leader)
			time.Sleep(2 * time.Minute) // early elections in a row are paced
		}
	})
}

// refusing is a network on which some addresses refuse connections, as behind a firewall that answers with resets.
type refusing struct {
	peer.Network
	addresses sync.Map
}

// Dial implements peer.Network.
func (r *refusing) Dial(ctx context.Context, address string) (net.Conn, error) {
	if _, refused := r.addresses.Load(address); refused {
		return nil, &net.OpError{Op: "dial", Net: "memory", Err: syscall.ECONNREFUSED}
	}
	return r.Network.Dial(ctx, address)
}

func TestS14_TwoNodesThatCannotReachEachOtherDoNotDeposeEachOther(t *testing.T) {
	var networks [3]*refusing
	firewall := func(place int, config *raftnode.Config) {
		networks[place] = &refusing{Network: config.Network}
		config.Network = networks[place]
	}
	inBubble(t, clustertest.Options{Configure: firewall}, func(t *testing.T, c *clustertest.Cluster) {
		leader := c.AwaitLeader(-1)
		term := c.Node(leader).Status().Term
		cutOff := (leader + 1) % 3
		networks[leader].addresses.Store(c.Config(cutOff).PeerAddress, true)
		networks[cutOff].addresses.Store(c.Config(leader).PeerAddress, true)
		for range 10 {
			c.Network.Drop(fmt.Sprintf("n%d", leader), fmt.Sprintf("n%d", cutOff))
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(10 * time.Second)
		if status := c.Node(leader).Status(); status.Role != transport.RoleLeader || status.Term != term {
			t.Fatalf("the leader of term %d, whom the third node still hears, is %s in term %d", term, status.Role, status.Term)
		}
	})
}

func TestAnFsyncOfAQuarterSecondIsSurvived(t *testing.T) {
	inBubble(t, clustertest.Options{}, func(t *testing.T, c *clustertest.Cluster) {
		for i := range c.Size() {
			c.Disk(i).SetSyncDelay(250 * time.Millisecond)
		}
		leader := c.AwaitLeader(-1)
		for i := range 10 {
			c.Do(i%3, set("k", "v"))
		}
		if now := c.AwaitLeader(-1); now != leader {
			t.Logf("leadership went from %d to %d", leader, now)
		}
		for i := range c.Size() {
			if err := c.Node(i).Err(); err != nil {
				t.Fatalf("node %d: %v", i, err)
			}
		}
	})
}

func TestEveryNodeKilledAtOnceForgetsNothing(t *testing.T) {
	inBubble(t, clustertest.Options{}, func(t *testing.T, c *clustertest.Cluster) {
		var largest int64
		for round := range 3 {
			for i := range 20 {
				c.Do(i%3, set(fmt.Sprintf("%d-%d", round, i), "v"))
			}
			fence := command.Fence{Name: command.Name{Key: fmt.Sprintf("%d-19", round)}}
			token := c.Do(0, fence)[0].Integer
			if token <= largest {
				t.Fatalf("token %d after %d", token, largest)
			}
			largest = token
			for i := range c.Size() {
				c.Kill(i)
			}
			for i := range c.Size() {
				c.Restart(i)
			}
			for i := range c.Size() {
				c.AwaitReady(i)
			}
			for i := range 20 {
				if c.Do(i%3, get(fmt.Sprintf("%d-%d", round, i)))[0].IsNil() {
					t.Fatalf("round %d: write %d is gone", round, i)
				}
			}
		}
	})
}

func TestS27_ThreeHoursWithoutAClusterCountAgainstNoLease(t *testing.T) {
	inBubble(t, clustertest.Options{}, func(t *testing.T, c *clustertest.Cluster) {
		opened := c.Do(0, command.SessionOpen{TTLMilliseconds: 4000})[0]
		session, err := command.ParsePosition(string(opened.Elements[1].Text))
		if err != nil {
			t.Fatal(err)
		}
		c.Do(0, lease("held", "holder", 4*time.Second))
		for i := range c.Size() {
			c.Kill(i)
		}
		time.Sleep(3 * time.Hour)
		for i := range c.Size() {
			c.Restart(i)
		}
		for i := range c.Size() {
			c.AwaitReady(i)
		}
		if c.Do(1, get("held"))[0].IsNil() {
			t.Fatal("a lease of 4 s ended while there was no cluster to renew it at")
		}
		if reply := c.Do(1, command.SessionKeepAlive{Session: session})[0]; reply.IsError() {
			t.Fatalf("a session of 4 s ended while there was no cluster to renew it at: %s", reply.Text)
		}
		if off := unixNow(t, c, 0).Sub(time.Now()).Abs(); off > 1200*time.Millisecond {
			t.Fatalf("TIME is off by %s", off)
		}
		inTwoSeconds := command.Expiry{Mode: command.ExpiryAbsolute, Milliseconds: time.Now().Add(2 * time.Second).UnixMilli()}
		c.Do(1, command.Set{Name: command.Name{Key: "soon"}, Value: []byte("v"), Expiry: inTwoSeconds})
		time.Sleep(1500 * time.Millisecond)
		if c.Do(1, get("soon"))[0].IsNil() {
			t.Fatal("a PXAT two seconds ahead was gone after one and a half")
		}
		time.Sleep(1200 * time.Millisecond)
		if !c.Do(1, get("soon"))[0].IsNil() {
			t.Fatal("a PXAT two seconds ahead was there after 2.7 s")
		}
		time.Sleep(3 * time.Second)
		if !c.Do(1, get("held"))[0].IsNil() {
			t.Fatal("a lease of 4 s that nobody renewed lives on")
		}
	})
}

func TestASnapshotIsInstalledOnANodeThatSlept(t *testing.T) {
	small := func(_ int, config *raftnode.Config) { config.SnapshotThreshold, config.TrailingLogs = 50, 10 }
	inBubble(t, clustertest.Options{Configure: small}, func(t *testing.T, c *clustertest.Cluster) {
		sleeper := c.Follower()
		c.Kill(sleeper)
		leader := c.AwaitLeader(-1)
		for i := range 300 {
			c.Do(leader, set(fmt.Sprint(i), "v"))
		}
		time.Sleep(3 * time.Minute) // snapshots are taken, logs are cut
		c.Restart(sleeper)
		c.AwaitReady(sleeper)
		if got, want := c.Node(sleeper).Status().Names, 300; got != want {
			t.Fatalf("after the snapshot there are %d names, want %d", got, want)
		}
	})
}

// What a node had in its log before it was sent a snapshot may hold entries that were never committed: it led, was cut off, and others went on without it. Raft keeps
// them below the snapshot in a store that allows gaps, and would send them, as committed, to a node that lags even more. So no store of ours allows gaps.
func TestALogHasNoGapAfterASnapshotWasInstalled(t *testing.T) {
	small := func(_ int, config *raftnode.Config) { config.SnapshotThreshold, config.TrailingLogs = 50, 10 }
	inBubble(t, clustertest.Options{Configure: small}, func(t *testing.T, c *clustertest.Cluster) {
		sleeper := c.Follower()
		c.Kill(sleeper)
		leader := c.AwaitLeader(-1)
		for i := range 300 {
			c.Do(leader, set(fmt.Sprint(i), "v"))
		}
		time.Sleep(3 * time.Minute) // snapshots are taken, logs are cut
		c.Restart(sleeper)
		c.AwaitReady(sleeper)
		c.Kill(sleeper)
		stores, err := c.Disk(sleeper).Open(store.Options{OnFatal: func(err error) { t.Error(err) }})
		if err != nil {
			t.Fatal(err)
		}
		defer stores.Close()
		first, _ := stores.Log.FirstIndex()
		last, _ := stores.Log.LastIndex()
		for index := first; index <= last; index++ {
			if err := stores.Log.GetLog(index, new(raft.Log)); err != nil {
				t.Fatalf("the log goes from %d to %d and lacks entry %d: %v", first, last, index, err)
			}
		}
		if first <= 50 || last <= 300 {
			t.Fatalf("the log goes from %d to %d: was no snapshot installed?", first, last)
		}
	})
}

// raft#503: a leader whose disk hangs goes on sending heartbeats and cannot step down, so only its end lets another lead.
func TestS26_ALeaderWhoseDiskHangsIsReplacedWithinFiveSeconds(t *testing.T) {
	fallen := make(chan int, 3)
	configure := func(place int, config *raftnode.Config) {
		config.OnFatal = func(error) { fallen <- place }
		// What still lies in a channel of Raft when it ends is never answered, and would keep the bubble from ending: so no second entry waits behind the one that hangs.
		config.EntriesInFlight = 1
	}
	synctest.Test(t, func(t *testing.T) {
		fallen = make(chan int, 3) // of this bubble
		c := clustertest.Start(t, clustertest.Options{Configure: configure, Log: verboseLog()})
		leader := c.AwaitLeader(-1)
		node := c.Node(leader)
		c.Do((leader+1)%3, set("before", "v"))
		c.Disk(leader).SetSyncDelay(time.Hour)
		start := time.Now()
		written := make(chan error, 1)
		go func() {
			_, err := c.Try((leader+1)%3, set("after", "v"))
			written <- err
		}()
		select {
		case place := <-fallen:
			c.Kill(place) // as the process does that hosts the node
		case <-time.After(5 * time.Second):
			t.Error("the node whose disk hangs went on")
		}
		err := <-written
		if took := time.Since(start); err != nil || took >= 5*time.Second {
			t.Errorf("with a disk that hung under the leader a write took %s and ended with %v", took, err)
		}
		if err := node.Err(); err == nil || !strings.Contains(err.Error(), "has been hanging") {
			t.Errorf("the node whose disk hung says %v", err)
		}
		c.Disk(leader).SetSyncDelay(0)
	})
}
