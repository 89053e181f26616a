package client

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

var (
	// ErrLost is what every [LostError] is: a lock that was held, or a session with every lock it held, must be considered another's.
	ErrLost = errors.New("lost")

	// ErrReleased is the cause with which a lock's context ends when it is released.
	ErrReleased = errors.New("the lock was released")

	// ErrClosed is returned by a client or session that was closed, and is the cause with which the contexts of its locks end.
	ErrClosed = errors.New("closed")

	// ErrNoLeader is what an [UnreachableError] is when nodes answer and none of them finds a leader: the cluster has no majority at present.
	ErrNoLeader = errors.New("the cluster has no leader")
)

// ServerError is an error that the cluster answered.
type ServerError struct {
	Code    string // its first word, such as "ERR" or "NOTHELD"
	Text    string // the sentence, beginning with the code
	details []byte // a JSON object, or nothing
}

// Error implements error with the cluster's sentence.
func (e *ServerError) Error() string { return e.Text }

// UnreachableError says that no answer was had. What the request asked for may have happened if it was sent.
type UnreachableError struct {
	Attempts int
	Sent     bool  // at least one attempt went out and was not answered
	Cause    error // of the last attempt
}

// Error implements error.
func (e *UnreachableError) Error() string {
	fate := "nothing was sent"
	if e.Sent {
		fate = "whether it took effect is not known"
	}
	return fmt.Sprintf("no answer after %d attempts (%s): %v", e.Attempts, fate, e.Cause)
}

// Unwrap gives the cause of the last attempt.
func (e *UnreachableError) Unwrap() error { return e.Cause }

// Is reports that the error is ErrNoLeader when that is what the last node said.
func (e *UnreachableError) Is(target error) bool {
	return target == ErrNoLeader && hasCode(e.Cause, "LOADING")
}

// HeldError says that a lock is held by another, or reserved. What the cluster did not tell is zero.
type HeldError struct {
	Name      string        // the lock
	Mode      Mode          // how it is held
	Holder    string        // who holds it, in the cluster's words
	Session   string        // the holder's session
	Owner     string        // and owner id in it
	Client    string        // the name of the holder's process
	Metadata  string        // what the holder says of itself, at most 256 bytes
	ID        string        // the hold's
	Token     uint64        // the holder's
	Remaining time.Duration // how long the holder has at least without renewing; 0 when there is no end
	Queued    int           // how many wait
	Holders   int           // how many hold it, if it is shared or a semaphore
	Used      int           // permits of a semaphore in use
	Limit     int           // of all its permits
	Reserved  string        // why nobody gets it although nobody holds it: "delay", "floor", "unacknowledged" or "handover"; else empty
	Until     time.Duration // how long it is reserved
}

// Error implements error.
func (e *HeldError) Error() string {
	text := fmt.Sprintf("lock %q is held by %s", e.Name, e.Holder)
	if e.Reserved != "" {
		return fmt.Sprintf("lock %q is reserved (%s) for %v more; %d waiting", e.Name, e.Reserved, e.Until, e.Queued)
	}
	if e.Token != 0 {
		text += fmt.Sprintf(" (token %d)", e.Token)
	}
	if e.Remaining != 0 {
		text += fmt.Sprintf(" for %v more unless renewed", e.Remaining)
	}
	return fmt.Sprintf("%s; %d waiting", text, e.Queued)
}

// LossReason says how a lock was lost.
type LossReason string

// The reasons. A cluster may tell others.
const (
	LossUnrenewed    LossReason = "unrenewed"     // no keepalive was answered in time
	LossSessionEnded LossReason = "session_ended" // the cluster does not know the session any more
	LossKilled       LossReason = "killed"        // an operator ended the session
	LossForced       LossReason = "forced"        // an operator ended the hold
	LossMaxHold      LossReason = "max_hold"      // it was held for as long as MaxHold allows
	LossExpired      LossReason = "expired"       // a lease's time was over
	LossReassigned   LossReason = "reassigned"    // a partition was given on without its worker, by an operator or a takeover
)

// LostError says how a lock, or a session with all its locks, was lost. It is ErrLost to errors.Is.
type LostError struct {
	Session string
	Name    string // the lock; empty when the whole session was lost
	Token   uint64 // with which it was held
	Reason  LossReason
	Actor   string // the operator, if one ended it
	Why     string // and the operator's reason

	// Reserved tells that nobody else is granted the lock before this loss is acknowledged, by [Held.Release], or the deadline that the holder had when it was lost has
	// passed: time in which to end the work. Otherwise another may have it already.
	Reserved bool

	cause error
}

