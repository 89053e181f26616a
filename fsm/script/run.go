package script

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/coordd/coordd/fsm/command"
)

// Run runs a program. The program must come from Decode, or have passed Validate. keys and arguments are KEYS and ARGV; what they point at is neither
// changed nor kept. The reply is that of the script; a failure of the script, or going beyond the budget, is an error reply. When a Redis command
// answers Again, the script stops at once and Run answers Again.
func Run(program *Program, keys, arguments [][]byte, caller Caller, budget Budget) (reply command.Reply) {
	r := runners.Get().(*runner)
	defer r.rest()
	r.program, r.caller, r.budget, r.limit, r.replyBytes = program, caller, budget, budget, budget.Bytes
	r.slots = slices.Grow(r.slots[:0], int(program.Slots))[:program.Slots]
	r.inputs(keys, arguments)
	defer func() {
		switch cause := recover().(type) {
		case nil:
		case *stopped:
			reply = cause.reply
		default:
			panic(cause)
		}
	}()
	result := r.block(program.Main)
	if result.flow != flowReturn || len(result.values) == 0 {
		return command.Nil()
	}
	return r.reply(result.values[0], 0)
}

// runners keeps the memory of runs that are over.
var runners = sync.Pool{New: func() any { return new(runner) }}

// runner is one run.
type runner struct {
	program    *Program
	caller     Caller
	budget     Budget // what is left
	limit      Budget
	replyBytes int
	slots      []value
	keys       *table
	arguments  *table
	function   *Function // the one that runs, nil for the main program

	room     []value  // for lists of values, given out from the front
	argv     [][]byte // of the Redis command that runs
	argument []byte   // the bytes that argv points at
}

// rest lets go of everything the run has made and keeps its memory for another.
func (r *runner) rest() {
	clear(r.slots)
	clear(r.room)
	clear(r.argv)
	*r = runner{slots: r.slots[:0], room: r.room[:0], argv: r.argv[:0], argument: r.argument[:0]}
	if cap(r.room) <= maxRoomKept && cap(r.argument) <= maxArgumentKept {
		runners.Put(r)
	}
}

// What a run may leave behind for the next.
const (
	firstRoom       = 128
	maxRoomKept     = 1024
	maxArgumentKept = 16 << 10
)

// list gives out an empty list with room for so many values. Its memory is good until the run ends.
func (r *runner) list(size int) []value {
	used := len(r.room)
	if used+size > cap(r.room) {
		r.room, used = make([]value, 0, max(firstRoom, 2*cap(r.room), size)), 0
	}
	r.room = r.room[:used+size]
	return r.room[used : used : used+size]
}

// one is a list of one value.
func (r *runner) one(v value) []value { return append(r.list(1), v) }

// stopped ends a run from any depth; only Run catches it.
type stopped struct{ reply command.Reply }

// inputs makes KEYS and ARGV. One string holds the bytes of all of them.
func (r *runner) inputs(keys, arguments [][]byte) {
	r.argument = r.argument[:0]
	for _, items := range [2][][]byte{keys, arguments} {
		for _, item := range items {
			r.argument = append(r.argument, item...)
		}
	}
	text := string(r.argument)
	made := make([]value, 0, len(keys)+len(arguments))
	for _, items := range [2][][]byte{keys, arguments} {
		for _, item := range items {
			made = append(made, stringOf(text[:len(item)]))
			text = text[len(item):]
		}
	}
	tables := &[2]table{{list: made[:len(keys):len(keys)]}, {list: made[len(keys):]}}
	r.keys, r.arguments = &tables[0], &tables[1]
}

// flow says how a block ended.
type flow byte

const (
	flowNext flow = iota
	flowBreak
	flowReturn
)

// outcome is how a block ended, with what it returned.
type outcome struct {
	flow   flow
	values []value
}

// step takes steps from the budget.
func (r *runner) step(count int) {
	if r.budget.Steps -= count; r.budget.Steps < 0 {
		r.stop("steps")
	}
}

// stepText takes the steps of comparing two texts.
func (r *runner) stepText(left, right value) {
	r.step(min(len(left.text), len(right.text)) / 256)
}

// take takes bytes of memory from the budget.
func (r *runner) take(count int) {
	if r.budget.Bytes -= count; r.budget.Bytes < 0 {
		r.stop("bytes of memory")
	}
}

// What a table and an entry of one count for.
const (
	tableBytes = 64
	entryBytes = 48
)

