package tidy

// Check is one rule over a tree.
type Check struct {
	Name string // also the name of its fixture folder under testdata
	Run  func(*Tree) ([]Finding, error)
}

// Checks lists every rule.
var Checks = []Check{
	{"arrows", checkArrows},
	{"purity", checkPurity},
	{"docs", checkDocs},
	{"size", checkSize},
	{"words", checkWords},
	{"format", checkFormat},
	{"links", checkLinks},
	{"safety", checkSafety},
}
