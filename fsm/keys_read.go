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
	case record.holding == holdingNative || record.holding == holdingHolds:
		return v.opaque("held:" + record.waiter.String())
	case record.isReserved():
		return v.opaque("pending")
	}
	return command.Nil()
}

// opaque is what stands for the value of a name that a native lock holds. In a script it names the script's own place in the log, so that a compare-and-delete
// that is sent what GET answered before finds another value (safety case S11).
func (v *view) opaque(what string) command.Reply {
	switch {
	case v.moment != "":
		what += "@" + v.moment
	case !v.script.IsZero():
		what += "@" + v.script.String()
	}
	return text(command.ReservedPrefix + what)
}

// underlying is the name whose token a virtual name shows, or the name itself.
func underlying(name command.Name) command.Name {
	if rest, ok := strings.CutPrefix(name.Key, command.FencePrefix); ok {
		return command.Name{Database: name.Database, Key: rest}
	}
	if rest, ok := strings.CutPrefix(name.Key, command.FenceIfPrefix); ok {
		if key, _, ok := splitFenceIf(rest); ok {
			return command.Name{Database: name.Database, Key: key}
		}
	}
	return name
}

// splitFenceIf takes "<bytes of the name>:NAME:VALUE" apart.
func splitFenceIf(text string) (key, value string, ok bool) {
	size, rest, _ := strings.Cut(text, ":")
	n, err := strconv.Atoi(size)
	if err != nil || n < 0 || n >= len(rest) || rest[n] != ':' {
		return "", "", false
	}
	return rest[:n], rest[n+1:], true
}

// virtual answers the names that exist only to be read: a fencing token under a name that every Redis client can GET (safety case S8).
func (v *view) virtual(name command.Name) command.Reply {
	var reply command.Reply
	if rest, ok := strings.CutPrefix(name.Key, command.FencePrefix); ok {
		reply = v.fence(command.Fence{Name: command.Name{Database: name.Database, Key: rest}})
	} else if rest, ok := strings.CutPrefix(name.Key, command.FenceIfPrefix); ok {
		key, value, ok := splitFenceIf(rest)
		if !ok {
			return command.Nil()
		}
		held := command.Name{Database: name.Database, Key: key}
		reply = v.fence(command.Fence{Name: held, HasValue: true, Value: []byte(value)})
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
	deadline, _ := v.s.lifeOf(record)
	if record.holding == holdingNone {
		deadline = max(record.deadline, v.clock.Add(1)) // about to be granted, or reserved until then
	}
	if deadline == 0 {
		return command.Integer(-1)
	}
	remaining := max(1, int64(deadline-v.clock))
	switch op.Form {
	case command.RemainingSeconds:
		return command.Integer(roundedSeconds(remaining))
	case command.RemainingMilliseconds:
		return command.Integer(remaining)
	case command.DeadlineSeconds:
		return command.Integer(roundedSeconds(v.s.unixMilliseconds(deadline)))
	}
	return command.Integer(v.s.unixMilliseconds(deadline))
}

func roundedSeconds(milliseconds int64) int64 {
	return milliseconds/1000 + (milliseconds%1000+500)/1000
}

func (v *view) time() command.Reply {
	unix := max(0, v.s.unixMilliseconds(v.clock))
	return command.Array(text(strconv.FormatInt(unix/1000, 10)), text(strconv.FormatInt(unix%1000*1000, 10)))
}

// revision is the number that changes whenever what a name shows does.
func (v *view) revision(name command.Name) uint64 {
	name = underlying(name)
	v.look(name)
	return v.s.revisionOf(keyOf(name))
}

func (v *view) revisions(op command.Revisions) command.Reply {
	revisions := make([]command.Reply, len(op.Names))
	for i, name := range op.Names {
		revisions[i] = command.Integer(int64(v.revision(name)))
	}
	return command.Array(revisions...)
}
