package redissyntax

import (
	"bytes"
	"strconv"
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
