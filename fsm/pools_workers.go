package fsm

import (
	"crypto/subtle"

	"github.com/coordd/coordd/fsm/command"
)

// joinPool makes a session a member of a pool, gives one that was away its place back, or changes what a member says about itself.
func (e *effects) joinPool(op command.PoolJoin) command.Reply {
	s := e.m.state
	if problem := checkJoin(op); problem != nil {
		return *problem
	}
	if _, problem := s.authorize(op.Member.Session, op.Member.SecretHash); problem != nil {
		return *problem
	}
	p, problem := e.findPool(op.Member.Pool)
	if problem != nil {
		return *problem
	}
	defer p.close()
	id := op.Member.Worker
	old, known := p.worker(id)
	if known && old.state != workerReserved && old.session != op.Member.Session {
		if problem := s.takeover(id, old, op); problem != nil {
			return *problem
		}
		p.free(id)
		p.tell(id, old.session, "taken_over")
	} else if known && old.evicted {
		return p.membership(id, old) // it goes on leaving; afterwards it may join anew
	}
	if !known {
		if problem := p.checkRoom(op.Member.Session); problem != nil {
			return *problem
		}
	}
	w := workerRecord{epoch: e.position, session: op.Member.Session, weight: op.Weight, zone: op.Zone, address: op.Address, grace: op.Grace, since: s.now}
	if known && old.state != workerReserved && old.session == op.Member.Session {
		w.epoch, w.since = old.epoch, old.since
	}
	if w == old {
		return p.membership(id, w)
	}
	p.setWorker(id, w)
	if w.epoch == e.position {
		p.tell(id, w.session, "joined")
	}
	if slot, ok := p.target().Slot(id); !ok || p.target().Member(slot) != w.member(id) {
		p.schedule()
	}
	p.advance()
	return p.membership(id, w)
}

func checkJoin(op command.PoolJoin) *command.Reply {
	var problem command.Reply
	switch {
	case op.Member.Worker == "" || len(op.Member.Worker) > command.MaxWorkerBytes:
		problem = command.Errorf(command.CodeLimit, "a worker's id has 1 to %d bytes; this one has %d", command.MaxWorkerBytes, len(op.Member.Worker))
	case op.Weight < 1 || op.Weight > command.MaxWeight:
		problem = command.Errorf(command.CodeGeneric, "a worker's weight lies between 1 and %d; %d was given: a worker that is to own nothing does not join", command.MaxWeight, op.Weight)
	case len(op.Zone) > command.MaxZoneBytes:
		problem = command.Errorf(command.CodeLimit, "a zone has at most %d bytes; this one has %d", command.MaxZoneBytes, len(op.Zone))
	case len(op.Address) > command.MaxAddressBytes:
		problem = command.Errorf(command.CodeLimit, "an address has at most %d bytes; this one has %d", command.MaxAddressBytes, len(op.Address))
	case op.Grace < 0 || op.Grace > command.MaxGrace:
		problem = command.Errorf(command.CodeGeneric, "a grace lasts between 0 and %d ms; %d was asked for", command.MaxGrace, op.Grace)
	default:
		return nil
	}
	return &problem
}

// takeover refuses a worker's id to another session, unless it proves that it is the old one's successor.
func (s *state) takeover(id string, old workerRecord, op command.PoolJoin) *command.Reply {
	session, _ := s.sessions.get(old.session)
	if op.Old == old.session && subtle.ConstantTimeCompare(session.secretHash[:], op.OldSecretHash[:]) == 1 {
		return nil
	}
	problem := command.Errorf(command.CodeWorkerBusy, "worker %s is session %s, for %d ms more if nothing renews it; try again then, or take it over with that session's secret",
		quote(id), old.session, max(1, session.deadline-s.now)).With(new(command.Details).Number("remaining_ms", max(1, int64(session.deadline-s.now))))
	return &problem
}

// checkRoom refuses a worker or a membership too many.
func (p *pool) checkRoom(session command.SessionID) *command.Reply {
	workers := 0
	for range p.workers() {
		workers++
	}
	memberships := 0
	p.e.m.state.memberships.from(membershipKey{session: session}, func(k membershipKey, _ none) bool {
		if k.session == session {
			memberships++
		}
		return k.session == session
	})
	var problem command.Reply
	switch {
	case workers >= command.MaxWorkersPerPool:
		problem = command.Errorf(command.CodeLimit, "pool %s has %d workers, which is the limit", quote(p.name), workers)
	case memberships >= command.MaxPoolsPerSession:
		problem = command.Errorf(command.CodeLimit, "session %s is a member %d times, which is the limit", session, command.MaxPoolsPerSession)
	default:
		return nil
	}
	return &problem
}

// findMember finds a pool and the worker that the caller's session is there.
func (e *effects) findMember(m command.PoolMember) (*pool, workerRecord, *command.Reply) {
	if _, problem := e.m.state.authorize(m.Session, m.SecretHash); problem != nil {
		return nil, workerRecord{}, problem
	}
	p, problem := e.findPool(m.Pool)
	if problem != nil {
		return nil, workerRecord{}, problem
	}
	w, problem := e.m.state.memberOf(m)
	if problem != nil {
		p.close()
		return nil, workerRecord{}, problem
	}
	return p, w, nil
}

