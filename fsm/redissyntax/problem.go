package redissyntax

import (
	"bytes"
	"fmt"

	"github.com/coordd/coordd/fsm/command"
)

// problem is a refusal on its way to the caller of Parse.
type problem struct{ reply command.Reply }

// Error gives the text that goes to the client.
func (p *problem) Error() string { return string(p.reply.Text) }

func problemf(format string, arguments ...any) error {
	return &problem{command.Errorf(command.CodeGeneric, format, arguments...)}
}

// The refusals that many commands share, in Redis' words.
var (
	errSyntax     = problemf("syntax error")
	errNotInteger = problemf("value is not an integer or out of range")
	errNotFloat   = problemf("value is not a valid float")
	errCursor     = problemf("invalid cursor")
)

func errExpiry(name string) error { return problemf("invalid expire time in '%s' command", name) }

func errArity(name string) error {
	return problemf("wrong number of arguments for '%s' command", name)
}

// WrongArity is the answer to a command with too few or too many arguments; the name is written in lower case, as Redis does.
func WrongArity(name string) command.Reply {
	return command.Errorf(command.CodeGeneric, "wrong number of arguments for '%s' command", name)
}

// maxQuoted is how much of an unknown command, and of its arguments, an error repeats.
const maxQuoted = 128

// UnknownCommand is the answer to a command that does not exist. It repeats the beginning of the arguments, as Redis does.
func UnknownCommand(argv [][]byte) command.Reply {
	var quoted []byte
	for _, argument := range argv[1:] {
		if len(quoted) >= maxQuoted {
			break
		}
		quoted = fmt.Appendf(quoted, "'%s' ", clip(argument, maxQuoted-len(quoted)))
	}
	reply := command.Errorf(command.CodeGeneric, "unknown command '%s', with args beginning with: %s", clip(argv[0], maxQuoted), quoted)
	oneLine(reply.Text)
	return reply
}

// clip cuts a text at a length and, as C does, at its first zero byte.
func clip(text []byte, length int) []byte {
	if zero := bytes.IndexByte(text, 0); zero >= 0 {
		text = text[:zero]
	}
	return text[:min(len(text), length)]
}

// oneLine makes line ends into spaces, since an error is one line of the protocol.
func oneLine(text []byte) {
	for i, b := range text {
		if b == '\r' || b == '\n' {
			text[i] = ' '
		}
	}
}
