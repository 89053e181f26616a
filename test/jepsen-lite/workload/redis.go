package workload

import (
	"context"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/transport/resp/wire"
)

// The operations of Redis keys in a history.
const (
	OpSetNX   = "setnx"   // fail: another value is there
	OpFence   = "fence"   // Token is the answer, 0 for none
	OpGet     = "get"     // Value is the answer, empty for none
	OpUnlock  = "unlock"  // compare and delete; fail: the value was not there
	OpExtend  = "extend"  // compare and expire; fail: the value was not there
	OpAbandon = "abandon" // a note: the holder lets its time run out
)

const redisNames = 3

// The scripts of Redis lock libraries, in their own spelling.
const (
	unlockScript = `if redis.call("get",KEYS[1]) == ARGV[1] then return redis.call("del",KEYS[1]) else return 0 end`
	extendScript = `if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("pexpire", KEYS[1], ARGV[2]) else return 0 end`
)

func redisActor(ctx context.Context, a *Actor) {
	for ctx.Err() == nil {
		key := a.name(redisNames)
		switch a.Random.IntN(4) {
		case 0:
			a.get(key)
		default:
			a.lockByRedis(ctx, key)
		}
		a.rest(ctx, 40*time.Millisecond)
	}
}

// do sends a command and writes how it ended; interpret turns a reply into the event that ends it.
func (a *Actor) do(event history.Event, interpret func(*history.Event, wire.Value) history.Type, arguments ...string) (history.Event, bool) {
	op := a.Record.Invoke(event)
	limit, cancel := a.limited()
	defer cancel()
	answer, err := a.Cluster.Do(limit, arguments...)
	how := outcome(err)
	if err == nil {
		how = interpret(&op, answer)
	}
	a.Record.End(op, how, err)
	return op, how == history.OK
}

// isOne reads the answer of a script that says 1 for yes.
func isOne(_ *history.Event, answer wire.Value) history.Type {
	if number, ok := answer.Int(); ok && number == 1 {
		return history.OK
	}
	return history.Fail
}

// isStatus reads the answer of a conditional SET.
func isStatus(_ *history.Event, answer wire.Value) history.Type {
	if answer.Type == wire.Status {
		return history.OK
	}
	return history.Fail
}

func (a *Actor) get(key string) {
	a.do(history.Event{Op: OpGet, Key: key}, func(op *history.Event, answer wire.Value) history.Type {
		op.Value = string(answer.Text)
		return history.OK
	}, "GET", key)
}

func (a *Actor) lockByRedis(ctx context.Context, key string) {
	value, sent := a.unique(), history.Now()
	_, granted := a.do(history.Event{Op: OpSetNX, Key: key, Holder: value, TTL: a.TTL.Milliseconds(), Sent: sent}, isStatus,
		"SET", key, value, "NX", "PX", milliseconds(a.TTL))
	if !granted {
		return
	}
	a.do(history.Event{Op: OpFence, Key: key, Holder: value}, func(op *history.Event, answer wire.Value) history.Type {
		op.Token, _ = answer.Int()
		return history.OK
	}, "FENCE", key, value)
	a.rest(ctx, 30*time.Millisecond)
	switch a.Random.IntN(12) {
	case 0:
		a.Record.Note(history.Event{Op: OpAbandon, Key: key, Holder: value})
		return
	case 1, 2:
		a.do(history.Event{Op: OpExtend, Key: key, Holder: value, TTL: a.TTL.Milliseconds(), Sent: history.Now()}, isOne,
			"EVAL", extendScript, "1", key, value, milliseconds(a.TTL))
		a.rest(ctx, 40*time.Millisecond)
	}
	a.do(history.Event{Op: OpUnlock, Key: key, Holder: value}, isOne, "EVAL", unlockScript, "1", key, value)
}
