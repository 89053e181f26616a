package nemesis

import (
	"context"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/cluster"
)

var suspendNemeses = []Nemesis{
	{Name: "node-suspend", Row: 19, Needs: failpoints, About: "a node, or the leader, stands still for longer than the TTL, and its monotonic clock knows nothing of that, as on a machine that was suspended",
		Inject: func(ctx context.Context, env *Env) error { return env.suspend(ctx, func() {}, env.anyOrLeader(ctx)) }},
	{Name: "machine-suspend", Row: 19, Needs: failpoints, About: "everything stands still for longer than the TTL; the clocks of nodes have not counted it, those of clients have: holders give up, and nothing ends early",
		Inject: machineSuspend},
}

// ordersTaken is longer than a node takes to follow an order.
const ordersTaken = 50 * time.Millisecond

// stillRate is the rate of a clock that stands. The clock of a node takes no 0, which means that nothing was ordered.
const stillRate = 1e-9

// suspend stops nodes, until others are woken too, and keeps the time for which they are stopped from their monotonic clocks. Around the stop they run for some milliseconds with clocks that stand, which makes leases longer by that.
func (e *Env) suspend(ctx context.Context, wakeOthers func(), victims ...*cluster.Node) error {
	span := e.TTL + e.between(e.TTL/10, e.TTL)
	for _, victim := range victims {
		e.Printf("suspend %s for %v", victim.Name, span)
		if err := victim.Order(cluster.Orders{Rate: stillRate}); err != nil {
			return err
		}
	}
	if err := cluster.Pause(ctx, ordersTaken); err != nil {
		return err
	}
	for _, victim := range victims {
		if err := victim.Stop(); err != nil {
			return err
		}
	}
	err := cluster.Pause(ctx, span)
	for _, victim := range victims {
		if failure := victim.Order(cluster.Orders{}); err == nil {
			err = failure
		}
		victim.Continue() // it reads the order a few milliseconds later
	}
	wakeOthers()
	if err != nil {
		return err
	}
	return cluster.Pause(ctx, e.Hold/2)
}

// machineSuspend is what a machine on which everything runs goes through. Clients read a clock that counts such time.
func machineSuspend(ctx context.Context, env *Env) error {
	for _, name := range env.Clients.Names() {
		if err := env.Clients.Stop(name); err != nil {
			return err
		}
	}
	env.Printf("all clients stand still as long as the nodes")
	return env.suspend(ctx, env.Clients.Heal, env.Cluster.Nodes()...)
}
