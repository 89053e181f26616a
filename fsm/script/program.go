package script

import (
	"crypto/sha1"

	"github.com/coordd/coordd/fsm/command"
)

// Limits of a program. The door refuses a script beyond them, and Decode does so too.
const (
	MaxDepth     = 32   // nesting of statements and expressions, and of tables in a reply
	MaxNodes     = 8192 // statements and expressions together
	MaxSlots     = 250  // local variables
	MaxFunctions = 64   // local functions
	MaxNameBytes = 256  // a local variable's name
)

// Program is a compiled script. Whoever builds one uses Validate or Decode before running it. It is not changed afterwards and may be shared.
type Program struct {
	Slots     uint32 // how many local variables there are; each has a slot of its own
	Functions []Function
	Main      []Statement
	Trace     Trace
}

// Trace is what error texts need and the meaning of a program does not.
type Trace struct {
	SHA1  [sha1.Size]byte // of the source text
	Names []string        // of the local variables, by slot
}

// Function is a local function. It can be called by later functions and by the main program only, so nothing recurses and its variables can have fixed
// slots: the parameters have the first ones.
type Function struct {
	FirstSlot  uint32
	Parameters uint32
	Body       []Statement
}

// Statement is one statement; Op says which fields it has.
type Statement struct {
	Op          StatementOp
	Line        uint32 // with Raises
	Slots       []uint32
	Targets     []Expression
	Expressions []Expression
	Blocks      [][]Statement
}

// StatementOp numbers the statements. The numbers are part of the log format and never reused.
type StatementOp byte

// The statements.
const (
	Local      StatementOp = 1 // Slots = Expressions
	Assign     StatementOp = 2 // Targets = Expressions; a target is Variable, Index or Global
	If         StatementOp = 3 // Expressions are the conditions, Blocks what follows each, and perhaps one more for else
	While      StatementOp = 4 // condition, block
	Repeat     StatementOp = 5 // condition (judged after the block), block
	NumericFor StatementOp = 6 // slot; from, to and perhaps step; block
	ArrayFor   StatementOp = 7 // for … in ipairs(…): one or two slots; the arguments of ipairs; block
	TableFor   StatementOp = 8 // for … in pairs(…)
	Return     StatementOp = 9
	Break      StatementOp = 10
	Call       StatementOp = 11 // one expression, which is a call
)

// Expression is one expression; Op says which fields it has.
type Expression struct {
	Op       ExpressionOp
	Line     uint32 // with Raises
	Place    uint32 // the slot of Variable, the index of CallFunction, the Builtin of BuiltinValue and CallBuiltin
	Number   float64
	Text     string
	Operands []Expression
}

// ExpressionOp numbers the expressions. The numbers are part of the log format and never reused.
type ExpressionOp byte

// The expressions.
const (
	Nil          ExpressionOp = 1
	False        ExpressionOp = 2
	True         ExpressionOp = 3
	Number       ExpressionOp = 4
	Text         ExpressionOp = 5
	Keys         ExpressionOp = 6 // the table KEYS
	Arguments    ExpressionOp = 7 // the table ARGV
	Variable     ExpressionOp = 8
	Global       ExpressionOp = 9 // a name that is not there: reading and writing it are errors at run time
	Index        ExpressionOp = 10
	Not          ExpressionOp = 11
	Negate       ExpressionOp = 12
	Length       ExpressionOp = 13
	And          ExpressionOp = 14 // of two or more
	Or           ExpressionOp = 15 // of two or more
	Concat       ExpressionOp = 16 // of two or more
	Add          ExpressionOp = 17
	Subtract     ExpressionOp = 18
	Multiply     ExpressionOp = 19
	Divide       ExpressionOp = 20
	Modulo       ExpressionOp = 21
	Equal        ExpressionOp = 22
	NotEqual     ExpressionOp = 23
	Less         ExpressionOp = 24
	LessEqual    ExpressionOp = 25
	Greater      ExpressionOp = 26
	GreaterEqual ExpressionOp = 27
	Table        ExpressionOp = 28 // key, value, key, value, …; the key is Positional for values without one
	Positional   ExpressionOp = 29
	BuiltinValue ExpressionOp = 30 // a library function as a value
	CallBuiltin  ExpressionOp = 31 // Operands are the arguments
	CallFunction ExpressionOp = 32 // Operands are the arguments
	CallMethod   ExpressionOp = 33 // object:Text(…); the first operand is the object
	CallValue    ExpressionOp = 34 // the first operand is what is called
	First        ExpressionOp = 35 // a call in parentheses: only its first result counts
)

// IsCall reports whether the expression is a call, which may give any number of values.
func (op ExpressionOp) IsCall() bool { return op >= CallBuiltin && op <= CallValue }

// Raises reports whether evaluating the expression itself can fail, so that its line is kept.
func (op ExpressionOp) Raises() bool {
	return op.IsCall() || op == Global || op == Index || op >= Negate && op <= Length || op >= Concat && op <= Modulo || op >= Less && op <= Table
}

// Raises reports whether the statement itself can fail, so that its line is kept.
func (op StatementOp) Raises() bool { return op >= NumericFor && op <= TableFor }

// Caller runs one Redis command for a script. Arguments come with the command's name first; there is at least one. They are overwritten by the next call,
// so whoever keeps one copies it. An Again reply ends the script at once.
type Caller interface {
	Call(argv [][]byte) command.Reply
}

// Budget bounds one run.
type Budget struct {
	Steps int // expressions and statements evaluated
	Calls int // Redis commands
	Bytes int // memory taken for strings and tables, and, counted apart, for the reply
	Depth int // nesting of function calls
}

// DefaultBudget is the budget of every machine. It is part of the replicated contract: another one would give other replies.
var DefaultBudget = Budget{Steps: 20_000, Calls: 256, Bytes: 256 << 10, Depth: 32}
