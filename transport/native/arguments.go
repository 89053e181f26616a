package native

import (
	"crypto/sha256"
	"strconv"
	"strings"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/resp/wire"
)

// HashSecret is what the log knows of a session's secret.
func HashSecret(secret []byte) [32]byte { return sha256.Sum256(secret) }

// is compares an argument with an option's name in any letter case.
func is(argument []byte, option string) bool { return strings.EqualFold(string(argument), option) }

// errorf words a plain error.
func errorf(format string, arguments ...any) command.Reply {
	return command.Errorf(command.CodeGeneric, format, arguments...)
}

func refuse(format string, arguments ...any) *command.Reply {
	refusal := errorf(format, arguments...)
	return &refusal
}

func refuseLimit(format string, arguments ...any) *command.Reply {
	refusal := command.Errorf(command.CodeLimit, format, arguments...)
	return &refusal
}

// clipped bounds what an error repeats of an argument.
func clipped(argument []byte) string { return string(argument[:min(len(argument), 128)]) }

func parseCredentials(id, secret []byte) (command.Credentials, *command.Reply) {
	session, refusal := parseSession(id)
	switch {
	case refusal != nil:
		return command.Credentials{}, refusal
	case len(secret) == 0:
		return command.Credentials{}, refuse("the secret of session %s is empty", session)
	}
	return command.Credentials{Session: session, Secret: HashSecret(secret)}, nil
}

func parseSession(id []byte) (command.SessionID, *command.Reply) {
	session, err := command.ParsePosition(clipped(id))
	if err != nil || session.IsZero() {
		return session, refuse("%q is not a session id such as 812-3", clipped(id))
	}
	return session, nil
}

// parseWaiter reads the id of an acquire.
func parseWaiter(argument []byte) (command.WaiterID, *command.Reply) {
	id, err := command.ParsePosition(clipped(argument))
	if err != nil || id.IsZero() {
		return id, refuse("%q is not the id of an acquire such as 812-3", clipped(argument))
	}
	return id, nil
}

// parseHold reads what names a hold: its token, or the id of its acquire.
func parseHold(argument []byte) (command.HoldRef, *command.Reply) {
	if n, err := strconv.ParseUint(string(argument), 10, 64); err == nil && n > 0 {
		return command.HoldRef{Token: command.Token(n)}, nil
	}
	if id, err := command.ParsePosition(clipped(argument)); err == nil && !id.IsZero() {
		return command.HoldRef{Waiter: id}, nil
	}
	return command.HoldRef{}, refuse("%q is not a fencing token or the id of an acquire; give the token or the waiter that the grant answered", clipped(argument))
}

// parseMilliseconds reads a duration between two limits.
func parseMilliseconds(option string, argument []byte, least, most int64) (int64, *command.Reply) {
	n, ok := wire.ParseInteger(argument)
	if !ok || n < least || n > most {
		return 0, refuse("%s takes milliseconds from %d to %d, not %q", option, least, most, clipped(argument))
	}
	return n, nil
}

// checkLockName refuses names that no native lock can have.
func checkLockName(database uint8, name []byte) *command.Reply {
	switch {
	case database != 0:
		return refuse("native locks live in database 0 and this connection has chosen %d; send SELECT 0 first", database)
	case len(name) == 0:
		return refuse("a lock needs a name")
	case len(name) > command.MaxNameBytes:
		return refuseLimit("a name of %d bytes is too long; the limit is %d", len(name), command.MaxNameBytes)
	}
	return nil
}

// errOption refuses an option that a native command does not know.
func errOption(name string, option []byte) command.Reply {
	return errorf("%s does not know %q here; see HELP %s", name, clipped(option), name)
}

// errNoValue refuses an option whose value is missing.
func errNoValue(name string, option []byte) command.Reply {
	return errorf("%s: %s needs a value; see HELP %s", name, clipped(option), name)
}
