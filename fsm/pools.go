package fsm

import (
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/ring"
)

// pool is one pool while a command works on it. Changes go to the tables at once, except for the pool's own row and the partitions, which close writes.
type pool struct {
	e      *effects
	name   string
	record poolRecord
	before poolRecord
	chunks []chunkRecord // by number; those that were looked at
	copied []bool        // whether a chunk is this command's own
}

// findPool brings a pool up to the entry's instant before a command looks at it: whose session has ended is no worker any more, a reservation that is over
// is, and what waited long enough is done. The caller closes the pool.
func (e *effects) findPool(name string) (*pool, *command.Reply) {
	record, ok := e.m.state.pools.get(name)
	if !ok {
		problem := noPool(name)
		return nil, &problem
	}
	chunks := (record.partitions + chunkPartitions - 1) / chunkPartitions
	p := &pool{e: e, name: name, record: record, before: record, chunks: make([]chunkRecord, chunks), copied: make([]bool, chunks)}
	p.settle()
	return p, nil
}

// touchPool is findPool for when time itself is the reason.
func (e *effects) touchPool(name string) {
	if p, problem := e.findPool(name); problem == nil {
		p.close()
	}
}

func noPool(name string) command.Reply {
	return command.Errorf(command.CodeNoPool, "there is no pool %s; make it with POOL.CREATE", quote(name))
}

// settle does what time has brought.
func (p *pool) settle() {
	s := p.e.m.state
	var lost, over []string
	for id, w := range p.workers() {
		switch {
		case w.state == workerReserved && w.until <= s.now:
			over = append(over, id)
		case w.state != workerReserved && !s.alive(w.session):
			lost = append(lost, id)
		}
	}
	orphans := len(over) > 0
	for _, id := range lost {
		orphans = p.lose(id) || orphans
	}
	for _, id := range over {
		p.dismiss(id, "expired")
	}
	if orphans {
		p.retargetOrphans()
	}
	due := p.record.due != 0 && p.record.due <= s.now
	if due {
		p.retargetAll()
	}
	if due || len(lost)+len(over) > 0 || s.poolsWait.has(p.name) {
		p.advance()
	}
}

// close writes what the command changed, and tells that it did.
func (p *pool) close() {
	s := p.e.m.state
	for i, own := range p.copied {
		if own {
			s.partitions.put(chunkKey{p.name, uint32(i)}, p.chunks[i])
		}
	}
	clear(p.copied)
	if p.record == p.before {
		return
	}
	s.pools.put(p.name, p.record)
	if p.record.version != p.before.version {
		p.e.event(Event{Type: EventPoolChanged, Name: command.Name{Key: p.name}, Version: p.record.version})
	}
	p.before = p.record
}

// change makes the command's changes those of a new version, and answers it.
func (p *pool) change() uint64 {
	if p.record.version == p.before.version {
		p.record.version++
	}
	return p.record.version
}

// workers lists the workers of the pool, in the order of their ids. They must not change meanwhile.
func (p *pool) workers() func(yield func(string, workerRecord) bool) {
	return p.e.m.state.workersOf(p.name)
}

func (s *state) workersOf(pool string) func(yield func(string, workerRecord) bool) {
	return func(yield func(string, workerRecord) bool) {
		s.workers.from(workerKey{pool: pool}, func(k workerKey, w workerRecord) bool {
			return k.pool == pool && yield(k.worker, w)
		})
	}
}

func (p *pool) worker(id string) (workerRecord, bool) {
	return p.e.m.state.workers.get(workerKey{p.name, id})
}

// setWorker writes a worker's row and moves its place among the session's memberships and the deadlines along.
func (p *pool) setWorker(id string, w workerRecord) {
	p.unlinkWorker(id)
	s := p.e.m.state
	s.workers.put(workerKey{p.name, id}, w)
	if w.state == workerReserved {
		s.deadlines.put(reservationDeadline(p.name, w), none{})
	} else {
		s.memberships.put(membershipKey{w.session, p.name, id}, none{})
	}
	p.record.staffed = p.change()
}

func (p *pool) removeWorker(id string) {
	p.unlinkWorker(id)
	p.e.m.state.workers.remove(workerKey{p.name, id})
	p.record.staffed = p.change()
}

func (p *pool) unlinkWorker(id string) {
	s := p.e.m.state
	old, ok := p.worker(id)
	switch {
	case !ok:
	case old.state == workerReserved:
		s.deadlines.remove(reservationDeadline(p.name, old))
	default:
		s.memberships.remove(membershipKey{old.session, p.name, id})
	}
}

// part is a partition as it is now.
func (p *pool) part(partition int) partRecord {
	chunk := p.chunk(partition / chunkPartitions)
	if chunk == nil {
		return partRecord{}
	}
	return chunk[partition%chunkPartitions]
}

func (p *pool) chunk(i int) []partRecord {
	if p.chunks[i].parts == nil {
		p.chunks[i], _ = p.e.m.state.partitions.get(chunkKey{p.name, uint32(i)})
	}
	return p.chunks[i].parts
}

// setPart changes a partition. Rows of the table are never changed in place, so the first change copies the chunk.
func (p *pool) setPart(partition int, part partRecord) {
	i := partition / chunkPartitions
	if !p.copied[i] {
		parts := make([]partRecord, min(chunkPartitions, int(p.record.partitions)-i*chunkPartitions))
		copy(parts, p.chunk(i))
		p.chunks[i], p.copied[i] = chunkRecord{parts}, true
	}
	part.changed = p.change()
	p.chunks[i].parts[partition%chunkPartitions] = part
}

// target is who should own what.
func (p *pool) target() *ring.Table {
	target, _ := p.e.m.state.targets.get(p.name)
	return target.table
}

// schedule lets a change wait for quiet.
func (p *pool) schedule() {
	s := p.e.m.state
	if p.record.changing == 0 {
		p.record.changing = s.now
	}
	debounce := p.record.settings.Debounce
	p.setDue(min(s.now.Add(debounce), p.record.changing.Add(command.PoolQuietFactor*debounce)))
	if p.record.due <= s.now {
		p.retargetAll()
	}
}

// setDue moves the instant of the next rebalance; 0 for none.
func (p *pool) setDue(at command.Instant) {
	s := p.e.m.state
	if p.record.due != 0 {
		s.deadlines.remove(rebalanceDeadline(p.name, p.record.due))
	}
	p.record.due = at
	if at != 0 {
		s.deadlines.put(rebalanceDeadline(p.name, at), none{})
	} else {
		p.record.changing = 0
	}
	p.change()
}

// tell has an event about a worker.
func (p *pool) tell(worker string, session command.SessionID, reason string) {
	p.tellEviction(worker, session, reason, command.PoolEvict{})
}

// tellEviction names the operator too.
func (p *pool) tellEviction(worker string, session command.SessionID, reason string, by command.PoolEvict) {
	p.e.event(Event{Type: EventPoolWorker, Name: command.Name{Key: p.name}, Holder: worker, Session: session, Reason: reason, Actor: by.Actor, Why: by.Reason})
}