// stop ends the run because of its budget.
func (r *runner) stop(resource string) {
	limits := map[string]int{
		"steps": r.limit.Steps, "bytes of memory": r.limit.Bytes, "bytes of reply": r.limit.Bytes, "Redis commands": r.limit.Calls, "nested calls": r.limit.Depth,
	}
	text := fmt.Sprintf("ERR the script needs more than the %d %s that a script may use; what it wrote before stays written", limits[resource], resource)
	panic(&stopped{r.failure([]byte(text), 0)})
}

// raise ends the run as an error of the script: Lua puts the place in front of the text.
func (r *runner) raise(line uint32, text string) {
	panic(&stopped{r.failure([]byte("ERR user_script:"+strconv.FormatUint(uint64(line), 10)+": "+text), line)})
}

// raiseReply ends the run with an error of Redis, as redis.call does.
func (r *runner) raiseReply(line uint32, text []byte) {
	panic(&stopped{r.failure(text, line)})
}

// failure adds which script it was, and where.
func (r *runner) failure(text []byte, line uint32) command.Reply {
	full := append([]byte(nil), text...)
	full = append(full, " script: "...)
	full = hex.AppendEncode(full, r.program.Trace.SHA1[:])
	if line > 0 {
		full = append(full, ", on @user_script:"...)
		full = strconv.AppendUint(full, uint64(line), 10)
		full = append(full, '.')
	}
	return errorReply(full)
}

// block runs statements until one of them ends it.
func (r *runner) block(statements []Statement) outcome {
	for i := range statements {
		if result := r.statement(&statements[i]); result.flow != flowNext {
			return result
		}
	}
	return outcome{}
}

func (r *runner) statement(s *Statement) outcome {
	r.step(1)
	switch s.Op {
	case Local:
		r.assignLocals(s.Slots, r.values(s.Expressions))
	case Assign:
		r.assign(s.Targets, s.Expressions)
	case If:
		return r.branch(s)
	case While:
		return r.while(s)
	case Repeat:
		return r.repeat(s)
	case NumericFor:
		return r.numericFor(s)
	case ArrayFor:
		return r.arrayFor(s)
	case TableFor:
		return r.tableFor(s)
	case Return:
		return outcome{flowReturn, r.values(s.Expressions)}
	case Break:
		return outcome{flow: flowBreak}
	case Call:
		r.call(&s.Expressions[0])
	}
	return outcome{}
}

// assignLocals sets the slots to the values; slots without a value become nil.
func (r *runner) assignLocals(slots []uint32, values []value) {
	for i, slot := range slots {
		if i < len(values) {
			r.slots[slot] = values[i]
		} else {
			r.slots[slot] = value{}
		}
	}
}

// target is an assignment's left side, evaluated.
type target struct {
	object value
	key    value
}

// assign evaluates everything first and assigns from right to left, as Lua does.
func (r *runner) assign(targets, expressions []Expression) {
	evaluated := make([]target, len(targets))
	for i := range targets {
		if t := &targets[i]; t.Op == Index {
			evaluated[i] = target{r.value(&t.Operands[0]), r.value(&t.Operands[1])}
		}
	}
	values := r.values(expressions)
	for i := len(targets) - 1; i >= 0; i-- {
		var v value
		if i < len(values) {
			v = values[i]
		}
		switch t := &targets[i]; t.Op {
		case Variable:
			r.slots[t.Place] = v
		case Index:
			r.setIndex(t, evaluated[i], v)
		case Global:
			r.raise(t.Line, "Attempt to modify a readonly table")
		}
	}
}

func (r *runner) setIndex(t *Expression, to target, v value) {
	if to.object.kind != kindTable {
		r.raise(t.Line, "attempt to index "+r.describe(&t.Operands[0], to.object))
	}
	r.checkKey(t.Line, to.key)
	if to.object.table.set(to.key, v) {
		r.take(entryBytes)
	}
}

// checkKey refuses what cannot be the key of a field.
func (r *runner) checkKey(line uint32, key value) {
	if key.kind == kindNil {
		r.raise(line, "table index is nil")
	}
	if key.kind == kindNumber && key.number != key.number {
		r.raise(line, "table index is NaN")
	}
}

func (r *runner) branch(s *Statement) outcome {
	for i := range s.Expressions {
		if r.value(&s.Expressions[i]).truthy() {
			return r.block(s.Blocks[i])
		}
	}
	if len(s.Blocks) > len(s.Expressions) {
		return r.block(s.Blocks[len(s.Expressions)])
	}
	return outcome{}
}
