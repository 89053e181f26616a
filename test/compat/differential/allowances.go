package differential

import "github.com/coordd/coordd/test/compat/resp"

// Allowance is a difference that is meant. DIFFERENCES.md argues for each
// under the same name.
type Allowance struct {
	Name string
	// Applies says whether the allowance covers these two replies.
	Applies func(command Command, oracle, subject resp.Value) bool
}

// CoorddAllowances are the differences that coordd has on purpose.
var CoorddAllowances = []Allowance{}
