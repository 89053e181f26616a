package nemesis

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/cluster"
	"github.com/coordd/coordd/test/jepsen-lite/network"
)

var linkNemeses = []Nemesis{
	{Name: "delay", Row: 10, About: "everything between nodes comes 20 to 250 ms later, gossip in any order",
		Inject: func(ctx context.Context, env *Env) error {
			delay := env.between(20*time.Millisecond, 150*time.Millisecond)
			return env.disturb(ctx, network.Fault{Delay: delay, Jitter: 100 * time.Millisecond, Duplicate: 0.1}, network.Peer, network.Gossip)
		}},
	{Name: "disorder", Row: 10, About: "half of all gossip comes twice, and all of it in any order, up to 400 ms later; Raft is not disturbed",
		Inject: func(ctx context.Context, env *Env) error {
			return env.disturb(ctx, network.Fault{Jitter: 400 * time.Millisecond, Duplicate: 0.5}, network.Gossip)
		}},
	{Name: "loss", Row: 11, About: "a tenth to a half of all gossip is lost, and as much of everything else comes late",
		Inject: func(ctx context.Context, env *Env) error {
			return env.disturb(ctx, network.Fault{Loss: 0.1 + 0.4*env.Random.Float64()}, network.Peer, network.Gossip)
		}},
	{Name: "client-lag", Row: 8, About: "answers to one client process come late, by a third of the TTL or more, then it is cut off for longer than the TTL",
		Inject: clientLag},
	{Name: "narrow", Row: 12, MinNodes: 3, Needs: senders, About: "each connection between a follower and the others carries 8 KiB a second while the follower, which was away, must learn what it missed",
		Inject: narrow},
	{Name: "resets", Row: 11, Needs: senders, About: "connections between nodes end again and again, at random",
		Inject: resets},
}

// Places are the names of the client processes' places, as links know them: a process that takes another's place has its links.
func Places(count int) []string {
	names := make([]string, count)
	for i := range names {
		names[i] = Place(i)
	}
	return names
}

// Place is the name of one place.
func Place(number int) string { return "clients-" + strconv.Itoa(number+1) }

// disturb gives all links between nodes a fault, on some planes.
func (e *Env) disturb(ctx context.Context, fault network.Fault, planes ...network.Plane) error {
	e.Printf("between nodes (%v): %v to %v delay, %.0f %% lost, %.0f %% doubled", planes, fault.Delay, fault.Delay+fault.Jitter, 100*fault.Loss, 100*fault.Duplicate)
	if slices.Contains(planes, network.Peer) { // an entry goes out, and the answer comes back
		e.Round = max(e.Round, 2*(fault.Delay+fault.Jitter))
		if fault.Loss > 0 {
			e.Round += 2 * network.Retransmit
		}
	}
	for _, a := range e.Cluster.Nodes() {
		for _, b := range e.Cluster.Nodes() {
			if a != b {
				for _, plane := range planes {
					e.Net.Set(a.Name, b.Name, plane, fault)
				}
			}
		}
	}
	return cluster.Pause(ctx, e.Hold)
}

// clientLag lets answers come so late that they tell of a time which is nearly over, but before the holder has given up on them, and then no more answers. A holder that counts from when it got an
// answer believes for too long then: it cannot renew again, since no new connection comes about in time.
func clientLag(ctx context.Context, env *Env) error {
	place := Place(env.keeper(ctx))
	lag := env.TTL*7/20 + env.between(0, env.TTL/10)
	env.Printf("answers to %s come %v late, then none for %v", place, lag, env.TTL+env.Hold/2)
	for _, node := range env.Cluster.Nodes() {
		env.Net.Set(node.Name, place, network.Client, network.Fault{Delay: lag})
	}
	if err := cluster.Pause(ctx, env.Hold); err != nil {
		return err
	}
	for _, node := range env.Cluster.Nodes() {
		env.sever(place, node.Name, network.Reset, network.Client)
	}
	return cluster.Pause(ctx, env.TTL+env.Hold/2)
}

// keeper is the number of the place of a client process that has just taken a lock which it will keep by renewals; any place when none does in time.
func (e *Env) keeper(ctx context.Context) int {
	names := e.Clients.Names()
	place := e.Random.IntN(len(names))
	if slices.Contains(e.Workloads, "keepers") {
		wait, cancel := context.WithTimeout(ctx, 2*e.Hold)
		defer cancel()
		if process, err := e.Tracker.NextGrant(wait, "keepers"); err == nil {
			if found := slices.Index(e.Clients.Names(), process); found >= 0 {
				place = found
			}
		}
	}
	return place
}

// narrowRate is 64 kbit a second.
const narrowRate = 8 << 10

func narrow(ctx context.Context, env *Env) error {
	leader, nodes := env.leader(ctx), env.shuffled()
	name := nodes[0]
	if name == leader.Name {
		name = nodes[1]
	}
	env.Printf("%s is away for a moment, and comes back over links that carry %d bytes a second", name, narrowRate)
	env.isolate(name, network.Drop, network.Peer, network.Gossip)
	if err := cluster.Pause(ctx, env.Hold/3); err != nil {
		return err
	}
	for _, other := range nodes {
		if other != name {
			for _, link := range [][2]string{{name, other}, {other, name}} {
				env.Net.Set(link[0], link[1], network.Peer, network.Fault{Rate: narrowRate})
				env.Net.Set(link[0], link[1], network.Gossip, network.Fault{})
			}
		}
	}
	return cluster.Pause(ctx, env.Hold)
}

func resets(ctx context.Context, env *Env) error {
	for end := time.Now().Add(env.Hold); time.Now().Before(end); {
		names := env.shuffled()
		for _, cut := range []network.Cut{network.Reset, network.Pass} {
			env.sever(names[0], names[1%len(names)], cut, network.Peer)
			// A firewall ends a connection only when something is sent over it.
			if err := cluster.Pause(ctx, env.between(20*time.Millisecond, 150*time.Millisecond)); err != nil {
				return err
			}
		}
	}
	return nil
}
