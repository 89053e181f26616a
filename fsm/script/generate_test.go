package script_test

import (
	"math"

	"github.com/coordd/coordd/fsm/script"
	"pgregory.net/rapid"
)

// generator draws runnable programs.
type generator struct {
	t        *rapid.T
	slots    uint32
	callable uint32
	loops    int
	left     int // nodes that may still be made
}

// programs draws a program that passes Validate.
func programs(t *rapid.T) *script.Program {
	g := &generator{t: t, slots: uint32(rapid.IntRange(1, 6).Draw(t, "slots")), left: 120}
	p := &script.Program{Slots: g.slots}
	for range g.slots {
		p.Trace.Names = append(p.Trace.Names, rapid.StringMatching(`[a-z]{1,3}`).Draw(t, "name"))
	}
	for i := range p.Trace.SHA1 {
		p.Trace.SHA1[i] = rapid.Byte().Draw(t, "sha1")
	}
	for range rapid.IntRange(0, 3).Draw(t, "functions") {
		parameters := uint32(rapid.IntRange(0, int(g.slots)).Draw(t, "parameters"))
		first := uint32(rapid.IntRange(0, int(g.slots-parameters)).Draw(t, "first"))
		p.Functions = append(p.Functions, script.Function{FirstSlot: first, Parameters: parameters, Body: g.block(4)})
		g.callable++
	}
	p.Main = g.block(5)
	return p
}

func (g *generator) pick(label string, least, most int) int {
	return rapid.IntRange(least, most).Draw(g.t, label)
}

func (g *generator) slot() uint32 { return uint32(g.pick("slot", 0, int(g.slots)-1)) }

func (g *generator) line() uint32 { return uint32(g.pick("line", 1, 300)) }

func (g *generator) block(depth int) []script.Statement {
	var out []script.Statement
	for range g.pick("statements", 0, 4) {
		if g.left--; g.left < 0 || depth == 0 {
			break
		}
		out = append(out, g.statement(depth-1))
	}
	return out
}

func (g *generator) loop(depth int) [][]script.Statement {
	g.loops++
	defer func() { g.loops-- }()
	return [][]script.Statement{g.block(depth)}
}

func (g *generator) statement(depth int) script.Statement {
	switch op := script.StatementOp(g.pick("statement", int(script.Local), int(script.Call))); op {
	case script.Local:
		return script.Statement{Op: op, Slots: []uint32{g.slot()}, Expressions: g.list(0, 2)}
	case script.Assign:
		target := script.Expression{Op: script.Variable, Place: g.slot()}
		if g.pick("target", 0, 1) == 1 {
			target = script.Expression{Op: script.Index, Line: g.line(), Operands: []script.Expression{g.expression(2), g.expression(2)}}
		}
		return script.Statement{Op: op, Targets: []script.Expression{target}, Expressions: g.list(1, 2)}
	case script.If:
		blocks := [][]script.Statement{g.block(depth)}
		if g.pick("else", 0, 1) == 1 {
			blocks = append(blocks, g.block(depth))
		}
		return script.Statement{Op: op, Expressions: []script.Expression{g.expression(3)}, Blocks: blocks}
	case script.While, script.Repeat:
		return script.Statement{Op: op, Expressions: []script.Expression{g.expression(3)}, Blocks: g.loop(depth)}
	case script.NumericFor:
		return script.Statement{Op: op, Line: g.line(), Slots: []uint32{g.slot()}, Expressions: []script.Expression{g.expression(2), g.expression(2)}, Blocks: g.loop(depth)}
	case script.ArrayFor, script.TableFor:
		return script.Statement{Op: op, Line: g.line(), Slots: []uint32{g.slot(), g.slot()}, Expressions: g.list(0, 1), Blocks: g.loop(depth)}
	case script.Break:
		if g.loops > 0 {
			return script.Statement{Op: op}
		}
	case script.Call:
		return script.Statement{Op: op, Expressions: []script.Expression{g.call(3)}}
	}
	return script.Statement{Op: script.Return, Expressions: g.list(0, 2)}
}

