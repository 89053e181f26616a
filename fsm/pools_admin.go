package fsm

import (
	"strings"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/ring"
)

// executePool dispatches the ops of worker pools.
func (e *effects) executePool(op command.Op) (reply command.Reply, known bool) {
	switch op := op.(type) {
	case command.PoolCreate:
		return e.createPool(op), true
	case command.PoolAlter:
		return e.alterPool(op), true
	case command.PoolDelete:
		return e.deletePool(op), true
	case command.PoolJoin:
		return e.joinPool(op), true
	case command.PoolLeave:
		return e.leavePool(op), true
	case command.PoolAcknowledge:
		return e.acknowledgePartitions(op), true
	case command.PoolEvict:
		return e.evict(op), true
	case command.PoolPin:
		return e.pin(op), true
	}
	return command.Reply{}, false
}

// createPool makes a pool with all its partitions free.
func (e *effects) createPool(op command.PoolCreate) command.Reply {
	s := e.m.state
	if problem := checkPool(op); problem != nil {
		return *problem
	}
	if there, ok := s.pools.get(op.Pool); ok {
		if there.partitions != op.Partitions || there.settings != op.Settings {
			return command.Errorf(command.CodePoolExists, "pool %s exists with %d partitions and other settings; POOL.ALTER changes settings, and partitions stay as they are", quote(op.Pool), there.partitions)
		}
		e.touchPool(op.Pool)
		there, _ = s.pools.get(op.Pool)
		return e.view().poolReply(op.Pool, there, false)
	}
	partitions := uint64(op.Partitions)
	s.pools.all(func(_ string, r poolRecord) bool {
		partitions += uint64(r.partitions)
		return true
	})
	if s.pools.len() >= command.MaxPools || partitions > command.MaxPartitionsInAll {
		return command.Errorf(command.CodeLimit, "there are %d pools, and with this one %d partitions; the limits are %d and %d", s.pools.len(), partitions, command.MaxPools, command.MaxPartitionsInAll)
	}
	empty, err := ring.Empty(ring.WithPartitions(int(op.Partitions)), ring.WithZones(ring.Zones(op.Settings.Zones)))
	if err != nil {
		return command.Errorf(command.CodeGeneric, "%v", err)
	}
	record := poolRecord{incarnation: e.position, partitions: op.Partitions, settings: op.Settings, version: 1, staffed: 1}
	s.pools.put(op.Pool, record)
	s.targets.put(op.Pool, targetRecord{empty})
	e.event(Event{Type: EventPoolChanged, Name: command.Name{Key: op.Pool}, Version: record.version})
	return e.view().poolReply(op.Pool, record, false)
}

func checkPool(op command.PoolCreate) *command.Reply {
	var problem command.Reply
	switch {
	case op.Pool == "" || len(op.Pool) > command.MaxNameBytes:
		problem = command.Errorf(command.CodeLimit, "a pool's name has 1 to %d bytes; this one has %d", command.MaxNameBytes, len(op.Pool))
	case strings.HasPrefix(op.Pool, command.ReservedPrefix):
		problem = reservedError(op.Pool)
	case op.Partitions < 1 || op.Partitions > command.MaxPoolPartitions:
		problem = command.Errorf(command.CodeGeneric, "a pool has 1 to %d partitions; %d were asked for", command.MaxPoolPartitions, op.Partitions)
	default:
		return checkSettings(op.Settings)
	}
	return &problem
}

func checkSettings(s command.PoolSettings) *command.Reply {
	var problem command.Reply
	switch {
	case s.Zones > uint8(ring.ZonesEven):
		problem = command.Errorf(command.CodeGeneric, "there is no zone rule %d", s.Zones)
	case s.Debounce < 0 || s.Debounce > command.MaxDebounce:
		problem = command.Errorf(command.CodeGeneric, "a debounce lasts between 0 and %d ms; %d was asked for", command.MaxDebounce, s.Debounce)
	case s.Drain < command.MinDrain || s.Drain > command.MaxDrain:
		problem = command.Errorf(command.CodeGeneric, "a drain lasts between %d and %d ms; %d was asked for", command.MinDrain, command.MaxDrain, s.Drain)
	case s.Moves > command.MaxPoolPartitions:
		problem = command.Errorf(command.CodeGeneric, "at most %d partitions move at once; %d was asked for", command.MaxPoolPartitions, s.Moves)
	default:
		return nil
	}
	return &problem
}

