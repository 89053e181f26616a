package fsm

import (
	"fmt"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/ring"
)

// poolOp makes up an op of worker pools: two pools, four workers, few partitions, and tokens that are often the right ones.
func (s *scenario) poolOp() command.Op {
	pool := fmt.Sprint("pool-", s.pick(2))
	member := command.PoolMember{Pool: pool, Worker: fmt.Sprint("w", s.pick(4)), Session: s.session(), SecretHash: scenarioSecret}
	record, there := s.machine.state.pools.get(pool)
	if !there || s.pick(30) == 0 {
		return command.PoolCreate{Pool: pool, Partitions: uint32([]int{1, 3, 70}[s.pick(3)]), Settings: command.PoolSettings{Zones: uint8(s.pick(3)), Debounce: int64(s.pick(3) * 100),
			Drain: 100, Moves: uint32(s.pick(3))}}
	}
	switch s.pick(12) {
	case 0:
		return command.PoolAlter{Pool: pool, Fields: command.PoolField(s.pick(16)), Settings: command.PoolSettings{Zones: uint8(s.pick(3)), Debounce: int64(s.pick(2) * 200), Drain: 200}}
	case 1:
		return command.PoolDelete{Pool: pool, Incarnation: record.incarnation}
	case 2:
		return command.PoolLeave{Member: member, Restart: int64(s.pick(2) * 300)}
	case 3:
		return command.PoolEvict{Pool: pool, Worker: member.Worker, Reason: "why", Actor: "who", Now: s.pick(2) == 0}
	case 4:
		return command.PoolPin{Pool: pool, Partition: uint32(s.pick(4)), Worker: []string{"", "w0", "w1"}[s.pick(3)]}
	case 5:
		return s.poolRead(pool, record.incarnation, member)
	case 6, 7, 8:
		return s.acknowledgement(member, record)
	}
	join := command.PoolJoin{Member: member, Weight: uint32(1 + s.pick(3)), Zone: fmt.Sprint("z", s.pick(2)), Address: "a", Grace: int64(s.pick(2) * 400)}
	if s.pick(4) == 0 {
		join.Old, join.OldSecretHash = s.session(), scenarioSecret
	}
	return join
}

// acknowledgement gives back some of what a worker owns, mostly under the right token.
func (s *scenario) acknowledgement(member command.PoolMember, record poolRecord) command.Op {
	ack := command.PoolAcknowledge{Member: member}
	if w, ok := s.machine.state.workers.get(workerKey{member.Pool, member.Worker}); ok && s.pick(8) > 0 {
		ack.Member.Session = w.session
	}
	for partition, part := range s.machine.state.partitionsOf(member.Pool, record) {
		if part.owner == member.Worker && (part.draining != 0 || s.pick(6) == 0) {
			ack.Releases = append(ack.Releases, command.Release{Partition: uint32(partition), Token: part.token - command.Token(s.pick(6)/5)})
		}
	}
	return ack
}

func (s *scenario) poolRead(pool string, incarnation command.Position, member command.PoolMember) command.Op {
	switch s.pick(5) {
	case 0:
		return command.PoolList{}
	case 1:
		return command.PoolInfo{Pool: pool}
	case 2:
		return command.PoolAssignment{Member: member}
	case 3:
		return command.PoolExplain{Pool: pool, Key: string(s.value())}
	}
	return command.PoolTable{Pool: pool, Since: uint64(s.pick(20)), Incarnation: incarnation}
}

// fillPoolTables leaves a row in every table of pools, together with the ops that it answers for the last entry.
func (s *scenario) fillPoolTables() (last func(index uint64) []command.Op) {
	s.seal(command.SessionOpen{SecretHash: scenarioSecret, TTLMilliseconds: 70_000}, command.PoolCreate{Pool: "filled", Partitions: 2, Settings: command.PoolSettings{Drain: 100}})
	member := command.PoolMember{Pool: "filled", Worker: "w", Session: command.SessionID{Index: s.index}, SecretHash: scenarioSecret}
	s.seal(command.PoolPin{Pool: "filled", Partition: 1, Worker: "w"}, command.PoolJoin{Member: member, Weight: 1})
	joined := command.Token(s.index)
	// What is given back in the entry in which it was granted is granted again only in the next.
	return func(index uint64) []command.Op {
		return []command.Op{
			command.PoolAcknowledge{Member: member, Releases: []command.Release{{Partition: 0, Token: joined}}},
			command.PoolAcknowledge{Member: member, Releases: []command.Release{{Partition: 0, Token: command.Token(index)}}},
		}
	}
}

