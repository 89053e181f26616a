package nemesis

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"net"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/coordd/coordd/internal/freeport"
	"github.com/coordd/coordd/test/jepsen-lite/cluster"
)

var rogueNemeses = []Nemesis{
	{Name: "rogue-raft", Row: 31, About: "somebody who does not belong to the cluster dials the nodes' peer ports: garbage, HTTP, TLS, frames that look like Raft's, and connections that say nothing",
		Inject: rogueRaft},
	{Name: "rogue-gossip", Row: 30, About: "somebody gossips under a node's own name, and as a node that nobody knows, with the cluster's label and with another; declares live nodes and workers dead; and sends garbage",
		Inject: rogueGossip},
}

// mostIdle bounds the connections that are kept open for each node.
const mostIdle = 40

// rogueRaft shows nothing by itself: whatever it does to a node the checkers see.
func rogueRaft(ctx context.Context, env *Env) error {
	var idle []net.Conn
	defer func() {
		for _, conn := range idle {
			_ = conn.Close()
		}
	}()
	sent := 0
	for end := time.Now().Add(env.Hold); time.Now().Before(end); {
		node := env.anyNode()
		conn, err := net.DialTimeout("tcp", node.PeerAddr(), 200*time.Millisecond)
		if err != nil {
			if cluster.Pause(ctx, 20*time.Millisecond) != nil {
				return context.Cause(ctx)
			}
			continue
		}
		payload := env.rogueFrame()
		_ = conn.SetDeadline(time.Now().Add(100 * time.Millisecond))
		_, _ = conn.Write(payload) // it may have been cut short already
		_, _ = io.Copy(io.Discard, io.LimitReader(conn, 4096))
		sent++
		if len(idle) < mostIdle {
			idle = append(idle, conn)
		} else {
			_ = conn.Close()
		}
		if err := cluster.Pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	env.Printf("%d connections that do not belong to the cluster", sent)
	if sent == 0 {
		return errors.New("no node could be dialled")
	}
	return nil
}

// rogueFrame is something that does not belong on the peer port.
func (e *Env) rogueFrame() []byte {
	noise := make([]byte, 1+e.Random.IntN(2048))
	_, _ = rand.Read(noise) // it never fails
	switch e.Random.IntN(6) {
	case 0:
		return []byte("GET /status HTTP/1.1\r\nHost: coordd\r\n\r\n")
	case 1:
		return append([]byte{0x16, 0x03, 0x01, 0x02, 0x00, 0x01}, noise...) // the begin of TLS
	case 2:
		return append([]byte{byte(e.Random.IntN(6))}, noise...) // a type of a Raft message, and what msgpack makes of noise
	case 3:
		return append(binary.BigEndian.AppendUint32(nil, 1<<31-1), noise...) // a length that never comes
	case 4:
		return nil // it says nothing
	}
	return noise
}

// ClusterName is the name of the cluster, unless it is given another: its gossip goes by it.
const ClusterName = "coordd"

func rogueGossip(ctx context.Context, env *Env) error {
	const stranger = "rogue"
	names := []string{env.anyNode().ID(), stranger}
	labels := []string{ClusterName, "another cluster"}
	var lists []*memberlist.Memberlist
	for i, name := range names {
		label := labels[(i+env.Random.IntN(2))%2]
		list, err := env.gossipAs(name, label)
		if err != nil {
			return err
		}
		defer list.Shutdown()
		lists = append(lists, list)
		env.Printf("somebody gossips as %s, under the label %q, and reached %d nodes", name, label, env.joinAll(list))
	}
	socket, err := net.ListenPacket("udp", net.JoinHostPort(env.Net.Host(), "0"))
	if err != nil {
		return err
	}
	defer socket.Close()
	lies := 0
	defer func() { env.Printf("somebody said %d times to a node that a member is dead", lies) }()
	var lied time.Time
	for end := time.Now().Add(env.Hold); time.Now().Before(end); {
		env.sendGarbage(socket)
		if time.Since(lied) > lieInterval {
			lied = time.Now()
			members := heardOf(lists, stranger)
			for _, node := range env.Cluster.Nodes() {
				members[node.ID()] = true // also when nobody let the liar in
			}
			lies += env.declareDead(socket, members, stranger)
		}
		if err := cluster.Pause(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// sendGarbage sends each node a datagram that means nothing.
func (e *Env) sendGarbage(from net.PacketConn) {
	for _, node := range e.Cluster.Nodes() {
		if target, err := net.ResolveUDPAddr("udp", node.GossipAddr()); err == nil {
			_, _ = from.WriteTo(e.rogueFrame(), target) // a node may be down
		}
	}
}

// gossipAs starts a member of the gossip that is no node.
func (e *Env) gossipAs(name, label string) (*memberlist.Memberlist, error) {
	address, err := freeport.Address()
	if err != nil {
		return nil, err
	}
	resolved, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, err
	}
	settings := memberlist.DefaultLocalConfig()
	settings.Name, settings.Label = name, label
	settings.BindAddr, settings.BindPort, settings.AdvertisePort = e.Net.Host(), resolved.Port, resolved.Port
	settings.TCPTimeout = time.Second
	settings.Logger = log.New(io.Discard, "", 0)
	return memberlist.Create(settings)
}

// joinAll lets it talk to every node, and tells how many answered.
func (e *Env) joinAll(list *memberlist.Memberlist) (reached int) {
	for _, node := range e.Cluster.Nodes() {
		if count, err := list.Join([]string{node.GossipAddr()}); err == nil {
			reached += count
		}
	}
	return reached
}
