package fsm

import (
	"fmt"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/ring"
)

// readPool answers the ops of pools that change nothing. What they tell is what stands in the state: a worker whose time is over is one until an entry says so.
func (v *view) readPool(op command.Op) (reply command.Reply, known bool) {
	switch op := op.(type) {
	case command.PoolList:
		return v.listPools(), true
	case command.PoolInfo:
		return v.poolInfo(op), true
	case command.PoolTable:
		return v.poolTable(op), true
	case command.PoolAssignment:
		return v.assignment(op), true
	case command.PoolExplain:
		return v.explainKey(op), true
	}
	return command.Reply{}, false
}

func (v *view) listPools() command.Reply {
	var list []command.Reply
	v.s.pools.all(func(name string, r poolRecord) bool {
		list = append(list, v.poolReply(name, r, false))
		return true
	})
	return command.Array(list...)
}

func (v *view) poolInfo(op command.PoolInfo) command.Reply {
	record, ok := v.s.pools.get(op.Pool)
	if !ok {
		return noPool(op.Pool)
	}
	return v.poolReply(op.Pool, record, true)
}

// census counts what a pool's partitions are.
type census struct {
	owned, draining, overdue, free, waiting int64
	ofWorker                                map[string]*workerCensus
}

type workerCensus struct{ owned, draining, target int64 }

func (v *view) census(name string, record poolRecord) census {
	n := census{ofWorker: map[string]*workerCensus{}}
	for id := range v.s.workersOf(name) {
		n.ofWorker[id] = &workerCensus{}
	}
	target, _ := v.s.targets.get(name)
	for partition, part := range v.s.partitionsOf(name, record) {
		should := ""
		if slot := target.table.OwnerOf(partition); slot != ring.None {
			should = target.table.Member(slot).ID
			if w := n.ofWorker[should]; w != nil {
				w.target++
			}
		}
		if part.owner == "" {
			n.free++
			continue
		}
		n.owned++
		w := n.ofWorker[part.owner]
		w.owned++
		switch {
		case part.draining != 0:
			n.draining++
			w.draining++
			if part.draining.Add(record.settings.Drain) <= v.s.now {
				n.overdue++
			}
		case part.owner != should:
			n.waiting++
		}
	}
	return n
}

// partitionsOf lists the partitions of a pool in order, those that were never granted too.
func (s *state) partitionsOf(name string, record poolRecord) func(yield func(int, partRecord) bool) {
	return func(yield func(int, partRecord) bool) {
		var parts []partRecord
		for partition := range int(record.partitions) {
			if partition%chunkPartitions == 0 {
				chunk, _ := s.partitions.get(chunkKey{name, uint32(partition / chunkPartitions)})
				parts = chunk.parts
			}
			var part partRecord
			if parts != nil {
				part = parts[partition%chunkPartitions]
			}
			if !yield(partition, part) {
				return
			}
		}
	}
}

// poolReply is the map of a pool, with its workers if they are asked for.
func (v *view) poolReply(name string, r poolRecord, workers bool) command.Reply {
	n := v.census(name, r)
	reply := command.Map(
		text("name"), text(name),
		text("incarnation"), text(r.incarnation.String()),
		text("partitions"), command.Integer(int64(r.partitions)),
		text("zones"), text(ring.Zones(r.settings.Zones).String()),
		text("debounce_ms"), command.Integer(r.settings.Debounce),
		text("drain_ms"), command.Integer(r.settings.Drain),
		text("moves"), command.Integer(int64(r.settings.Moves)),
		text("version"), command.Integer(int64(r.version)),
		text("now_ms"), command.Integer(int64(v.s.now)),
		text("rebalance_ms"), command.Integer(int64(r.due)),
		text("workers_total"), command.Integer(int64(len(n.ofWorker))),
		text("owned"), command.Integer(n.owned),
		text("draining"), command.Integer(n.draining),
		text("free"), command.Integer(n.free),
		text("waiting"), command.Integer(n.waiting),
		text("overdue"), command.Integer(n.overdue),
	)
	if !workers {
		return reply
	}
	var list []command.Reply
	for id, w := range v.s.workersOf(name) {
		list = append(list, workerReply(id, w, *n.ofWorker[id]))
	}
	reply.Elements = append(reply.Elements, text("workers"), command.Array(list...))
	return reply
}

func workerReply(id string, w workerRecord, n workerCensus) command.Reply {
	return command.Map(
		text("worker"), text(id),
		text("epoch"), text(w.epoch.String()),
		text("session"), text(sessionText(w.session)),
		text("zone"), text(w.zone),
		text("weight"), command.Integer(int64(w.weight)),
		text("address"), text(w.address),
		text("state"), text(w.state.String()),
		text("until_ms"), command.Integer(int64(w.until)),
		text("owned"), command.Integer(n.owned),
		text("draining"), command.Integer(n.draining),
		text("target"), command.Integer(n.target),
		text("since_ms"), command.Integer(int64(w.since)),
	)
}

func sessionText(id command.SessionID) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}

