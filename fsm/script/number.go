package script

import (
	"math"
	"strconv"
	"strings"
)

// space is what C calls white space.
const space = " \t\n\v\f\r"

// ParseNumber reads a number as Lua 5.1 reads one in source text and in strings: decimal or hexadecimal, with white space around it. NaN is not taken.
func ParseNumber(text string) (float64, bool) { return parseNumber(text) }

func parseNumber(text string) (float64, bool) {
	body := strings.Trim(text, space)
	sign := ""
	if len(body) > 0 && (body[0] == '+' || body[0] == '-') {
		sign, body = body[:1], body[1:]
	}
	switch lowered := strings.ToLower(body); {
	case lowered == "inf" || lowered == "infinity":
	case strings.HasPrefix(lowered, "0x"):
		if !strings.Contains(lowered, "p") {
			body += "p0"
		}
		if strings.Trim(lowered, "0123456789abcdefxp.+-") != "" {
			return 0, false
		}
	case body == "" || strings.Trim(lowered, "0123456789.e+-") != "" || body[0] == '+' || body[0] == '-':
		return 0, false
	}
	number, err := strconv.ParseFloat(sign+body, 64)
	if err != nil && !isRange(err) {
		return 0, false
	}
	return number, true
}

// isRange reports whether the number was only too large or too small, which gives an infinity or zero as in C.
func isRange(err error) bool {
	numError, ok := err.(*strconv.NumError)
	return ok && numError.Err == strconv.ErrRange
}

// formatNumber writes a number as C's %.<digits>g does. All NaNs look as the one that Redis makes on common processors, since their sign differs from
// processor to processor.
func formatNumber(number float64, digits int) string {
	switch {
	case number != number:
		return "-nan"
	case math.IsInf(number, 1):
		return "inf"
	case math.IsInf(number, -1):
		return "-inf"
	}
	return strconv.FormatFloat(number, 'g', digits, 64)
}

// modulo is Lua's %, whose result has the sign of b. The product is rounded by itself: fusing it with the subtraction would give other bits on
// processors that can.
func modulo(a, b float64) float64 {
	product := float64(math.Floor(a/b) * b)
	return a - product
}
