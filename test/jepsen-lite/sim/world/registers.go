package world

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/coordd/coordd/fsm/command"
)

// access is one read or write of a register, for porcupine.
type access struct {
	register      command.Name
	client        int
	write         bool
	value         string
	asked, answer int64
}

// useRegisters reads and writes a few registers that all clients share. Every value is written once.
func (c *client) useRegisters() {
	for !c.over() {
		register := command.Name{Key: fmt.Sprintf("register-%d", c.chance.IntN(3))}
		if c.chance.IntN(2) == 0 {
			c.write(register)
		} else {
			c.read(register)
		}
		c.rest(150 * time.Millisecond)
	}
}

func (c *client) write(register command.Name) {
	value, asked := c.unique(), c.world.now()
	reply, outcome := c.ask(command.Set{Name: register, Value: []byte(value)})
	switch {
	case outcome == failed:
	case outcome == unknown:
		add(c.world.history, &c.world.history.registers, access{register, c.number, true, value, asked.order, math.MaxInt64})
	case reply.IsError():
		c.world.violate(linearizable, "a write of %q was answered with %s", register.Key, reply.Text)
	default:
		add(c.world.history, &c.world.history.registers, access{register, c.number, true, value, asked.order, c.world.now().order})
	}
}

func (c *client) read(register command.Name) {
	asked := c.world.now()
	reply, outcome := c.ask(command.Get{Name: register})
	if outcome != done {
		return
	}
	answer := c.world.now()
	c.saw(register, string(reply.Text), asked, answer)
	add(c.world.history, &c.world.history.registers, access{register, c.number, false, string(reply.Text), asked.order, answer.order})
}

// saw notes what a read found, to be held against the log.
func (c *client) saw(name command.Name, value string, asked, answer moment) {
	add(c.world.history, &c.world.history.looks, look{name, value, asked, answer})
}

// register is what a register is to porcupine: the value that was written last.
var register = porcupine.Model{
	Init: func() any { return "" },
	Step: func(state, input, output any) (bool, any) {
		if one := input.(access); one.write {
			return true, one.value
		}
		return state == output, state
	},
}

// porcupinePatience bounds the search for an order, per register.
const porcupinePatience = 5 * time.Second

// judgeRegisters asks porcupine whether some order of all reads and writes explains what each register answered.
func (w *world) judgeRegisters(report *Report) {
	histories := make(map[string][]porcupine.Operation)
	for _, one := range w.history.registers {
		histories[one.register.Key] = append(histories[one.register.Key], porcupine.Operation{
			ClientId: one.client, Input: one, Output: one.value, Call: one.asked, Return: one.answer,
		})
	}
	for _, name := range slices.Sorted(maps.Keys(histories)) {
		switch porcupine.CheckOperationsTimeout(register, histories[name], porcupinePatience) {
		case porcupine.Illegal:
			report.Violations = append(report.Violations, fmt.Sprintf(string(linearizable)+": no order of the %d reads and writes explains what %q answered", len(histories[name]), name))
		case porcupine.Unknown:
			report.Undecided = append(report.Undecided, fmt.Sprintf("whether %q is linearizable: no order was found within %s, and none was ruled out", name, porcupinePatience))
		}
	}
}
