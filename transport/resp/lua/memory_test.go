package lua_test

import (
	"fmt"
	"strconv"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/fsm/redissyntax"
)

// memory is a tiny Redis of strings for scripts to run against. Its clock stands still.
type memory struct {
	now      int64
	readOnly bool
	entries  map[string]entry
}

type entry struct {
	value    string
	deadline int64 // 0 for none
}

func newMemory() *memory { return &memory{now: 1_700_000_000_000, entries: map[string]entry{}} }

// Call implements script.Caller.
func (m *memory) Call(argv [][]byte) command.Reply {
	op, reply, ok := redissyntax.ParseInScript(0, argv, m.readOnly)
	if !ok {
		return reply
	}
	return m.run(op)
}

func (m *memory) run(op command.Op) command.Reply {
	switch o := op.(type) {
	case command.Get:
		return m.bulk(o.Name)
	case command.Set:
		return m.set(o)
	case command.GetDelete:
		reply := m.bulk(o.Name)
		delete(m.entries, o.Name.Key)
		return reply
	case command.GetRange:
		return m.rangeOf(o)
	case command.Length:
		return command.Integer(int64(len(m.entries[o.Name.Key].value)))
	case command.MultiGet:
		reply := command.Array()
		for _, name := range o.Names {
			reply.Elements = append(reply.Elements, m.bulk(name))
		}
		return reply
	case command.MultiSet:
		return m.setAll(o)
	case command.Increment:
		return m.increment(o)
	case command.Delete:
		count := m.count(o.Names)
		for _, name := range o.Names {
			delete(m.entries, name.Key)
		}
		return count
	case command.Exists:
		return m.count(o.Names)
	case command.Type:
		if _, found := m.entries[o.Name.Key]; found {
			return command.Status("string")
		}
		return command.Status("none")
	case command.ExpireKey:
		return m.expire(o)
	case command.TimeToLive:
		return m.timeToLive(o)
	case command.Persist:
		e, found := m.entries[o.Name.Key]
		had := found && e.deadline != 0
		if had {
			m.entries[o.Name.Key] = entry{value: e.value}
		}
		return command.Bool(had)
	}
	return command.Errorf(command.CodeGeneric, "the test's memory has no %T", op)
}

func (m *memory) bulk(name command.Name) command.Reply {
	if e, found := m.entries[name.Key]; found {
		return command.Bulk([]byte(e.value))
	}
	return command.Nil()
}

func (m *memory) count(names []command.Name) command.Reply {
	count := int64(0)
	for _, name := range names {
		if _, found := m.entries[name.Key]; found {
			count++
		}
	}
	return command.Integer(count)
}

func (m *memory) deadline(expiry command.Expiry, old int64) int64 {
	switch expiry.Mode {
	case command.ExpiryKeep:
		return old
	case command.ExpiryRelative:
		return m.now + expiry.Milliseconds
	case command.ExpiryAbsolute:
		return expiry.Milliseconds
	}
	return 0
}

func (m *memory) set(o command.Set) command.Reply {
	old, found := m.entries[o.Name.Key]
	if o.Condition == command.IfAbsent && found || o.Condition == command.IfPresent && !found {
		if o.Reply == command.SetReplyInteger {
			return command.Integer(0)
		}
		return command.Nil()
	}
	m.entries[o.Name.Key] = entry{string(o.Value), m.deadline(o.Expiry, old.deadline)}
	if o.Reply == command.SetReplyInteger {
		return command.Integer(1)
	}
	return command.OK()
}

func (m *memory) setAll(o command.MultiSet) command.Reply {
	if o.IfAbsent {
		for _, pair := range o.Pairs {
			if _, found := m.entries[pair.Name.Key]; found {
				return command.Integer(0)
			}
		}
	}
	for _, pair := range o.Pairs {
		m.entries[pair.Name.Key] = entry{value: string(pair.Value)}
	}
	if o.IfAbsent {
		return command.Integer(1)
	}
	return command.OK()
}

func (m *memory) increment(o command.Increment) command.Reply {
	e, found := m.entries[o.Name.Key]
	if !found {
		e.value = "0"
	}
	number, err := strconv.ParseInt(e.value, 10, 64)
	if err != nil {
		return command.Errorf(command.CodeGeneric, "value is not an integer or out of range")
	}
	number += o.Delta
	m.entries[o.Name.Key] = entry{fmt.Sprint(number), e.deadline}
	return command.Integer(number)
}

func (m *memory) rangeOf(o command.GetRange) command.Reply {
	value := m.entries[o.Name.Key].value
	length := int64(len(value))
	start, end := o.Start, o.End
	if start < 0 {
		start = max(start+length, 0)
	}
	if end < 0 {
		end += length
	}
	end = min(end, length-1)
	if start > end {
		return command.Bulk(nil)
	}
	return command.Bulk([]byte(value[start : end+1]))
}

func (m *memory) expire(o command.ExpireKey) command.Reply {
	e, found := m.entries[o.Name.Key]
	if !found {
		return command.Integer(0)
	}
	e.deadline = m.deadline(o.Expiry, 0)
	m.entries[o.Name.Key] = e
	if e.deadline <= m.now {
		delete(m.entries, o.Name.Key)
	}
	return command.Integer(1)
}

func (m *memory) timeToLive(o command.TimeToLive) command.Reply {
	e, found := m.entries[o.Name.Key]
	switch {
	case !found:
		return command.Integer(-2)
	case e.deadline == 0:
		return command.Integer(-1)
	case o.Form == command.RemainingSeconds:
		return command.Integer((e.deadline - m.now + 500) / 1000)
	case o.Form == command.RemainingMilliseconds:
		return command.Integer(e.deadline - m.now)
	case o.Form == command.DeadlineSeconds:
		return command.Integer((e.deadline + 500) / 1000)
	}
	return command.Integer(e.deadline)
}
