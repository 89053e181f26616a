package nemesis

import (
	"context"
	"fmt"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/cluster"
)

var crashNemeses = []Nemesis{
	{Name: "crash-point", Row: 17, Needs: failpoints, About: "a node dies before or after it stores entries, a vote or a snapshot, or between two entries that it runs",
		Inject: crashPoint},
	{Name: "crash-mid-apply", Row: 17, Needs: failpoints, About: "a node dies in the middle of a batch of committed entries: it has run and answered some, and never comes to the others; then once more while it reads its log again",
		Inject: crashMidApply},
}

// crashPoint arms a point and waits until the process has died there. A point that nothing comes to in time is no failure: a node that does not vote cannot die of it.
func crashPoint(ctx context.Context, env *Env) error {
	victim := env.anyOrLeader(ctx)
	point := cluster.CrashPoints[env.Random.IntN(len(cluster.CrashPoints))]
	if err := victim.Order(cluster.Orders{Crash: point}); err != nil {
		return err
	}
	if point == "before-vote" || point == "after-vote" {
		if other := env.leader(ctx); other != victim {
			other.Kill() // so that there is something to vote about
		}
	}
	wait, cancel := context.WithTimeout(ctx, env.Hold)
	defer cancel()
	if victim.WaitExit(wait) == nil {
		env.Printf("%s died %s", victim.Name, point)
	} else {
		env.Printf("%s did not come to %s", victim.Name, point)
	}
	return cluster.Pause(ctx, env.Hold/2)
}

// replayPatience bounds how long a node that was started again may take until it runs entries.
const replayPatience = 20 * time.Second

// crashMidApply lets a node die in the middle of a batch, if its load makes batches, and once more in the first batch after a restart, which is one for certain: all that was committed since its snapshot.
func crashMidApply(ctx context.Context, env *Env) error {
	victim := env.anyOrLeader(ctx)
	if err := victim.Order(cluster.Orders{Crash: cluster.MidApply}); err != nil {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, env.Hold)
	defer cancel()
	if victim.WaitExit(wait) == nil {
		env.Printf("%s died in the middle of a batch", victim.Name)
	} else {
		env.Printf("%s came to no batch of several entries; kill it", victim.Name)
		victim.Kill()
	}
	// Others go on meanwhile, so that there is something to learn.
	if err := cluster.Pause(ctx, env.between(env.Hold/10, env.Hold/2)); err != nil {
		return err
	}
	if err := victim.Start(); err != nil {
		return err
	}
	wait, cancel = context.WithTimeout(ctx, replayPatience)
	defer cancel()
	if err := victim.WaitExit(wait); err != nil {
		return fmt.Errorf("it was to die in the middle of the first batch after its start: %w", err)
	}
	env.Printf("%s died in the middle of the first batch after its start", victim.Name)
	return cluster.Pause(ctx, env.Hold/4)
}
