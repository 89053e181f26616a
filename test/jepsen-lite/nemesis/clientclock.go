package nemesis

import (
	"context"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/bent"
	"github.com/coordd/coordd/test/jepsen-lite/cluster"
	"github.com/coordd/coordd/test/jepsen-lite/network"
)

// The clock of a client is the one that its library measures leases with. Like the CLOCK_BOOTTIME that it stands for it goes fast, slow, and forward at once, but never back. Those of two processes never
// begin together.
var clientClockNemeses = []Nemesis{
	{Name: "client-clock-rate", Row: 18, About: "every client's clock has a rate of its own, up to 8 % fast or slow; with --failpoints nodes' clocks too, at times all of them against all of those",
		Inject: clientClockRate},
	{Name: "client-clock-step", Row: 18, About: "the clock of one client after the other jumps forward, by 10 ms to a day",
		Inject: clientClockStep},
	{Name: "client-clock-strobe", Row: 18, About: "every client's clock goes by fits, now 8 % fast, now 8 % slow, with small steps forward, 5 to 50 times a second",
		Inject: clientClockStrobe},
	{Name: "client-clock-slow", Row: 18, About: "one client's clock goes at a quarter of its rate, which is outside of what is promised, while no node can be reached for longer than the TTL: tokens must be enough",
		Inject: clientClockSlow},
	{Name: "client-suspend", Row: 19, Workload: "keepers", About: "a client that has just taken a lock finds that its clock has jumped by more than the TTL, and its timers have not: as after a suspension",
		Inject: clientSuspend},
}

// mostDrift is by how much clocks go fast or slow where holders are still promised everything: less than [RateTolerance], of which both sides may use their part.
const mostDrift = 0.08

// BendsNodeRates says that a nemesis lets the monotonic clocks of nodes go at rates of their own, if it can.
func BendsNodeRates(name string) bool {
	return name == "clock-rate" || name == "client-clock-rate" || name == "random"
}

// bendClients gives each client process an order of its own.
func (e *Env) bendClients(order func() bent.Orders) error {
	for _, name := range e.Clients.Names() {
		if err := e.Clients.Bend(name, order()); err != nil {
			return err
		}
	}
	return nil
}

func (e *Env) drift() float64 { return 1 - mostDrift + 2*mostDrift*e.Random.Float64() }

func clientClockRate(ctx context.Context, env *Env) error {
	client, node := env.drift, env.drift
	if env.Random.IntN(2) == 0 { // the worst that is promised: holders believe for longest, and the cluster waits for shortest
		client, node = func() float64 { return 1 - mostDrift }, func() float64 { return 1 + mostDrift }
	}
	err := env.bendClients(func() bent.Orders {
		rate := client()
		env.Printf("the clock of a client goes at %.3f", rate)
		return bent.Orders{Rate: rate}
	})
	if err != nil {
		return err
	}
	if env.Host.Failpoints {
		for _, one := range env.Cluster.Nodes() {
			rate := node()
			env.Printf("the clock of %s goes at %.3f", one.Name, rate)
			if err := one.Order(cluster.Orders{Rate: rate}); err != nil {
				return err
			}
		}
	}
	return cluster.Pause(ctx, env.Hold+env.TTL)
}

func clientClockStep(ctx context.Context, env *Env) error {
	for _, place := range env.Random.Perm(len(offsets)) {
		names := env.Clients.Names()
		name, step := names[env.Random.IntN(len(names))], offsets[place]
		env.Printf("the clock of client process %s jumps forward by %v", name, step)
		if err := env.Clients.Bend(name, bent.Orders{Jump: step}); err != nil {
			return err
		}
		if err := cluster.Pause(ctx, env.between(env.Hold/10, env.Hold/3)); err != nil {
			return err
		}
	}
	return cluster.Pause(ctx, env.Hold/2)
}

func clientClockStrobe(ctx context.Context, env *Env) error {
	const most = 10 * time.Millisecond
	env.Printf("the clocks of all clients go by fits")
	for end := time.Now().Add(env.Hold + env.TTL); time.Now().Before(end); {
		err := env.bendClients(func() bent.Orders {
			return bent.Orders{Rate: 1 - mostDrift + 2*mostDrift*float64(env.Random.IntN(2)), Jump: env.between(0, most)}
		})
		if err != nil {
			return err
		}
		if err := cluster.Pause(ctx, env.between(20*time.Millisecond, 200*time.Millisecond)); err != nil {
			return err
		}
	}
	return nil
}

// slowRate lets a holder believe four times as long as it was promised.
const slowRate = 0.25

func clientClockSlow(ctx context.Context, env *Env) error {
	place := env.keeper(ctx)
	name := env.Clients.Names()[place]
	env.Printf("the clock of client process %s goes at %.2f, and no node is reached from it for %v", name, slowRate, 2*env.TTL+env.Hold/2)
	if err := env.Clients.Bend(name, bent.Orders{Rate: slowRate, Broken: true}); err != nil {
		return err
	}
	for _, node := range env.Cluster.Nodes() {
		env.sever(Place(place), node.Name, network.Reset, network.Client)
	}
	return cluster.Pause(ctx, 2*env.TTL+env.Hold/2)
}

func clientSuspend(ctx context.Context, env *Env) error {
	for range 2 {
		name := env.Clients.Names()[env.keeper(ctx)]
		jump := env.TTL + env.between(env.TTL/10, 2*env.TTL)
		env.Printf("client process %s was suspended for %v, by its clock", name, jump)
		if err := env.Clients.Bend(name, bent.Orders{Jump: jump}); err != nil {
			return err
		}
		if err := cluster.Pause(ctx, env.Hold/2); err != nil {
			return err
		}
	}
	return nil
}
