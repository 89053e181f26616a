package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/coordd/coordd/cmd/coordd/internal/endpoint"
	"github.com/coordd/coordd/cmd/coordd/internal/options"
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/resp/wire"
)

var poolCommand = options.Command{
	Name:    "pool",
	Summary: "pools of partitions that workers share: look, explain, make, change, drain",
	Usage: []string{
		"[ls] [flags]", "show POOL [--table] [--wide] [flags]", "explain POOL KEY [flags]",
		"create POOL [--partitions N] [--zones RULE] [--debounce D] [--drain D] [--moves N] [flags]", "alter POOL [--zones RULE] [--debounce D] [--drain D] [--moves N] [flags]",
		"drain POOL WORKER --reason TEXT [--timeout D] [flags]", "evict POOL WORKER --reason TEXT [--now] [flags]", "pin POOL PARTITION WORKER|--off [flags]", "delete POOL [--incarnation ID] [flags]",
	},
	Details: `A pool has a fixed number of partitions. A key belongs to one of them for ever; a partition belongs to at most one worker at a time, with a fencing token of its own. Workers
that join and leave are given partitions and hand them over by themselves: these commands look on, and step in where that is wanted.

show draws the ring and what moves; --table lists every partition. explain tells where a key is, and why.

drain makes a worker hand over what it owns, partition by partition, and leave; it waits until that is done. evict asks for the same and does not wait. With --now its partitions
are given on at once: the worker may go on for a while with what another owns already, and only the fencing tokens protect. Both are in the log with who did it and why.
pin gives a partition to a worker whenever that is a member. All but ls, show, explain and create are for operators, where there are users.

--zones: ignored; apart (who is next in line for a partition is in another zone); even (every zone bears the same share). --debounce is the quiet after a join before anything moves.
--drain is how long a hand-over may take before it counts as overdue, which is shown and ends nothing. --moves is how many partitions change hands at the same time.`,
	Examples: []options.Example{
		{Line: "coordd pool create orders", Says: "4096 partitions"},
		{Line: "coordd pool show orders", Says: "who owns how much, and what moves"},
		{Line: "coordd pool explain orders customer-4711", Says: "which worker serves a key, and why"},
		{Line: "coordd pool drain orders worker-3 --reason 'kernel update'", Says: "empty a worker before it is stopped"},
		{Line: "coordd pool evict orders worker-3 --reason 'host burnt down' --now", Says: "do not wait for one that cannot answer"},
		{Line: "coordd pool pin orders 17 worker-1", Says: "put a hot partition on a machine of its own"},
	},
}

// poolActions are the words that coordd pool takes first.
var poolActions = []string{"ls", "show", "explain", "create", "alter", "drain", "evict", "pin", "delete"}

// poolRequest is what the command line of pool asks for.
type poolRequest struct {
	*query
	conn        *endpoint.Conn
	settings    poolSettings
	reason      options.Text
	incarnation options.Text
	timeout     options.Duration
	now, off    bool
	table, wide bool
}

// poolSettings are the flags of create and alter.
type poolSettings struct {
	partitions options.Number
	zones      options.Choice
	debounce   options.Duration
	drain      options.Duration
	moves      options.Number
}

func (s *poolSettings) declare(set *options.Set) {
	s.partitions = options.Number{Value: command.DefaultPartitions, AtLeast: 1, AtMost: command.MaxPoolPartitions}
	s.zones = options.Choice{Of: command.PoolZoneRules}
	s.debounce = options.Duration{AtMost: command.MaxDebounce * time.Millisecond}
	s.drain = options.Duration{AtLeast: command.MinDrain * time.Millisecond, AtMost: command.MaxDrain * time.Millisecond}
	s.moves = options.Number{AtMost: command.MaxPoolPartitions}
	set.Var(&s.partitions, "partitions", "create: how many; 20 for each worker that there may be balance well. It never changes")
	set.Var(&s.zones, "zones", "create, alter: what zones mean; ignored unless given")
	set.Var(&s.debounce, "debounce", "create, alter: quiet after a join before anything moves; 1s unless given")
	set.Var(&s.drain, "drain", "create, alter: how long a hand-over may take before it is overdue; 30s unless given")
	set.Var(&s.moves, "moves", "create, alter: how many partitions are handed over at the same time; 0: a sixteenth of them, and 32 at least")
	set.WithoutVariables("partitions", "zones", "debounce", "drain", "moves")
}

// words are the options of POOL.CREATE and POOL.ALTER that were given.
func (s *poolSettings) words(set *options.Set) (words []string) {
	add := func(flag, option, value string) {
		if set.Given(flag) {
			words = append(words, option, value)
		}
	}
	add("partitions", "PARTITIONS", s.partitions.String())
	add("zones", "ZONES", s.zones.Value)
	add("debounce", "DEBOUNCE", fmt.Sprint(s.debounce.Value.Milliseconds()))
	add("drain", "DRAIN", fmt.Sprint(s.drain.Value.Milliseconds()))
	add("moves", "MOVES", s.moves.String())
	return words
}

