package resp

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/resp/wire"
)

// secretBytes is how random a session's secret is.
const secretBytes = 16

// newSecret makes a session's secret. Only its hash goes into the log.
func newSecret() string {
	random := make([]byte, secretBytes)
	rand.Read(random) // cannot fail: the runtime ends the process rather than give bytes that are not random
	return hex.EncodeToString(random)
}

// hashSecret is what the log knows of a secret.
func hashSecret(secret []byte) [32]byte { return sha256.Sum256(secret) }

// credentials are a session's id and the hash of its secret, as native commands carry them.
type credentials struct {
	session command.SessionID
	hash    [32]byte
}

func parseCredentials(id, secret []byte) (credentials, command.Reply, bool) {
	session, refusal, ok := parseSession(id)
	if !ok {
		return credentials{}, refusal, false
	}
	if len(secret) == 0 {
		return credentials{}, errorf("the secret of session %s is empty", session), false
	}
	return credentials{session, hashSecret(secret)}, command.Reply{}, true
}

func parseSession(id []byte) (command.SessionID, command.Reply, bool) {
	session, err := command.ParsePosition(clipped(id))
	if err != nil || session.IsZero() {
		return session, errorf("%q is not a session id such as 812-3", clipped(id)), false
	}
	return session, command.Reply{}, true
}

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// clipped bounds what an error repeats of an argument.
func clipped(argument []byte) string { return string(argument[:min(len(argument), 128)]) }

// parseMilliseconds reads a duration between two limits.
func parseMilliseconds(option string, argument []byte, least, most int64) (int64, command.Reply, bool) {
	n, ok := wire.ParseInteger(argument)
	if !ok || n < least || n > most {
		return 0, errorf("%s takes milliseconds from %d to %d, not %q", option, least, most, clipped(argument)), false
	}
	return n, command.Reply{}, true
}

// checkLockName refuses names that no native lock can have.
func checkLockName(database uint8, name []byte) (command.Reply, bool) {
	switch {
	case database != 0:
		return errorf("native locks live in database 0 and this connection has chosen %d; send SELECT 0 first", database), false
	case len(name) == 0:
		return errorf("a lock needs a name"), false
	case len(name) > command.MaxNameBytes:
		return command.Errorf(command.CodeLimit, "a name of %d bytes is too long; the limit is %d", len(name), command.MaxNameBytes), false
	}
	return command.Reply{}, true
}

// errOption refuses an option that a native command does not know.
func errOption(name string, option []byte) command.Reply {
	return errorf("%s does not know %q here; see HELP %s", name, clipped(option), name)
}

// errNoValue refuses an option whose value is missing.
func errNoValue(name string, option []byte) command.Reply {
	return errorf("%s: %s needs a value; see HELP %s", name, clipped(option), name)
}