// Error implements error.
func (e *LostError) Error() string {
	what := fmt.Sprintf("session %s and every lock it held are lost", e.Session)
	if e.Name != "" {
		what = fmt.Sprintf("lock %q (token %d) is lost", e.Name, e.Token)
	}
	return what + ": " + e.reason()
}

func (e *LostError) reason() string {
	var text string
	switch e.Reason {
	case LossUnrenewed:
		text = "no keepalive was answered in time"
	case LossSessionEnded:
		text = "the cluster does not know the session any more"
	case LossKilled:
		text = "the session was ended by an operator"
	case LossForced:
		text = "its hold was ended by force"
	case LossMaxHold:
		text = "it was held for as long as its max hold allows"
	case LossExpired:
		text = "its time was over"
	case LossReassigned:
		text = "it was given on at once"
	default:
		text = strings.ReplaceAll(string(e.Reason), "_", " ")
	}
	if e.Actor != "" {
		text += " by " + e.Actor
	}
	if e.Why != "" {
		text += ": " + e.Why
	}
	return text
}

// Is reports that every LostError is ErrLost.
func (e *LostError) Is(target error) bool { return target == ErrLost }

// Unwrap gives the cluster's answer, if that is how the loss became known.
func (e *LostError) Unwrap() error { return e.cause }

// DeadlockError says that an acquire was refused because waiting would never have ended. Release something and begin anew.
type DeadlockError struct {
	Name  string         // the lock that was asked for
	Cycle []DeadlockStep // the refused owner first; each waits for what the next one holds, and the last for the first
}

// DeadlockStep is one owner of a circle of owners that wait for each other.
type DeadlockStep struct {
	Session, Owner string
	WaitsFor       string // a lock
	HeldBySession  string
	HeldByOwner    string
}

// Error implements error.
func (e *DeadlockError) Error() string {
	var steps []string
	for _, step := range e.Cycle {
		steps = append(steps, fmt.Sprintf("%s/%s waits for %q", step.Session, step.Owner, step.WaitsFor))
	}
	return fmt.Sprintf("lock %q: waiting would be a deadlock: %s", e.Name, strings.Join(steps, ", "))
}

// ConflictError says that a lock cannot be taken in this way because it is in use in another: the owner holds it in another mode or with other permits, or
// the semaphore has another limit.
type ConflictError struct {
	Name    string
	Mode    Mode // what is there, as the rest is
	Limit   int
	Used    int
	Permits int
	Text    string // the cluster's sentence
}

// Error implements error.
func (e *ConflictError) Error() string { return fmt.Sprintf("lock %q: %s", e.Name, e.Text) }

// Definite reports whether an error of this package means that what was asked for has not happened and will not. When it does not, the
// request may have taken effect, or may yet.
func Definite(err error) bool {
	var unreachable *UnreachableError
	if errors.As(err, &unreachable) {
		return !unreachable.Sent
	}
	var server *ServerError
	if errors.As(err, &server) {
		return outcomes[server.Code].definite
	}
	var held *HeldError
	var deadlock *DeadlockError
	var conflict *ConflictError
	var busy *WorkerBusyError
	var refused *NotOwnerError
	if errors.As(err, &busy) || errors.As(err, &refused) {
		return true
	}
	return errors.As(err, &held) || errors.As(err, &deadlock) || errors.As(err, &conflict) || errors.Is(err, ErrClosed)
}

// serverError turns an error answer into an error of this package; nil for any other answer.
func serverError(value wire.Value) error {
	var answered wire.ReplyError
	if !errors.As(value.Err(), &answered) {
		return nil
	}
	sentence, details := sentenceOf(string(answered))
	return &ServerError{Code: answered.Code(), Text: sentence, details: details}
}

// hasCode reports whether an error is the cluster's answer with that code word.
func hasCode(err error, code string) bool {
	var server *ServerError
	return errors.As(err, &server) && server.Code == code
}

// codeOf is the code word of the cluster's answer; empty when the error is none.
func codeOf(err error) string {
	var server *ServerError
	if errors.As(err, &server) {
		return server.Code
	}
	return ""
}

func isUnreachable(err error) bool {
	var unreachable *UnreachableError
	return errors.As(err, &unreachable)
}
