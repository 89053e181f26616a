package check

import (
	"fmt"
	"strconv"

	"github.com/anishathalye/porcupine"
)

// The operations of the model of a lock. Its state is who holds it, empty for nobody; a holder is a token or, for Redis keys, a value.
type lockStep struct {
	act    lockAct
	holder string
}

type lockAct uint8

const (
	acquires     lockAct = iota // it was free and is now the holder's
	mayAcquire                  // likewise, if it was free; otherwise nothing
	findsHeld                   // somebody holds it: the holder, if one is named
	findsHolder                 // the holder holds it; an empty one: nobody does
	findsOther                  // the holder does not hold it
	releases                    // the holder held it, and nobody does now
	mayEnd                      // if the holder holds it, nobody does now; by a release, or since its time is over
	findsNothing                // no condition
)

var lockActs = []string{"is granted to", "is perhaps granted to", "is found held by", "is found to be", "is found not to be held by", "is released by", "ends perhaps for", "is asked about"}

var lockModel = porcupine.Model{
	Init: func() any { return "" },
	Step: func(state, input, _ any) (bool, any) {
		holder, step := state.(string), input.(lockStep)
		switch step.act {
		case acquires:
			return holder == "", step.holder
		case mayAcquire:
			if holder == "" {
				return true, step.holder
			}
		case findsHeld:
			return holder != "" && (step.holder == "" || step.holder == holder), holder
		case findsHolder:
			return holder == step.holder, holder
		case findsOther:
			return holder != step.holder, holder
		case releases:
			return holder == step.holder, ""
		case mayEnd:
			if holder == step.holder {
				return true, ""
			}
		}
		return true, holder
	},
	DescribeOperation: func(input, _ any) string {
		step := input.(lockStep)
		return lockActs[step.act] + " " + step.holder
	},
	DescribeState: func(state any) string {
		if state == "" {
			return "free"
		}
		return "held by " + state.(string)
	},
}

// valueStep is an operation on a plain value. known is false when its answer is not known: then it was run at some time, or never, which is as if at the very end.
type valueStep struct {
	op              string
	value, expected string
	succeeded       bool
	known           bool
}

// valueModel is a register and a counter in one: a text, empty when there is none.
var valueModel = porcupine.Model{
	Init: func() any { return "" },
	Step: func(state, input, _ any) (bool, any) {
		current, step := state.(string), input.(valueStep)
		switch step.op {
		case "set":
			return true, step.value
		case "get":
			return !step.known || current == step.value, current
		case "swap":
			matches := current == step.expected
			if step.known && matches != step.succeeded {
				return false, current
			}
			if matches {
				return true, step.value
			}
			return true, current
		case "incr":
			number, err := strconv.ParseInt("0"+current, 10, 64)
			if err != nil {
				return false, current
			}
			next := strconv.FormatInt(number+1, 10)
			return !step.known || next == step.value, next
		}
		return false, current
	},
	DescribeOperation: func(input, _ any) string {
		step := input.(valueStep)
		text := step.op
		if step.op == "swap" {
			text += " " + step.expected + " for"
		}
		text += fmt.Sprintf(" %q", step.value)
		if !step.known {
			return text + ", answer unknown"
		}
		if step.op == "swap" && !step.succeeded {
			return text + ": another value is there"
		}
		return text
	},
	DescribeState: func(state any) string { return fmt.Sprintf("%q", state) },
}
