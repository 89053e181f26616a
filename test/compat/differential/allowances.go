package differential

import (
	"strings"

	"github.com/coordd/coordd/test/compat/resp"
)

// Allowance is a difference that is meant. DIFFERENCES.md argues for each
// under the same name.
type Allowance struct {
	Name string
	// Applies says whether the allowance covers these two replies of the
	// command; inside a transaction, the replies of that one command.
	Applies func(command Command, oracle, subject resp.Value) bool
}

// CoorddAllowances are the differences that coordd has on purpose.
var CoorddAllowances = []Allowance{
	{"Scripts that name a command which coordd lacks", foreignCommandInScript},
}

func foreignCommandInScript(command Command, oracle, subject resp.Value) bool {
	return strings.HasPrefix(command.name(), "EVAL") && oracle.IsError() && subject.IsError() &&
		(strings.Contains(oracle.Text, "Unknown Redis command called from script") || strings.Contains(oracle.Text, "not allowed from script")) &&
		strings.HasPrefix(subject.Text, "ERR Error compiling script") && strings.Contains(subject.Text, "coordd does not have the Redis command")
}
