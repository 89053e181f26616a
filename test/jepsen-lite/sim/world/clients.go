package world

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/raftnode"
	"github.com/coordd/coordd/transport"
)

// patience is how long a client waits for an answer.
const patience = 6 * time.Second

// client is one program that talks to the cluster, over one connection at a time.
type client struct {
	world  *world
	number int
	chance *rand.Rand
	place  int // of the node it is connected to
	node   *raftnode.Node
	life   *life // of the node
	lane   uint64
	said   int                   // things it has asked so far
	late   []command.LockRelease // of holds that it had
}

// crowd is all the clients of a world.
type crowd struct{ running atomic.Int64 }

func (c *crowd) over() bool { return c.running.Load() == 0 }

// startClients lets every client loose.
func (w *world) startClients() *crowd {
	crowd := &crowd{}
	number := 0
	start := func(count int, live func(*client)) {
		for range count {
			c := w.newClient(number)
			number++
			crowd.running.Add(1)
			go func() {
				defer crowd.running.Add(-1)
				live(c)
			}()
		}
	}
	start(3, (*client).useRegisters)
	start(2, (*client).useCounters)
	start(3, (*client).useRedisLocks)
	start(4, (*client).useSessions)
	start(2, (*client).useLocksWithoutSession)
	start(3, (*client).useHolds)
	start(3, (*client).work)
	return crowd
}

func (w *world) newClient(number int) *client {
	c := &client{world: w, number: number, chance: source(w.seed, streamClients+stream(number))}
	c.reconnect()
	return c
}

// reconnect goes to another node, perhaps the same.
func (c *client) reconnect() {
	c.place = c.chance.IntN(c.world.setup.nodes)
	if c.node = c.world.cluster.Node(c.place); c.node != nil {
		c.lane, c.life = c.node.OpenLane(), c.world.lives[c.place].Load()
	}
}

// over reports whether clients are to come to an end.
func (c *client) over() bool {
	select {
	case <-c.world.ending:
		return true
	default:
		return false
	}
}

// rest waits for a while, as programs do between two questions.
func (c *client) rest(most time.Duration) { time.Sleep(between(c.chance, most/8, most)) }

// unique is a value that nobody else ever writes.
func (c *client) unique() string {
	c.said++
	return fmt.Sprintf("c%d-%d", c.number, c.said)
}

// ask asks one thing and says what is known of it. A client whose connection broke, or would be closed by a door, goes to another node.
func (c *client) ask(op command.Op) (command.Reply, outcome) {
	if c.node == nil || c.node != c.world.cluster.Node(c.place) {
		c.reconnect()
	}
	if c.node == nil {
		time.Sleep(20 * time.Millisecond)
		return command.Reply{}, failed
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	mark := c.world.repeats.mark()
	replies, err := c.node.Execute(ctx, c.lane, []command.Op{op})
	outcome := done
	switch {
	case c.life.over.Load():
		outcome = unknown // the answer never left the machine
	case err == nil:
	case transport.CodeOf(err) == command.CodeUnknownOutcome, c.world.repeats.since(mark):
		outcome = unknown
	default:
		outcome = failed
	}
	c.world.fingerprint("asked", uint64(c.number), uint64(outcome), uint64(op.Kind()))
	c.world.count(outcome.String())
	if outcome == done {
		return replies[0], done
	}
	if c.chance.IntN(2) == 0 || outcome == unknown {
		c.reconnect()
	}
	c.rest(50 * time.Millisecond)
	return command.Reply{}, outcome
}

// useCounters increments counters that nobody else touches: an answer of anything but one, or more than one effect, is a command that ran twice.
func (c *client) useCounters() {
	for !c.over() {
		name := command.Name{Key: "once-" + c.unique()}
		reply, outcome := c.ask(command.Increment{Name: name, Delta: 1})
		if outcome == done && reply.Integer != 1 {
			c.world.violate(exactlyOnce, "the first increment of %q was answered with %+v", name.Key, reply)
		}
		add(c.world.history, &c.world.history.counters, counting{name, outcome})
		c.rest(90 * time.Millisecond)
	}
}

// lookAtCounters reads every counter, through some node, after everything.
func (w *world) lookAtCounters() {
	const atOnce = 100
	c := w.newClient(1000)
	for list := w.history.counters; len(list) > 0; list = list[min(len(list), atOnce):] {
		some := list[:min(len(list), atOnce)]
		names := make([]command.Name, len(some))
		for i, one := range some {
			names[i] = one.name
		}
		reply, outcome := c.ask(command.MultiGet{Names: names})
		if outcome != done {
			w.violate(liveness, "counters could not be read after everything was healed")
			return
		}
		for i, one := range some {
			w.judgeCounter(one, string(reply.Elements[i].Text))
		}
	}
}

// judgeCounter holds what a counter says against what its client was told.
func (w *world) judgeCounter(one counting, says string) {
	switch {
	case says == "1" && one.outcome != failed, says == "" && one.outcome != done:
	case says == "" || says == "1":
		w.violate(exactlyOnce, "the increment of %q was answered as %s, and the counter says %q", one.name.Key, one.outcome, says)
	default:
		w.violate(exactlyOnce, "the increment of %q ran %s times", one.name.Key, says)
	}
}
