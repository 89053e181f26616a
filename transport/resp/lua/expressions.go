package lua

import (
	"strings"

	"github.com/coordd/coordd/fsm/redissyntax"
	"github.com/coordd/coordd/fsm/script"
	"github.com/yuin/gopher-lua/ast"
)

// list compiles expressions in a place where the last one may give several values.
func (c *compiler) list(expressions []ast.Expr) []script.Expression {
	if len(expressions) == 0 {
		return nil
	}
	out := make([]script.Expression, len(expressions))
	for i, expression := range expressions {
		out[i] = c.expression(expression)
	}
	last := len(out) - 1
	out[last] = adjusted(expressions[last], out[last])
	return out
}

// adjusted keeps only the first result of a call that stands in parentheses.
func adjusted(source ast.Expr, compiled script.Expression) script.Expression {
	call, ok := source.(*ast.FuncCallExpr)
	if !ok || !call.AdjustRet || compiled.Op == script.CallBuiltin && givesOneValue(script.Builtin(compiled.Place)) {
		return compiled
	}
	return script.Expression{Op: script.First, Operands: []script.Expression{compiled}}
}

// givesOneValue reports whether a library function always has exactly one result, so that parentheses around its call mean nothing.
func givesOneValue(id script.Builtin) bool {
	switch id {
	case script.RedisLog, script.Unpack, script.Error, script.Assert, script.Next, script.TableInsert, script.TableRemove:
		return false
	}
	return true
}

// expression compiles one expression.
func (c *compiler) expression(expression ast.Expr) (out script.Expression) {
	c.deeper(expression.Line(), func() { out = c.anyExpression(expression) })
	if out.Op.Raises() && out.Line == 0 {
		out.Line = lineOf(expression)
	}
	return out
}

func (c *compiler) anyExpression(expression ast.Expr) script.Expression {
	switch e := expression.(type) {
	case *ast.NilExpr:
		return script.Expression{Op: script.Nil}
	case *ast.TrueExpr:
		return script.Expression{Op: script.True}
	case *ast.FalseExpr:
		return script.Expression{Op: script.False}
	case *ast.NumberExpr:
		return c.number(e)
	case *ast.StringExpr:
		return script.Expression{Op: script.Text, Text: e.Value}
	case *ast.IdentExpr:
		return c.name(e)
	case *ast.AttrGetExpr:
		return c.field(e)
	case *ast.TableExpr:
		return c.table(e)
	case *ast.FuncCallExpr:
		return c.call(e)
	case *ast.LogicalOpExpr:
		return c.logical(e)
	case *ast.StringConcatOpExpr:
		return c.concat(e)
	case *ast.UnaryNotOpExpr:
		return unary(script.Not, c.expression(e.Expr), e.Expr)
	case *ast.UnaryLenOpExpr:
		return unary(script.Length, c.expression(e.Expr), e.Expr)
	case *ast.UnaryMinusOpExpr:
		return c.minus(e)
	case *ast.ArithmeticOpExpr:
		return c.binary(e.Operator, e.Lhs, e.Rhs)
	case *ast.RelationalOpExpr:
		return c.binary(e.Operator, e.Lhs, e.Rhs)
	case *ast.FunctionExpr:
		unsupported(e.Line(), "functions as values")
	case *ast.Comma3Expr:
		unsupported(e.Line(), "'...'")
	}
	unsupported(expression.Line(), "this expression")
	return script.Expression{}
}

func (c *compiler) number(e *ast.NumberExpr) script.Expression {
	number, ok := script.ParseNumber(e.Value)
	if !ok {
		refuse(e.Line(), "malformed number near '%s'", clip(e.Value))
	}
	return script.Expression{Op: script.Number, Number: number}
}

// name compiles the use of a name as a value.
func (c *compiler) name(e *ast.IdentExpr) script.Expression {
	if found, local := c.find(e.Value); local {
		if found.function {
			unsupported(e.Line(), "the function '"+e.Value+"' as a value")
		}
		return script.Expression{Op: script.Variable, Place: found.slot}
	}
	switch e.Value {
	case "KEYS":
		return script.Expression{Op: script.Keys}
	case "ARGV":
		return script.Expression{Op: script.Arguments}
	}
	if id, found := script.LookupBuiltin(e.Value); found {
		return script.Expression{Op: script.BuiltinValue, Place: uint32(id)}
	}
	if c.isLibrary(e.Value) {
		unsupported(e.Line(), "'"+e.Value+"' as a value")
	}
	if redisGlobals[e.Value] {
		unsupported(e.Line(), "'"+e.Value+"'")
	}
	return script.Expression{Op: script.Global, Text: e.Value}
}

// redisGlobals are the names that Redis gives to scripts. Any other is an error at run time, as in Redis; these would work there, so
// they are refused unless they are handled.
var redisGlobals = map[string]bool{
	"redis": true, "string": true, "table": true, "math": true, "bit": true, "cjson": true, "cmsgpack": true, "struct": true, "coroutine": true,
	"_G": true, "_VERSION": true, "collectgarbage": true, "gcinfo": true, "getmetatable": true, "ipairs": true, "load": true, "loadstring": true, "pairs": true,
	"pcall": true, "rawequal": true, "rawget": true, "rawset": true, "select": true, "setmetatable": true, "xpcall": true,
}

