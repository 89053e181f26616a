package clienttest

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/client/internal/steer"
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/raftnode"
	"github.com/coordd/coordd/raftnode/clustertest"
	"github.com/coordd/coordd/transport/resp"
)

const (
	nodes       = 3
	raftTimeout = 50 * time.Millisecond // outside a bubble, where elections take real time
	patience    = 20 * time.Second
	// nodeSessionTTL outlasts what Advance makes of a few real milliseconds: the nodes renew their own sessions by timers.
	nodeSessionTTL = 24 * time.Hour
	clientHost     = "clients"
)

// Cluster is a running cluster. Its methods are for the test's goroutine; the clients are for any.
type Cluster struct {
	t        testing.TB
	nodes    *clustertest.Cluster
	doors    [nodes]*door
	wheel    *steer.Wheel
	bubble   bool
	operator *client.Client
	pulse    command.SessionKeepAlive // with which the passing of time is committed
}

// door is the Redis door of one node.
type door struct {
	server *resp.Server
	served chan error
}

// Start founds a cluster of three nodes and returns when it serves. It ends with the test.
func Start(t testing.TB) *Cluster {
	t.Helper()
	c := &Cluster{t: t, wheel: steer.New(), bubble: inBubble()}
	c.nodes = clustertest.Start(t, clustertest.Options{Nodes: nodes, Founded: true, Patience: patience, Configure: func(_ int, config *raftnode.Config) {
		if !c.bubble {
			config.RaftTimeout, config.NodeSessionTTL = raftTimeout, nodeSessionTTL
		}
	}})
	t.Cleanup(c.stop)
	for i := range nodes {
		c.open(i)
	}
	c.operator = c.Client()
	if !c.bubble {
		c.pulse = c.openPulse()
	}
	return c
}

// openPulse opens a session that stands in no list. Renewing it is a command that changes nothing else.
func (c *Cluster) openPulse() command.SessionKeepAlive {
	c.t.Helper()
	reply := c.nodes.Do(c.nodes.AwaitLeader(-1), command.SessionOpen{TTLMilliseconds: command.MaxSessionTTL, ClientName: "clienttest", Node: true})[0]
	for i := 0; i+1 < len(reply.Elements); i += 2 {
		if string(reply.Elements[i].Text) != "session" {
			continue
		}
		if id, err := command.ParsePosition(string(reply.Elements[i+1].Text)); err == nil {
			return command.SessionKeepAlive{Session: id}
		}
	}
	c.t.Fatalf("the cluster opened no session: %v", reply)
	return command.SessionKeepAlive{}
}

// inBubble finds out whether the caller runs in a bubble of testing/synctest: only there Wait does not panic.
func inBubble() (in bool) {
	defer func() { in = recover() == nil }()
	synctest.Wait()
	return true
}

func host(i int) string     { return fmt.Sprintf("n%d", i) }
func endpoint(i int) string { return host(i) + ":7379" }

// open opens the door of a node.
func (c *Cluster) open(i int) {
	c.t.Helper()
	node := c.nodes.Node(i)
	server, err := resp.NewServer(resp.Config{Node: node, Admin: node, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		c.t.Fatal(err)
	}
	listener, err := c.nodes.Network.Host(host(i)).Listen(endpoint(i))
	if err != nil {
		c.t.Fatal(err)
	}
	opened := &door{server: server, served: make(chan error, 1)}
	go func() { opened.served <- server.Serve(listener) }()
	c.doors[i] = opened
}

// kill crashes a node: its connections break, its memory is gone, its disk keeps what was synced.
func (c *Cluster) kill(i int) {
	c.nodes.Kill(i)
	atOnce, cancel := context.WithCancel(context.Background())
	cancel()
	_ = c.doors[i].server.Shutdown(atOnce)
	<-c.doors[i].served // a crash ends it with the network's error
	c.doors[i] = nil
}

func (c *Cluster) stop() {
	for i, opened := range c.doors {
		if opened != nil {
			c.kill(i)
		}
	}
}

// Options are those of a client of this cluster, to be completed by the program under test.
func (c *Cluster) Options() client.Options {
	options := client.Options{Name: c.t.Name()}
	for i := range nodes {
		options.Endpoints = append(options.Endpoints, endpoint(i))
	}
	network := c.nodes.Network.Host(clientHost)
	options.Dialer = func(ctx context.Context, endpoint string) (net.Conn, error) { return network.Dial(ctx, endpoint) }
	return options.Steered(c.wheel)
}

// Client connects a client, which is closed when the test ends.
func (c *Cluster) Client() *client.Client {
	c.t.Helper()
	connected, err := client.Dial(context.Background(), c.Options())
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = connected.Close() })
	return connected
}

// Session opens a session of ten seconds with a client of its own, as another process would.
func (c *Cluster) Session() *client.Session {
	c.t.Helper()
	opened, err := c.Client().OpenSession(context.Background(), client.SessionOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	return opened
}

// KillLeader crashes the leader and returns when another one leads and the crashed node has come back.
func (c *Cluster) KillLeader() {
	c.t.Helper()
	leader := c.nodes.AwaitLeader(-1)
	c.kill(leader)
	c.nodes.AwaitLeader(leader)
	c.nodes.Restart(leader)
	c.nodes.AwaitReady(leader)
	c.open(leader)
}

// CutOff separates every client from the cluster, without a word to either: what is under way waits, as on a network whose packets are lost. The clients believe what they can until their
// deadlines; the cluster frees what they held when the sessions' TTLs have passed.
func (c *Cluster) CutOff() {
	for i := range nodes {
		c.nodes.Network.Isolate(clientHost, host(i))
	}
}

// Reconnect undoes CutOff.
func (c *Cluster) Reconnect() {
	for i := range nodes {
		c.nodes.Network.Rejoin(clientHost, host(i))
	}
}

// ExpireSession ends a session as if its keepalives had been lost for its whole TTL. When it returns, the contexts of its locks have ended with a [*client.LostError], and the cluster gives
// what the session held to whoever waits for it.
func (c *Cluster) ExpireSession(session *client.Session) {
	c.t.Helper()
	if !c.wheel.Lose(session.ID()) {
		c.t.Fatalf("session %s belongs to no client of this cluster, or has ended", session.ID())
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := c.operator.KillSession(ctx, session.ID(), "expired by the test", true); err != nil {
		c.t.Fatal(err)
	}
}

// step is how far time moves at once, outside a bubble: less than a leader's clock may run ahead, and less than the time between the keepalives of the shortest session.
const step = 100 * time.Millisecond

// Advance lets time pass: sessions are renewed, leases and reservations end, waits run out. While the clients are cut off their sessions are lost. It returns when all has happened in the
// cluster and in the clients' own books; what goroutines do about it may take a moment more.
func (c *Cluster) Advance(span time.Duration) {
	c.t.Helper()
	if c.bubble {
		time.Sleep(span)
		synctest.Wait()
		return
	}
	for span > 0 {
		forward := min(step, span)
		span -= forward
		for i := range nodes {
			c.nodes.Clock(i).Jump(forward)
		}
		c.commit()
		c.wheel.Move(forward)
	}
	c.commit()
}

// commit puts the present instant of the leader's clock into the log, as every command does.
func (c *Cluster) commit() {
	c.t.Helper()
	replies, err := c.nodes.Try(c.nodes.AwaitLeader(-1), c.pulse)
	if err != nil || replies[0].IsError() {
		c.t.Fatalf("time cannot pass: %v %v", err, replies)
	}
}
