package rapidseed

import (
	"flag"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Two runs of one property draw the same, unless the command line asks for another seed.
func TestRunsDrawTheSame(t *testing.T) {
	if flag.Lookup("rapid.seed").Value.String() == "0" {
		t.Log("the command line asks for another seed each time")
		return
	}
	draw := func() (drawn []int) {
		rapid.Check(t, func(t *rapid.T) { drawn = append(drawn, rapid.Int().Draw(t, "n")) })
		return drawn
	}
	if first, second := draw(), draw(); len(first) == 0 || !slices.Equal(first, second) {
		t.Errorf("the first run drew %v, the second %v", first, second)
	}
}
