package script

// value evaluates an expression to one value; a call that gives none gives nil.
func (r *runner) value(e *Expression) value {
	r.step(1)
	switch e.Op {
	case False:
		return booleanOf(false)
	case True:
		return booleanOf(true)
	case Number:
		return numberOf(e.Number)
	case Text:
		return stringOf(e.Text)
	case Keys:
		return tableOf(r.keys)
	case Arguments:
		return tableOf(r.arguments)
	case Variable:
		return r.slots[e.Place]
	case Global:
		r.raise(e.Line, "Script attempted to access nonexistent global variable '"+e.Text+"'")
	case Index:
		return r.index(e)
	case Not:
		return booleanOf(!r.value(&e.Operands[0]).truthy())
	case And, Or:
		return r.logical(e)
	case Equal, NotEqual:
		left, right := r.value(&e.Operands[0]), r.value(&e.Operands[1])
		r.stepText(left, right)
		return booleanOf(left.equals(right) == (e.Op == Equal))
	case Less, LessEqual, Greater, GreaterEqual:
		return r.compare(e)
	case Add, Subtract, Multiply, Divide, Modulo:
		return r.arithmetic(e)
	case Negate:
		return r.negate(e)
	case Length:
		return r.length(e)
	case Concat:
		return r.concat(e)
	case Table:
		return r.construct(e)
	case BuiltinValue:
		return value{kind: kindFunction, number: float64(e.Place)}
	case First:
		return r.value(&e.Operands[0])
	default:
		if e.Op.IsCall() {
			return first(r.call(e))
		}
	}
	return value{}
}

func first(values []value) value {
	if len(values) == 0 {
		return value{}
	}
	return values[0]
}

// values evaluates a list; when the last expression is a call, all its results count.
func (r *runner) values(list []Expression) []value {
	if len(list) == 0 {
		return nil
	}
	values := r.list(len(list))
	last := len(list) - 1
	for i := range list[:last] {
		values = append(values, r.value(&list[i]))
	}
	if list[last].Op.IsCall() {
		r.step(1)
		return append(values, r.call(&list[last])...)
	}
	return append(values, r.value(&list[last]))
}

// index reads a field. A string has the fields of the string library, which are not values here, so any other name is nil.
func (r *runner) index(e *Expression) value {
	object, key := r.value(&e.Operands[0]), r.value(&e.Operands[1])
	switch object.kind {
	case kindTable:
		return object.table.get(key)
	case kindString:
		if id, found := builtinsByName["string."+key.text]; found && key.kind == kindString {
			return value{kind: kindFunction, number: float64(id)}
		}
		return value{}
	}
	r.raise(e.Line, "attempt to index "+r.describe(&e.Operands[0], object))
	return value{}
}

func (r *runner) logical(e *Expression) value {
	var v value
	for i := range e.Operands {
		if v = r.value(&e.Operands[i]); v.truthy() == (e.Op == Or) {
			break
		}
	}
	return v
}

// construct makes a table. Values without a key get 1, 2, 3, … and win over a key of the same number; a call in the last place gives all its results.
func (r *runner) construct(e *Expression) value {
	t := &table{}
	var keyed []field
	r.take(tableBytes + entryBytes*len(e.Operands)/2)
	for i := 0; i < len(e.Operands); i += 2 {
		key, item := &e.Operands[i], &e.Operands[i+1]
		switch {
		case key.Op != Positional:
			k := r.value(key)
			r.checkKey(e.Line, k)
			keyed = append(keyed, field{k, r.value(item)})
		case i+2 == len(e.Operands) && item.Op.IsCall():
			r.step(1)
			results := r.call(item)
			r.take(entryBytes * len(results))
			t.list = append(t.list, results...)
		default:
			t.list = append(t.list, r.value(item))
		}
	}
	positional := len(t.list)
	for _, f := range keyed {
		if i, found := t.place(f.key); !found || i >= positional {
			t.set(f.key, f.value)
		}
	}
	return tableOf(t)
}

// call runs any call and gives all its results.
func (r *runner) call(e *Expression) []value {
	switch e.Op {
	case CallBuiltin:
		return builtins[e.Place].run(r, e.Line, r.values(e.Operands))
	case CallFunction:
		return r.callFunction(&r.program.Functions[e.Place], e.Operands)
	case CallMethod:
		return r.callMethod(e)
	}
	callee := r.value(&e.Operands[0])
	arguments := r.values(e.Operands[1:])
	if callee.kind != kindFunction {
		r.raise(e.Line, "attempt to call "+r.describe(&e.Operands[0], callee))
	}
	return builtins[Builtin(callee.number)].run(r, e.Line, arguments)
}

// callFunction runs a local function. Its variables have slots of their own, and nothing recurses, so there is nothing to save.
func (r *runner) callFunction(f *Function, operands []Expression) []value {
	arguments := r.values(operands)
	for i := range f.Parameters {
		r.slots[f.FirstSlot+i] = value{}
		if int(i) < len(arguments) {
			r.slots[f.FirstSlot+i] = arguments[i]
		}
	}
	if r.budget.Depth--; r.budget.Depth < 0 {
		r.stop("nested calls")
	}
	caller := r.function
	r.function = f
	result := r.block(f.Body)
	r.function = caller
	r.budget.Depth++
	return result.values
}

// callMethod runs object:name(…), which only strings have.
func (r *runner) callMethod(e *Expression) []value {
	object := r.value(&e.Operands[0])
	if object.kind != kindString && object.kind != kindTable {
		r.raise(e.Line, "attempt to index "+r.describe(&e.Operands[0], object))
	}
	var method value
	if object.kind == kindTable {
		method = object.table.text(e.Text)
	} else if id, found := builtinsByName["string."+e.Text]; found {
		method = value{kind: kindFunction, number: float64(id)}
	}
	arguments := append([]value{object}, r.values(e.Operands[1:])...)
	if method.kind != kindFunction {
		r.raise(e.Line, "attempt to call method '"+e.Text+"' (a "+method.kind.String()+" value)")
	}
	return builtins[Builtin(method.number)].run(r, e.Line, arguments)
}
