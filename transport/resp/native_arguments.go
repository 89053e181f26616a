package resp

import (
	"crypto/rand"
	"encoding/hex"
	"time"

	"github.com/coordd/coordd/fsm/command"
)

// secretBytes is how random a session's secret is.
const secretBytes = 16

// newSecret makes a session's secret. Only its hash goes into the log.
func newSecret() string {
	random := make([]byte, secretBytes)
	rand.Read(random) // cannot fail: the runtime ends the process rather than give bytes that are not random
	return hex.EncodeToString(random)
}

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// clipped bounds what an error repeats of an argument.
func clipped(argument []byte) string { return string(argument[:min(len(argument), 128)]) }

// errOption refuses an option that a command of ours does not know.
func errOption(name string, option []byte) command.Reply {
	return errorf("%s does not know %q here; see HELP %s", name, clipped(option), name)
}
