package native

import (
	"slices"
	"strconv"

	"github.com/coordd/coordd/fsm/command"
)

// options walks what follows the fixed arguments of a native command: flags and options with values, in any order, each at most once. Its methods report whether
// the argument at hand is theirs, and take it. The first fault stops the walk and is the answer.
type options struct {
	command string // as usage shows it
	left    [][]byte
	seen    []string
	refusal command.Reply
	failed  bool
}

// more reports whether there is another option to look at.
func (o *options) more() bool { return len(o.left) > 0 && !o.failed }

// problem is the refusal, nil when nothing was wrong.
func (o *options) problem() *command.Reply {
	if !o.failed {
		return nil
	}
	return &o.refusal
}

// check fails with a refusal that somebody else found.
func (o *options) check(refusal *command.Reply) {
	if refusal != nil {
		o.fail(*refusal)
	}
}

func (o *options) fail(refusal command.Reply) {
	if !o.failed {
		o.refusal, o.failed = refusal, true
	}
}

// flag takes an option without a value.
func (o *options) flag(name string) bool { return o.values(name, 0, nil) }

// values takes an option with so many values.
func (o *options) values(name string, count int, take func(values [][]byte)) bool {
	if !is(o.left[0], name) {
		return false
	}
	switch {
	case slices.Contains(o.seen, name):
		o.fail(errorf("%s: %s stands there twice; see HELP %s", o.command, clipped(o.left[0]), o.command))
	case len(o.left) <= count && count == 1:
		o.fail(errNoValue(o.command, o.left[0]))
	case len(o.left) <= count:
		o.fail(errorf("%s: %s needs an id and a secret; see HELP %s", o.command, clipped(o.left[0]), o.command))
	default:
		if take != nil {
			take(o.left[1 : 1+count])
		}
		o.left = o.left[1+count:]
	}
	o.seen = append(o.seen, name)
	return true
}

// milliseconds takes a duration.
func (o *options) milliseconds(name, shown string, least, most int64, to *int64) bool {
	return o.values(name, 1, func(values [][]byte) {
		n, refusal := parseMilliseconds(shown, values[0], least, most)
		o.check(refusal)
		*to = n
	})
}

// number takes a whole number between two limits.
func (o *options) number(name string, least, most uint64, to *uint64) bool {
	return o.values(name, 1, func(values [][]byte) {
		n, err := strconv.ParseUint(string(values[0]), 10, 64)
		if err != nil || n < least || n > most {
			o.fail(errorf("%s: %q takes a number from %d to %d, not %q", o.command, name, least, most, clipped(values[0])))
		}
		*to = n
	})
}

// text takes a text with a limit.
func (o *options) text(name, what string, most int, to *string) bool {
	return o.values(name, 1, func(values [][]byte) {
		if len(values[0]) > most {
			o.fail(command.Errorf(command.CodeLimit, "%s of %d bytes is too long; the limit is %d", what, len(values[0]), most))
			return
		}
		*to = string(values[0])
	})
}

// session takes SESSION id secret.
func (o *options) session(to *command.Credentials) bool {
	return o.values("session", 2, func(values [][]byte) {
		who, refusal := parseCredentials(values[0], values[1])
		o.check(refusal)
		*to = who
	})
}

// waiter takes the id of an acquire.
func (o *options) waiter(name string, to *command.WaiterID) bool {
	return o.values(name, 1, func(values [][]byte) {
		id, refusal := parseWaiter(values[0])
		o.check(refusal)
		*to = id
	})
}

// unknown refuses the option at hand.
func (o *options) unknown() { o.fail(errOption(o.command, o.left[0])) }

// Numbering is REQUEST n LOW m: under which number of its session a command runs at most once.
type Numbering struct{ Number, LowWater uint64 }

func (n *Numbering) option(o *options) bool {
	return o.number("request", 1, 1<<63, &n.Number) || o.number("low", 0, 1<<63, &n.LowWater)
}

// Wrap gives an op its number.
func (n Numbering) Wrap(by command.Credentials, op command.Op) command.Op {
	if n.Number == 0 {
		return op
	}
	return command.Numbered{By: by, Number: n.Number, LowWater: n.LowWater, Op: op}
}

// check refuses a number without a session, and a mark without a number.
func (n Numbering) check(o *options, by command.Credentials) {
	switch {
	case n.Number == 0 && n.LowWater != 0:
		o.fail(errorf("%s takes LOW only together with REQUEST", o.command))
	case n.Number != 0 && by.Session.IsZero():
		o.fail(errorf("%s takes REQUEST only together with SESSION: the number is one of that session", o.command))
	}
}
