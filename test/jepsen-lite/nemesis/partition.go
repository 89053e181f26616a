package nemesis

import (
	"context"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/cluster"
	"github.com/coordd/coordd/test/jepsen-lite/network"
)

var partitionNemeses = []Nemesis{
	{Name: "isolate-one", Row: 2, Needs: senders, About: "one node cannot talk to the others",
		Inject: func(ctx context.Context, env *Env) error {
			return env.isolated(ctx, env.anyNode().Name, network.Peer, network.Gossip)
		}},
	{Name: "isolate-leader", Row: 3, Needs: senders, About: "the leader cannot talk to the others; clients reach it",
		Inject: func(ctx context.Context, env *Env) error {
			return env.isolated(ctx, env.leader(ctx).Name, network.Peer, network.Gossip)
		}},
	{Name: "halves", Row: 4, Needs: senders, MinNodes: 3, About: "a majority and a minority cannot talk to each other",
		Inject: func(ctx context.Context, env *Env) error {
			names := env.shuffled()
			minority, majority := names[:(len(names)-1)/2], names[(len(names)-1)/2:]
			env.Printf("split %v from %v", minority, majority)
			return env.split(ctx, [][]string{minority, majority})
		}},
	{Name: "bridge", Row: 5, Needs: senders, MinNodes: 3, About: "two nodes or halves cannot talk to each other, and one node talks to all",
		Inject: func(ctx context.Context, env *Env) error {
			names := env.shuffled()
			half := (len(names) - 1) / 2
			env.Printf("split %v from %v, with %s as the bridge", names[1:1+half], names[1+half:], names[0])
			return env.split(ctx, [][]string{names[1 : 1+half], names[1+half:]})
		}},
	{Name: "majorities-ring", Row: 5, Needs: senders, MinNodes: 5, About: "each node talks to a majority, and no two to the same",
		Inject: majoritiesRing},
	{Name: "one-way-out", Row: 6, Needs: senders, About: "the leader hears the others, and they do not hear it",
		Inject: func(ctx context.Context, env *Env) error { return env.oneWay(ctx, true) }},
	{Name: "one-way-in", Row: 6, Needs: senders, About: "the others hear the leader, and it does not hear them",
		Inject: func(ctx context.Context, env *Env) error { return env.oneWay(ctx, false) }},
	{Name: "raft-only", Row: 7, Needs: senders, About: "the leader's links for Raft are cut, gossip works",
		Inject: func(ctx context.Context, env *Env) error {
			return env.isolated(ctx, env.leader(ctx).Name, network.Peer)
		}},
	{Name: "gossip-only", Row: 7, Needs: senders, About: "all gossip is cut, Raft works",
		Inject: gossipOnly},
	{Name: "client-leader", Row: 8, About: "no client reaches the leader, which the other nodes do",
		Inject: clientLeader},
	{Name: "flapping", Row: 9, Needs: senders, About: "a node is cut off and healed again and again, for 50 to 400 ms each",
		Inject: flapping},
}

func senders(host Host) string {
	if !host.Senders {
		return "this system does not tell which process owns a connection, so links between nodes cannot be told apart; on Linux they can"
	}
	return ""
}

// howToCut chooses between a cut that holds what was under way and one that ends connections.
func (e *Env) howToCut() network.Cut {
	if e.Random.IntN(2) == 0 {
		return network.Reset
	}
	return network.Drop
}

// sever cuts both directions between two nodes.
func (e *Env) sever(a, b string, cut network.Cut, planes ...network.Plane) {
	for _, plane := range planes {
		e.Net.Set(a, b, plane, network.Fault{Cut: cut})
		e.Net.Set(b, a, plane, network.Fault{Cut: cut})
	}
}

// isolate cuts a node off from all others.
func (e *Env) isolate(name string, cut network.Cut, planes ...network.Plane) {
	for _, other := range e.Cluster.Nodes() {
		if other.Name != name {
			e.sever(name, other.Name, cut, planes...)
		}
	}
}

func (e *Env) isolated(ctx context.Context, name string, planes ...network.Plane) error {
	cut := e.howToCut()
	e.Printf("cut %s off (%s)", name, cutName(cut))
	e.isolate(name, cut, planes...)
	return cluster.Pause(ctx, e.Hold)
}

func cutName(cut network.Cut) string {
	if cut == network.Reset {
		return "connections end"
	}
	return "packets vanish"
}

// split cuts all links between nodes of different groups.
func (e *Env) split(ctx context.Context, groups [][]string) error {
	cut := e.howToCut()
	for i, group := range groups {
		for _, other := range groups[i+1:] {
			for _, a := range group {
				for _, b := range other {
					e.sever(a, b, cut, network.Peer, network.Gossip)
				}
			}
		}
	}
	return cluster.Pause(ctx, e.Hold)
}

// majoritiesRing lets each node of a ring talk only to so many neighbours on each side that, with itself, they are a majority.
func majoritiesRing(ctx context.Context, env *Env) error {
	ring, cut := env.shuffled(), env.howToCut()
	env.Printf("ring %v (%s)", ring, cutName(cut))
	for _, pair := range ringCuts(len(ring)) {
		env.sever(ring[pair[0]], ring[pair[1]], cut, network.Peer, network.Gossip)
	}
	return cluster.Pause(ctx, env.Hold)
}

// ringCuts are the pairs of places in a ring that do not talk to each other.
func ringCuts(size int) [][2]int {
	reach := 1 // neighbours on each side
	for 2*reach+1 <= size/2 {
		reach++
	}
	var cuts [][2]int
	for i := range size {
		for j := i + 1; j < size; j++ {
			if distance := min(j-i, size-j+i); distance > reach {
				cuts = append(cuts, [2]int{i, j})
			}
		}
	}
	return cuts
}

func (e *Env) oneWay(ctx context.Context, out bool) error {
	leader := e.leader(ctx).Name
	e.Printf("%s is cut in one direction", leader)
	for _, other := range e.Cluster.Nodes() {
		if other.Name == leader {
			continue
		}
		from, to := leader, other.Name
		if !out {
			from, to = to, from
		}
		for _, plane := range []network.Plane{network.Peer, network.Gossip} {
			e.Net.Set(from, to, plane, network.Fault{Cut: network.Drop})
		}
	}
	return cluster.Pause(ctx, e.Hold)
}

func gossipOnly(ctx context.Context, env *Env) error {
	for _, node := range env.Cluster.Nodes() {
		env.isolate(node.Name, network.Drop, network.Gossip)
	}
	return cluster.Pause(ctx, env.Hold)
}

func clientLeader(ctx context.Context, env *Env) error {
	leader, cut := env.leader(ctx).Name, env.howToCut()
	env.Printf("no client reaches %s (%s)", leader, cutName(cut))
	for _, place := range Places(len(env.Clients.Names())) {
		env.sever(place, leader, cut, network.Client)
	}
	return cluster.Pause(ctx, env.Hold)
}

func flapping(ctx context.Context, env *Env) error {
	name, cut := env.leader(ctx).Name, env.howToCut()
	env.Printf("%s is cut off and healed again and again (%s)", name, cutName(cut))
	for end := time.Now().Add(env.Hold); time.Now().Before(end); {
		env.isolate(name, cut, network.Peer, network.Gossip)
		if err := cluster.Pause(ctx, env.between(50*time.Millisecond, 400*time.Millisecond)); err != nil {
			return err
		}
		env.isolate(name, network.Pass, network.Peer, network.Gossip)
		if err := cluster.Pause(ctx, env.between(50*time.Millisecond, 400*time.Millisecond)); err != nil {
			return err
		}
	}
	return nil
}
