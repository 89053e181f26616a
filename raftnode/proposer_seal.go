package raftnode

import (
	"slices"
	"time"

	"github.com/coordd/coordd/fsm/command"
)

// seal packs one entry, stamps it after its last command was added, and gives it to Raft. It returns false when nothing fitted.
func (p *proposer) seal(errand errand, waiter chan<- *flight) bool {
	head, tail := p.housekeeping(errand)
	packer := newPacker(p.busyLanes(), encodedSize(head)+encodedSize(tail), len(head)+len(tail))
	for _, list := range [2][]*parcel{p.urgent, p.waiting} {
		for _, one := range list {
			packer.offer(one)
			if packer.full || packer.alone {
				break
			}
		}
	}
	slots := packer.chosen()
	if len(head)+len(tail)+len(slots) == 0 {
		return false
	}
	p.opening = nil
	for _, s := range slots {
		s.parcel.inFlight = true
	}
	instant, monotonic := p.clock.reading()
	p.lastStamp = monotonic
	data := command.AppendEntryHead(make([]byte, 0, packer.bytes), p.term, instant, len(head)+len(slots)+len(tail))
	data = p.appendStamped(data, head, instant, monotonic)
	for _, s := range slots {
		if c := s.parcel.commands[s.index : s.index+1]; stamped(c[0].Op) {
			data = p.appendStamped(data, slices.Clone(c), instant, monotonic)
		} else {
			data = append(data, s.parcel.encoded[s.index]...)
		}
	}
	data = p.appendStamped(data, tail, instant, monotonic)
	f := &flight{slots: slots, leading: len(head), trailing: len(tail), expiring: errand == expire, sealedAt: monotonic}
	f.future = p.log.Apply(data, flightDeadline)
	p.flights = append(p.flights, f)
	p.metrics.EntrySealed(len(head) + len(slots) + len(tail))
	waiter <- f
	return true
}

// stamped reports whether an op says something about the moment in which it is sealed.
func stamped(op command.Op) bool {
	_, ok := op.(command.ClockOffset)
	return ok
}

// appendStamped encodes commands after it has filled in what depends on the moment.
func (p *proposer) appendStamped(data []byte, commands []command.Command, instant command.Instant, monotonic time.Duration) []byte {
	p.unix.correct(commands, instant, monotonic)
	for _, c := range commands {
		data = command.AppendCommand(data, c)
	}
	return data
}

// housekeeping is what the leader itself puts at the head and at the end of an entry. Commands that end sessions come last.
func (p *proposer) housekeeping(errand errand) (head, tail []command.Command) {
	if p.unixLags() {
		dropped := p.clock.droppedSince()
		p.metrics.SurplusDroppedMs.Add(int(dropped.Milliseconds()))
		p.clock.settle(dropped)
		p.unix.lookAgain()
		head = append(head, command.Command{Op: command.ClockOffset{}})
	}
	for _, op := range p.opening {
		head = append(head, command.Command{Op: op})
	}
	if now := p.clock.monotonic(); errand == tick || now-p.lastTick >= hashInterval {
		p.lastTick = now
		index, hash := p.machine.Hash()
		head = append(head, command.Command{Op: command.Tick{HashIndex: index, Hash: hash}})
	}
	if errand == expire {
		tail = append(tail, command.Command{Op: command.Expire{}})
	}
	return head, tail
}

func encodedSize(commands []command.Command) int {
	size := 0
	for _, c := range commands {
		size += len(command.AppendCommand(nil, c))
	}
	return size
}

// busyLanes are the lanes with commands in flight: they stay out of the next entry.
func (p *proposer) busyLanes() map[laneKey]struct{} {
	busy := make(map[laneKey]struct{})
	for _, f := range p.flights {
		for _, s := range f.slots {
			if s.parcel.lane.ordered() {
				busy[s.parcel.lane] = struct{}{}
			}
		}
	}
	return busy
}

// abandonOverdue declares the fate of entries unknown that have been under way too long.
func (p *proposer) abandonOverdue() {
	now := p.clock.monotonic()
	for _, f := range slices.Clone(p.flights) {
		if now-f.sealedAt >= flightDeadline && !f.abandoned {
			f.abandoned = true
			p.finishAll(f.parcels(), fateUnknown)
			p.dropFlight(f)
			p.lost()
		}
	}
}

func (p *proposer) dropFlight(f *flight) {
	p.flights = slices.DeleteFunc(p.flights, func(other *flight) bool { return other == f })
}

// refuseAll answers everything that waits and was not proposed.
func (p *proposer) refuseAll() {
	p.mailbox.mu.Lock()
	p.mailbox.closed = true
	p.mailbox.mu.Unlock()
	p.collect()
	for _, list := range [2][]*parcel{p.urgent, p.waiting} {
		for _, one := range list {
			if !one.inFlight {
				p.forget(one)
				one.done(result{replies: one.replies, fate: fateNotProposed})
			}
		}
	}
	p.compact()
}

// forget marks a parcel as done and takes it out of the counts; compact removes it.
func (p *proposer) forget(one *parcel) {
	one.finished = true
	p.mailbox.mu.Lock()
	defer p.mailbox.mu.Unlock()
	if one.urgent {
		p.mailbox.urgentCommands -= len(one.commands)
	} else {
		p.mailbox.normalCommands -= len(one.commands)
	}
}

// compact removes finished parcels from the lists.
func (p *proposer) compact() {
	finished := func(one *parcel) bool { return one.finished }
	p.urgent = slices.DeleteFunc(p.urgent, finished)
	p.waiting = slices.DeleteFunc(p.waiting, finished)
}