func runPool(ctx context.Context, around *surroundings, arguments []string) error {
	r := &poolRequest{query: newQuery(around, poolCommand), incarnation: options.Text{Placeholder: "ID"}}
	r.settings.declare(r.Set)
	r.reason = options.Text{Placeholder: "TEXT"}
	r.timeout = options.Duration{Value: time.Minute, AtLeast: time.Second, AtMost: time.Hour}
	r.Var(&r.reason, "reason", "drain, evict: why; kept in the log, and required")
	r.Var(&r.timeout, "timeout", "drain: how long to wait until the worker has left; the hand-over goes on after that")
	r.Var(&r.incarnation, "incarnation", "delete: only if the pool is still this one, as coordd pool show tells it")
	r.BoolVar(&r.now, "now", false, "evict: give its partitions on at once; only the fencing tokens protect then")
	r.BoolVar(&r.off, "off", false, "pin: take the pin of the partition away")
	r.BoolVar(&r.table, "table", false, "show: list every partition with its owner and token")
	r.BoolVar(&r.wide, "wide", false, "show: also zones, weights, sessions and addresses of workers")
	r.WithoutVariables("reason", "timeout", "incarnation", "now", "off", "table", "wide")
	const most = 4
	words, done, err := r.operands(arguments, 0, most, "")
	if done || err != nil {
		return err
	}
	action := "ls"
	if len(words) > 0 {
		action, words = words[0], words[1:]
	}
	return r.run(ctx, action, words)
}

// poolAction is one of the first words: what must follow it, and what it does.
type poolAction struct {
	operands []string // names of the words that follow
	flags    []string // flags that belong to it alone or to it among others
	do       func(ctx context.Context, words []string) error
}

func (r *poolRequest) actions() map[string]poolAction {
	changeable := []string{"zones", "debounce", "drain", "moves"}
	return map[string]poolAction{
		"ls":      {do: r.list},
		"show":    {operands: []string{"POOL"}, flags: []string{"table", "wide"}, do: r.showPool},
		"explain": {operands: []string{"POOL", "KEY"}, do: r.explain},
		"create":  {operands: []string{"POOL"}, flags: append([]string{"partitions"}, changeable...), do: r.create},
		"alter":   {operands: []string{"POOL"}, flags: append([]string{"partitions"}, changeable...), do: r.alter},
		"drain":   {operands: []string{"POOL", "WORKER"}, flags: []string{"reason", "timeout"}, do: r.drain},
		"evict":   {operands: []string{"POOL", "WORKER"}, flags: []string{"reason", "now"}, do: r.evict},
		"pin":     {operands: []string{"POOL", "PARTITION", "WORKER"}, flags: []string{"off"}, do: r.pin},
		"delete":  {operands: []string{"POOL"}, flags: []string{"incarnation"}, do: r.delete},
	}
}

// run checks the words and flags of an action, connects, and does it.
func (r *poolRequest) run(ctx context.Context, name string, words []string) error {
	actions := r.actions()
	action, known := actions[name]
	if !known {
		return unknownWord("action", name, poolActions, "coordd pool --help")
	}
	wanted := len(action.operands)
	if name == "pin" && r.off {
		wanted--
	}
	if len(words) != wanted {
		return options.Usagef("this takes %s: coordd pool %s; see coordd pool --help", counted(wanted, "word"), usageOf(name, action.operands[:wanted]))
	}
	for _, other := range actions {
		for _, flag := range other.flags {
			if r.Given(flag) && !slices.Contains(action.flags, flag) {
				return options.Usagef("--%s does not belong to coordd pool %s; see coordd pool --help", flag, name)
			}
		}
	}
	if slices.Contains(action.flags, "reason") && r.reason.Value == "" {
		return options.Usagef("say why with --reason: it is kept in the log")
	}
	if name == "alter" && r.Given("partitions") {
		return options.Usagef("the number of partitions never changes: every key would be in another one. Make another pool and move to it")
	}
	conn, err := r.where.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	r.conn = conn
	return action.do(ctx, words)
}

func usageOf(action string, operands []string) string {
	for _, operand := range operands {
		action += " " + operand
	}
	return action
}

// do sends one command about pools. An answer that is an error is one here.
func (r *poolRequest) do(ctx context.Context, words ...string) (wire.Value, error) {
	answer, err := r.conn.Do(ctx, words...)
	if err != nil {
		return wire.Value{}, err
	}
	if refusal := answer.Err(); refusal != nil {
		return wire.Value{}, replyFailure(refusal)
	}
	return answer, nil
}
