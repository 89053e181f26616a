package nemesis

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/cluster"
	"github.com/coordd/coordd/test/jepsen-lite/network"
)

var diskNemeses = []Nemesis{
	{Name: "disk-full", Row: 20, Needs: disks, About: "the disk of one node, or of the leader, is full; the others go on, and the node comes back when there is room",
		Inject: diskFull},
	{Name: "disk-full-majority", Row: 20, Needs: disks, MinNodes: 3, About: "the disks of a majority are full: nothing can be promised, and nothing that was is lost; all go on when there is room",
		Inject: diskFullMajority},
	{Name: "disk-slow", Row: 21, Needs: disks, About: "every write of the leader's disk takes up to a quarter of a second",
		Inject: diskSlow},
	{Name: "disk-stuck", Row: 21, Needs: disks, About: "the leader's disk hangs: another must lead within five seconds, although the process cannot even end",
		Inject: diskStuck},
	{Name: "disk-error", Row: 22, Needs: disks, About: "every write of one node's disk, or of the leader's, fails, and what was not synced is lost",
		Inject: diskError},
	{Name: "power-loss", Row: 23, Needs: disks, About: "one node, or the leader, loses power, and with it everything that its disk had not synced",
		Inject: func(ctx context.Context, env *Env) error {
			return env.losePower(ctx, env.anyOrLeader(ctx))
		}},
	{Name: "power-loss-all", Row: 23, Needs: disks, About: "all nodes lose power at once",
		Inject: func(ctx context.Context, env *Env) error { return env.losePower(ctx, env.Cluster.Nodes()...) }},
	{Name: "power-loss-majority", Row: 23, Needs: disksAndSenders, MinNodes: 3, About: "a minority is cut off while writes go on; one of the others loses power; then it and the minority are the majority",
		Inject: powerLossMajority},
}

func disks(host Host) string {
	if !host.Disks {
		return host.NoDisks
	}
	return ""
}

func disksAndSenders(host Host) string {
	if missing := disks(host); missing != "" {
		return missing
	}
	return senders(host)
}

func (e *Env) anyOrLeader(ctx context.Context) *cluster.Node {
	if e.Random.IntN(2) == 0 {
		return e.leader(ctx)
	}
	return e.anyNode()
}

// balloonChunk is how much a balloon grows at once, while there is room.
const balloonChunk = 1 << 20

func diskFull(ctx context.Context, env *Env) error {
	if err := env.fill(env.anyOrLeader(ctx)); err != nil {
		return err
	}
	return cluster.Pause(ctx, env.Hold)
}

func diskFullMajority(ctx context.Context, env *Env) error {
	names := env.shuffled()
	for _, name := range names[:len(names)/2+1] {
		if err := env.fill(env.node(name)); err != nil {
			return err
		}
	}
	return cluster.Pause(ctx, env.Hold)
}

// fill fills a node's disk.
func (e *Env) fill(victim *cluster.Node) error {
	e.Printf("fill the disk of %s", victim.Name)
	e.excuse(victim) // Raft panics when it cannot store its term, which takes the node out as it should
	path := filepath.Join(victim.DataDir, "balloon")
	e.balloons = append(e.balloons, path)
	return inflate(path)
}

// inflate fills the file system that the path lies on, to its last block.
func inflate(path string) error {
	balloon, err := os.Create(path)
	if err != nil {
		return err
	}
	defer balloon.Close()
	for size := balloonChunk; size > 0; {
		if _, err := balloon.Write(make([]byte, size)); err != nil {
			size /= 2 // full: try whether a smaller piece still fits
		}
	}
	return nil
}

// slowWrite is the longest that a write of a slow disk takes.
const slowWrite = 250 * time.Millisecond

func diskSlow(ctx context.Context, env *Env) error {
	env.Round = max(env.Round, slowWrite)
	victim := env.leader(ctx)
	disk := env.Disks[victim.Name]
	env.Printf("the disk of %s is slow", victim.Name)
	for end := time.Now().Add(env.Hold); time.Now().Before(end); {
		if err := disk.Freeze(); err != nil {
			return err
		}
		err := cluster.Pause(ctx, env.between(50*time.Millisecond, slowWrite))
		disk.Thaw()
		if err != nil {
			return err
		}
		if err := cluster.Pause(ctx, env.between(5*time.Millisecond, 30*time.Millisecond)); err != nil {
			return err
		}
	}
	return nil
}

