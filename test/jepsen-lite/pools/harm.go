package pools

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/test/jepsen-lite/cluster"
)

// orphan is a partition whose worker was killed or stopped.
type orphan struct {
	partition int
	harm      string
	after     time.Duration // until another owned it, as the router of the harness saw it
	limit     time.Duration
}

// harm is something that happens to the pool. Each returns when the pool has settled.
type harm struct {
	name string
	do   func(*campaign, context.Context) error
}

var harms = []harm{
	{"kill a worker", (*campaign).killWorker},
	{"stop a worker", (*campaign).stopWorker},
	{"add a worker", (*campaign).addWorker},
	{"let a worker leave", (*campaign).sendAway},
	{"kill the leader", (*campaign).killLeader},
	{"kill a worker and the leader", (*campaign).killBoth},
}

// harmAndRoll does harm until the time is over, and then restarts every worker, one after the other.
func (c *campaign) harmAndRoll(ctx context.Context) error {
	until := time.Now().Add(c.plan.Duration)
	for round := 0; time.Now().Before(until) || round < len(harms); round++ {
		// Each happens once before any happens again, in an order that the seed chooses.
		if round%len(harms) == 0 {
			c.random.Shuffle(len(harms), func(i, j int) { harms[i], harms[j] = harms[j], harms[i] })
		}
		one := harms[round%len(harms)]
		began := time.Now()
		if err := one.do(c, ctx); err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
		c.found.harms[one.name]++
		if c.plan.Duplicate {
			if err := c.duplicate(ctx); err != nil {
				return fmt.Errorf("a second process under a worker's id: %w", err)
			}
		}
		c.printf("%-30s %4.1f s", one.name, time.Since(began).Seconds())
	}
	return c.roll(ctx)
}

func (c *campaign) anyWorker() *child {
	ids := slices.Sorted(maps.Keys(c.workers))
	return c.workers[ids[c.random.IntN(len(ids))]]
}

// reownedWithin is how long after the end of a session's TTL its partitions may stay without an owner.
const reownedWithin = 2 * time.Second

// watchOrphans does something to a worker, and waits until all that it owned is another's. The limit counts from the moment before.
func (c *campaign) watchOrphans(ctx context.Context, victim *child, name string, limit time.Duration, do func() error) error {
	tokens := map[int]uint64{}
	for partition := range c.table.Partitions() {
		if route := c.table.At(partition); route.Owner.ID == victim.order.Worker {
			tokens[partition] = route.Token
		}
	}
	began := time.Now()
	if err := do(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, settlePatience)
	defer cancel()
	for len(tokens) > 0 {
		for partition, token := range tokens {
			if route := c.table.At(partition); route.Owner.ID != "" && route.Token > token {
				c.found.orphans = append(c.found.orphans, orphan{partition, name, time.Since(began), limit})
				delete(tokens, partition)
			}
		}
		if cluster.Pause(ctx, 10*time.Millisecond) != nil {
			return fmt.Errorf("%d partitions of %s are still without another owner after %v", len(tokens), victim.order.Worker, time.Since(began))
		}
	}
	return nil
}

// killWorker kills a worker; when others own what it owned, it is started again.
func (c *campaign) killWorker(ctx context.Context) error {
	victim := c.anyWorker()
	err := c.watchOrphans(ctx, victim, "kill a worker", c.plan.TTL+reownedWithin, func() error {
		victim.kill()
		return nil
	})
	if err != nil {
		return err
	}
	return c.startAgain(ctx, victim)
}

func (c *campaign) startAgain(ctx context.Context, victim *child) error {
	if _, err := c.startWorker(victim.order.Worker, victim.order.Number, startPatience); err != nil {
		return err
	}
	return c.settle(ctx)
}

// stopWorker stops a worker for longer than its session lives. When it goes on it must find out, and join again by itself.
func (c *campaign) stopWorker(ctx context.Context) error {
	victim := c.anyWorker()
	stopped := make(chan error, 1)
	err := c.watchOrphans(ctx, victim, "stop a worker", c.plan.TTL+reownedWithin, func() error {
		go func() { stopped <- c.fleet.stop(ctx, victim, c.plan.TTL+3*time.Second) }()
		return nil
	})
	if err := <-stopped; err != nil {
		return err
	}
	if err != nil {
		return err
	}
	return c.settle(ctx)
}

func (c *campaign) addWorker(ctx context.Context) error {
	c.next++
	if _, err := c.startWorker(workerID(c.next), c.next, startPatience); err != nil {
		return err
	}
	return c.settle(ctx)
}

// sendAway lets a worker leave in good order.
func (c *campaign) sendAway(ctx context.Context) error {
	leaver := c.anyWorker()
	ctx, cancel := context.WithTimeout(ctx, settlePatience)
	defer cancel()
	if err := leaver.say("leave"); err != nil {
		return err
	}
	ended, err := c.fleet.await(ctx, leaver, KindEnded)
	if err != nil {
		return err
	}
	if ended.Text != "<nil>" {
		c.problem("%s left with %s", leaver.order.Worker, ended.Text)
	}
	delete(c.workers, leaver.order.Worker)
	return c.settle(ctx)
}

