package nemesis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/clients"
	"github.com/coordd/coordd/test/jepsen-lite/cluster"
	"github.com/coordd/coordd/test/jepsen-lite/network"
)

var processNemeses = []Nemesis{
	{Name: "kill-one", Row: 13, About: "SIGKILL to one node, which comes back after up to two seconds",
		Inject: func(ctx context.Context, env *Env) error { return env.kill(ctx, env.anyNode()) }},
	{Name: "kill-leader", Row: 13, About: "SIGKILL to the leader, which comes back after up to two seconds",
		Inject: func(ctx context.Context, env *Env) error { return env.kill(ctx, env.leader(ctx)) }},
	{Name: "kill-all", Row: 13, About: "SIGKILL to all nodes at once",
		Inject: func(ctx context.Context, env *Env) error { return env.kill(ctx, env.Cluster.Nodes()...) }},
	{Name: "pause-one", Row: 14, About: "SIGSTOP to one node for 0.3 s to three TTLs",
		Inject: func(ctx context.Context, env *Env) error { return env.pause(ctx, env.anyNode()) }},
	{Name: "pause-leader", Row: 14, About: "SIGSTOP to the leader for 0.3 s, 1 s, just below, just above, or three times the TTL",
		Inject: func(ctx context.Context, env *Env) error { return env.pause(ctx, env.leader(ctx)) }},
	{Name: "pause-all", Row: 14, About: "SIGSTOP to all nodes for longer than the TTL: no live session may end from that",
		Inject: func(ctx context.Context, env *Env) error { return env.pause(ctx, env.Cluster.Nodes()...) }},
	{Name: "pause-client", Row: 15, About: "SIGSTOP to one client process for longer than the TTL",
		Inject: pauseClient},
	{Name: "pause-holder", Row: 15, Workload: "fenced-register", About: "SIGSTOP to a client that has read a register under its lock, until another has the lock; then it writes",
		Inject: func(ctx context.Context, env *Env) error {
			return PauseHolder(ctx, env.Clients, env.Tracker, env.TTL, env.Printf)
		}},
	{Name: "pause-stale-ack", Row: 16, About: "the leader is cut off, then stopped; another leads; the cut is healed, then the old leader goes on",
		Inject: pauseStaleAck},
	{Name: "pause-late-read", Row: 14, Workload: "register", About: "the leader is stopped; after another leads and registers were written, reads of them wait at the old leader when it goes on",
		Inject: pauseLateRead},
	{Name: "kill-client", Row: 13, About: "SIGKILL to one client process in the middle of whatever it does",
		Inject: killClient},
}

func (e *Env) kill(ctx context.Context, victims ...*cluster.Node) error {
	for _, victim := range victims {
		e.Printf("kill %s", victim.Name)
		victim.Kill()
	}
	if err := cluster.Pause(ctx, e.between(0, 2*time.Second)); err != nil {
		return err
	}
	for _, victim := range victims {
		if err := victim.Start(); err != nil {
			return err
		}
	}
	return cluster.Pause(ctx, e.Hold/2)
}

func (e *Env) pause(ctx context.Context, victims ...*cluster.Node) error {
	const edge = 100 * time.Millisecond
	spans := []time.Duration{300 * time.Millisecond, time.Second, e.TTL - edge, e.TTL + edge, 3 * e.TTL}
	span := spans[e.Random.IntN(len(spans))]
	if len(victims) > 1 {
		span = e.TTL + e.TTL/2
	}
	for _, victim := range victims {
		e.Printf("stop %s for %v", victim.Name, span)
		if err := victim.Stop(); err != nil {
			return err
		}
	}
	err := cluster.Pause(ctx, span)
	for _, victim := range victims {
		victim.Continue()
	}
	if err != nil {
		return err
	}
	return cluster.Pause(ctx, e.Hold/2)
}

func pauseClient(ctx context.Context, env *Env) error {
	names := env.Clients.Names()
	name := names[env.Random.IntN(len(names))]
	span := env.TTL + env.between(env.TTL/10, env.TTL)
	env.Printf("stop client process %s for %v", name, span)
	if err := env.Clients.Stop(name); err != nil {
		return err
	}
	if err := cluster.Pause(ctx, span); err != nil {
		return err
	}
	return env.Clients.Continue(name)
}

// succession bounds how long another may take to get a lock whose holder was stopped.
const succession = 15 * time.Second

// PauseHolder waits for conditions, not for times: the client is surely stopped between reading and writing, and goes on only after a successor has read.
func PauseHolder(ctx context.Context, fleet *clients.Fleet, tracker *clients.Tracker, ttl time.Duration, printf func(format string, arguments ...any)) error {
	if len(fleet.Names()) < 2 {
		return errors.New("there is no second client process that could take the lock over")
	}
	ctx, cancel := context.WithTimeout(ctx, ttl+succession)
	defer cancel()
	for {
		thought, err := tracker.Thinking(ctx)
		if err != nil {
			return fmt.Errorf("no client was seen between reading and writing a register: %w", err)
		}
		process := thought.Process()
		if err := fleet.Stop(process); err != nil {
			return err
		}
		// What it had sent before it was stopped arrives soon.
		if err := cluster.Pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
		if !tracker.StillThinking(thought) {
			if err := fleet.Continue(process); err != nil {
				return err
			}
			continue
		}
		printf("stopped client process %s, which holds %s under token %d", process, thought.Key, thought.Token)
		// Names change; a successor may never come for an old one.
		wait, stop := context.WithTimeout(ctx, 2*ttl+2*time.Second)
		err = tracker.Succeeded(wait, thought)
		stop()
		if goOn := fleet.Continue(process); goOn != nil {
			return goOn
		}
		if ctx.Err() != nil {
			return err
		}
		if wrote := tracker.Wrote(ctx, thought); wrote != nil || err == nil {
			return wrote
		}
	}
}

// pauseStaleAck is the way to an acknowledgement that is older than a leader: what the old leader had under way when it was cut off lies in its sockets until it goes on.
func pauseStaleAck(ctx context.Context, env *Env) error {
	leader := env.leader(ctx)
	env.Printf("cut %s off, stop it, heal the cut after another leads, let it go on", leader.Name)
	env.isolate(leader.Name, network.Drop, network.Peer, network.Gossip)
	if err := cluster.Pause(ctx, env.between(0, 200*time.Millisecond)); err != nil {
		return err
	}
	if err := leader.Stop(); err != nil {
		return err
	}
	defer leader.Continue()
	wait, cancel := context.WithTimeout(ctx, leaderPatience)
	defer cancel()
	if _, err := env.Cluster.Leader(wait); err != nil { // the stopped one is not asked
		return ctx.Err()
	}
	if err := cluster.Pause(ctx, env.between(0, env.TTL)); err != nil {
		return err
	}
	env.Net.Heal()
	if err := cluster.Pause(ctx, env.between(0, 500*time.Millisecond)); err != nil {
		return err
	}
	leader.Continue()
	return cluster.Pause(ctx, env.Hold/2)
}

func killClient(ctx context.Context, env *Env) error {
	names := env.Clients.Names()
	name := names[env.Random.IntN(len(names))]
	env.Printf("kill client process %s", name)
	if err := env.Clients.Kill(name); err != nil {
		return err
	}
	return cluster.Pause(ctx, env.Hold/2)
}