// goldenPoolOps has each op of pools.
func goldenPoolOps(session command.SessionID) []command.Op {
	member := command.PoolMember{Pool: "golden", Worker: "w1", Session: session, SecretHash: scenarioSecret}
	settings := command.PoolSettings{Zones: 1, Debounce: 0, Drain: 5000, Moves: 4}
	other := member
	other.Worker = "w2"
	return []command.Op{
		command.PoolCreate{Pool: "golden", Partitions: 130, Settings: settings},
		command.PoolJoin{Member: member, Weight: 2, Zone: "north", Address: "a:1", Grace: 1000, Old: command.SessionID{Index: 2}, OldSecretHash: scenarioSecret},
		command.PoolJoin{Member: other, Weight: 1, Zone: "south", Address: "a:2"}, command.PoolAcknowledge{Member: member, Releases: []command.Release{{Partition: 3, Token: 1}}},
		command.PoolAlter{Pool: "golden", Fields: command.PoolMoves | command.PoolDebounce, Settings: command.PoolSettings{Moves: 9, Debounce: 10}},
		command.PoolPin{Pool: "golden", Partition: 7, Worker: "w2"}, command.PoolList{}, command.PoolInfo{Pool: "golden"}, command.PoolTable{Pool: "golden", Since: 2},
		command.PoolAssignment{Member: member}, command.PoolExplain{Pool: "golden", Key: "key"}, command.PoolLeave{Member: other, Restart: 500},
		command.PoolEvict{Pool: "golden", Worker: "w1", Reason: "why", Actor: "who"}, command.PoolDelete{Pool: "golden", Incarnation: command.Position{Index: 1}},
	}
}

// pools says what in the tables of pools contradicts the rest.
func (c *consistency) pools(s *state) {
	memberships, waiting := 0, 0
	s.pools.all(func(name string, r poolRecord) bool {
		memberships += c.pool(s, name, r)
		if s.poolsWait.has(name) {
			waiting++
		}
		return true
	})
	c.expect(memberships == s.memberships.len(), "%d memberships, %d expected", s.memberships.len(), memberships)
	c.expect(waiting == s.poolsWait.len(), "pools that are not there wait for the next entry")
	c.expect(s.targets.len() == s.pools.len(), "%d targets of %d pools", s.targets.len(), s.pools.len())
	s.pins.all(func(k pinKey, _ string) bool {
		r, ok := s.pools.get(k.pool)
		c.expect(ok && k.partition < r.partitions, "a pin of %+v, which is not there", k)
		return true
	})
	s.partitions.all(func(k chunkKey, chunk chunkRecord) bool {
		r, ok := s.pools.get(k.pool)
		c.expect(ok && k.chunk*chunkPartitions < r.partitions && len(chunk.parts) == min(chunkPartitions, int(r.partitions-k.chunk*chunkPartitions)), "a row of %+v with %d partitions", k, len(chunk.parts))
		return true
	})
	s.workers.all(func(k workerKey, _ workerRecord) bool {
		c.expect(s.pools.has(k.pool), "worker %+v of no pool", k)
		return true
	})
}

func (c *consistency) pool(s *state, name string, r poolRecord) (memberships int) {
	target, _ := s.targets.get(name)
	c.expect(target.table != nil && target.table.Partitions() == int(r.partitions), "pool %s has a target of another size", name)
	c.expect(r.staffed <= r.version && (r.due == 0 || r.changing <= r.due), "pool %s: %+v", name, r)
	if r.due != 0 {
		c.deadlines[rebalanceDeadline(name, r.due)] = none{}
	}
	owned := map[string]int{}
	for partition, part := range s.partitionsOf(name, r) {
		owned[part.owner]++
		c.part(s, name, r, target.table, partition, part)
	}
	for id, w := range s.workersOf(name) {
		c.expect(w.state != workerLeaving || owned[id] > 0, "%s of pool %s has nothing and does not leave", id, name)
		if w.state == workerReserved {
			c.deadlines[reservationDeadline(name, w)] = none{}
			c.expect(w.session.IsZero(), "%s of pool %s is away and has session %s", id, name, w.session)
			continue
		}
		memberships++
		c.expect(s.memberships.has(membershipKey{w.session, name, id}) && s.sessions.has(w.session), "%s of pool %s is nothing that its session has", id, name)
	}
	return memberships
}

// part checks what hand-over promises of one partition at any moment (I8).
func (c *consistency) part(s *state, pool string, r poolRecord, target *ring.Table, partition int, part partRecord) {
	should := ""
	if slot := target.OwnerOf(partition); slot != ring.None {
		should = target.Member(slot).ID
	}
	c.expect(uint64(part.token) <= s.tokenBase+s.index && part.changed <= r.version, "partition %d of %s is of the future: %+v", partition, pool, part)
	if part.owner == "" {
		c.expect(part.draining == 0, "partition %d of %s belongs to nobody, who hands it over", partition, pool)
		w, ok := s.workers.get(workerKey{pool, should})
		waits := s.poolsWait.has(pool) && (part.token == s.token() || r.incarnation.Index == s.index)
		c.expect(!ok || w.state != workerActive || waits, "partition %d of %s is free although %s could have it", partition, pool, should)
		return
	}
	w, ok := s.workers.get(workerKey{pool, part.owner})
	c.expect(ok && w.state != workerReserved && part.token != 0, "partition %d of %s belongs to %s, who is not there", partition, pool, part.owner)
	c.expect(part.draining == 0 || part.owner != should, "partition %d of %s is handed over by %s, whose it should be", partition, pool, part.owner)
}