// membership is the map that a worker is answered; what it owns it asks for apart, since that can be long.
func (p *pool) membership(id string, w workerRecord) command.Reply {
	session, _ := p.e.m.state.sessions.get(w.session)
	return command.Map(
		text("name"), text(p.name),
		text("incarnation"), text(p.record.incarnation.String()),
		text("partitions"), command.Integer(int64(p.record.partitions)),
		text("version"), command.Integer(int64(p.record.version)),
		text("worker"), text(id),
		text("epoch"), text(w.epoch.String()),
		text("state"), text(w.state.String()),
		text("now_ms"), command.Integer(int64(p.e.m.state.now)),
		text("deadline_ms"), command.Integer(int64(max(session.deadline, w.until))),
	)
}

// assignment tells a worker what it owns, with which tokens, and what of it to hand over.
func (v *view) assignment(op command.PoolAssignment) command.Reply {
	session, problem := v.s.authorize(op.Member.Session, op.Member.SecretHash)
	if problem != nil {
		return *problem
	}
	v.passed(session.deadline)
	record, ok := v.s.pools.get(op.Member.Pool)
	if !ok {
		return noPool(op.Member.Pool)
	}
	w, problem := v.s.memberOf(op.Member)
	if problem != nil {
		return *problem
	}
	var owned, draining []command.Reply
	for partition, part := range v.s.partitionsOf(op.Member.Pool, record) {
		if part.owner != op.Member.Worker {
			continue
		}
		owned = append(owned, command.Integer(int64(partition)), command.Integer(int64(part.token)))
		if part.draining != 0 {
			draining = append(draining, command.Integer(int64(partition)))
		}
	}
	return command.Map(
		text("name"), text(op.Member.Pool),
		text("incarnation"), text(record.incarnation.String()),
		text("partitions"), command.Integer(int64(record.partitions)),
		text("version"), command.Integer(int64(record.version)),
		text("worker"), text(op.Member.Worker),
		text("epoch"), text(w.epoch.String()),
		text("state"), text(w.state.String()),
		text("now_ms"), command.Integer(int64(v.s.now)),
		text("deadline_ms"), command.Integer(int64(session.deadline)),
		text("owned"), command.Array(owned...),
		text("draining"), command.Array(draining...),
	)
}

// poolTable tells a router who owns what. Every partition knows at which version it changed last, so what has changed since any earlier version can be told
// without a log of changes, however old that version is.
func (v *view) poolTable(op command.PoolTable) command.Reply {
	record, ok := v.s.pools.get(op.Pool)
	if !ok {
		return noPool(op.Pool)
	}
	since := op.Since
	if op.Incarnation != record.incarnation || since > record.version {
		since = 0
	}
	var changes []command.Reply
	for partition, part := range v.s.partitionsOf(op.Pool, record) {
		if part.changed > since {
			changes = append(changes, command.Integer(int64(partition)), text(part.owner), command.Integer(int64(part.token)), command.Integer(part.state()))
		}
	}
	workers := command.Nil()
	if record.staffed > since {
		workers = command.Array(v.s.roster(op.Pool)...)
	}
	return command.Map(
		text("name"), text(op.Pool),
		text("incarnation"), text(record.incarnation.String()),
		text("partitions"), command.Integer(int64(record.partitions)),
		text("from"), command.Integer(int64(since)),
		text("version"), command.Integer(int64(record.version)),
		text("delta"), command.Bool(since > 0),
		text("now_ms"), command.Integer(int64(v.s.now)),
		text("workers"), workers,
		text("changes"), command.Array(changes...),
	)
}

func (s *state) roster(pool string) (roster []command.Reply) {
	for id, w := range s.workersOf(pool) {
		roster = append(roster, text(id), text(w.zone), text(w.address))
	}
	return roster
}

// explainKey tells where a key is and why.
func (v *view) explainKey(op command.PoolExplain) command.Reply {
	record, ok := v.s.pools.get(op.Pool)
	if !ok {
		return noPool(op.Pool)
	}
	target, _ := v.s.targets.get(op.Pool)
	plan := target.table.Explain(op.Key)
	chunk, _ := v.s.partitions.get(chunkKey{op.Pool, uint32(plan.Partition / chunkPartitions)})
	var part partRecord
	if chunk.parts != nil {
		part = chunk.parts[plan.Partition%chunkPartitions]
	}
	owner, _ := v.s.workers.get(workerKey{op.Pool, part.owner})
	var standbys []command.Reply
	for _, id := range plan.Standbys {
		standbys = append(standbys, text(id))
	}
	sentence := plan.String()
	switch {
	case part.owner == "":
		sentence += fmt.Sprintf("now nobody owns it; the last token was %d\n", part.token)
	case part.owner == plan.Owner.ID:
		sentence += fmt.Sprintf("it owns it with token %d\n", part.token)
	default:
		sentence += fmt.Sprintf("now %s owns it with token %d and is to hand it over\n", part.owner, part.token)
	}
	return command.Map(
		text("pool"), text(op.Pool),
		text("incarnation"), text(record.incarnation.String()),
		text("version"), command.Integer(int64(record.version)),
		text("partition"), command.Integer(int64(plan.Partition)),
		text("owner"), text(part.owner),
		text("address"), text(owner.address),
		text("token"), command.Integer(int64(part.token)),
		text("state"), command.Integer(part.state()),
		text("target"), text(plan.Owner.ID),
		text("standbys"), command.Array(standbys...),
		text("text"), text(sentence),
	)
}
