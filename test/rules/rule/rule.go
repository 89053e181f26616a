package rule

import (
	"slices"

	"github.com/coordd/coordd/internal/plant"
)

// Rule is a rule of the code, how it is taken out, and which test must say so.
type Rule struct {
	Case string // the safety case or invariant that it is against: S7, I4
	Name string // its own name among those of its case
	Says string // the rule, as a sentence
	// Package has the test, and Test is the name of it: a function of Go, without subtests.
	Package, Test string
	// Edits take the rule out. Where two lines guard the same, both are taken out.
	Edits []plant.Edit
	// End is how the test ends without the rule; "" for Red. Another end is allowed only here, with the reason in Because.
	End     End
	Because string
}

// End is how a test ended.
type End string

// The ends of a test.
const (
	Red     End = "red"     // an assertion failed: what every rule wants
	Green   End = "green"   // nobody noticed
	Hangs   End = "hangs"   // it waited until its time was over
	Panics  End = "panics"  // the program under test broke down
	Unbuilt End = "unbuilt" // the replacement does not compile
	Unfit   End = "unfit"   // the rule has moved: its text does not occur once any more
	Unrun   End = "unrun"   // the test was skipped or does not exist, or it fails as the sources are, so that its failing means nothing
)

// ID names a rule: its case and its name.
func (r Rule) ID() string { return r.Case + "/" + r.Name }

// Wants is how its test must end.
func (r Rule) Wants() End {
	if r.End == "" {
		return Red
	}
	return r.End
}

// Files are those that it changes.
func (r Rule) Files() (files []string) {
	for _, edit := range r.Edits {
		if !slices.Contains(files, edit.File) {
			files = append(files, edit.File)
		}
	}
	return files
}

// All are the rules, by what they are about.
func All() []Rule {
	return slices.Concat(memberRules, clockRules, tokenRules, sessionRules, readRules, requestRules, lockRules, namespaceRules, clientRules, guardRules, poolRules, placementRules)
}

// edit replaces texts of one file: old, new, old, new and so on.
func edit(file string, texts ...string) (edits []plant.Edit) {
	for pair := range slices.Chunk(texts, 2) {
		edits = append(edits, plant.Edit{File: file, Old: pair[0], New: pair[1]})
	}
	return edits
}

// red is a rule without which a test fails by an assertion.
func red(of, name, says, folder, test string, edits ...[]plant.Edit) Rule {
	return Rule{Case: of, Name: name, Says: says, Package: folder, Test: test, Edits: slices.Concat(edits...)}
}