// killLeader kills the leader, and starts it again when another leads.
func (c *campaign) killLeader(ctx context.Context) error {
	leader, err := c.leader(ctx)
	if err != nil {
		return err
	}
	c.killNode(leader)
	if outage := c.outage(ctx, leader); outage.err != nil {
		return outage.err
	}
	return c.bringBack(ctx, leader)
}

func (c *campaign) leader(ctx context.Context) (*cluster.Node, error) {
	ctx, cancel := context.WithTimeout(ctx, settlePatience)
	defer cancel()
	return c.nodes.Leader(ctx)
}

// outage is how long there was no leader.
type outage struct {
	span time.Duration
	err  error
}

func (c *campaign) outage(ctx context.Context, dead *cluster.Node) outage {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, settlePatience)
	defer cancel()
	_, err := c.nodes.LeaderOtherThan(ctx, dead)
	return outage{time.Since(began), err}
}

func (c *campaign) bringBack(ctx context.Context, node *cluster.Node) error {
	limited, cancel := context.WithTimeout(ctx, settlePatience)
	defer cancel()
	if err := c.startNode(node); err != nil {
		return err
	}
	if err := c.nodes.WaitReady(limited, node); err != nil {
		return err
	}
	return c.settle(ctx)
}

// killBoth kills a worker and the leader together. While there is no leader no time passes, so what the worker owned may wait that much longer.
func (c *campaign) killBoth(ctx context.Context) error {
	victim, first := c.anyWorker(), len(c.found.orphans)
	leader, err := c.leader(ctx)
	if err != nil {
		return err
	}
	outages := make(chan outage, 1)
	err = c.watchOrphans(ctx, victim, "kill a worker and the leader", 0, func() error {
		victim.kill()
		c.killNode(leader)
		go func() { outages <- c.outage(ctx, leader) }()
		return nil
	})
	without := <-outages
	if err := errors.Join(err, without.err); err != nil {
		return err
	}
	for i := range c.found.orphans[first:] {
		c.found.orphans[first+i].limit = c.plan.TTL + reownedWithin + without.span
	}
	delete(c.workers, victim.order.Worker)
	if err := c.bringBack(ctx, leader); err != nil {
		return err
	}
	return c.startAgain(ctx, victim)
}

// duplicate starts a second process under a live worker's id: it must be told that the id is in use, and change nothing.
func (c *campaign) duplicate(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settlePatience)
	defer cancel()
	twin := c.anyWorker()
	before, err := c.pool.Info(ctx)
	if err != nil {
		return err
	}
	said, err := c.startTwin(ctx, twin)
	if err != nil {
		return err
	}
	c.found.twins++
	if said.Kind == KindJoined {
		if _, err := c.admin.SessionInfo(ctx, sessionOf(before, twin)); err != nil {
			return fmt.Errorf("%s is no example: its session has ended by itself: %w", twin.order.Worker, err)
		}
		c.found.twinsIn = append(c.found.twinsIn, fmt.Sprintf("a second process joined as %s while session %s lived", twin.order.Worker, sessionOf(before, twin)))
	}
	return nil
}

// startTwin starts a second process under a worker's id and tells what it said. One that had no answer in its time says nothing, and is tried again.
func (c *campaign) startTwin(ctx context.Context, twin *child) (said Event, err error) {
	second := twin.order
	second.Patience = 3 * time.Second
	if err := c.joinGossip(&second); err != nil {
		return said, err
	}
	for ctx.Err() == nil {
		started, err := c.fleet.start(twin.order.Worker+"-twin", second)
		if err != nil {
			return said, err
		}
		said, unanswered := c.fleet.await(ctx, started, KindBusy, KindJoined)
		if err := started.end(ctx); err != nil {
			return said, err
		}
		if unanswered == nil {
			return said, nil
		}
	}
	return said, context.Cause(ctx)
}

func sessionOf(info client.PoolInfo, worker *child) string {
	for _, one := range info.Workers {
		if one.ID == worker.order.Worker {
			return one.Session
		}
	}
	return ""
}

// roll restarts every worker, one after the other, each under its id.
func (c *campaign) roll(ctx context.Context) error {
	if err := c.settle(ctx); err != nil {
		return err
	}
	before, err := c.pool.Info(ctx)
	if err != nil {
		return err
	}
	if err := c.table.Await(ctx, before.Version); err != nil {
		return err
	}
	owners := make([]string, c.plan.Partitions)
	for partition := range owners {
		owners[partition] = c.table.At(partition).Owner.ID
	}
	began := time.Now()
	for _, id := range slices.Sorted(maps.Keys(c.workers)) {
		if err := c.restart(ctx, c.workers[id]); err != nil {
			return fmt.Errorf("restart %s: %w", id, err)
		}
		c.found.rolled++
	}
	after, err := c.pool.Info(ctx)
	if err != nil {
		return err
	}
	c.found.owners, c.found.before, c.found.after = owners, before.Version, after.Version
	c.printf("%d workers restarted one after the other in %.0f s", c.found.rolled, time.Since(began).Seconds())
	return nil
}

func (c *campaign) restart(ctx context.Context, worker *child) error {
	ctx, cancel := context.WithTimeout(ctx, settlePatience)
	defer cancel()
	if err := worker.say("restart"); err != nil {
		return err
	}
	if _, err := c.fleet.await(ctx, worker, KindEnded); err != nil {
		return err
	}
	if err := worker.wait(ctx); err != nil {
		return err
	}
	return c.startAgain(ctx, worker)
}
