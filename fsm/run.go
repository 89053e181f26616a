package fsm

import (
	"github.com/coordd/coordd/fsm/command"
)

// effects is what one command does beside changing the state. It is kept apart until the command stands, because a command that would give a name a
// second owner within one entry is taken back whole.
type effects struct {
	m        *Machine
	position command.Position // of the command: (index, place in the entry)
	request  command.Request
	events   []Event
	changes  []ownershipChange
	freed    []nameKey        // names whose next waiter is to be granted when the command is done
	acquires command.WaiterID // the grant or place that an acquire was answered with
}

// ownershipChange remembers who owned a name before the command touched it.
type ownershipChange struct {
	name    nameKey
	before  owner
	reason  string // of the first owner's end
	granted bool   // a new owner came
}

// owner is who holds a name, for events.
type owner struct {
	token  command.Token
	holder string
}

// runCommand answers one command of the entry: from memory, by refusing it, or by running it.
func (m *Machine) runCommand(c command.Command, place uint32) command.Reply {
	e := &effects{m: m, position: command.Position{Index: m.state.index, Offset: place}, request: c.Request}
	from := lane{c.Request.Session, c.Lane}
	if _, blocked := m.entry.blocked[from]; blocked && c.Lane != 0 {
		return command.Again()
	}
	if reply, answered := m.admit(c); answered {
		return reply
	}
	m.state.begin()
	reply := m.execute(e, c.Op)
	e.settle()
	if reply.Type == command.ReplyAgain || e.grantsTwice() {
		m.state.rollBack()
		m.entry.blocked[from] = none{}
		return command.Again()
	}
	m.state.keep()
	e.publish()
	m.remember(c, e.acquires, reply)
	return reply
}

// settle hands over what the command has freed. It comes last, so that a transaction that deletes and sets a name anew keeps it.
func (e *effects) settle() {
	for i := 0; i < len(e.freed); i++ {
		e.handOver(e.freed[i])
	}
	e.freed = nil
}

// grantsTwice reports that the command gave an owner to a name that had already got one in this entry. Both would carry the same token (safety case S7).
func (e *effects) grantsTwice() bool {
	for _, change := range e.changes {
		if _, already := e.m.entry.granted[change.name]; already && change.granted {
			return true
		}
	}
	return false
}

// publish makes the command's grants and events those of the entry.
func (e *effects) publish() {
	for _, change := range e.changes {
		now := e.m.state.ownerOf(change.name)
		if now.token == change.before.token {
			continue
		}
		if change.before.token != 0 {
			e.events = append(e.events, Event{Type: EventEnded, Name: change.name.name(), Token: change.before.token, Holder: change.before.holder, Reason: change.reason})
		}
		if now.token != 0 {
			e.m.entry.granted[change.name] = none{}
			e.events = append(e.events, Event{Type: EventBegan, Name: change.name.name(), Token: now.token, Holder: now.holder})
		}
	}
	e.m.entry.events = append(e.m.entry.events, e.events...)
}

// execute dispatches one op. Ops that only read go to the same code that serves reads outside the log.
func (m *Machine) execute(e *effects, op command.Op) command.Reply {
	if op.ReadOnly() {
		if script, ok := op.(command.Script); ok {
			return e.runScript(script)
		}
		e.touchNamesOf(op)
		return m.state.view().read(op)
	}
	switch op := op.(type) {
	case command.Malformed:
		return command.Errorf(command.CodeMalformed, "the bytes of a command of kind %d do not decode; nothing was done", op.Of)
	case command.Tick:
		return command.OK()
	case command.Expire:
		return e.expire()
	case command.ClockOffset:
		return m.state.setClockOffset(op)
	case command.Identity:
		return m.state.setIdentity(op)
	case command.Setting:
		return m.state.setSetting(op)
	case command.SessionOpen:
		return e.openSession(op)
	case command.SessionKeepAlive:
		return e.keepAlive(op)
	case command.SessionClose:
		return e.closeSession(op)
	case command.LockAcquire:
		return e.acquire(op)
	case command.LockRenew:
		return e.renew(op)
	case command.LockRelease:
		return e.release(op)
	case command.LockCancel:
		return e.cancel(op)
	case command.Transaction:
		return e.runTransaction(op)
	case command.Script:
		return e.runScript(op)
	case command.ScriptLoad:
		return m.state.loadScript(op)
	case command.ScriptFlush:
		return m.state.flushScripts()
	}
	return e.write(op)
}

// touchNamesOf brings the names that an op reads up to the entry's instant.
func (e *effects) touchNamesOf(op command.Op) {
	names, _ := command.NamesOf(op)
	for _, name := range names {
		e.touch(keyOf(name))
	}
}