// Replacement bounds how long a leader whose disk hangs may keep the others from having another.
const Replacement = 5 * time.Second

// diskStuck hangs the leader's disk and waits until another leads. That none did in time is told, and breaks the promise only if the machine was not to blame: so it counts
// several times the bound.
func diskStuck(ctx context.Context, env *Env) error {
	victim := env.leader(ctx)
	env.Printf("the disk of %s hangs", victim.Name)
	if err := env.Disks[victim.Name].Freeze(); err != nil {
		return err
	}
	begin := time.Now()
	wait, cancel := context.WithTimeout(ctx, 4*Replacement)
	defer cancel()
	for {
		leader, err := env.Cluster.LeaderOtherThan(wait, victim)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return &Broken{fmt.Sprintf("%s, whose disk hangs, kept the others from having another leader for %v", victim.Name, time.Since(begin).Round(time.Millisecond))}
		}
		env.Printf("%s leads %v later", leader.Name, time.Since(begin).Round(10*time.Millisecond))
		return cluster.Pause(ctx, env.Hold/2)
	}
}

func diskError(ctx context.Context, env *Env) error {
	victim := env.anyOrLeader(ctx)
	env.Printf("the disk of %s fails", victim.Name)
	env.broken = append(env.broken, victim)
	env.excuse(victim) // a process that reads a page of a file which it has mapped, from a disk that fails, is killed
	if err := env.Disks[victim.Name].Break(); err != nil {
		return err
	}
	return cluster.Pause(ctx, env.Hold)
}

// losePower kills the processes first: a machine without power runs nothing.
func (e *Env) losePower(ctx context.Context, victims ...*cluster.Node) error {
	for _, victim := range victims {
		e.Printf("%s loses power", victim.Name)
		victim.Kill()
	}
	for _, victim := range victims {
		if err := e.Disks[victim.Name].PowerLoss(); err != nil {
			return err
		}
	}
	if err := cluster.Pause(ctx, e.between(0, time.Second)); err != nil {
		return err
	}
	for _, victim := range victims {
		if err := victim.Start(); err != nil {
			return err
		}
	}
	return cluster.Pause(ctx, e.Hold/2)
}

// powerLossMajority makes a majority of nodes that were away and one that lost power: whatever that one had acknowledged and not synced would now be forgotten by all who decide.
func powerLossMajority(ctx context.Context, env *Env) error {
	names := env.shuffled()
	minority := names[:(len(names)-1)/2]
	rest := names[len(minority):]
	env.Printf("cut %v off; %s loses power; then %v are the majority", minority, rest[0], append([]string{rest[0]}, minority...))
	for _, name := range minority {
		for _, other := range rest {
			env.sever(name, other, network.Drop, network.Peer, network.Gossip)
		}
	}
	if err := cluster.Pause(ctx, env.Hold); err != nil {
		return err
	}
	victim := env.node(rest[0])
	victim.Kill()
	if err := env.Disks[victim.Name].PowerLoss(); err != nil {
		return err
	}
	env.Net.Heal()
	for _, name := range rest[1:] {
		env.isolate(name, network.Drop, network.Peer, network.Gossip)
	}
	if err := victim.Start(); err != nil {
		return err
	}
	return cluster.Pause(ctx, env.Hold)
}

func (e *Env) node(name string) *cluster.Node {
	for _, node := range e.Cluster.Nodes() {
		if node.Name == name {
			return node
		}
	}
	return nil
}

// mend makes all disks well again.
func (e *Env) mend() error {
	for _, disk := range e.Disks {
		disk.Thaw()
	}
	for _, path := range e.balloons {
		_ = os.Remove(path) // it may be gone with a wiped disk
	}
	e.balloons = nil
	var failures []error
	for _, node := range e.broken {
		node.Kill()
		failures = append(failures, e.Disks[node.Name].Repair())
	}
	e.broken = nil
	return errors.Join(failures...)
}
