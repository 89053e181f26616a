package script

// Every loop takes a step per round, so that an empty one ends too.

func (r *runner) while(s *Statement) outcome {
	for r.value(&s.Expressions[0]).truthy() {
		r.step(1)
		if result := r.block(s.Blocks[0]); result.flow == flowReturn {
			return result
		} else if result.flow == flowBreak {
			break
		}
	}
	return outcome{}
}

func (r *runner) repeat(s *Statement) outcome {
	for {
		r.step(1)
		if result := r.block(s.Blocks[0]); result.flow == flowReturn {
			return result
		} else if result.flow == flowBreak {
			return outcome{}
		}
		if r.value(&s.Expressions[0]).truthy() {
			return outcome{}
		}
	}
}

// numericFor takes strings that spell numbers as bounds, as Lua 5.1 does.
func (r *runner) numericFor(s *Statement) outcome {
	bounds := [3]float64{2: 1}
	for i := range s.Expressions {
		number, ok := r.value(&s.Expressions[i]).toNumber()
		if !ok {
			r.raise(s.Line, "'for' "+[...]string{"initial value", "limit", "step"}[i]+" must be a number")
		}
		bounds[i] = number
	}
	from, to, step := bounds[0], bounds[1], bounds[2]
	for i := from; step > 0 && i <= to || step <= 0 && to <= i; i += step {
		r.step(1)
		r.slots[s.Slots[0]] = numberOf(i)
		if result := r.block(s.Blocks[0]); result.flow == flowReturn {
			return result
		} else if result.flow == flowBreak {
			break
		}
	}
	return outcome{}
}

// arrayFor walks the list part as it is when each round begins, and ends at the first nil.
func (r *runner) arrayFor(s *Statement) outcome {
	t := r.loopTable(s, "ipairs")
	for i := 1; ; i++ {
		item := t.get(numberOf(float64(i)))
		if item.kind == kindNil {
			return outcome{}
		}
		if result := r.round(s, numberOf(float64(i)), item); result.flow == flowReturn {
			return result
		} else if result.flow == flowBreak {
			return outcome{}
		}
	}
}

// tableFor walks what the table held when the loop began, without what has been taken out of it since. Lua leaves open what becomes of
// entries that are added during a walk; here they are not visited.
func (r *runner) tableFor(s *Statement) outcome {
	t := r.loopTable(s, "pairs")
	pairs := t.pairs()
	r.take(entryBytes * len(pairs))
	for _, pair := range pairs {
		current := t.get(pair.key)
		if current.kind == kindNil {
			continue
		}
		if result := r.round(s, pair.key, current); result.flow == flowReturn {
			return result
		} else if result.flow == flowBreak {
			break
		}
	}
	return outcome{}
}

func (r *runner) round(s *Statement, key, item value) outcome {
	r.step(1)
	r.assignLocals(s.Slots, []value{key, item})
	return r.block(s.Blocks[0])
}

// loopTable evaluates the argument of ipairs or pairs.
func (r *runner) loopTable(s *Statement, function string) *table {
	return r.tableArgument(s.Line, function, r.values(s.Expressions), 0)
}
