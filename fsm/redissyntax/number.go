package redissyntax

import (
	"bytes"
	"math"
	"strconv"
	"strings"
)

// parseInteger reads a decimal integer of 64 bits as strictly as Redis does: no plus sign, no leading zeros, no spaces, no "-0".
func parseInteger(text []byte) (int64, error) {
	digits := bytes.TrimPrefix(text, []byte("-"))
	switch {
	case len(digits) == 0 || len(text) > 20:
		return 0, errNotInteger
	case digits[0] == '0':
		if len(text) == 1 {
			return 0, nil
		}
		return 0, errNotInteger
	case digits[0] < '0' || digits[0] > '9': // a second sign
		return 0, errNotInteger
	}
	value, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return 0, errNotInteger
	}
	return value, nil
}

// parseCursor reads the cursor of SCAN as C's strtoul does: nothing is 0, a sign is allowed, and a negative cursor counts from the top.
func parseCursor(text []byte) (uint64, error) {
	digits := text
	if len(digits) == 0 {
		return 0, nil
	}
	negative := false
	if digits[0] == '-' || digits[0] == '+' {
		negative = digits[0] == '-'
		digits = digits[1:]
	}
	if len(digits) == 0 || digits[0] < '0' || digits[0] > '9' {
		return 0, errCursor
	}
	value, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil {
		return 0, errCursor
	}
	if negative {
		return -value, nil
	}
	return value, nil
}

// Bounds of the floats that INCRBYFLOAT takes. Redis computes in C's long double; these keep any later arithmetic small.
const (
	maxFloatText     = 256
	maxFloatExponent = 4900
)

// checkFloat accepts what C's strtold reads whole, except NaN: decimal and hexadecimal numbers and infinities.
func checkFloat(text []byte) error {
	if len(text) == 0 || len(text) > maxFloatText {
		return errNotFloat
	}
	body := strings.ToLower(string(text))
	body = strings.TrimPrefix(strings.TrimPrefix(body, "+"), "-")
	if body == "inf" || body == "infinity" {
		return nil
	}
	digits, exponentMark := "0123456789", "e"
	if strings.HasPrefix(body, "0x") {
		body, digits, exponentMark = body[2:], "0123456789abcdef", "p"
	}
	mantissa, exponent, hasExponent := strings.Cut(body, exponentMark)
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if len(whole)+len(fraction) == 0 || strings.Trim(whole+fraction, digits) != "" {
		return errNotFloat
	}
	if !hasExponent {
		return nil
	}
	if len(exponent) > 1 && exponent[0] == '+' && exponent[1] != '-' {
		exponent = exponent[1:]
	}
	power, err := strconv.Atoi(exponent)
	if err != nil || math.Abs(float64(power)) > maxFloatExponent {
		return errNotFloat
	}
	return nil
}

// lower is the text in lower case; only ASCII letters have a case in commands and options.
func lower(text []byte) string {
	out := make([]byte, len(text))
	for i, b := range text {
		out[i] = lowerByte(b)
	}
	return string(out)
}

func lowerByte(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}
