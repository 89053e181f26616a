package fsm

import (
	"github.com/coordd/coordd/fsm/command"
)

// view reads the state. Whether something exists is judged at the state's own instant; remaining times are counted from clock, which may be ahead of it
// outside the log, so that they never overstate (safety case S15).
type view struct {
	s     *state
	clock command.Instant
	// wait is the nearest deadline that clock has passed and the state has not: the read must wait for the entry that commits it.
	wait command.Instant
}

// view reads at the state's own instant, as commands in the log do.
func (s *state) view() *view { return &view{s: s, clock: s.now} }

// look is the name's record with what time has ended taken away. A name that nobody holds but somebody waits for is reserved.
func (v *view) look(name command.Name) nameRecord {
	record, ok := v.s.names.get(keyOf(name))
	if !ok || record.holding == holdingNone {
		return nameRecord{queued: record.queued}
	}
	deadline := v.s.deadlineOf(record)
	switch {
	case deadline == 0:
	case deadline <= v.s.now:
		return nameRecord{queued: record.queued}
	case deadline <= v.clock:
		v.waitFor(deadline)
	}
	return record
}

func (v *view) waitFor(deadline command.Instant) {
	if v.wait == 0 || deadline < v.wait {
		v.wait = deadline
	}
}

// absent reports that nobody holds the name and nobody is about to.
func (r nameRecord) absent() bool { return r.holding == holdingNone && r.queued == 0 }

// locked reports that the name is held natively, or reserved for a waiter. No Redis command changes such a name (safety case S11).
func (r nameRecord) locked() bool {
	return r.holding == holdingNative || r.holding == holdingNone && r.queued > 0
}

// Read answers ops that only read, outside the log. The caller has made sure that the state holds everything committed when the read began (raftnode:
// reads). clock is the leader's clock, not before the state's instant. A non-zero wait means that a deadline which clock has passed is not committed yet: the
// caller waits until Now is there, and reads again.
func (m *Machine) Read(clock command.Instant, ops []command.Op) (replies []command.Reply, wait command.Instant) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	v := &view{s: m.state, clock: max(clock, m.state.now)}
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
	return command.Errorf(command.CodeGeneric, "a command of kind %d cannot be read outside the log", op.Kind())
}
