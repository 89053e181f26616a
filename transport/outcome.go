package transport

import (
	"errors"
	"fmt"
	"slices"

	"github.com/coordd/coordd/fsm/command"
)

// Error is a failure that is not a reply of the machine: no leader, an unknown outcome, a node that stops.
type Error struct {
	Code command.Code
	Text string // a sentence: what happened, to what, what to do next; without the RESP prefix
}

// Error implements error.
func (e *Error) Error() string { return e.Code.Prefix() + " " + e.Text }

// Errorf makes an *Error.
func Errorf(code command.Code, format string, arguments ...any) *Error {
	return &Error{Code: code, Text: fmt.Sprintf(format, arguments...)}
}

// CodeOf finds the code in an error chain; CodeNone when there is none.
func CodeOf(err error) command.Code {
	var coded *Error
	if errors.As(err, &coded) {
		return coded.Code
	}
	return command.CodeNone
}

// Retry says what a caller may do after an error.
type Retry string

// The ways to retry.
const (
	RetryNever     Retry = "never"        // the same request gives the same error
	RetryLater     Retry = "later"        // nothing happened; the same request may succeed after a pause
	RetryIdentical Retry = "same-request" // only under the same session and request number, otherwise it may take effect twice
	RetryReopen    Retry = "new-session"  // open a new session first; everything the old one held is lost
)

// Outcome is one row of the error table.
type Outcome struct {
	Code     command.Code
	Name     string // stable, for programs
	Definite bool   // true: nothing happened and nothing will; false: it may have happened, or may yet
	Status   int    // HTTP
	Retry    Retry
	Meaning  string // a sentence for people
}

// Outcomes is the one error table, in order of the codes. [HTTPOutcomes] continues it.
var Outcomes = []Outcome{
	{command.CodeNone, "ok", true, 200, RetryNever, "No error."},
	{command.CodeGeneric, "bad_request", true, 400, RetryNever, "The request is wrong; its text says how."},
	{command.CodeLocked, "locked", true, 409, RetryLater, "A Redis command would change a name that is held natively; only release, session end or force-unlock end such a hold."},
	{command.CodeHeld, "held", true, 409, RetryLater, "The lock is held; the text says by whom and for how long."},
	{command.CodeNotHeld, "not_held", true, 409, RetryNever, "The lock is not held with that token: it was lost or released before."},
	{command.CodeNoSession, "no_session", true, 410, RetryReopen, "The session is unknown or has ended; what it held is lost."},
	{command.CodeBadSecret, "bad_secret", true, 403, RetryNever, "The secret does not belong to that session."},
	{command.CodeStaleRequest, "stale_request", true, 409, RetryNever, "The request number lies at or below what its client already acknowledged; it was not run."},
	{command.CodeLimit, "limit", true, 429, RetryLater, "A limit was reached; nothing was changed."},
	{command.CodeReserved, "reserved", true, 403, RetryNever, "Names that begin with \"coordd:\" cannot be written."},
	{command.CodeExecAbort, "exec_abort", true, 400, RetryNever, "The transaction was discarded because one of its commands was wrong."},
	{command.CodeNoScript, "no_script", true, 404, RetryNever, "The cluster does not know a script of that SHA1; send its text with EVAL."},
	{command.CodeMalformed, "malformed", true, 400, RetryNever, "The bytes of the command do not decode."},
	{command.CodeWaitTimeout, "wait_timeout", true, 408, RetryLater, "The lock was not free in the time the waiter gave itself."},
	{command.CodeCancelled, "cancelled", true, 409, RetryLater, "The waiter was withdrawn."},
	{command.CodeNoLeader, "no_leader", true, 503, RetryLater, "No leader was found in time; nothing was proposed."},
	{command.CodeUnknownOutcome, "unknown_outcome", false, 504, RetryIdentical, "The command was proposed and its fate is not known."},
	{command.CodeNoAuth, "no_auth", true, 401, RetryNever, "The connection has not authenticated."},
	{command.CodeWrongPassword, "wrong_password", true, 401, RetryNever, "User or password is wrong."},
	{command.CodeShuttingDown, "shutting_down", true, 503, RetryLater, "This node is stopping; another one serves."},
	{command.CodeBusy, "busy", true, 429, RetryLater, "Too much is under way at this node; nothing was proposed."},
	{command.CodeConflict, "conflict", true, 409, RetryNever, "The name is used in another way: another mode, another number of permits, another limit."},
	{command.CodeDeadlock, "deadlock", true, 409, RetryLater, "The wait would close a cycle of owners that wait for each other; give back what you hold, and try again."},
	{command.CodeNoCandidate, "no_candidate", true, 404, RetryLater, "Nobody of that name waits for the lock."},
	{command.CodeTooOld, "too_old", true, 410, RetryNever, "The position lies before what this node still has of the events; begin anew with a list, and go on from its position."},
	{command.CodeNoPool, "no_pool", true, 404, RetryNever, "There is no such pool, or it is another one by now."},
	{command.CodePoolExists, "pool_exists", true, 409, RetryNever, "A pool of that name exists with other settings."},
	{command.CodePoolBusy, "pool_busy", true, 409, RetryLater, "The pool still has workers."},
	{command.CodeNoWorker, "no_worker", true, 410, RetryNever, "The session is not that worker of the pool, or no longer; stop its work and join again."},
	{command.CodeWorkerBusy, "worker_busy", true, 409, RetryLater, "Another live session has the worker's id; the text says for how long at least."},
	{command.CodeNoPermission, "no_permission", true, 403, RetryNever, "The user may not do this; it is for operators."},
	{command.CodeNoProtocol, "no_protocol", true, 400, RetryNever, "HELLO asked for a version of the protocol other than 2 and 3."},
	{command.CodeNotBusy, "not_busy", true, 409, RetryNever, "No script is there to be ended: scripts are bounded, so none has to be."},
}

// What only an HTTP door says, of a request that has not become a command, or of an answer that could not be told. No reply carries it, so it has no number and no first word.
var (
	NotFound             = Outcome{Name: "not_found", Definite: true, Status: 404, Retry: RetryNever, Meaning: "There is no such path."}
	MethodNotAllowed     = Outcome{Name: "method_not_allowed", Definite: true, Status: 405, Retry: RetryNever, Meaning: "The path takes other methods; the header Allow lists them."}
	TooLarge             = Outcome{Name: "too_large", Definite: true, Status: 413, Retry: RetryNever, Meaning: "The body of the request is too large; nothing of it was carried out."}
	UnsupportedMediaType = Outcome{Name: "unsupported_media_type", Definite: true, Status: 415, Retry: RetryNever, Meaning: "The body of the request is not marked as JSON."}
	Internal             = Outcome{Name: "internal", Definite: false, Status: 500, Retry: RetryIdentical, Meaning: "The answer could not be written; what was asked for may have happened."}
)

// HTTPOutcomes continues the table with what only the HTTP doors say.
var HTTPOutcomes = []Outcome{NotFound, MethodNotAllowed, TooLarge, UnsupportedMediaType, Internal}

// OutcomeOf is the table's row of a code. Codes this build does not know count as indefinite, which is always safe.
func OutcomeOf(code command.Code) Outcome {
	if i, found := slices.BinarySearchFunc(Outcomes, code, func(o Outcome, code command.Code) int { return int(o.Code) - int(code) }); found {
		return Outcomes[i]
	}
	return Outcome{Code: code, Name: "unknown_code", Definite: false, Status: 500, Retry: RetryIdentical, Meaning: "This build does not know the code."}
}
