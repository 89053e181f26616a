// Package mutant plants bugs, to show that the harness would find them. A harness that has never found anything has not been tested.
//
// A mutant is a few replacements of text in coordd's sources, each with the bug that it makes. They are not applied to the checkout: the changed files are written elsewhere
// and given to the go command with -overlay, so what people build can never contain one, there are no switches in the product, and a mutant is read as what it is, a
// difference. Most are looked for in the simulation, where a run takes seconds; the rest with real processes. A test fails when a text is not found exactly once any more, or when a mutant does not build: whoever changes those lines plants the bug anew.
package mutant
