package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport"
	"github.com/coordd/coordd/transport/resp/wire"
)

// problem is an error as it is answered, in the form of RFC 9457 with members of our own.
type problem struct {
	Title    string          `json:"title"`
	Status   int             `json:"status"`
	Code     string          `json:"code"`
	Definite bool            `json:"definite"`
	Retry    transport.Retry `json:"retry"`
	Message  string          `json:"message"`
	Details  json.RawMessage `json:"details,omitempty"`

	allow string // for the header Allow
}

// ProblemType is the content type of errors.
const ProblemType = "application/problem+json"

// codeAttribute is the key of the attribute with an error's code that the Redis door sends on connections within the process.
const codeAttribute = "code"

// ofCode makes the problem of a code of the error table.
func ofCode(code command.Code, format string, values ...any) *problem {
	return ofRow(transport.OutcomeOf(code), format, values...)
}

// ofRow makes the problem of a row of the error table.
func ofRow(outcome transport.Outcome, format string, values ...any) *problem {
	return &problem{Title: outcome.Meaning, Status: outcome.Status, Code: outcome.Name, Definite: outcome.Definite, Retry: outcome.Retry, Message: fmt.Sprintf(format, values...)}
}

// problemOf makes the problem of an error that the Redis door answered.
func problemOf(value wire.Value) *problem {
	line := string(value.Text)
	sentence, details := splitDetails(line)
	word, rest, _ := strings.Cut(sentence, " ")
	p := ofCode(codeOf(value, word), "%s", rest)
	p.Details = details
	return p
}

// splitDetails parts an error line into its sentence and the object at its end; nil when there is none.
func splitDetails(line string) (sentence string, details json.RawMessage) {
	at := strings.Index(line, ` {"`)
	if at < 0 || !json.Valid([]byte(line[at+1:])) {
		return line, nil
	}
	return line[:at], json.RawMessage(line[at+1:])
}

// codeOf is the code that came with an error, else the first in the table with its first word.
func codeOf(value wire.Value, word string) command.Code {
	for i := 0; i+1 < len(value.Attributes); i += 2 {
		if string(value.Attributes[i].Text) == codeAttribute {
			return command.Code(value.Attributes[i+1].Integer)
		}
	}
	for _, outcome := range transport.Outcomes {
		if outcome.Code != command.CodeNone && outcome.Code.Prefix() == word {
			return outcome.Code
		}
	}
	return command.CodeGeneric
}

// write answers with the problem.
func (p *problem) write(w http.ResponseWriter) {
	body, err := json.Marshal(p)
	if err != nil { // only details could fail, and they were looked at
		ofRow(transport.Internal, "the error %s could not be encoded", p.Code).write(w)
		return
	}
	header := w.Header()
	header.Set("Content-Type", ProblemType)
	header.Set("Cache-Control", "no-store")
	switch {
	case p.allow != "":
		header.Set("Allow", p.allow)
	case p.Status == http.StatusUnauthorized:
		header.Set("WWW-Authenticate", `Basic realm="coordd"`)
	case p.Status == http.StatusTooManyRequests, p.Status == http.StatusServiceUnavailable:
		header.Set("Retry-After", "1")
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // a client that went away is its own affair
}
