package lua

import (
	"github.com/coordd/coordd/fsm/script"
	"github.com/yuin/gopher-lua/ast"
)

var binaryOps = map[string]script.ExpressionOp{
	"+": script.Add, "-": script.Subtract, "*": script.Multiply, "/": script.Divide, "%": script.Modulo,
	"==": script.Equal, "~=": script.NotEqual, "<": script.Less, "<=": script.LessEqual, ">": script.Greater, ">=": script.GreaterEqual,
}

func (c *compiler) binary(operator string, left, right ast.Expr) script.Expression {
	op, found := binaryOps[operator]
	if !found {
		unsupported(left.Line(), "the operator '"+operator+"'")
	}
	return script.Expression{Op: op, Line: endLine(right), Operands: []script.Expression{c.expression(left), c.expression(right)}}
}

func unary(op script.ExpressionOp, operand script.Expression, source ast.Expr) script.Expression {
	return script.Expression{Op: op, Line: endLine(source), Operands: []script.Expression{operand}}
}

// minus makes a negative constant of a constant.
func (c *compiler) minus(e *ast.UnaryMinusOpExpr) script.Expression {
	operand := c.expression(e.Expr)
	if operand.Op == script.Number {
		operand.Number = -operand.Number
		return operand
	}
	return unary(script.Negate, operand, e.Expr)
}

// logical makes one expression of a chain of the same operator, however it is put in parentheses, since "and" and "or" are associative.
func (c *compiler) logical(e *ast.LogicalOpExpr) script.Expression {
	op := script.And
	if e.Operator == "or" {
		op = script.Or
	}
	out := script.Expression{Op: op}
	for _, side := range []ast.Expr{e.Lhs, e.Rhs} {
		if operand := c.expression(side); operand.Op == op {
			out.Operands = append(out.Operands, operand.Operands...)
		} else {
			out.Operands = append(out.Operands, operand)
		}
	}
	return out
}

// concat makes one expression of a chain, which the syntax tree nests to the right.
func (c *compiler) concat(e *ast.StringConcatOpExpr) script.Expression {
	out := script.Expression{Op: script.Concat, Operands: []script.Expression{c.expression(e.Lhs)}}
	right := e.Rhs
	for {
		next, ok := right.(*ast.StringConcatOpExpr)
		if !ok {
			break
		}
		out.Operands = append(out.Operands, c.expression(next.Lhs))
		right = next.Rhs
	}
	out.Operands = append(out.Operands, c.expression(right))
	out.Line = endLine(right)
	return out
}
