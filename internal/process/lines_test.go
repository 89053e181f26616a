package process

import (
	"slices"
	"testing"
)

func TestLinesComeWholeHoweverTheyAreWritten(t *testing.T) {
	for _, chunks := range [][]string{
		{"one\ntwo\n\nthree\nhalf"},
		{"o", "ne", "\n", "two\n\nth", "ree\nha", "lf"},
		{"one\ntwo\n", "", "\nthree\n", "half"},
	} {
		var got []string
		writer := Lines(func(line []byte) { got = append(got, string(line)) })
		for _, chunk := range chunks {
			if count, err := writer.Write([]byte(chunk)); err != nil || count != len(chunk) {
				t.Fatalf("%q: %d bytes taken of %d, %v", chunk, count, len(chunk), err)
			}
		}
		if want := []string{"one", "two", "", "three"}; !slices.Equal(got, want) {
			t.Errorf("of %q came %q, want %q", chunks, got, want)
		}
	}
}
