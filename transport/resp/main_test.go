package resp

import (
	"testing"

	"go.uber.org/goleak"
)

// No test may leave a goroutine behind: each would be a connection that is never given back.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
