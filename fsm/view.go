package fsm

import (
	"github.com/coordd/coordd/fsm/command"
)

// view reads the state. Whether something exists is judged at the state's own instant; remaining times are counted from clock, which may be ahead of it
// outside the log, so that they never overstate (safety case S15).
type view struct {
	s        *state
	programs *programs
	clock    command.Instant
	// wait is the last deadline of what was read that clock has passed and the state has not: the read must wait for the entry that commits it.
	wait command.Instant
	// moment makes the opaque value of a native hold a different one for each script, so that none that was read before is ever equal to it.
	moment string
	script command.Position // likewise, when moment is empty: the command that runs the script
}

// look is the name's record with what time has ended taken away. A name that nobody holds but somebody waits for is reserved.
func (v *view) look(name command.Name) nameRecord {
	key := keyOf(name)
	record, ok := v.s.names.get(key)
	if !ok {
		return nameRecord{}
	}
	return v.judge(key, record)
}

// judge takes away from a record what time has ended.
func (v *view) judge(key nameKey, record nameRecord) nameRecord {
	switch {
	case record.holding == holdingHolds || record.holding == holdingNone && record.deadline != 0:
		if found, occupied := v.judgeHolds(key, record); occupied {
			return found
		}
	case record.holding != holdingNone:
		if deadline, ended := v.s.lifeOf(record); !ended {
			v.passed(deadline)
			return record
		}
	}
	if record.queued > 0 && v.awaited(key) {
		return nameRecord{queued: record.queued}
	}
	return nameRecord{}
}

// awaited reports that somebody in the name's queue will be granted it.
func (v *view) awaited(key nameKey) (awaited bool) {
	v.s.waiters.from(waiterKey{name: key}, func(k waiterKey, waiter waiterRecord) bool {
		if k.name != key {
			return false
		}
		session, bound := v.s.sessions.get(waiter.bound)
		awaited = waiter.deadline > v.s.now && (waiter.bound.IsZero() || bound && !session.ended(v.s.now))
		if awaited {
			v.passed(waiter.deadline)
			v.passed(session.deadline)
		}
		return !awaited
	})
	return awaited
}

// passed makes the read wait for a deadline that the clock has passed and the state has not.
func (v *view) passed(deadline command.Instant) {
	if deadline > v.s.now && deadline <= v.clock {
		v.wait = max(v.wait, deadline)
	}
}

// absent reports that nobody holds the name, nobody is about to, and it is reserved for nobody.
func (r nameRecord) absent() bool { return r.holding == holdingNone && !r.isReserved() }

// isReserved reports that nobody holds the name, and that it is nevertheless not to be had: somebody waits for it, or the place of its last holder is kept.
func (r nameRecord) isReserved() bool {
	return r.holding == holdingNone && (r.queued > 0 || r.deadline != 0)
}

// locked reports that the name is held natively, or reserved. No Redis command changes such a name (safety case S11).
func (r nameRecord) locked() bool {
	return r.holding == holdingNative || r.holding == holdingHolds || r.isReserved()
}

// Read answers ops that only read, outside the log. The caller has made sure that the state holds everything committed when the read began (raftnode:
// reads). clock is the leader's clock, not before the state's instant. A non-zero wait means that a deadline which clock has passed is not committed yet: the
// caller waits until Now is there, and reads again.
func (m *Machine) Read(clock command.Instant, ops []command.Op) (replies []command.Reply, wait command.Instant) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	v := &view{s: m.state, programs: &m.programs, clock: max(clock, m.state.now)}
	replies = make([]command.Reply, len(ops))
	for i, op := range ops {
		replies[i] = v.read(op)
	}
	return replies, v.wait
}

// read answers one op that changes nothing.
func (v *view) read(op command.Op) command.Reply {
	switch op := op.(type) {
	case command.Get:
		return v.value(op.Name)
	case command.MultiGet:
		values := make([]command.Reply, len(op.Names))
		for i, name := range op.Names {
			values[i] = v.value(name)
		}
		return command.Array(values...)
	case command.GetRefused:
		if v.value(op.Name).IsNil() {
			return command.Nil()
		}
		return command.Errorf(command.CodeGeneric, "%s", op.Text)
	case command.GetRange:
		return v.valueRange(op)
	case command.Length:
		return command.Integer(int64(len(v.value(op.Name).Text)))
	case command.Exists:
		return v.exists(op)
	case command.Type:
		if v.value(op.Name).IsNil() {
			return command.Status("none")
		}
		return command.Status("string")
	case command.TimeToLive:
		return v.timeToLive(op)
	case command.Scan:
		return v.scan(op)
	case command.Keys:
		return v.keys(op)
	case command.DatabaseSize:
		return v.size(op)
	case command.Time:
		return v.time()
	case command.Fence:
		return v.fence(op)
	case command.Revisions:
		return v.revisions(op)
	case command.ScriptSource:
		return v.s.scriptSource(op)
	case command.ScriptExists:
		return v.s.scriptsExist(op)
	case command.Transaction:
		return v.readTransaction(op)
	case command.Script:
		return v.runScript(op)
	}
	if reply, known := v.readHolds(op); known {
		return reply
	}
	if reply, known := v.readPool(op); known {
		return reply
	}
	return command.Errorf(command.CodeGeneric, "a command of kind %d cannot be read outside the log", op.Kind())
}
