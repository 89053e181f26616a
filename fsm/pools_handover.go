package fsm

import (
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/ring"
)

// retargetAll shares the partitions out among everybody who is there or whose place is kept.
func (p *pool) retargetAll() {
	if p.record.due != 0 {
		p.setDue(0)
	}
	var members []ring.Member
	for id, w := range p.workers() {
		if w.state != workerLeaving {
			members = append(members, w.member(id))
		}
	}
	p.retarget(members)
}

// retargetOrphans shares out at once what has lost its target, among those who have their part already: who joined meanwhile, and new weights, go on waiting
// for quiet. When nobody is left but newcomers, they wait no longer.
func (p *pool) retargetOrphans() {
	target := p.target()
	if target.Len() == 0 {
		return // nothing has a target yet, so nothing has lost one
	}
	var members []ring.Member
	for _, m := range target.Members() {
		if w, ok := p.worker(m.ID); ok && w.state != workerLeaving {
			members = append(members, m)
		}
	}
	if len(members) == 0 {
		p.retargetAll()
		return
	}
	p.retarget(members)
}

func (p *pool) retarget(members []ring.Member) {
	s := p.e.m.state
	var pins []ring.Pin
	s.pins.from(pinKey{pool: p.name}, func(k pinKey, worker string) bool {
		if k.pool == p.name {
			pins = append(pins, ring.Pin{Partition: int(k.partition), ID: worker})
		}
		return k.pool == p.name
	})
	next, err := p.target().Next(members, pins...)
	if err != nil {
		return // limits were checked when workers joined and pins were set; the old target stays a target
	}
	if !next.Equal(p.target()) {
		s.targets.put(p.name, targetRecord{next})
		p.change()
	}
}

// advance brings what is nearer to what should be. It is the only place that makes an owner, and only of a partition that has none: free ones go to their
// targets, those that are with others are asked back, so many at once as may be, and leavers that own nothing are gone.
func (p *pool) advance() {
	s := p.e.m.state
	target := p.target()
	crew := p.crew(target)
	owned, underway := make([]int, len(crew.ids)), make([]int, len(crew.ids))
	var waiting, owners []int // partitions that are to be asked back, and the numbers of their owners
	late := false
	for partition := range target.Partitions() {
		part := p.part(partition)
		slot := target.OwnerOf(partition)
		switch {
		case part.owner == "":
			if slot == ring.None || !crew.takes[slot] {
				continue
			}
			if part.token == s.token() || p.record.incarnation.Index == s.index {
				late = true // it had an owner in this entry, perhaps in a pool of this name that is gone, and two would share a token
				continue
			}
			p.setPart(partition, partRecord{owner: target.Member(slot).ID, token: s.token()})
			owned[crew.number[target.Member(slot).ID]]++
		case slot != ring.None && part.owner == target.Member(slot).ID:
			owned[crew.number[part.owner]]++
			if part.draining != 0 { // it need not be handed over after all
				part.draining = 0
				p.setPart(partition, part)
			}
		default:
			owner := crew.number[part.owner]
			owned[owner]++
			if part.draining != 0 {
				underway[owner]++
			} else {
				waiting, owners = append(waiting, partition), append(owners, owner)
			}
		}
	}
	for _, i := range ring.Pace(owners, underway, owned, p.moves()) {
		part := p.part(waiting[i])
		part.draining = max(1, s.now)
		p.setPart(waiting[i], part)
	}
	for number, id := range crew.ids {
		if w, _ := p.worker(id); w.state == workerLeaving && owned[number] == 0 {
			p.removeWorker(id)
			p.tell(id, w.session, "left")
		}
	}
	p.waitForNextEntry(late)
}

// moves is how many partitions may drain at once.
func (p *pool) moves() int {
	if p.record.settings.Moves > 0 {
		return int(p.record.settings.Moves)
	}
	return ring.DefaultConcurrentMoves(int(p.record.partitions))
}

// waitForNextEntry notes whether the pool has grants that must not be made in this entry any more.
func (p *pool) waitForNextEntry(late bool) {
	waits := p.e.m.state.poolsWait
	if late == waits.has(p.name) {
		return
	}
	if late {
		waits.put(p.name, none{})
	} else {
		waits.remove(p.name)
	}
}

// crew numbers the workers of a pool.
type crew struct {
	ids    []string
	number map[string]int
	takes  []bool // by slot of the target: that worker is there and takes partitions
}

func (p *pool) crew(target *ring.Table) crew {
	var slots int
	for slot := range target.Members() {
		slots = slot + 1
	}
	c := crew{number: map[string]int{}, takes: make([]bool, slots)}
	for id, w := range p.workers() {
		c.number[id] = len(c.ids)
		c.ids = append(c.ids, id)
		if slot, ok := target.Slot(id); ok {
			c.takes[slot] = w.state == workerActive
		}
	}
	return c
}

// free takes everything from a worker that has stopped or is gone, and answers how much that was.
func (p *pool) free(worker string) (partitions int) {
	for partition := range int(p.record.partitions) {
		if part := p.part(partition); part.owner == worker {
			p.setPart(partition, partRecord{token: part.token})
			partitions++
		}
	}
	return partitions
}

// acknowledgePartitions takes back what a worker says it has stopped working on. The token names the ownership, so what comes late or twice gives nothing
// away that was granted anew.
func (e *effects) acknowledgePartitions(op command.PoolAcknowledge) command.Reply {
	if problem := tooMany("partitions in one acknowledgement", len(op.Releases), command.MaxReleases); problem != nil {
		return *problem
	}
	p, _, problem := e.findMember(op.Member)
	if problem != nil {
		return *problem
	}
	released := 0
	for _, r := range op.Releases {
		if r.Partition >= p.record.partitions {
			continue
		}
		part := p.part(int(r.Partition))
		if part.owner == op.Member.Worker && part.token == r.Token {
			p.setPart(int(r.Partition), partRecord{token: part.token})
			released++
		}
	}
	if released > 0 {
		p.advance()
	}
	p.close()
	return command.Map(text("released"), command.Integer(int64(released)), text("version"), command.Integer(int64(p.record.version)))
}

// grantPools makes the grants of partitions that had to wait for this entry, before any of its commands.
func (m *Machine) grantPools() {
	if m.state.poolsWait.len() == 0 {
		return
	}
	e := m.begin(command.Position{Index: m.state.index}, command.Request{})
	var names []string
	m.state.poolsWait.all(func(name string, _ none) bool {
		names = append(names, name)
		return true
	})
	for _, name := range names {
		e.touchPool(name)
	}
	e.publish()
}
