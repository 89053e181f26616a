package lua

import (
	"github.com/coordd/coordd/fsm/script"
	"github.com/yuin/gopher-lua/ast"
)

func (c *compiler) statements(list []ast.Stmt) []script.Statement {
	var out []script.Statement
	for _, statement := range list {
		c.deeper(statement.Line(), func() { out = append(out, c.statement(statement)...) })
	}
	return out
}

// statement compiles one statement, which may become none (a function) or several (a do block).
func (c *compiler) statement(statement ast.Stmt) []script.Statement {
	line := statement.Line()
	switch s := statement.(type) {
	case *ast.LocalAssignStmt:
		return c.local(s)
	case *ast.AssignStmt:
		return one(script.Statement{Op: script.Assign, Targets: c.targets(s.Lhs), Expressions: c.list(s.Rhs)})
	case *ast.FuncCallStmt:
		call := c.expression(s.Expr)
		if !call.Op.IsCall() {
			refuse(line, "syntax error: a statement that is not a call")
		}
		return one(script.Statement{Op: script.Call, Expressions: []script.Expression{call}})
	case *ast.DoBlockStmt:
		return c.scoped(s.Stmts)
	case *ast.IfStmt:
		return one(c.branches(s))
	case *ast.WhileStmt:
		return one(script.Statement{Op: script.While, Expressions: []script.Expression{c.expression(s.Condition)}, Blocks: c.loop(s.Stmts)})
	case *ast.RepeatStmt:
		return one(c.repeat(s))
	case *ast.NumberForStmt:
		return one(c.numericFor(s))
	case *ast.GenericForStmt:
		return one(c.genericFor(s))
	case *ast.ReturnStmt:
		return one(script.Statement{Op: script.Return, Expressions: c.list(s.Exprs)})
	case *ast.BreakStmt:
		if c.loops == 0 {
			refuse(line, "no loop to break near '<eof>'")
		}
		return one(script.Statement{Op: script.Break})
	case *ast.FuncDefStmt:
		unsupported(line, "functions that are not local")
	case *ast.GotoStmt: // Lua 5.1 has none, so "goto" is a name there
		refuse(line, "'=' expected near '%s'", clip(s.Label))
	case *ast.LabelStmt:
		refuse(line, "unexpected symbol near ':'")
	}
	unsupported(line, "this statement")
	return nil
}

func one(statement script.Statement) []script.Statement { return []script.Statement{statement} }

// local declares variables after their values have been compiled, so that a value may use an outer variable of the same name.
func (c *compiler) local(s *ast.LocalAssignStmt) []script.Statement {
	if len(s.Names) == 1 && len(s.Exprs) == 1 {
		if function, ok := s.Exprs[0].(*ast.FunctionExpr); ok {
			c.function(s.Names[0], function)
			return nil
		}
	}
	values := c.list(s.Exprs)
	statement := script.Statement{Op: script.Local, Expressions: values}
	for _, name := range s.Names {
		statement.Slots = append(statement.Slots, c.declare(s.Line(), name))
	}
	return one(statement)
}

// function compiles a local function. It may use outer variables, for they keep their slots, but not itself and not the loops around it.
func (c *compiler) function(name string, function *ast.FunctionExpr) {
	line := function.Line()
	if function.ParList.HasVargs {
		unsupported(line, "functions with '...'")
	}
	c.scope.symbols[name] = symbol{function: true, open: true}
	compiled := script.Function{FirstSlot: uint32(len(c.program.Trace.Names)), Parameters: uint32(len(function.ParList.Names))}
	loops := c.loops
	c.loops = 0
	c.push()
	for _, parameter := range function.ParList.Names {
		c.declare(line, parameter)
	}
	compiled.Body = c.statements(function.Stmts)
	c.pop()
	c.loops = loops
	if len(c.program.Functions) >= script.MaxFunctions {
		refuse(line, "the script has more than %d functions", script.MaxFunctions)
	}
	c.scope.symbols[name] = symbol{function: true, index: uint32(len(c.program.Functions))}
	c.program.Functions = append(c.program.Functions, compiled)
}