func (s *state) memberOf(m command.PoolMember) (workerRecord, *command.Reply) {
	w, ok := s.workers.get(workerKey{m.Pool, m.Worker})
	if !ok || w.state == workerReserved || w.session != m.Session {
		problem := command.Errorf(command.CodeNoWorker, "session %s is not worker %s of pool %s, or no longer: stop its work and join again", m.Session, quote(m.Worker), quote(m.Pool))
		return workerRecord{}, &problem
	}
	return w, nil
}

// leavePool lets a worker go: partition by partition, or, when it has stopped already and will be back, at once and with its place kept.
func (e *effects) leavePool(op command.PoolLeave) command.Reply {
	if op.Restart < 0 || op.Restart > command.MaxGrace {
		return command.Errorf(command.CodeGeneric, "a place is kept for at most %d ms; %d was asked for", command.MaxGrace, op.Restart)
	}
	p, w, problem := e.findMember(op.Member)
	if problem != nil {
		return *problem
	}
	defer p.close()
	id := op.Member.Worker
	if op.Restart > 0 && w.state == workerActive {
		p.free(id)
		w = p.reserve(id, w, op.Restart)
		p.tell(id, op.Member.Session, "restarts")
	} else if w.state == workerActive {
		w.state = workerLeaving
		p.setWorker(id, w)
		p.retargetOrphans()
	}
	p.advance()
	return p.membership(id, w)
}

// reserve keeps a worker's place while it is away.
func (p *pool) reserve(id string, w workerRecord, milliseconds int64) workerRecord {
	w.state, w.session, w.until = workerReserved, command.SessionID{}, p.e.m.state.now.Add(milliseconds)
	p.setWorker(id, w)
	return w
}

// poolAllowance is what the end of a membership counts of the work that one entry does for dead sessions: it looks at every partition of a pool.
const poolAllowance = 64

func (s *state) firstMembership(id command.SessionID) (found membershipKey, ok bool) {
	s.memberships.from(membershipKey{session: id}, func(k membershipKey, _ none) bool {
		found, ok = k, k.session == id
		return false
	})
	return found, ok
}

// lose is the end of a worker whose session has ended. It reports whether its place is to be given to others.
func (p *pool) lose(id string) (orphans bool) {
	w, _ := p.worker(id)
	if w.state == workerActive && w.grace > 0 {
		p.free(id)
		p.reserve(id, w, w.grace)
		p.tell(id, w.session, "lost")
		return false
	}
	p.dismiss(id, "lost")
	return true
}

// dismiss takes a worker out of its pool. What it owned is free, and the caller gives what it should own to others.
func (p *pool) dismiss(id, reason string) {
	w, _ := p.worker(id)
	p.remove(id)
	p.tell(id, w.session, reason)
}

// remove is dismiss without a word about it. It answers how much is free now.
func (p *pool) remove(id string) (partitions int) {
	partitions = p.free(id)
	p.removeWorker(id)
	return partitions
}

// evict makes a worker leave at an operator's wish.
func (e *effects) evict(op command.PoolEvict) command.Reply {
	if problem := checkEvict(op); problem != nil {
		return *problem
	}
	p, problem := e.findPool(op.Pool)
	if problem != nil {
		return *problem
	}
	defer p.close()
	w, ok := p.worker(op.Worker)
	if !ok {
		return command.Errorf(command.CodeNoWorker, "pool %s has no worker %s", quote(op.Pool), quote(op.Worker))
	}
	partitions := 0
	if op.Now || w.state == workerReserved {
		partitions = p.remove(op.Worker)
		p.tellEviction(op.Worker, w.session, "evicted", op)
	} else {
		for partition := range int(p.record.partitions) {
			if p.part(partition).owner == op.Worker {
				partitions++
			}
		}
		if already := w.state == workerLeaving && w.evicted; !already {
			w.state, w.evicted = workerLeaving, true
			p.setWorker(op.Worker, w)
			p.tellEviction(op.Worker, w.session, "evicting", op)
		}
	}
	p.retargetOrphans()
	p.advance()
	return command.Map(text("partitions"), command.Integer(int64(partitions)), text("version"), command.Integer(int64(p.record.version)))
}

func checkEvict(op command.PoolEvict) *command.Reply {
	var problem command.Reply
	switch {
	case op.Reason == "" || len(op.Reason) > command.MaxReasonBytes:
		problem = command.Errorf(command.CodeGeneric, "an eviction needs a reason of 1 to %d bytes, for those who read the log later", command.MaxReasonBytes)
	case len(op.Actor) > command.MaxOperatorBytes:
		problem = command.Errorf(command.CodeLimit, "an operator's name has at most %d bytes; this one has %d", command.MaxOperatorBytes, len(op.Actor))
	default:
		return nil
	}
	return &problem
}
