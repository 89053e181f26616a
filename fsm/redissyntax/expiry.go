package redissyntax

import (
	"math"

	"github.com/coordd/coordd/fsm/command"
)

// unit says in what an expiry is counted.
type unit uint8

const (
	unitMilliseconds unit = 1
	unitSeconds      unit = 2
)

// latestNow stands for the present when a relative expiry is checked for overflow. Redis adds its clock; no clock is read here, so this is a Unix time in
// milliseconds that is later than any present (the year 2109).
const latestNow = 1 << 42

// toMilliseconds converts and refuses what would overflow.
func toMilliseconds(value int64, in unit, absolute bool, commandName string) (int64, error) {
	if in == unitSeconds {
		if value > math.MaxInt64/1000 || value < math.MinInt64/1000 {
			return 0, errExpiry(commandName)
		}
		value *= 1000
	}
	if !absolute && value > math.MaxInt64-latestNow {
		return 0, errExpiry(commandName)
	}
	return value, nil
}

// positiveExpiry reads the expiry of a write, which must lie after the epoch or be longer than nothing.
func positiveExpiry(text []byte, in unit, absolute bool, commandName string) (command.Expiry, error) {
	value, err := parseInteger(text)
	if err != nil {
		return command.Expiry{}, err
	}
	if value <= 0 {
		return command.Expiry{}, errExpiry(commandName)
	}
	milliseconds, err := toMilliseconds(value, in, absolute, commandName)
	if err != nil {
		return command.Expiry{}, err
	}
	return command.Expiry{Mode: expiryMode(absolute), Milliseconds: milliseconds}, nil
}

func expiryMode(absolute bool) command.ExpiryMode {
	if absolute {
		return command.ExpiryAbsolute
	}
	return command.ExpiryRelative
}

// expiryOptions gathers EX, PX, EXAT, PXAT and what excludes them. Redis takes the last of two equal options and refuses two different ones.
type expiryOptions struct {
	option string // the option seen, in lower case; empty for none
	value  []byte // its argument, if it takes one
}

// take looks whether the option at the place i is about expiry. It returns how many arguments it used; 0 means that the option is not its own.
func (o *expiryOptions) take(argv [][]byte, i int, standalone string) (int, error) {
	option := lower(argv[i])
	switch option {
	case "ex", "px", "exat", "pxat":
		if i+1 >= len(argv) || o.excludes(option) {
			return 0, errSyntax
		}
		o.option, o.value = option, argv[i+1]
		return 2, nil
	case standalone:
		if o.excludes(option) {
			return 0, errSyntax
		}
		o.option = option
		return 1, nil
	}
	return 0, nil
}

func (o *expiryOptions) excludes(option string) bool { return o.option != "" && o.option != option }

// expiry judges the value, after all options have been read.
func (o *expiryOptions) expiry(commandName string, otherwise command.ExpiryMode) (command.Expiry, error) {
	switch o.option {
	case "ex":
		return positiveExpiry(o.value, unitSeconds, false, commandName)
	case "px":
		return positiveExpiry(o.value, unitMilliseconds, false, commandName)
	case "exat":
		return positiveExpiry(o.value, unitSeconds, true, commandName)
	case "pxat":
		return positiveExpiry(o.value, unitMilliseconds, true, commandName)
	case "keepttl":
		return command.Expiry{Mode: command.ExpiryKeep}, nil
	case "persist":
		return command.Expiry{Mode: command.ExpiryClear}, nil
	}
	return command.Expiry{Mode: otherwise}, nil
}

// parseExpireKey makes the parser of EXPIRE, PEXPIRE, EXPIREAT or PEXPIREAT. Zero and negative times are allowed: they delete.
func parseExpireKey(commandName string, in unit, absolute bool) func(uint8, [][]byte) (command.Op, error) {
	return func(database uint8, argv [][]byte) (command.Op, error) {
		conditions, err := expireConditions(argv[3:])
		if err != nil {
			return nil, err
		}
		value, err := parseInteger(argv[2])
		if err != nil {
			return nil, err
		}
		milliseconds, err := toMilliseconds(value, in, absolute, commandName)
		if err != nil {
			return nil, err
		}
		key, err := name(database, argv[1])
		if err != nil {
			return nil, err
		}
		return command.ExpireKey{
			Name:       key,
			Expiry:     command.Expiry{Mode: expiryMode(absolute), Milliseconds: milliseconds},
			Conditions: conditions,
		}, nil
	}
}

// expireConditions reads NX, XX, GT and LT. The result is ordered and without repeats.
func expireConditions(options [][]byte) ([]command.Condition, error) {
	var nx, xx, gt, lt bool
	for _, option := range options {
		switch lower(option) {
		case "nx":
			nx = true
		case "xx":
			xx = true
		case "gt":
			gt = true
		case "lt":
			lt = true
		default:
			refused := problemf("Unsupported option %s", clip(option, maxQuoted)).(*problem)
			oneLine(refused.reply.Text)
			return nil, refused
		}
	}
	if nx && (xx || gt || lt) {
		return nil, problemf("NX and XX, GT or LT options at the same time are not compatible")
	}
	if gt && lt {
		return nil, problemf("GT and LT options at the same time are not compatible")
	}
	var conditions []command.Condition
	for _, each := range []struct {
		given     bool
		condition command.Condition
	}{{nx, command.IfNoExpiry}, {xx, command.IfExpiry}, {gt, command.IfGreater}, {lt, command.IfLess}} {
		if each.given {
			conditions = append(conditions, each.condition)
		}
	}
	return conditions, nil
}
