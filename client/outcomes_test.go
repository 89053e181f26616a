package client

import (
	"testing"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport"
)

// The client's table says the same as the service's, which is not linked into programs that use the client.
func TestOutcomesAgreeWithTheErrorTable(t *testing.T) {
	served := map[string]bool{}
	for _, row := range transport.Outcomes {
		if row.Code == command.CodeNone {
			continue
		}
		prefix := row.Code.Prefix()
		served[prefix] = true
		known, found := outcomes[prefix]
		if !found {
			t.Errorf("%s (%s) is missing", prefix, row.Name)
			continue
		}
		if known.definite != row.Definite {
			t.Errorf("%s (%s): definite is %v here and %v in the table", prefix, row.Name, known.definite, row.Definite)
		}
		if known.again && row.Retry != transport.RetryLater {
			t.Errorf("%s (%s) is sent again here, but the table says %s", prefix, row.Name, row.Retry)
		}
	}
	for prefix := range outcomes {
		if !served[prefix] {
			t.Errorf("the service never answers %s", prefix)
		}
	}
	if outcomes["SOMETHING"].definite {
		t.Error("an unknown code word must not count as definite")
	}
}
