package fsm

import (
	"strconv"
	"strings"

	"github.com/coordd/coordd/fsm/command"
)

// value is what GET answers. A native hold shows as an opaque string, which equals nothing that a condition could name.
func (v *view) value(name command.Name) command.Reply {
	if strings.HasPrefix(name.Key, command.ReservedPrefix) {
		return v.virtual(name)
	}
	record := v.look(name)
	switch {
	case record.holding == holdingString:
		return command.Bulk(record.value)
	case record.holding == holdingNative:
		return text(command.ReservedPrefix + "held:" + record.waiter.String())
	case record.queued > 0:
		return text(command.ReservedPrefix + "pending")
	}
	return command.Nil()
}

// virtual answers the names that exist only to be read: a fencing token under a name that every Redis client can GET (safety case S8).
func (v *view) virtual(name command.Name) command.Reply {
	var reply command.Reply
	if rest, ok := strings.CutPrefix(name.Key, command.FencePrefix); ok {
		reply = v.fence(command.Fence{Name: command.Name{Database: name.Database, Key: rest}})
	} else if rest, ok := strings.CutPrefix(name.Key, command.FenceIfPrefix); ok {
		size, rest, _ := strings.Cut(rest, ":")
		n, err := strconv.Atoi(size)
		if err != nil || n < 0 || n >= len(rest) || rest[n] != ':' {
			return command.Nil()
		}
		held := command.Name{Database: name.Database, Key: rest[:n]}
		reply = v.fence(command.Fence{Name: held, HasValue: true, Value: []byte(rest[n+1:])})
	}
	if reply.Type != command.ReplyInteger {
		return command.Nil()
	}
	return text(strconv.FormatInt(reply.Integer, 10))
}

// fence answers the token of a name's owner.
func (v *view) fence(op command.Fence) command.Reply {
	record := v.look(op.Name)
	if record.holding == holdingNone || op.HasValue && (record.holding != holdingString || string(record.value) != string(op.Value)) {
		return command.Nil()
	}
	return command.Integer(int64(record.token))
}

func (v *view) exists(op command.Exists) command.Reply {
	var count int64
	for _, name := range op.Names {
		if !v.value(name).IsNil() {
			count++
		}
	}
	return command.Integer(count)
}

// valueRange is GETRANGE: both ends inclusive, counted from the end when negative.
func (v *view) valueRange(op command.GetRange) command.Reply {
	value := v.value(op.Name).Text
	length := int64(len(value))
	start, end := op.Start, op.End
	if start < 0 && end < 0 && start > end || length == 0 {
		return command.Bulk([]byte{})
	}
	if start < 0 {
		start = max(0, start+length)
	}
	if end < 0 {
		end = max(0, end+length)
	}
	end = min(end, length-1)
	if start > end {
		return command.Bulk([]byte{})
	}
	return command.Bulk(value[start : end+1])
}

// timeToLive answers what is left, at least 1 ms, counted from the clock.
func (v *view) timeToLive(op command.TimeToLive) command.Reply {
	record := v.look(op.Name)
	if record.absent() {
		if v.value(op.Name).IsNil() {
			return command.Integer(-2)
		}
		return command.Integer(-1) // a virtual name
	}
	deadline := v.s.deadlineOf(record)
	if record.holding == holdingNone {
		deadline = v.clock.Add(1) // about to be granted
	}
	if deadline == 0 {
		return command.Integer(-1)
	}
	remaining := max(1, int64(deadline-v.clock))
	switch op.Form {
	case command.RemainingSeconds:
		return command.Integer((remaining + 500) / 1000)
	case command.RemainingMilliseconds:
		return command.Integer(remaining)
	case command.DeadlineSeconds:
		return command.Integer((v.s.unixMilliseconds(deadline) + 500) / 1000)
	}
	return command.Integer(v.s.unixMilliseconds(deadline))
}

func (v *view) time() command.Reply {
	unix := v.s.unixMilliseconds(v.clock)
	return command.Array(text(strconv.FormatInt(unix/1000, 10)), text(strconv.FormatInt(unix%1000*1000, 10)))
}

func (v *view) revisions(op command.Revisions) command.Reply {
	revisions := make([]command.Reply, len(op.Names))
	for i, name := range op.Names {
		v.look(name)
		revisions[i] = command.Integer(int64(v.s.revisionOf(keyOf(name))))
	}
	return command.Array(revisions...)
}
