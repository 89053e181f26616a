package nemesis

import (
	"context"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/cluster"
)

var clockNemeses = []Nemesis{
	{Name: "clock-wall", Row: 18, Needs: failpoints, About: "the wall clock of one node, or of the leader, is 10 ms to a day off: nobody may notice",
		Inject: clockWall},
	{Name: "clock-strobe", Row: 18, Needs: failpoints, About: "the wall clock of every node jumps to and fro, 5 to 50 times a second",
		Inject: clockStrobe},
	{Name: "clock-rate", Row: 18, Needs: failpoints, About: "every node's monotonic clock has a rate of its own, up to 8 % fast or slow",
		Inject: clockRate},
}

func failpoints(host Host) string {
	if !host.Failpoints {
		return "it needs a coordd that was built with the tag failpoints; add --failpoints"
	}
	return ""
}

// RateTolerance is ρ: by how much the rates of two clocks may differ without harm, as coordd's clients have it by default.
const RateTolerance = 0.1

// offsets are by how much wall clocks are set wrong.
var offsets = []time.Duration{10 * time.Millisecond, time.Second, time.Minute, 24 * time.Hour}

func clockWall(ctx context.Context, env *Env) error {
	victim := env.anyOrLeader(ctx)
	offset := offsets[env.Random.IntN(len(offsets))]
	if env.Random.IntN(2) == 0 {
		offset = -offset
	}
	env.Printf("the wall clock of %s is %v off", victim.Name, offset)
	if err := victim.Order(cluster.Orders{WallOffsetMs: offset.Milliseconds()}); err != nil {
		return err
	}
	return cluster.Pause(ctx, env.Hold)
}

func clockStrobe(ctx context.Context, env *Env) error {
	for end := time.Now().Add(env.Hold); time.Now().Before(end); {
		for _, node := range env.Cluster.Nodes() {
			offset := offsets[env.Random.IntN(len(offsets))] * time.Duration(env.Random.IntN(3)-1)
			if err := node.Order(cluster.Orders{WallOffsetMs: offset.Milliseconds()}); err != nil {
				return err
			}
		}
		if err := cluster.Pause(ctx, env.between(20*time.Millisecond, 200*time.Millisecond)); err != nil {
			return err
		}
	}
	return nil
}

func clockRate(ctx context.Context, env *Env) error {
	for _, node := range env.Cluster.Nodes() {
		rate := env.drift()
		env.Printf("the clock of %s goes at %.3f", node.Name, rate)
		if err := node.Order(cluster.Orders{Rate: rate}); err != nil {
			return err
		}
	}
	return cluster.Pause(ctx, env.Hold+env.TTL)
}
