package script

import "strings"

// describe names an operand as Lua's error texts do: "local 'x' (a nil value)", or "a nil value" when it has no name.
func (r *runner) describe(e *Expression, v value) string {
	kind := "a " + v.kind.String() + " value"
	name := ""
	switch e.Op {
	case Variable:
		name = "local '" + r.program.Trace.Names[e.Place] + "'"
		if r.function != nil && e.Place < r.function.FirstSlot {
			name = "upvalue" + name[len("local"):]
		}
	case Index:
		name = "field '?'"
		if key := e.Operands[1]; key.Op == Text {
			name = "field '" + key.Text + "'"
		}
	case CallMethod:
		name = "method '" + e.Text + "'"
	}
	if name == "" || e.Op == CallMethod {
		return kind
	}
	return name + " (" + kind + ")"
}

func (r *runner) arithmetic(e *Expression) value {
	left, right := r.value(&e.Operands[0]), r.value(&e.Operands[1])
	a, okA := left.toNumber()
	b, okB := right.toNumber()
	if !okA {
		r.raise(e.Line, "attempt to perform arithmetic on "+r.describe(&e.Operands[0], left))
	}
	if !okB {
		r.raise(e.Line, "attempt to perform arithmetic on "+r.describe(&e.Operands[1], right))
	}
	switch e.Op {
	case Add:
		return numberOf(a + b)
	case Subtract:
		return numberOf(a - b)
	case Multiply:
		return numberOf(float64(a * b))
	case Divide:
		return numberOf(a / b)
	}
	return numberOf(modulo(a, b))
}

func (r *runner) negate(e *Expression) value {
	operand := r.value(&e.Operands[0])
	number, ok := operand.toNumber()
	if !ok {
		r.raise(e.Line, "attempt to perform arithmetic on "+r.describe(&e.Operands[0], operand))
	}
	return numberOf(-number)
}

func (r *runner) length(e *Expression) value {
	operand := r.value(&e.Operands[0])
	switch operand.kind {
	case kindString:
		return numberOf(float64(len(operand.text)))
	case kindTable:
		return numberOf(float64(operand.table.length()))
	}
	r.raise(e.Line, "attempt to get length of "+r.describe(&e.Operands[0], operand))
	return value{}
}

// compare orders two numbers or two strings; nothing else, and no mixture, has an order.
func (r *runner) compare(e *Expression) value {
	left, right := r.value(&e.Operands[0]), r.value(&e.Operands[1])
	switch {
	case left.kind == kindNumber && right.kind == kindNumber:
		a, b := left.number, right.number
		return booleanOf(e.Op == Less && a < b || e.Op == LessEqual && a <= b || e.Op == Greater && a > b || e.Op == GreaterEqual && a >= b)
	case left.kind == kindString && right.kind == kindString:
		r.stepText(left, right)
		order := strings.Compare(left.text, right.text)
		return booleanOf(e.Op == Less && order < 0 || e.Op == LessEqual && order <= 0 || e.Op == Greater && order > 0 || e.Op == GreaterEqual && order >= 0)
	}
	if e.Op == Greater || e.Op == GreaterEqual { // Lua turns these round
		left, right = right, left
	}
	if left.kind == right.kind {
		r.raise(e.Line, "attempt to compare two "+left.kind.String()+" values")
	}
	r.raise(e.Line, "attempt to compare "+left.kind.String()+" with "+right.kind.String())
	return value{}
}

// concat evaluates all operands and then joins them from the right, so the last pair that does not fit is the one named.
func (r *runner) concat(e *Expression) value {
	operands := make([]value, len(e.Operands))
	for i := range e.Operands {
		operands[i] = r.value(&e.Operands[i])
	}
	parts := make([]string, len(operands))
	size := 0
	for i := len(operands) - 1; i >= 0; i-- {
		part, ok := operands[i].toText()
		if !ok {
			r.raise(e.Line, "attempt to concatenate "+r.describe(&e.Operands[i], operands[i]))
		}
		parts[i] = part
		size += len(part)
	}
	r.take(size)
	return stringOf(strings.Join(parts, ""))
}
