package fsm

import (
	"github.com/coordd/coordd/fsm/command"
)

// effects is what one command does beside changing the state. It is kept apart until the command stands, because a command that would give a name a
// second owner within one entry is taken back whole. A machine has one, and uses it for command after command.
type effects struct {
	m        *Machine
	position command.Position // of the command: (index, place in the entry)
	request  command.Request
	inScript bool
	events   int // of the entry, before this command
	changes  ownershipChanges
	freed    []nameKey        // names whose next waiter is to be granted when the command is done
	acquires command.WaiterID // the grant or place that an acquire was answered with
	acquired string           // the name that it is of
	briefly  bool             // it is remembered as that alone, and costs as little
	reads    view
}

// begin starts a command.
func (m *Machine) begin(position command.Position, request command.Request) *effects {
	e := &m.effects
	e.m, e.position, e.request, e.inScript, e.events = m, position, request, false, len(m.entry.events)
	e.freed, e.acquires, e.acquired, e.briefly = e.freed[:0], command.WaiterID{}, "", false
	e.changes.reset()
	return e
}

// takeBack undoes everything that the command did.
func (e *effects) takeBack() {
	e.m.state.rollBack()
	clear(e.m.entry.events[e.events:])
	e.m.entry.events = e.m.entry.events[:e.events]
}

// view reads as the running command does.
func (e *effects) view() *view {
	e.reads = view{s: e.m.state, programs: &e.m.programs, clock: e.m.state.now}
	if e.inScript {
		e.reads.script = e.position
	}
	return &e.reads
}

// runCommand answers one command of the entry: from memory, by refusing it, or by running it.
func (m *Machine) runCommand(c command.Command, place uint32) command.Reply {
	from := lane{c.Request.Session, c.Lane}
	if m.entry.isBlocked(from) {
		return command.Again()
	}
	if reply, answered := m.admit(c); answered {
		return reply
	}
	e := m.begin(command.Position{Index: m.state.index, Offset: place}, c.Request)
	m.state.begin()
	reply := m.execute(e, c.Op)
	e.settle()
	if e.grantsTwice() {
		e.takeBack()
		m.entry.block(from)
		return command.Again()
	}
	if problem := replyTooLong(c.Op, reply); problem != nil {
		e.takeBack()
		m.remember(c, e, *problem)
		return *problem
	}
	m.state.keep()
	e.publish()
	m.remember(c, e, reply)
	return reply
}

// settle hands over what the command has freed and nobody has looked at since.
func (e *effects) settle() {
	for i := 0; i < len(e.freed); i++ {
		e.handOver(e.freed[i])
	}
	e.freed = e.freed[:0]
}

// execute dispatches one op. Ops that only read go to the same code that serves reads outside the log.
func (m *Machine) execute(e *effects, op command.Op) command.Reply {
	if problem := beyondLimits(op); problem != nil {
		return *problem
	}
	if op.ReadOnly() {
		if script, ok := op.(command.Script); ok {
			return e.runScript(script)
		}
		e.touchNamesOf(op)
		return e.view().read(op)
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
	if reply, known := e.executeHold(op); known {
		return reply
	}
	if reply, known := e.executePool(op); known {
		return reply
	}
	return e.write(op)
}

// executeHold dispatches the ops of native holds.
func (e *effects) executeHold(op command.Op) (reply command.Reply, known bool) {
	switch op := op.(type) {
	case command.Numbered:
		return e.runNumbered(op), true
	case command.SessionRenew:
		return e.renewSession(op), true
	case command.SessionKill:
		return e.killSession(op), true
	case command.SessionOpenEarly:
		return e.openSessionEarly(op), true
	case command.SessionEndEarly:
		return e.endEarly(op), true
	case command.HoldAcquire:
		return e.acquireHold(op), true
	case command.HoldRenew:
		return e.renewHold(op), true
	case command.HoldRelease:
		return e.releaseHold(op), true
	case command.HoldCancel:
		return e.cancelHold(op), true
	case command.HoldDescribe:
		return e.describe(op), true
	case command.ElectionTransfer:
		return e.transfer(op), true
	case command.ForceUnlock:
		return e.forceUnlock(op), true
	}
	return command.Reply{}, false
}

// touchNamesOf brings the names that an op reads up to the entry's instant.
func (e *effects) touchNamesOf(op command.Op) {
	if get, ok := op.(command.Get); ok {
		e.touch(keyOf(underlying(get.Name)))
		return // as below, without a list
	}
	names, _ := command.NamesOf(op)
	for _, name := range names {
		e.touch(keyOf(underlying(name)))
	}
}
