package command

import (
	"slices"
	"testing"
)

// A number that is free must not come to mean something by accident: what an old build remembered under it would be told in other words.
func TestAFreeNumberIsNoCode(t *testing.T) {
	const free = Code(2)
	if slices.Contains(Codes(), free) || free.Prefix() != CodeGeneric.Prefix() {
		t.Errorf("the number %d is given out, with the word %q", free, free.Prefix())
	}
}
