package lua

import "github.com/yuin/gopher-lua/ast"

// lineOf is the line on which a part of the text begins.
func lineOf(part ast.PositionHolder) uint32 { return uint32(max(part.Line(), 1)) }

// endLine is the line of the last part of an expression that the syntax tree knows about: Lua reports errors of an operator there.
func endLine(expression ast.Expr) uint32 {
	line := max(lineOf(expression), uint32(max(expression.LastLine(), 0)))
	switch e := expression.(type) {
	case *ast.AttrGetExpr:
		return max(line, endLine(e.Key))
	case *ast.FuncCallExpr:
		for _, argument := range e.Args {
			line = max(line, endLine(argument))
		}
	case *ast.LogicalOpExpr:
		return max(line, endLine(e.Rhs))
	case *ast.RelationalOpExpr:
		return max(line, endLine(e.Rhs))
	case *ast.ArithmeticOpExpr:
		return max(line, endLine(e.Rhs))
	case *ast.StringConcatOpExpr:
		return max(line, endLine(e.Rhs))
	case *ast.UnaryMinusOpExpr:
		return max(line, endLine(e.Expr))
	case *ast.UnaryNotOpExpr:
		return max(line, endLine(e.Expr))
	case *ast.UnaryLenOpExpr:
		return max(line, endLine(e.Expr))
	}
	return line
}
