package longdouble

import (
	"strings"
	"testing"
)

func TestTheEndsOfTheFormat(t *testing.T) {
	for text, want := range map[string]bool{
		"0x1.ffffffffffffffffp16383": false, // rounded up to 2^16384
		"0x1.fffffffffffffffep16383": true,
		"0x1p16384":                  false,
		"0x1p-16445":                 true,
		"0x1.8p-16446":               true, // rounded up to the smallest
		"-0x1p-16446":                false,
		"0x0p-99999999999":           true,
		"0e99999999999":              true,
		"1e99999999999":              false,
		"1e-99999999999":             false,
		strings.Repeat("0", MaxTextBytes-1) + "7":   true,
		strings.Repeat("0", MaxTextBytes) + "7":     false,
		"0." + strings.Repeat("0", 4900) + "1e4901": true,
	} {
		if _, ok := Parse(text); ok != want {
			t.Errorf("%.40s is a number: %v, want %v", text, ok, want)
		}
	}
}

// Decimal texts halfway between two significands, and just beside: 5^27 and more need more bits than a product of rounded powers has.
func TestADecimalIsRoundedOnceAndToTheEven(t *testing.T) {
	for text, want := range map[string]string{
		"18446744073709551617":   "18446744073709551616", // 2^64 + 1 needs 65 bits
		"36893488147419103233":   "36893488147419103232",
		"36893488147419103234":   "36893488147419103232", // halfway, the even one is below
		"36893488147419103238":   "36893488147419103240", // halfway, the even one is above
		"36893488147419103234.1": "36893488147419103236",
		"36893488147419103234" + "." + strings.Repeat("0", 4000) + "1": "36893488147419103236",
	} {
		number, ok := Parse(text)
		if !ok {
			t.Fatalf("%.40s is no number", text)
		}
		if got := Format(number); got != want {
			t.Errorf("%.40s is rounded to %s, want %s", text, got, want)
		}
	}
}

// FuzzParse looks for texts that panic, that take for ever, or that come out beyond what the machine may store.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"1.5", "-0x1.8p-3", "1e4932", "inf", "0.00001e4935", "+.5e+1", "0x", "1e-4951"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		number, ok := Parse(text)
		if !ok || number.IsInf() {
			return
		}
		written := Format(number)
		if len(written) > MaxTextBytes {
			t.Fatalf("%q is written with %d bytes", text, len(written))
		}
		if again, ok := Parse(written); !ok || Format(again) != written {
			t.Fatalf("%q is written %q, which is not read as the same", text, written)
		}
	})
}
