package longdouble

import (
	"math/big"
	"strconv"
	"strings"
)

const (
	significandBits  = 64
	largestExponent  = 16384  // every number is below 2^16384 …
	smallestExponent = -16445 // … and half of the smallest, 2^-16446, is rounded to zero
	// MaxTextBytes is how long a number may be.
	MaxTextBytes = 5<<10 - 1
	// farDecimalPlace is beyond both ends of the format, in decimal digits before or after the point.
	farDecimalPlace = 5100
	farExponent     = 1 << 30
)

// Parse reads what C's strtold reads whole: decimal and hexadecimal numbers and infinities. What is no number, too long, too large for the format, or rounded to
// zero by it, is none.
func Parse(text string) (*big.Float, bool) {
	if text == "" || len(text) > MaxTextBytes {
		return nil, false
	}
	negative := text[0] == '-'
	if negative || text[0] == '+' {
		text = text[1:]
	}
	body := strings.ToLower(text)
	if body == "inf" || body == "infinity" {
		return newFloat().SetInf(negative), true
	}
	base, mark := 10, "e"
	if strings.HasPrefix(body, "0x") {
		base, mark, body = 16, "p", body[2:]
	}
	digits, places, exponent, ok := split(body, base, mark)
	if !ok {
		return nil, false
	}
	number, ok := newFloat(), true
	if digits = strings.TrimLeft(digits, "0"); digits != "" {
		mantissa, _ := new(big.Int).SetString(digits, base) // split saw to it that these are digits
		if base == 16 {
			number = binary(mantissa, exponent-4*places)
		} else if number, ok = decimal(mantissa, len(digits), exponent-places); !ok {
			return nil, false
		}
		if power := number.MantExp(nil); power > largestExponent || power < smallestExponent || power == smallestExponent && isPowerOfTwo(number) {
			return nil, false
		}
	}
	if negative {
		number.Neg(number)
	}
	return number, true
}

func newFloat() *big.Float { return new(big.Float).SetPrec(significandBits) }

// split takes a number without its sign apart: its digits, how many of them stand after the point, and its exponent.
func split(body string, base int, mark string) (digits string, places, exponent int, ok bool) {
	mantissa, power, hasPower := strings.Cut(body, mark)
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits = whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789abcdef"[:base]) != "" {
		return "", 0, 0, false
	}
	if hasPower {
		if exponent, ok = parseExponent(power); !ok {
			return "", 0, 0, false
		}
	}
	return digits, len(fraction), exponent, true
}

// parseExponent reads an exponent; one far beyond the format is as good as any other such.
func parseExponent(text string) (int, bool) {
	unsigned := text
	if text != "" && (text[0] == '-' || text[0] == '+') {
		unsigned = text[1:]
	}
	if unsigned == "" || strings.Trim(unsigned, "0123456789") != "" {
		return 0, false
	}
	exponent, err := strconv.Atoi(unsigned)
	if err != nil || exponent > farExponent {
		exponent = farExponent
	}
	if text[0] == '-' {
		exponent = -exponent
	}
	return exponent, true
}

// binary is mantissa * 2^exponent, rounded once. The exponent may be beyond the format.
func binary(mantissa *big.Int, exponent int) *big.Float {
	number := newFloat().SetInt(mantissa)
	return number.SetMantExp(number, exponent)
}

// decimal is mantissa * 10^exponent, rounded once, unless that is beyond the format, which is told before anything large is computed.
func decimal(mantissa *big.Int, digits, exponent int) (*big.Float, bool) {
	if place := digits + exponent; place > farDecimalPlace || place < -farDecimalPlace {
		return nil, false
	}
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(exponent, -exponent))), nil)
	if exponent >= 0 {
		return newFloat().SetInt(power.Mul(power, mantissa)), true
	}
	return newFloat().Quo(new(big.Float).SetInt(mantissa), new(big.Float).SetInt(power)), true
}

func isPowerOfTwo(number *big.Float) bool { return number.MinPrec() == 1 }

// Sum adds two numbers. It gives false for an infinity, or where the sum is beyond the format.
func Sum(a, b *big.Float) (*big.Float, bool) {
	if a.IsInf() || b.IsInf() {
		return nil, false
	}
	sum := newFloat().Add(a, b)
	return sum, sum.MantExp(nil) <= largestExponent
}

// Format writes 17 digits after the point and takes trailing zeros away.
func Format(number *big.Float) string {
	text := strings.TrimRight(strings.TrimRight(number.Text('f', 17), "0"), ".")
	if text == "-0" {
		return "0"
	}
	return text
}
