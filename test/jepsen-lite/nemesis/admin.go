package nemesis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/cluster"
)

var adminNemeses = []Nemesis{
	{Name: "transfer", Row: 28, About: "leadership is handed over every half second, to any node, also one that was just stopped for a moment",
		Inject: transfers},
	{Name: "membership", Row: 26, About: "a node is added, and one of the old ones, at times the leader, is removed; then another takes its place",
		Inject: membership},
	{Name: "wipe", Row: 25, MinNodes: 3, About: "a node is killed and loses its disk; under its old id it must be refused, so it is removed, and another takes its place",
		Inject: wipe},
}

func transfers(ctx context.Context, env *Env) error {
	for end := time.Now().Add(env.Hold); time.Now().Before(end); {
		target := env.anyNode()
		if env.Random.IntN(3) == 0 {
			if err := lag(ctx, target); err != nil {
				return err
			}
		}
		limit, cancel := context.WithTimeout(ctx, 2*time.Second)
		_, err := env.Admin.Do(limit, "COORDD.TRANSFER", target.ID()) // a refusal is an answer too
		cancel()
		if err == nil {
			env.Printf("leadership was handed to %s", target.Name)
		}
		if err := cluster.Pause(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// lag stops a node for a moment. One that has ended by itself, as a leader does whose disk hangs, lags without that.
func lag(ctx context.Context, node *cluster.Node) error {
	err := node.Stop()
	if errors.Is(err, cluster.ErrDown) {
		return nil
	}
	if err != nil {
		return err
	}
	defer node.Continue()
	return cluster.Pause(ctx, 150*time.Millisecond)
}

// changePatience bounds one change of the members, with its retries.
const changePatience = 45 * time.Second

// change asks for a change until it is done. An answer that says it is done already counts.
func (e *Env) change(ctx context.Context, done func(cluster.Status) bool, arguments ...string) error {
	ctx, cancel := context.WithTimeout(ctx, changePatience)
	defer cancel()
	var last error
	for {
		if leader, err := e.Cluster.Leader(ctx); err == nil {
			if status, err := leader.Status(ctx); err == nil && done(status) {
				return nil
			}
		}
		_, err := e.Admin.Do(ctx, arguments...)
		if err != nil {
			last = err
		}
		if cluster.Pause(ctx, 100*time.Millisecond) != nil {
			return fmt.Errorf("%s did not come about: %w", strings.Join(arguments, " "), errors.Join(context.Cause(ctx), last))
		}
	}
}

func (e *Env) addMember(ctx context.Context, node *cluster.Node) error {
	return e.change(ctx, func(status cluster.Status) bool {
		for _, member := range status.Members {
			if member.NodeID == node.ID() {
				return member.Voter
			}
		}
		return false
	}, "COORDD.MEMBERS", "ADD", node.ID(), node.PeerAdvertise)
}

func (e *Env) removeMember(ctx context.Context, node *cluster.Node) error {
	return e.change(ctx, func(status cluster.Status) bool {
		for _, member := range status.Members {
			if member.NodeID == node.ID() {
				return false
			}
		}
		return true
	}, "COORDD.MEMBERS", "REMOVE", node.ID())
}

// membership replaces a node by another, and keeps the size of the cluster.
func membership(ctx context.Context, env *Env) error {
	victim := env.anyNode()
	if env.Random.IntN(2) == 0 {
		victim = env.leader(ctx)
	}
	env.Printf("remove %s", victim.Name)
	env.absent = append(env.absent, victim)
	if err := env.removeMember(ctx, victim); err != nil {
		return err
	}
	exit, cancel := context.WithTimeout(ctx, changePatience)
	defer cancel()
	if err := victim.WaitExit(exit); err != nil {
		env.Printf("%s was removed and does not end by itself; it is killed", victim.Name)
		victim.Kill()
	}
	if err := cluster.Pause(ctx, env.between(0, time.Second)); err != nil {
		return err
	}
	return env.comeBackEmpty(ctx, victim)
}

// comeBackEmpty adds an empty node, with a new id, in the place of one that was removed.
func (e *Env) comeBackEmpty(ctx context.Context, node *cluster.Node) error {
	if err := node.Wipe(); err != nil {
		return err
	}
	node.Replace()
	if err := node.Start(); err != nil {
		return err
	}
	e.Printf("%s comes in the place of %s, empty", node.ID(), node.Name)
	if err := e.addMember(ctx, node); err != nil {
		return err
	}
	e.present(node)
	return nil
}

// present says that a node need not be replaced any more.
func (e *Env) present(node *cluster.Node) {
	e.absent = slices.DeleteFunc(e.absent, func(n *cluster.Node) bool { return n == node })
}

// wipe shows that an emptied node is not let in under its old id, and how it is replaced.
func wipe(ctx context.Context, env *Env) error {
	nodes := env.Cluster.Nodes()
	victim := nodes[env.Random.IntN(len(nodes))]
	env.Printf("kill %s and wipe its disk", victim.Name)
	victim.Kill()
	env.absent = append(env.absent, victim)
	if err := victim.Wipe(); err != nil {
		return err
	}
	if env.Random.IntN(2) == 0 {
		victim.Joins() // else it means to found the cluster anew
	}
	if err := victim.Start(); err != nil {
		return err
	}
	if err := cluster.Pause(ctx, env.Hold/2); err != nil {
		return err
	}
	if status, err := victim.Status(ctx); err == nil && status.Ready {
		return &Broken{fmt.Sprintf("%s lost its disk and serves under its old id, as if it still knew what it had promised", victim.Name)}
	}
	if !slices.ContainsFunc(env.Cluster.Nodes(), func(n *cluster.Node) bool { return n != victim && n.Running() }) {
		return errors.New("no other node runs")
	}
	if err := env.removeMember(ctx, victim); err != nil {
		return err
	}
	victim.Kill()
	return env.comeBackEmpty(ctx, victim)
}

// Broken is returned by a nemesis that saw a promise broken while it worked.
type Broken struct{ Promise string }

// Error implements error.
func (b *Broken) Error() string { return b.Promise }
