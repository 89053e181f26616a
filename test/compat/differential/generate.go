package differential

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// keys are the names that a sequence uses, databases those that it selects.
var (
	keys      = []string{keyPrefix + "a", keyPrefix + "b", keyPrefix + "c", keyPrefix + "n", keyPrefix + "bin\x00\xff\r\n"}
	databases = []string{"0", "1", "15"}
	values    = []string{"tok1", "tok1", "tok2", "tok2", "", "1", "10", "-5", "x", "hello world", "\x00\xff\r\n", "007", " 5", "1.5", "+3",
		"9223372036854775807", "-9223372036854775808", "9223372036854775808", strings.Repeat("long", 80)}
	integers = []string{"0", "1", "-1", "2", "5", "100", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "abc", "", "1.5", " 1", "0x10", "+1", "01"}
	// badTimes are refused, are long over, or are so far away that no clock matters.
	badTimes = []string{"0", "-1", "-100", "abc", "", "1.5", " 1", "0x10", "+100000", "0100000", "100000",
		"9223372036854775807", "-9223372036854775808", "9223372036854775808", "9223372036854775"}
)

// Generate makes the sequence with that number under the seed.
func Generate(seed, number uint64) Sequence {
	g := &generator{rand: rand.New(rand.NewPCG(seed, number))}
	g.hot = keys[g.IntN(len(keys))]
	sequence := Sequence{Seed: seed, Number: number}
	for conn := range 1 + g.IntN(2) {
		if g.chance(50) {
			sequence.Steps = append(sequence.Steps, Step{Conn: conn, Commands: []Command{{Args: []string{"HELLO", "3"}, Mask: Hello}}})
		}
		g.connections = conn + 1
	}
	for range 3 + g.IntN(12) {
		sequence.Steps = append(sequence.Steps, g.steps()...)
	}
	return sequence
}

// generator makes commands from one source of randomness.
type generator struct {
	rand        *rand.Rand
	connections int
	// lifetimes counts the times to live that were given, so that no two of a
	// sequence are so close that GT and LT would depend on the clock.
	lifetimes int
	// hot is the name that half of the commands are about.
	hot string
	// known are scripts that the sequence sent before.
	known []knownScript
}

func (g *generator) IntN(n int) int             { return g.rand.IntN(n) }
func (g *generator) chance(percent int) bool    { return g.IntN(100) < percent }
func (g *generator) pick(from ...string) string { return from[g.IntN(len(from))] }
func (g *generator) key() string                { return keys[g.IntN(len(keys))] }
func (g *generator) value() string              { return g.pick(values...) }

// steps makes one step, or a few that belong together.
func (g *generator) steps() []Step {
	conn := g.IntN(g.connections)
	switch dice := g.IntN(100); {
	case dice < 62:
		return []Step{{Conn: conn, Commands: []Command{g.command()}}}
	case dice < 77:
		return []Step{{Conn: conn, Commands: g.several(2 + g.IntN(6))}}
	case dice < 88:
		return g.transaction(conn)
	case dice < 94:
		return g.watched(conn)
	case dice < 96:
		return []Step{{Conn: conn, Commands: []Command{g.raw()}}}
	case dice < 97:
		return g.expiring(conn)
	default:
		return []Step{{Conn: conn, Commands: []Command{g.connectionCommand()}}}
	}
}

func (g *generator) several(count int) []Command {
	commands := make([]Command, count)
	for i := range commands {
		commands[i] = g.command()
	}
	return commands
}

// transaction is MULTI ... EXEC, as one pipeline or command by command.
func (g *generator) transaction(conn int) []Step {
	commands := []Command{{Args: []string{"MULTI"}}}
	commands = append(commands, g.several(1+g.IntN(4))...)
	if g.chance(6) {
		commands = append(commands, Command{Args: []string{g.pick("MULTI", "WATCH", "EVAL", "SET")}})
	}
	end := "EXEC"
	if g.chance(10) {
		end = "DISCARD"
	}
	commands = append(commands, Command{Args: []string{end}})
	if g.chance(60) {
		return []Step{{Conn: conn, Commands: commands}}
	}
	return spread(conn, commands)
}

func spread(conn int, commands []Command) []Step {
	steps := make([]Step, len(commands))
	for i, command := range commands {
		steps[i] = Step{Conn: conn, Commands: []Command{command}}
	}
	return steps
}