// isLibrary reports whether a name stands for one of Redis' modules, and not for a local variable.
func (c *compiler) isLibrary(name string) bool {
	_, local := c.find(name)
	return !local && (name == "redis" || name == "string" || name == "table" || name == "math")
}

// libraryConstants are the fields of modules that are numbers.
var libraryConstants = map[string]float64{
	"redis.LOG_DEBUG": 0, "redis.LOG_VERBOSE": 1, "redis.LOG_NOTICE": 2, "redis.LOG_WARNING": 3,
}

// field compiles object.name and object[key].
func (c *compiler) field(e *ast.AttrGetExpr) script.Expression {
	if ident, ok := e.Object.(*ast.IdentExpr); ok {
		if _, local := c.find(ident.Value); !local && redisGlobals[ident.Value] {
			return c.libraryField(e, ident.Value)
		}
	}
	out := script.Expression{Op: script.Index, Operands: []script.Expression{c.expression(e.Object), c.expression(e.Key)}}
	out.Line = max(lineOf(e), endLine(e.Key))
	return out
}

func (c *compiler) libraryField(e *ast.AttrGetExpr, library string) script.Expression {
	key, ok := e.Key.(*ast.StringExpr)
	if !ok {
		unsupported(e.Line(), "'"+library+"[…]' with a computed name")
	}
	name := library + "." + key.Value
	if number, found := libraryConstants[name]; found {
		return script.Expression{Op: script.Number, Number: number}
	}
	id, found := script.LookupBuiltin(name)
	if !found {
		unsupported(e.Line(), "'"+clip(name)+"'")
	}
	return script.Expression{Op: script.BuiltinValue, Place: uint32(id)}
}

// table compiles a constructor.
func (c *compiler) table(e *ast.TableExpr) script.Expression {
	out := script.Expression{Op: script.Table}
	for i, field := range e.Fields {
		key := script.Expression{Op: script.Positional}
		if field.Key != nil {
			key = c.expression(field.Key)
		}
		item := c.expression(field.Value)
		if field.Key == nil && i == len(e.Fields)-1 {
			item = adjusted(field.Value, item)
		}
		out.Operands = append(out.Operands, key, item)
	}
	return out
}

// call compiles a call of a library function, a local function, a method or a value.
func (c *compiler) call(e *ast.FuncCallExpr) script.Expression {
	if e.Func == nil {
		operands := append([]script.Expression{c.expression(e.Receiver)}, c.list(e.Args)...)
		if strings.Contains(unsupportedStringMethods, " "+e.Method+" ") {
			unsupported(e.Line(), "the method '"+e.Method+"'")
		}
		return script.Expression{Op: script.CallMethod, Line: lineOf(e.Receiver), Text: e.Method, Operands: operands}
	}
	if name, ok := e.Func.(*ast.IdentExpr); ok {
		if found, local := c.find(name.Value); local && found.function {
			if found.open {
				unsupported(e.Line(), "recursion: '"+name.Value+"' calls itself")
			}
			return script.Expression{Op: script.CallFunction, Line: lineOf(e.Func), Place: found.index, Operands: c.list(e.Args)}
		}
	}
	callee, arguments := c.expression(e.Func), c.list(e.Args)
	if callee.Op == script.BuiltinValue {
		call := script.Expression{Op: script.CallBuiltin, Line: lineOf(e.Func), Place: callee.Place, Operands: arguments}
		c.checkCall(e, &call)
		return call
	}
	return script.Expression{Op: script.CallValue, Line: lineOf(e.Func), Operands: append([]script.Expression{callee}, arguments...)}
}

// unsupportedStringMethods are those that Lua's strings have and scripts here have not.
const unsupportedStringMethods = " byte char dump find gfind gmatch gsub match "

// checkCall writes a constant command in lower case and refuses one that coordd does not have. Under redis.pcall it is left to the run, since the
// script is prepared for its error.
func (c *compiler) checkCall(e *ast.FuncCallExpr, call *script.Expression) {
	id := script.Builtin(call.Place)
	if len(call.Operands) == 0 || call.Operands[0].Op != script.Text {
		return
	}
	first := &call.Operands[0]
	switch id {
	case script.RedisCall, script.RedisPCall:
		if id == script.RedisCall && !redissyntax.KnownInScript([]byte(first.Text)) {
			refuse(e.Line(), "coordd does not have the Redis command '%s' in scripts", firstLine(clip(first.Text)))
		}
		first.Text = lowerASCII(first.Text)
	case script.StringFormat:
		c.checkFormat(e, first.Text)
	}
}

// checkFormat refuses a constant format that Redis would take and coordd would not.
func (c *compiler) checkFormat(e *ast.FuncCallExpr, format string) {
	for {
		_, rest, found := strings.Cut(format, "%")
		if !found {
			return
		}
		rest = strings.TrimLeft(rest, "-+ #0123456789.")
		if rest == "" {
			return
		}
		if strings.IndexByte("aAceEgGoqu", rest[0]) >= 0 {
			unsupported(e.Line(), "'%"+rest[:1]+"' in string.format")
		}
		format = rest[1:]
	}
}

func lowerASCII(text string) string {
	lower := []byte(text)
	for i, b := range lower {
		if 'A' <= b && b <= 'Z' {
			lower[i] = b + 'a' - 'A'
		}
	}
	return string(lower)
}
