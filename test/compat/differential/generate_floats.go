package differential

import (
	"strconv"
	"strings"
)

// floats are the increments and values at which readers and writers of long doubles part: the ends of the 80-bit format, halves of the seventeenth digit after
// the point, hexadecimal spellings, and what is no number.
var floats = []string{
	"0", "-0", "-0.0", "0.1", "0.2", "-0.3", "1.5", "5.", ".5", "+.5e+1", "3.0e3", "1E5", "1e+5", "1e17", "1e-17", "5e-18", "1.5e-17", "4.9e-18", "1e-20", "-1e-20",
	"3.14159265358979323846264338", "9007199254740993", "18446744073709551615", "18446744073709551615.5", "36893488147419103233", "123456789012345678901234567890",
	"0.1000000000000000055511151231257827", "0.00000000000000000050", "1e300", "-1e300", "1e4931", "-1e4931", "1e4932", "-1e4932", "1.18973149535723176502e4932",
	"1.18973149535723176509e4932", "1e4933", "1e5000", "1e99999999999", "0e99999999999", "1e-4931", "3.4e-4932", "1e-4950", "3.7e-4951", "1.9e-4951", "1.8e-4951", "1e-4960", "1e-99999999999", "0.00001e4935", "10000e-4954",
	"0x10", "-0x10", "+0X1P4", "0x1.8p-3", "0x.8", "0x8.", "0xA.bCp+2", "0x1p16383", "0x1.ffffffffffffffffp16383", "0x1p16384", "0x1p-16445", "0x1p-16446", "0x1p-99999999999", "0x123456789abcdef0123", "0x1e5",
	"inf", "-inf", "+Infinity", "INFINITY", "infin", "infinityy", "nan", "-nan", "NaN(1)", "1e", "1e+", "e1", ".", "", "-", "+", "+-1", "--1", "1_0", "0x", "0xp1", "0x1p", "0x1_0", "0b1", "0o7",
	" 1", "1 ", "\t1", "1\n", "1\x00", "1,5", "1.5.5", "1f", "1L", "1p3", "1e1.5", "1e1e1", "abc", "0x1g", "１",
	"1" + strings.Repeat("0", 300), "0." + strings.Repeat("0", 300) + "1", strings.Repeat("0", 300) + "7", "1." + strings.Repeat("3", 300),
}

// floatCommand makes INCRBYFLOAT, or puts a number where a later one finds it.
func (g *generator) floatCommand(key string) Command {
	if g.chance(30) {
		return Command{Args: []string{"SET", key, g.float()}}
	}
	return Command{Args: []string{"INCRBYFLOAT", key, g.float()}}
}

// float is one of the list, or a number of any precision and magnitude.
func (g *generator) float() string {
	if g.chance(50) {
		return g.pick(floats...)
	}
	digits := g.digits(1 + g.IntN(21))
	if g.chance(80) {
		point := g.IntN(len(digits) + 1)
		digits = digits[:point] + "." + digits[point:]
	}
	if g.chance(25) {
		most := []int{5, 30, 400, 4960}[g.IntN(4)]
		digits += g.pick("e", "E") + strconv.Itoa(g.IntN(2*most)-most)
	}
	return g.pick("", "", "-", "+") + digits
}

func (g *generator) digits(count int) string {
	text := make([]byte, count)
	for i := range text {
		text[i] = byte('0' + g.IntN(10))
	}
	return string(text)
}