// alterPool changes settings. Another zone rule moves partitions at once, as a join does after its debounce.
func (e *effects) alterPool(op command.PoolAlter) command.Reply {
	p, problem := e.findPool(op.Pool)
	if problem != nil {
		return *problem
	}
	settings := p.record.settings
	if op.Fields&command.PoolZones != 0 {
		settings.Zones = op.Settings.Zones
	}
	if op.Fields&command.PoolDebounce != 0 {
		settings.Debounce = op.Settings.Debounce
	}
	if op.Fields&command.PoolDrain != 0 {
		settings.Drain = op.Settings.Drain
	}
	if op.Fields&command.PoolMoves != 0 {
		settings.Moves = op.Settings.Moves
	}
	if problem := checkSettings(settings); problem != nil {
		p.close()
		return *problem
	}
	if settings != p.record.settings {
		rule := settings.Zones != p.record.settings.Zones
		p.record.settings = settings
		p.change()
		if rule {
			e.m.state.targets.put(p.name, targetRecord{p.target().Zoned(ring.Zones(settings.Zones))})
			p.schedule()
		}
		p.advance()
	}
	p.close()
	return e.view().poolReply(p.name, p.record, false)
}

// deletePool removes a pool that nobody works in.
func (e *effects) deletePool(op command.PoolDelete) command.Reply {
	s := e.m.state
	if there, ok := s.pools.get(op.Pool); !ok || there.incarnation != op.Incarnation {
		return command.OK()
	}
	p, problem := e.findPool(op.Pool)
	if problem != nil {
		return *problem
	}
	for id, w := range p.workers() {
		p.close()
		return command.Errorf(command.CodePoolBusy, "pool %s has workers, such as %s (%s); let them leave, or evict them", quote(op.Pool), quote(id), w.state)
	}
	p.setDue(0)
	for chunk := range p.chunks {
		s.partitions.remove(chunkKey{op.Pool, uint32(chunk)})
	}
	for _, pinned := range s.pinsOf(op.Pool) {
		s.pins.remove(pinned)
	}
	s.targets.remove(op.Pool)
	s.poolsWait.remove(op.Pool)
	s.pools.remove(op.Pool)
	e.event(Event{Type: EventPoolChanged, Name: command.Name{Key: op.Pool}, Reason: ReasonDeleted})
	return command.OK()
}

func (s *state) pinsOf(pool string) (pins []pinKey) {
	s.pins.from(pinKey{pool: pool}, func(k pinKey, _ string) bool {
		if k.pool == pool {
			pins = append(pins, k)
		}
		return k.pool == pool
	})
	return pins
}

// pin makes a partition that of a worker, or takes that back.
func (e *effects) pin(op command.PoolPin) command.Reply {
	s := e.m.state
	p, problem := e.findPool(op.Pool)
	if problem != nil {
		return *problem
	}
	defer p.close()
	key := pinKey{op.Pool, op.Partition}
	switch {
	case op.Partition >= p.record.partitions:
		return command.Errorf(command.CodeGeneric, "pool %s has partitions 0 to %d; there is no %d", quote(op.Pool), p.record.partitions-1, op.Partition)
	case len(op.Worker) > command.MaxWorkerBytes:
		return command.Errorf(command.CodeLimit, "a worker's id has at most %d bytes; this one has %d", command.MaxWorkerBytes, len(op.Worker))
	case op.Worker != "" && !s.pins.has(key) && len(s.pinsOf(op.Pool)) >= command.MaxPins:
		return command.Errorf(command.CodeLimit, "pool %s has %d pins, which is the limit", quote(op.Pool), command.MaxPins)
	case op.Worker == "":
		s.pins.remove(key)
	default:
		s.pins.put(key, op.Worker)
	}
	p.retargetOrphans()
	p.advance()
	return command.OK()
}
