package world

import (
	"fmt"
	"time"

	"github.com/coordd/coordd/fsm/command"
)

// The pool that workers share.
const (
	poolName       = "pool"
	poolPartitions = 12
)

var poolSettings = command.PoolSettings{Debounce: 100, Drain: 1000}

// evictor is who evicts workers here. Any other eviction is nobody's wish.
const evictor = "the operator"

// ownership is what a worker, or a router, was told of a partition.
type ownership struct {
	partition     int
	worker        string // empty: nobody
	token         command.Token
	asked, answer moment
}

// work joins the pool in one session after another, works on what it owns, hands over what it is asked for, and leaves in one of the ways in which workers leave.
func (c *client) work() {
	for !c.over() {
		_, _ = c.ask(command.PoolCreate{Pool: poolName, Partitions: poolPartitions, Settings: poolSettings})
		s, ok := c.openSession()
		if !ok {
			c.rest(100 * time.Millisecond)
			continue
		}
		member := command.PoolMember{Pool: poolName, Worker: fmt.Sprintf("worker-%d", c.number), Session: s.id}
		if c.chance.IntN(2) == 0 {
			member.Worker = c.unique()
		}
		c.workAs(s, member)
		close(s.leave)
		<-s.left
		if c.chance.IntN(3) == 0 {
			_, _ = c.ask(command.SessionClose{Session: s.id})
		}
	}
}

// workAs is the life of one member.
func (c *client) workAs(s *session, member command.PoolMember) {
	join := command.PoolJoin{Member: member, Weight: 1 + uint32(c.chance.IntN(3)), Address: fmt.Sprintf("node-%d", c.place), Grace: pick[int64](c.chance, 0, 0, 1500)}
	joined := false
	for range 3 + c.chance.IntN(10) {
		if s.gone() || c.over() {
			return
		}
		if !joined {
			reply, outcome := c.ask(join)
			joined = outcome == done && !reply.IsError()
		} else if joined = c.workOn(member); c.chance.IntN(4) == 0 {
			c.route()
		}
		c.rest(300 * time.Millisecond)
	}
	switch c.chance.IntN(4) {
	case 0:
		_, _ = c.ask(command.PoolLeave{Member: member, Restart: 800})
	case 1:
		_, _ = c.ask(command.PoolLeave{Member: member})
	case 2:
		_, _ = c.ask(command.PoolEvict{Pool: poolName, Worker: member.Worker, Reason: "to see what happens", Actor: evictor, Now: c.chance.IntN(2) == 0})
	}
}

// workOn asks what the worker owns, and gives back what it is to hand over. It reports whether it is a member.
func (c *client) workOn(member command.PoolMember) bool {
	asked := c.world.now()
	reply, outcome := c.ask(command.PoolAssignment{Member: member})
	if outcome != done {
		return true
	}
	if reply.IsError() {
		return false
	}
	answer, owned := c.world.now(), make(map[int64]command.Token)
	list := value(reply, "owned").Elements
	for i := 0; i+1 < len(list); i += 2 {
		partition, token := list[i].Integer, command.Token(list[i+1].Integer)
		owned[partition] = token
		add(c.world.history, &c.world.history.owned, ownership{int(partition), member.Worker, token, asked, answer})
	}
	var releases []command.Release
	for _, partition := range value(reply, "draining").Elements {
		releases = append(releases, command.Release{Partition: uint32(partition.Integer), Token: owned[partition.Integer]})
	}
	if len(releases) > 0 && c.chance.IntN(4) > 0 {
		_, _ = c.ask(command.PoolAcknowledge{Member: member, Releases: releases})
	}
	return true
}

// route asks who owns what, as a router does.
func (c *client) route() {
	asked := c.world.now()
	reply, outcome := c.ask(command.PoolTable{Pool: poolName})
	if outcome != done || reply.IsError() {
		return
	}
	answer := c.world.now()
	for partition, owner := range ownersOf(reply) {
		add(c.world.history, &c.world.history.owned, ownership{partition, owner.worker, owner.token, asked, answer})
	}
}