// watched is the extension idiom: WATCH, GET, perhaps somebody's interference,
// MULTI, a change, EXEC.
func (g *generator) watched(conn int) []Step {
	key := g.key()
	steps := []Step{{Conn: conn, Commands: []Command{{Args: []string{"WATCH", key}}}}}
	if g.chance(20) {
		steps[0].Commands[0].Args = append(steps[0].Commands[0].Args, g.key())
	}
	steps = append(steps, Step{Conn: conn, Commands: []Command{{Args: []string{"GET", key}}}})
	if g.chance(50) {
		interference := g.command()
		if len(interference.Args) > 1 && strings.HasPrefix(interference.Args[1], keyPrefix) {
			interference.Args[1] = key
		}
		steps = append(steps, Step{Conn: g.IntN(g.connections), Commands: []Command{interference}})
	}
	if g.chance(8) {
		steps = append(steps, Step{Conn: conn, Commands: []Command{{Args: []string{"UNWATCH"}}}})
	}
	change := Command{Args: []string{"PEXPIRE", key, g.lifetimeMilliseconds()}}
	if g.chance(40) {
		change = Command{Args: []string{"DEL", key}}
	}
	transaction := []Command{{Args: []string{"MULTI"}}, change, {Args: []string{"EXEC"}}}
	if g.chance(50) {
		return append(steps, Step{Conn: conn, Commands: transaction})
	}
	return append(steps, spread(conn, transaction)...)
}

// expiring lets a key expire and looks at it from many sides.
func (g *generator) expiring(conn int) []Step {
	key := g.key()
	// In an open transaction the SET would be queued, and expire at any time
	// later; and the WATCH must come long before the key expires.
	begin := Step{Conn: conn, Commands: []Command{{Args: []string{"DISCARD"}},
		{Args: []string{"SET", key, g.value(), "PX", strconv.Itoa(250 + g.IntN(50))}}}}
	if g.chance(40) {
		begin.Commands = append(begin.Commands, Command{Args: []string{"WATCH", key}})
	}
	after := g.several(2)
	for i := range after {
		if len(after[i].Args) > 1 && strings.HasPrefix(after[i].Args[1], keyPrefix) {
			after[i].Args[1] = key
		}
	}
	after = append(after, Command{Args: []string{"MULTI"}}, Command{Args: []string{"EXISTS", key}}, Command{Args: []string{"EXEC"}})
	return []Step{begin, {Conn: conn, Pause: 700 * time.Millisecond, Commands: after}}
}

// command makes one command, most of the time as a client means it.
func (g *generator) command() Command {
	var command Command
	switch dice := g.IntN(100); {
	case dice < 22:
		command = g.set()
	case dice < 40:
		command = g.stringCommand()
	case dice < 58:
		command = g.expiryCommand()
	case dice < 70:
		command = g.keyCommand()
	case dice < 90:
		command = g.script()
	case dice < 94:
		command = g.transactionWord()
	default:
		command = g.plain()
	}
	if g.chance(4) {
		command = g.spoil(command)
	}
	if g.chance(10) {
		command.Args[0] = g.mixCase(command.Args[0])
	}
	return command
}

// spoil gets the arity wrong, or an argument. What it puts in is no name that
// another sequence could meet.
func (g *generator) spoil(command Command) Command {
	if name := command.name(); name == "WAIT" || name == "COMMAND" {
		return command // with another timeout redis-server may wait for ever; COMMAND alone lists what a server has
	}
	args := append([]string{}, command.Args...)
	switch g.IntN(4) {
	case 0:
		args = args[:1]
	case 1:
		args = append(args, g.key())
	case 2:
		if !strings.HasPrefix(args[0], "EV") {
			args = args[:1+g.IntN(len(args))]
		}
	default:
		position := 2 + g.IntN(max(1, len(args)-2))
		if position < len(args) && !strings.HasPrefix(args[position], keyPrefix) && !strings.HasPrefix(args[0], "EV") && command.Mask != Scan {
			args[position] = g.pick(badTimes...)
		}
	}
	if command.Mask == Scan && len(args) < len(command.Args) {
		args = args[:1]
	}
	return Command{Args: args, Mask: command.Mask}
}

func (g *generator) mixCase(word string) string {
	mixed := []byte(word)
	for i := range mixed {
		if g.chance(50) {
			mixed[i] = strings.ToLower(word[i : i+1])[0]
		}
	}
	return string(mixed)
}

// lifetime is a time to live that no other of the sequence is close to.
func (g *generator) lifetime() int {
	g.lifetimes++
	return []int{200, 1000, 5000, 20000}[g.IntN(4)] + 10*g.lifetimes
}

func (g *generator) lifetimeSeconds() string      { return strconv.Itoa(g.lifetime()) }
func (g *generator) lifetimeMilliseconds() string { return strconv.Itoa(g.lifetime() * 1000) }
func (g *generator) instantSeconds() string       { return nowSeconds + strconv.Itoa(g.lifetime()) }
func (g *generator) instantMilliseconds() string {
	return nowMilliseconds + strconv.Itoa(g.lifetime()*1000)
}
