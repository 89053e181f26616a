package script

import "math"

func mathFloor(r *runner, line uint32, arguments []value) []value {
	return r.one(numberOf(math.Floor(r.numberArgument(line, "floor", arguments, 0))))
}

func mathCeil(r *runner, line uint32, arguments []value) []value {
	return r.one(numberOf(math.Ceil(r.numberArgument(line, "ceil", arguments, 0))))
}

func mathAbs(r *runner, line uint32, arguments []value) []value {
	return r.one(numberOf(math.Abs(r.numberArgument(line, "abs", arguments, 0))))
}

func mathMax(r *runner, line uint32, arguments []value) []value {
	return extreme(r, line, "max", arguments, func(a, b float64) bool { return a > b })
}

func mathMin(r *runner, line uint32, arguments []value) []value {
	return extreme(r, line, "min", arguments, func(a, b float64) bool { return a < b })
}

func extreme(r *runner, line uint32, function string, arguments []value, better func(a, b float64) bool) []value {
	best := r.numberArgument(line, function, arguments, 0)
	for i := 1; i < len(arguments); i++ {
		if number := r.numberArgument(line, function, arguments, i); better(number, best) {
			best = number
		}
	}
	return r.one(numberOf(best))
}
