package workload

import (
	"context"
	"strconv"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/transport/resp/wire"
)

// The operations of plain values in a history.
const (
	OpIncrement = "incr" // Value is the answer
	OpSet       = "set"
	OpSwap      = "swap" // SET IFEQ; fail: another value was there
)

const (
	counterNames  = 2
	registerNames = 3
	registerRange = 4 // few different values, so that a conditional write often meets its value
)

func counterActor(ctx context.Context, a *Actor) {
	for ctx.Err() == nil {
		key := a.name(counterNames)
		a.do(history.Event{Op: OpIncrement, Key: key}, func(op *history.Event, answer wire.Value) history.Type {
			number, _ := answer.Int()
			op.Value = strconv.FormatInt(number, 10)
			return history.OK
		}, "INCR", key)
		a.rest(ctx, 40*time.Millisecond)
	}
}

func registerActor(ctx context.Context, a *Actor) {
	for ctx.Err() == nil {
		key := a.name(registerNames)
		value := strconv.Itoa(a.Random.IntN(registerRange))
		switch a.Random.IntN(4) {
		case 0:
			a.do(history.Event{Op: OpSet, Key: key, Value: value}, isStatus, "SET", key, value)
		case 1:
			expected := strconv.Itoa(a.Random.IntN(registerRange))
			a.do(history.Event{Op: OpSwap, Key: key, Value: value, Expected: expected}, isStatus, "SET", key, value, "IFEQ", expected)
		default:
			a.get(key)
		}
		a.rest(ctx, 40*time.Millisecond)
	}
}
