package script

import (
	"fmt"
	"math"
)

// shape says which fields an expression has besides its operands, and how many of those.
type shape struct {
	place, number, text bool
	least, most         int
}

const anyNumber = math.MaxInt

// shapes is indexed by ExpressionOp.
var shapes = [First + 1]shape{
	Number:       {number: true},
	Text:         {text: true},
	Variable:     {place: true},
	Global:       {text: true},
	Index:        {least: 2, most: 2},
	Not:          {least: 1, most: 1},
	Negate:       {least: 1, most: 1},
	Length:       {least: 1, most: 1},
	And:          {least: 2, most: anyNumber},
	Or:           {least: 2, most: anyNumber},
	Concat:       {least: 2, most: anyNumber},
	Add:          {least: 2, most: 2},
	Subtract:     {least: 2, most: 2},
	Multiply:     {least: 2, most: 2},
	Divide:       {least: 2, most: 2},
	Modulo:       {least: 2, most: 2},
	Equal:        {least: 2, most: 2},
	NotEqual:     {least: 2, most: 2},
	Less:         {least: 2, most: 2},
	LessEqual:    {least: 2, most: 2},
	Greater:      {least: 2, most: 2},
	GreaterEqual: {least: 2, most: 2},
	Table:        {most: anyNumber},
	BuiltinValue: {place: true},
	CallBuiltin:  {place: true, most: anyNumber},
	CallFunction: {place: true, most: anyNumber},
	CallMethod:   {text: true, least: 1, most: anyNumber},
	CallValue:    {least: 1, most: anyNumber},
	First:        {least: 1, most: 1},
}

// validator checks that Run can run a program: every place is there, every statement has its parts, nothing recurses.
type validator struct {
	program  *Program
	callable int // functions below this index may be called here
	loops    int
	depth    int
	nodes    int
	problem  error
}

// Validate reports why a program cannot be run, or nil.
func (p *Program) Validate() error {
	v := &validator{program: p}
	switch {
	case p.Slots > MaxSlots:
		return fmt.Errorf("the script has %d local variables; the limit is %d", p.Slots, MaxSlots)
	case len(p.Functions) > MaxFunctions:
		return fmt.Errorf("the script has %d functions; the limit is %d", len(p.Functions), MaxFunctions)
	case len(p.Trace.Names) != int(p.Slots):
		return fmt.Errorf("the script has %d local variables and %d names for them", p.Slots, len(p.Trace.Names))
	}
	for _, name := range p.Trace.Names {
		if len(name) > MaxNameBytes {
			return fmt.Errorf("the name of a local variable is longer than %d bytes", MaxNameBytes)
		}
	}
	for i := range p.Functions {
		f := &p.Functions[i]
		v.require(uint64(f.FirstSlot)+uint64(f.Parameters) <= uint64(p.Slots), "a parameter has no slot")
		v.callable = i
		v.block(f.Body)
	}
	v.callable = len(p.Functions)
	v.block(p.Main)
	return v.problem
}

func (v *validator) require(condition bool, text string) {
	if !condition && v.problem == nil {
		v.problem = fmt.Errorf("not a runnable script: %s", text)
	}
}

// down runs visit one level deeper, unless the limits are reached.
func (v *validator) down(nodes int, visit func()) {
	v.depth++
	v.nodes += nodes
	if v.problem == nil && v.depth > MaxDepth {
		v.problem = fmt.Errorf("the script is nested more than %d levels deep", MaxDepth)
	}
	if v.problem == nil && v.nodes > MaxNodes {
		v.problem = fmt.Errorf("the script has more than %d parts", MaxNodes)
	}
	if v.problem == nil {
		visit()
	}
	v.depth--
}

func (v *validator) block(statements []Statement) {
	v.down(len(statements), func() {
		for i := range statements {
			v.statement(&statements[i])
		}
	})
}

func (v *validator) statement(s *Statement) {
	counts := [4]int{len(s.Slots), len(s.Targets), len(s.Expressions), len(s.Blocks)}
	v.require(statementShape(s.Op, counts), "a statement lacks parts or has too many")
	v.require(s.Op != Break || v.loops > 0, "a break outside of a loop")
	v.require(s.Op != Call || len(s.Expressions) == 1 && s.Expressions[0].Op.IsCall(), "a statement that is no call")
	for _, slot := range s.Slots {
		v.require(slot < v.program.Slots, "a local variable has no slot")
	}
	for i := range s.Targets {
		op := s.Targets[i].Op
		v.require(op == Variable || op == Index || op == Global, "an assignment to something else than a variable")
	}
	v.expressions(s.Targets, false)
	v.expressions(s.Expressions, false)
	loop := s.Op >= While && s.Op <= TableFor
	if loop {
		v.loops++
	}
	v.nodes += len(s.Blocks)
	for _, block := range s.Blocks {
		v.block(block)
	}
	if loop {
		v.loops--
	}
}

// statementShape checks the counts of slots, targets, expressions and blocks.
func statementShape(op StatementOp, counts [4]int) bool {
	slots, targets, expressions, blocks := counts[0], counts[1], counts[2], counts[3]
	switch op {
	case Local:
		return slots > 0 && targets == 0 && blocks == 0
	case Assign:
		return slots == 0 && targets > 0 && expressions > 0 && blocks == 0
	case If:
		return slots == 0 && targets == 0 && expressions > 0 && (blocks == expressions || blocks == expressions+1)
	case While, Repeat:
		return slots == 0 && targets == 0 && expressions == 1 && blocks == 1
	case NumericFor:
		return slots == 1 && targets == 0 && (expressions == 2 || expressions == 3) && blocks == 1
	case ArrayFor, TableFor:
		return slots >= 1 && slots <= 2 && targets == 0 && blocks == 1
	case Return:
		return slots == 0 && targets == 0 && blocks == 0
	case Break:
		return slots == 0 && targets == 0 && expressions == 0 && blocks == 0
	case Call:
		return slots == 0 && targets == 0 && expressions == 1 && blocks == 0
	}
	return false
}

func (v *validator) expressions(list []Expression, positional bool) {
	if len(list) == 0 {
		return
	}
	v.down(len(list), func() {
		for i := range list {
			v.require(list[i].Op != Positional || positional && i%2 == 0, "a value in place of a key")
			v.expression(&list[i])
		}
	})
}

func (v *validator) expression(e *Expression) {
	if e.Op < Nil || e.Op > First {
		v.require(false, "an unknown expression")
		return
	}
	shape := shapes[e.Op]
	v.require(len(e.Operands) >= shape.least && len(e.Operands) <= shape.most, "an expression lacks operands or has too many")
	switch e.Op {
	case Variable:
		v.require(e.Place < v.program.Slots, "a variable has no slot")
	case CallFunction:
		v.require(uint64(e.Place) < uint64(v.callable), "a call of a function that is not defined before")
	case CallBuiltin, BuiltinValue:
		found := e.Place < uint32(len(builtins)) && builtins[e.Place].run != nil
		v.require(found, "a library function that is not there")
	case Table:
		v.require(len(e.Operands)%2 == 0, "a table with half a field")
	case First:
		v.require(len(e.Operands) == 1 && e.Operands[0].Op.IsCall(), "parentheses around something else than a call")
	}
	v.expressions(e.Operands, e.Op == Table)
}
