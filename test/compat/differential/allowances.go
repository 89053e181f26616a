package differential

import (
	"regexp"
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
	// Unsteady differences are covered only if they do not show again when the
	// sequence is run again: they come from something outside the sequence.
	Unsteady bool
}

// CoorddAllowances are the differences that coordd has on purpose.
var CoorddAllowances = []Allowance{
	{Name: "Scripts that name a command which coordd lacks", Applies: foreignCommandInScript},
	{Name: "The wording of Lua's syntax errors", Applies: syntaxErrorWording},
	{Name: "SCRIPT EXISTS before EVAL in one transaction", Applies: scriptKnownEarlier},
	{Name: "WAIT counts voters", Applies: waitCountsVoters},
	{Name: "WATCH of a name that does not exist", Applies: abortedTransaction, Unsteady: true},
}

func foreignCommandInScript(command Command, oracle, subject resp.Value) bool {
	return strings.HasPrefix(command.name(), "EVAL") && oracle.IsError() && subject.IsError() &&
		(strings.Contains(oracle.Text, "Unknown Redis command called from script") || strings.Contains(oracle.Text, "not allowed from script")) &&
		strings.HasPrefix(subject.Text, "ERR Error compiling script") && strings.Contains(subject.Text, "coordd does not have the Redis command")
}

// syntaxError is how both begin what they say about a script that is no Lua.
var syntaxError = regexp.MustCompile(`^ERR Error compiling script \(new function\): user_script:[0-9]+: `)

func syntaxErrorWording(_ Command, oracle, subject resp.Value) bool {
	begins := syntaxError.FindString(oracle.Text)
	return oracle.IsError() && subject.IsError() && begins != "" && strings.HasPrefix(subject.Text, begins)
}

// waitCountsVoters covers a number of other voters where a redis-server without replicas counts none.
func waitCountsVoters(command Command, oracle, subject resp.Value) bool {
	voters, isNumber := subject.Int()
	return command.name() == "WAIT" && oracle.Kind == ':' && oracle.Text == "0" && subject.Kind == ':' && isNumber && voters > 0
}

func abortedTransaction(command Command, oracle, subject resp.Value) bool {
	return command.name() == "EXEC" && oracle.Kind == '*' && !oracle.Null && subject.Null
}

func scriptKnownEarlier(command Command, oracle, subject resp.Value) bool {
	if command.name() != "SCRIPT" || oracle.Kind != '*' || subject.Kind != '*' || len(oracle.Elements) != len(subject.Elements) {
		return false
	}
	for i, known := range subject.Elements {
		if before := oracle.Elements[i]; known.Kind != ':' || before.Kind != ':' || known.Text < before.Text {
			return false
		}
	}
	return true
}
