package script

import (
	"fmt"
	"math"
	"strings"
)

// stringSub counts from the end when a position is negative.
func stringSub(r *runner, line uint32, arguments []value) []value {
	text := r.textArgument(line, "sub", arguments, 0)
	length := int64(len(text))
	from := fromEnd(toInteger(r.numberArgument(line, "sub", arguments, 1)), length)
	to := fromEnd(toInteger(r.optionalNumber(line, "sub", arguments, 2, -1)), length)
	from, to = max(from, 1), min(to, length)
	if from > to {
		return r.one(stringOf(""))
	}
	return r.one(stringOf(text[from-1 : to]))
}

func fromEnd(position, length int64) int64 {
	if position < 0 {
		position = max(position+length+1, 0)
	}
	return position
}

func stringLen(r *runner, line uint32, arguments []value) []value {
	return r.one(numberOf(float64(len(r.textArgument(line, "len", arguments, 0)))))
}

func stringLower(r *runner, line uint32, arguments []value) []value {
	return r.mapBytes(r.textArgument(line, "lower", arguments, 0), 'A', 'Z', 'a'-'A')
}

func stringUpper(r *runner, line uint32, arguments []value) []value {
	return r.mapBytes(r.textArgument(line, "upper", arguments, 0), 'a', 'z', 'A'-'a'+256)
}

// mapBytes adds shift to the bytes from low to high; only ASCII letters have a case.
func (r *runner) mapBytes(text string, low, high byte, shift int) []value {
	r.take(len(text))
	changed := []byte(text)
	for i, b := range changed {
		if low <= b && b <= high {
			changed[i] = byte(int(b) + shift)
		}
	}
	return r.one(stringOf(string(changed)))
}

func stringReverse(r *runner, line uint32, arguments []value) []value {
	text := r.textArgument(line, "reverse", arguments, 0)
	r.take(len(text))
	reversed := make([]byte, len(text))
	for i := range len(text) {
		reversed[len(text)-1-i] = text[i]
	}
	return r.one(stringOf(string(reversed)))
}

func stringRep(r *runner, line uint32, arguments []value) []value {
	text := r.textArgument(line, "rep", arguments, 0)
	count := toInteger(r.numberArgument(line, "rep", arguments, 1))
	if count <= 0 || text == "" {
		return r.one(stringOf(""))
	}
	r.take(len(text) * int(min(count, math.MaxInt32)))
	return r.one(stringOf(strings.Repeat(text, int(count))))
}

// FormatVerbs are the conversions that string.format knows.
const FormatVerbs = "disxXf%"

// stringFormat knows %d %i %s %x %X %f and %%, with flags, width and precision.
func stringFormat(r *runner, line uint32, arguments []value) []value {
	format := r.textArgument(line, "format", arguments, 0)
	var out []byte
	used := 0
	for {
		literal, rest, found := strings.Cut(format, "%")
		out = append(out, literal...)
		r.take(len(literal))
		if !found {
			break
		}
		specification, verb, after := cutVerb(rest)
		format = after
		if verb != '%' {
			used++
		}
		formatted := r.formatOne(line, specification, verb, arguments, used)
		r.take(len(formatted))
		out = append(out, formatted...)
	}
	return r.one(stringOf(string(out)))
}

// cutVerb splits what follows a % into flags, width and precision; the verb; and the rest.
func cutVerb(text string) (specification string, verb byte, rest string) {
	end := strings.IndexFunc(text, func(c rune) bool { return !strings.ContainsRune("-+ #0123456789.", c) })
	if end < 0 {
		return text, 0, ""
	}
	return text[:end], text[end], text[end+1:]
}

func (r *runner) formatOne(line uint32, specification string, verb byte, arguments []value, position int) string {
	const longest = 8 // two digits of width, a point, two of precision and a few flags
	if verb == '%' && specification == "" {
		return "%"
	}
	if !strings.ContainsRune(FormatVerbs[:len(FormatVerbs)-1], rune(verb)) || verb == 0 {
		r.raise(line, "invalid option '%"+specification+strings.TrimRight(string(rune(verb)), "\x00")+"' to 'format'")
	}
	width, precision, _ := strings.Cut(strings.TrimLeft(specification, "-+ #0"), ".")
	if len(specification) > longest || len(width) > 2 || len(precision) > 2 || strings.ContainsAny(width+precision, "-+ #.") {
		r.raise(line, "invalid format (width or precision too long)")
	}
	if position >= len(arguments) {
		r.badArgument(line, "format", position, "no value")
	}
	switch verb {
	case 's':
		return fmt.Sprintf("%"+specification+"s", r.textArgument(line, "format", arguments, position))
	case 'f':
		return fmt.Sprintf("%"+specification+"f", r.numberArgument(line, "format", arguments, position))
	case 'x', 'X':
		return fmt.Sprintf("%"+specification+string(verb), uint64(toInteger(r.numberArgument(line, "format", arguments, position))))
	}
	return fmt.Sprintf("%"+specification+"d", toInteger(r.numberArgument(line, "format", arguments, position)))
}