func (g *generator) list(least, most int) []script.Expression {
	var out []script.Expression
	for range g.pick("count", least, most) {
		out = append(out, g.expression(3))
	}
	return out
}

func (g *generator) expression(depth int) script.Expression {
	if g.left--; g.left < 0 || depth == 0 {
		return g.leaf()
	}
	op := script.ExpressionOp(g.pick("expression", int(script.Nil), int(script.First)))
	two := func() []script.Expression {
		return []script.Expression{g.expression(depth - 1), g.expression(depth - 1)}
	}
	switch {
	case op == script.Index || op >= script.Concat && op <= script.Modulo || op >= script.Less && op <= script.GreaterEqual:
		return script.Expression{Op: op, Line: g.line(), Operands: two()}
	case op == script.And || op == script.Or || op == script.Equal || op == script.NotEqual:
		return script.Expression{Op: op, Operands: two()}
	case op == script.Not:
		return script.Expression{Op: op, Operands: two()[:1]}
	case op == script.Negate || op == script.Length:
		return script.Expression{Op: op, Line: g.line(), Operands: two()[:1]}
	case op == script.Table:
		return script.Expression{Op: op, Line: g.line(), Operands: append(two(), script.Expression{Op: script.Positional}, g.expression(depth-1))}
	case op.IsCall():
		return g.call(depth)
	case op == script.First:
		return script.Expression{Op: op, Operands: []script.Expression{g.call(depth)}}
	}
	return g.leaf()
}

var builtins = []string{
	"redis.call", "redis.pcall", "redis.error_reply", "redis.status_reply", "redis.replicate_commands", "redis.log", "redis.sha1hex", "tonumber", "tostring", "type",
	"unpack", "error", "assert", "next", "string.sub", "string.len", "string.lower", "string.upper", "string.format", "string.rep", "string.reverse", "table.insert",
	"table.remove", "table.concat", "table.getn", "math.floor", "math.ceil", "math.max", "math.min", "math.abs",
}

func (g *generator) builtin() uint32 {
	id, found := script.LookupBuiltin(rapid.SampledFrom(builtins).Draw(g.t, "builtin"))
	if !found {
		g.t.Fatal("a library function has gone")
	}
	return uint32(id)
}

func (g *generator) call(depth int) script.Expression {
	var operands []script.Expression
	for range g.pick("arguments", 0, 3) {
		operands = append(operands, g.expression(max(depth-1, 0)))
	}
	object := append([]script.Expression{g.leaf()}, operands...)
	switch g.pick("call", 0, 4) {
	case 0:
		if g.callable > 0 {
			return script.Expression{Op: script.CallFunction, Line: g.line(), Place: uint32(g.pick("function", 0, int(g.callable)-1)), Operands: operands}
		}
	case 1:
		return script.Expression{Op: script.CallMethod, Line: g.line(), Text: rapid.SampledFrom([]string{"sub", "rep", "x"}).Draw(g.t, "method"), Operands: object}
	case 2:
		return script.Expression{Op: script.CallValue, Line: g.line(), Operands: object}
	}
	return script.Expression{Op: script.CallBuiltin, Line: g.line(), Place: g.builtin(), Operands: operands}
}

func (g *generator) leaf() script.Expression {
	switch g.pick("leaf", 0, 7) {
	case 0:
		return script.Expression{Op: script.Number, Number: rapid.SampledFrom([]float64{0, 1, 2, -1, 0.5, 1e15, 1e300, math.Inf(1)}).Draw(g.t, "number")}
	case 1:
		return script.Expression{Op: script.Text, Text: rapid.SampledFrom([]string{"", "1", "get", "del", "k", "ok", "err", "\x00\xff", "%5d"}).Draw(g.t, "text")}
	case 2:
		return script.Expression{Op: script.Keys}
	case 3:
		return script.Expression{Op: script.Arguments}
	case 4:
		return script.Expression{Op: script.BuiltinValue, Place: g.builtin()}
	case 5:
		return script.Expression{Op: script.Global, Line: g.line(), Text: "nowhere"}
	case 6:
		return script.Expression{Op: script.True}
	}
	return script.Expression{Op: script.Variable, Place: g.slot()}
}
