package fsm

import (
	"bytes"
	"strings"

	"github.com/coordd/coordd/fsm/command"
)

// What each Redis write does to ownership stands in this one table, by the function that carries it out.
//
//	grants (a new owner, a new token): setString, when the name comes into being or its value becomes a different one: SET and its relatives, GETSET,
//	    MSET, MSETNX, and INCR, DECR, INCRBY, DECRBY, INCRBYFLOAT on an absent name
//	refreshes (owner and token stay): setString with the same value; alterString: the INCR family on a present name, EXPIRE and its relatives, PERSIST, GETEX
//	ends: end: DEL, UNLINK, DELEX, DELIFEQ, GETDEL, and any deadline in the past
func (e *effects) write(op command.Op) command.Reply {
	switch op := op.(type) {
	case command.Set:
		return e.set(op)
	case command.GetDelete:
		return e.getDelete(op)
	case command.GetExpire:
		return e.getExpire(op)
	case command.MultiSet:
		return e.multiSet(op)
	case command.Increment:
		return e.increment(op)
	case command.IncrementBy:
		return e.incrementBy(op)
	case command.Delete:
		return e.deleteAll(op)
	case command.DeleteIf:
		return e.deleteIf(op)
	case command.ExpireKey:
		return e.expireKey(op)
	case command.Persist:
		return e.persist(op)
	}
	return command.Errorf(command.CodeMalformed, "a command of kind %d cannot stand here", op.Kind())
}

// open brings a name up to date and refuses names that cannot be written.
func (e *effects) open(name command.Name) (nameKey, nameRecord, *command.Reply) {
	key := keyOf(name)
	if strings.HasPrefix(name.Key, command.ReservedPrefix) {
		problem := reservedError(name.Key)
		return key, nameRecord{}, &problem
	}
	return key, e.touch(key), nil
}

// lockedError refuses a Redis command that would change a native hold, before any of its effects.
func lockedError(key nameKey, record nameRecord) command.Reply {
	switch {
	case record.holding == holdingNone && record.deadline != 0:
		return command.Errorf(command.CodeLocked, "%s is kept reserved after a native hold", quote(key.key))
	case record.holding == holdingNone:
		return command.Errorf(command.CodeLocked, "%s is about to be granted to a native waiter", quote(key.key))
	}
	return command.Errorf(command.CodeLocked, "%s is held by %s (token %d)", quote(key.key), record.holder(), record.token)
}

// openUnlocked is open for the writes that a native hold refuses whatever they ask.
func (e *effects) openUnlocked(name command.Name) (nameKey, nameRecord, *command.Reply) {
	key, record, problem := e.open(name)
	if problem == nil && record.locked() {
		locked := lockedError(key, record)
		problem = &locked
	}
	return key, record, problem
}

// deadlineAfter is the deadline that an expiry gives, and whether it has passed already.
func (s *state) deadlineAfter(expiry command.Expiry, present command.Instant) (deadline command.Instant, past bool) {
	switch expiry.Mode {
	case command.ExpiryKeep:
		return present, false
	case command.ExpiryRelative:
		deadline = s.now.Add(expiry.Milliseconds)
	case command.ExpiryAbsolute:
		deadline = command.Instant(expiry.Milliseconds).Add(-s.clockOffset)
	default:
		return 0, false
	}
	return deadline, deadline <= s.now
}

func (e *effects) set(op command.Set) command.Reply {
	key, record, problem := e.open(op.Name)
	if problem != nil {
		return *problem
	}
	if record.locked() && (op.Condition == command.Always || op.Condition == command.IfNotEqual) {
		return lockedError(key, record)
	}
	var old command.Reply
	if op.Reply == command.SetReplyOld {
		old = e.view().value(op.Name)
	}
	written := record.admits(op.Condition, op.Operand)
	if written {
		e.put(key, record, op.Value, op.Expiry)
	}
	switch {
	case op.Reply == command.SetReplyOld:
		return old
	case op.Reply == command.SetReplyInteger:
		return command.Bool(written)
	case !written:
		return command.Nil()
	}
	return command.OK()
}

// put writes a value whose deadline may have passed already: the name is gone then, as if it had lived and ended.
func (e *effects) put(key nameKey, record nameRecord, value []byte, expiry command.Expiry) {
	deadline, past := e.m.state.deadlineAfter(expiry, record.deadline)
	switch {
	case !past:
		e.setString(key, record, value, deadline)
	case record.holding == holdingString:
		e.end(key, record, ReasonOverwritten)
	}
}

