package wire

import (
	"math"
	"strconv"
)

// The Append functions write one value, or the header of one, to the end of a slice. Those whose bytes differ between the versions take the protocol.

// AppendStatus appends a simple string. Line breaks in it become spaces, since they would end it.
func AppendStatus[T string | []byte](to []byte, text T) []byte {
	return appendLine(append(to, '+'), text)
}

// AppendError appends an error; its text begins with a code word in capitals. Line breaks in it become spaces.
func AppendError[T string | []byte](to []byte, text T) []byte {
	return appendLine(append(to, '-'), text)
}

func appendLine[T string | []byte](to []byte, text T) []byte {
	for i := 0; i < len(text); i++ {
		b := text[i]
		if b == '\r' || b == '\n' {
			b = ' '
		}
		to = append(to, b)
	}
	return append(to, '\r', '\n')
}

// AppendInteger appends a number.
func AppendInteger(to []byte, n int64) []byte {
	to = strconv.AppendInt(append(to, ':'), n, 10)
	return append(to, '\r', '\n')
}

// AppendBulk appends a binary-safe string.
func AppendBulk[T string | []byte](to []byte, value T) []byte {
	to = appendCount(to, '$', len(value))
	to = append(to, value...)
	return append(to, '\r', '\n')
}

// AppendNil appends the absence of a value.
func AppendNil(to []byte, protocol Protocol) []byte {
	if protocol == RESP3 {
		return append(to, "_\r\n"...)
	}
	return append(to, "$-1\r\n"...)
}

// AppendNilArray appends the absence of an array.
func AppendNilArray(to []byte, protocol Protocol) []byte {
	if protocol == RESP3 {
		return append(to, "_\r\n"...)
	}
	return append(to, "*-1\r\n"...)
}

// AppendArrayHeader begins an array of n values.
func AppendArrayHeader(to []byte, n int) []byte { return appendCount(to, '*', n) }

// AppendMapHeader begins a map of so many pairs; in RESP2 an array of twice as many values.
func AppendMapHeader(to []byte, protocol Protocol, pairs int) []byte {
	if protocol == RESP3 {
		return appendCount(to, '%', pairs)
	}
	return appendCount(to, '*', 2*pairs)
}

// AppendSetHeader begins a set of n values; in RESP2 an array.
func AppendSetHeader(to []byte, protocol Protocol, n int) []byte {
	if protocol == RESP3 {
		return appendCount(to, '~', n)
	}
	return appendCount(to, '*', n)
}

// AppendPushHeader begins a push of n values, the first of which names its kind; in RESP2 an array, which only a subscribed connection expects.
func AppendPushHeader(to []byte, protocol Protocol, n int) []byte {
	if protocol == RESP3 {
		return appendCount(to, '>', n)
	}
	return appendCount(to, '*', n)
}

// AppendBoolean appends true or false; in RESP2 1 or 0.
func AppendBoolean(to []byte, protocol Protocol, yes bool) []byte {
	switch {
	case protocol == RESP3 && yes:
		return append(to, "#t\r\n"...)
	case protocol == RESP3:
		return append(to, "#f\r\n"...)
	case yes:
		return append(to, ":1\r\n"...)
	}
	return append(to, ":0\r\n"...)
}

// AppendDouble appends a floating-point number; in RESP2 the string that spells it.
func AppendDouble(to []byte, protocol Protocol, f float64) []byte {
	text := doubleText(f)
	if protocol != RESP3 {
		return AppendBulk(to, text)
	}
	return appendLine(append(to, ','), text)
}

func doubleText(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	return strconv.FormatFloat(f, 'g', 17, 64)
}

// AppendVerbatim appends a text with its three-letter format, such as "txt"; in RESP2 a bulk string.
func AppendVerbatim[T string | []byte](to []byte, protocol Protocol, format string, text T) []byte {
	if protocol != RESP3 {
		return AppendBulk(to, text)
	}
	to = appendCount(to, '=', len(format)+1+len(text))
	to = append(to, format...)
	to = append(to, ':')
	to = append(to, text...)
	return append(to, '\r', '\n')
}

// AppendRequest appends a request: an array of bulk strings.
func AppendRequest[T string | []byte](to []byte, arguments ...T) []byte {
	to = appendCount(to, '*', len(arguments))
	for _, argument := range arguments {
		to = AppendBulk(to, argument)
	}
	return to
}

func appendCount(to []byte, kind byte, n int) []byte {
	to = strconv.AppendInt(append(to, kind), int64(n), 10)
	return append(to, '\r', '\n')
}
