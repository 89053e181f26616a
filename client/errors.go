package client

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

var (
	// ErrLost is the cause with which the contexts of a session and its locks end when the session was not renewed in time or the cluster no longer knows it.
	ErrLost = errors.New("the session is lost, and with it every lock it held")

	// ErrReleased is the cause with which a lock's context ends when it is released.
	ErrReleased = errors.New("the lock was released")

	// ErrClosed is returned by a client or session that was closed, and is the cause with which the contexts of its locks end.
	ErrClosed = errors.New("closed")
)

// ServerError is an error that the cluster answered.
type ServerError struct {
	Code string // its first word, such as "ERR" or "NOTHELD"
	Text string // all of it, beginning with the code
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

// HeldError says that a lock is held by another.
type HeldError struct {
	Name      string        // the lock
	Holder    string        // who holds it, in the cluster's words
	Token     uint64        // the holder's token; 0 when the cluster does not tell
	Remaining time.Duration // how long the holder has at least without renewing; 0 when the cluster does not tell or there is no end
}

// Error implements error.
func (e *HeldError) Error() string {
	return fmt.Sprintf("lock %q is held by %s (token %d, %v remaining)", e.Name, e.Holder, e.Token, e.Remaining)
}

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
	return errors.As(err, &held) || errors.Is(err, ErrClosed)
}

// heldAnswer finds the parts in a sentence such as "HELD 'job' is held by session 812-3 (token 90210) for 1500 ms more; 2 waiting". The greedy beginning passes over
// a name that contains the same words.
var heldAnswer = regexp.MustCompile(`^.* is held by (.+) \(token (\d+)\)(?: for (\d+) ms)?`)

// heldError reads the parts out of a HELD answer. Parts that are missing stay zero: the sentence is for people first.
func heldError(name string, answer wire.ReplyError) *HeldError {
	held := &HeldError{Name: name, Holder: "another"}
	if parts := heldAnswer.FindStringSubmatch(string(answer)); parts != nil {
		held.Holder = parts[1]
		held.Token, _ = strconv.ParseUint(parts[2], 10, 64) // digits only; too many of them stay zero
		milliseconds, _ := strconv.ParseInt(parts[3], 10, 32)
		held.Remaining = time.Duration(milliseconds) * time.Millisecond
	}
	return held
}

// serverError turns an error answer into an error of this package; nil for any other answer.
func serverError(value wire.Value) error {
	var answered wire.ReplyError
	if !errors.As(value.Err(), &answered) {
		return nil
	}
	return &ServerError{Code: answered.Code(), Text: string(answered)}
}

// hasCode reports whether an error is the cluster's answer with that code word.
func hasCode(err error, code string) bool {
	var server *ServerError
	return errors.As(err, &server) && server.Code == code
}