// targets compiles the left side of an assignment.
func (c *compiler) targets(list []ast.Expr) []script.Expression {
	targets := make([]script.Expression, len(list))
	for i, expression := range list {
		switch e := expression.(type) {
		case *ast.IdentExpr:
			targets[i] = c.assignedName(e)
		case *ast.AttrGetExpr:
			if ident, ok := e.Object.(*ast.IdentExpr); ok && c.isLibrary(ident.Value) {
				targets[i] = script.Expression{Op: script.Global, Line: lineOf(e), Text: ident.Value} // a library is read-only
				continue
			}
			targets[i] = c.expression(e)
		default:
			refuse(expression.Line(), "syntax error: cannot assign to this expression")
		}
	}
	return targets
}

func (c *compiler) assignedName(e *ast.IdentExpr) script.Expression {
	found, local := c.find(e.Value)
	switch {
	case local && found.function:
		unsupported(e.Line(), "an assignment to the function '"+e.Value+"'")
	case local:
		return script.Expression{Op: script.Variable, Place: found.slot}
	}
	return script.Expression{Op: script.Global, Line: lineOf(e), Text: e.Value}
}

// branches makes one statement of if, elseif, … and else.
func (c *compiler) branches(s *ast.IfStmt) script.Statement {
	out := script.Statement{Op: script.If}
	for {
		out.Expressions = append(out.Expressions, c.expression(s.Condition))
		out.Blocks = append(out.Blocks, c.scoped(s.Then))
		if len(s.Else) == 1 {
			if next, ok := s.Else[0].(*ast.IfStmt); ok {
				s = next
				continue
			}
		}
		if len(s.Else) > 0 {
			out.Blocks = append(out.Blocks, c.scoped(s.Else))
		}
		return out
	}
}

func (c *compiler) loop(statements []ast.Stmt) [][]script.Statement {
	c.loops++
	defer func() { c.loops-- }()
	return [][]script.Statement{c.scoped(statements)}
}

// repeat compiles the condition inside the scope of the block, whose variables it may use.
func (c *compiler) repeat(s *ast.RepeatStmt) script.Statement {
	c.push()
	defer c.pop()
	c.loops++
	body := c.statements(s.Stmts)
	c.loops--
	return script.Statement{Op: script.Repeat, Expressions: []script.Expression{c.expression(s.Condition)}, Blocks: [][]script.Statement{body}}
}

// numericFor leaves a step of 1 out, since that is what a missing step means.
func (c *compiler) numericFor(s *ast.NumberForStmt) script.Statement {
	bounds := []script.Expression{c.expression(s.Init), c.expression(s.Limit)}
	line := max(lineOf(s), endLine(s.Init), endLine(s.Limit))
	if s.Step != nil {
		step := c.expression(s.Step)
		line = max(line, endLine(s.Step))
		if step.Op != script.Number || step.Number != 1 {
			bounds = append(bounds, step)
		}
	}
	c.push()
	defer c.pop()
	slot := c.declare(s.Line(), s.Name)
	return script.Statement{Op: script.NumericFor, Line: line, Slots: []uint32{slot}, Expressions: bounds, Blocks: c.loop(s.Stmts)}
}

// genericFor knows ipairs and pairs.
func (c *compiler) genericFor(s *ast.GenericForStmt) script.Statement {
	op := c.iterator(s)
	if op == 0 {
		unsupported(s.Line(), "a 'for … in' over anything but ipairs(…) or pairs(…)")
	}
	if len(s.Names) > 2 {
		unsupported(s.Line(), "a 'for … in' with more than two variables")
	}
	call := s.Exprs[0].(*ast.FuncCallExpr)
	out := script.Statement{Op: op, Line: lineOf(call), Expressions: c.list(call.Args)}
	c.push()
	defer c.pop()
	for _, name := range s.Names {
		out.Slots = append(out.Slots, c.declare(s.Line(), name))
	}
	out.Blocks = c.loop(s.Stmts)
	return out
}

// iterator gives the statement for a loop over ipairs or pairs, and 0 for any other.
func (c *compiler) iterator(s *ast.GenericForStmt) script.StatementOp {
	if len(s.Exprs) != 1 {
		return 0
	}
	call, ok := s.Exprs[0].(*ast.FuncCallExpr)
	if !ok || call.Func == nil {
		return 0
	}
	name, ok := call.Func.(*ast.IdentExpr)
	if !ok {
		return 0
	}
	if _, local := c.find(name.Value); local {
		return 0
	}
	return map[string]script.StatementOp{"ipairs": script.ArrayFor, "pairs": script.TableFor}[name.Value]
}
