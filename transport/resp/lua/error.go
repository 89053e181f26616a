package lua

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/yuin/gopher-lua/parse"
)

// Error says why a script is refused. Its text is what follows "ERR " in the reply, in the form in which Redis reports scripts that do not compile.
type Error struct {
	Line int // in the source, from 1; 0 when the error is about no line
	Text string
}

// Error implements error.
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Text
	}
	return "Error compiling script (new function): user_script:" + strconv.Itoa(e.Line) + ": " + e.Text
}

func plainError(format string, arguments ...any) *Error {
	return &Error{Text: fmt.Sprintf(format, arguments...)}
}

// refuse ends the compilation; only Compile catches it.
func refuse(line int, format string, arguments ...any) {
	panic(&Error{Line: max(line, 1), Text: fmt.Sprintf(format, arguments...)})
}

// unsupported refuses what Redis would run and coordd does not.
func unsupported(line int, construct string) {
	refuse(line, "coordd does not run %s in scripts", construct)
}

// syntaxError turns the parser's error into Redis' form.
func syntaxError(source string, err error) *Error {
	parsed, ok := err.(*parse.Error)
	if !ok {
		return plainError("Error compiling script (new function): %s", firstLine(err.Error()))
	}
	line, token := parsed.Pos.Line, strings.Trim(parsed.Token, "\x00")
	if line < 1 || token == "" {
		line, token = strings.Count(source, "\n")+1, "<eof>"
	}
	message := firstLine(parsed.Message)
	if message == "syntax error" || message == "parse error" {
		message = "unexpected symbol"
	}
	return &Error{Line: line, Text: fmt.Sprintf("%s near '%s'", message, firstLine(clip(token)))}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimRight(line, "\r")
}

// clip keeps a quotation in an error short.
func clip(text string) string {
	const longest = 80
	return text[:min(len(text), longest)]
}