// admits judges a condition. A locked name answers every condition as if another value stood there.
func (r nameRecord) admits(condition command.Condition, operand []byte) bool {
	present := r.holding == holdingString
	switch condition {
	case command.IfAbsent:
		return r.absent()
	case command.IfPresent:
		return present
	case command.IfEqual:
		return present && bytes.Equal(r.value, operand)
	case command.IfNotEqual:
		return !present || !bytes.Equal(r.value, operand)
	}
	return true
}

func (e *effects) getDelete(op command.GetDelete) command.Reply {
	key, record, problem := e.openUnlocked(op.Name)
	switch {
	case problem != nil:
		return *problem
	case record.absent():
		return command.Nil()
	}
	e.end(key, record, ReasonDeleted)
	return command.Bulk(record.value)
}

func (e *effects) getExpire(op command.GetExpire) command.Reply {
	if op.Expiry.Mode == command.ExpiryKeep {
		e.touchNamesOf(op)
		return e.view().value(op.Name)
	}
	key, record, problem := e.openUnlocked(op.Name)
	switch {
	case problem != nil:
		return *problem
	case record.absent():
		return command.Nil()
	}
	e.moveDeadline(key, record, op.Expiry)
	return command.Bulk(record.value)
}

// moveDeadline gives a Redis value another deadline, or ends it when that has passed.
func (e *effects) moveDeadline(key nameKey, record nameRecord, expiry command.Expiry) {
	deadline, past := e.m.state.deadlineAfter(expiry, record.deadline)
	if past {
		e.end(key, record, ReasonDeleted)
		return
	}
	if expiry.Mode == command.ExpiryClear && record.deadline == 0 {
		return // GETEX … PERSIST of a value that has no deadline changes nothing, for WATCH too
	}
	record.deadline = deadline
	e.alterString(key, record)
}

func (e *effects) multiSet(op command.MultiSet) command.Reply {
	for _, pair := range op.Pairs {
		key, record, problem := e.open(pair.Name)
		switch {
		case problem != nil:
			return *problem
		case op.IfAbsent && !record.absent():
			return command.Integer(0)
		case record.locked():
			return lockedError(key, record)
		}
	}
	for _, pair := range op.Pairs {
		key := keyOf(pair.Name)
		record, _ := e.m.state.names.get(key)
		e.setString(key, record, pair.Value, 0)
	}
	if op.IfAbsent {
		return command.Integer(1)
	}
	return command.OK()
}

func (e *effects) deleteAll(op command.Delete) command.Reply {
	for _, name := range op.Names {
		key, record, problem := e.open(name)
		if problem != nil {
			return *problem
		}
		if record.locked() {
			return lockedError(key, record)
		}
	}
	var count int64
	for _, name := range op.Names {
		key := keyOf(name)
		if record, ok := e.m.state.names.get(key); ok && record.holding == holdingString {
			e.end(key, record, ReasonDeleted)
			count++
		}
	}
	return command.Integer(count)
}

func (e *effects) deleteIf(op command.DeleteIf) command.Reply {
	key, record, problem := e.open(op.Name)
	switch {
	case problem != nil:
		return *problem
	case record.locked() && op.Condition != command.IfEqual:
		return lockedError(key, record)
	case record.holding != holdingString || !record.admits(op.Condition, op.Operand):
		return command.Integer(0)
	}
	e.end(key, record, ReasonDeleted)
	return command.Integer(1)
}

func (e *effects) expireKey(op command.ExpireKey) command.Reply {
	key, record, problem := e.openUnlocked(op.Name)
	switch {
	case problem != nil:
		return *problem
	case record.absent():
		return command.Integer(0)
	}
	deadline, _ := e.m.state.deadlineAfter(op.Expiry, record.deadline)
	for _, condition := range op.Conditions {
		if !record.admitsDeadline(condition, deadline) {
			return command.Integer(0)
		}
	}
	e.moveDeadline(key, record, op.Expiry)
	return command.Integer(1)
}

// admitsDeadline judges the options of EXPIRE. A value without a deadline counts as living for ever.
func (r nameRecord) admitsDeadline(condition command.Condition, deadline command.Instant) bool {
	switch condition {
	case command.IfNoExpiry:
		return r.deadline == 0
	case command.IfExpiry:
		return r.deadline != 0
	case command.IfGreater:
		return r.deadline != 0 && deadline > r.deadline
	case command.IfLess:
		return r.deadline == 0 || deadline < r.deadline
	}
	return true
}

func (e *effects) persist(op command.Persist) command.Reply {
	key, record, problem := e.openUnlocked(op.Name)
	switch {
	case problem != nil:
		return *problem
	case record.absent() || record.deadline == 0:
		return command.Integer(0)
	}
	record.deadline = 0
	e.alterString(key, record)
	return command.Integer(1)
}
