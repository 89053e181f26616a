package httpguard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/coordd/coordd/client/guard"
)

// Problem is the body of a refusal, as application/problem+json (RFC 9457).
type Problem struct {
	Type   string `json:"type"` // "urn:coordd:problem:" and one of stale-token, no-token, bad-token, too-large, busy, unavailable
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Lock   string `json:"lock,omitempty"`
	Token  string `json:"token,omitempty"`  // the one that was sent; text, since many programs cannot hold it as a number
	Newest string `json:"newest,omitempty"` // the newest one seen
}

func problem(status int, kind, title string, err error) Problem {
	return Problem{Type: "urn:coordd:problem:" + kind, Title: title, Status: status, Detail: err.Error()}
}

// problemOf says how an error is answered. Only a stale token is final; whoever gets 503 may send the request again.
func problemOf(err error) Problem {
	var stale *guard.StaleError
	var bad badRequest
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &stale):
		p := problem(http.StatusPreconditionFailed, "stale-token", "The lock has passed to another holder", err)
		p.Lock, p.Token = stale.Fence.Lock(), stale.Fence.TokenText()
		if stale.Newest > 0 {
			p.Newest = strconv.FormatUint(stale.Newest, 10)
		}
		return p
	case errors.Is(err, errNoToken):
		return problem(http.StatusPreconditionRequired, "no-token", "A fencing token is required", err)
	case errors.As(err, &bad):
		return problem(http.StatusBadRequest, "bad-token", "The fencing headers cannot be understood", err)
	case errors.As(err, &large):
		return problem(http.StatusRequestEntityTooLarge, "too-large", "The body is too large", fmt.Errorf("the limit of this guard is %d bytes", large.Limit))
	case errors.Is(err, context.DeadlineExceeded):
		return problem(http.StatusServiceUnavailable, "busy", "Requests with an older token are still at work", err)
	}
	return problem(http.StatusServiceUnavailable, "unavailable", "The token cannot be checked now", err)
}

func (p Problem) write(writer http.ResponseWriter) {
	body, err := json.Marshal(p)
	if err != nil {
		body = []byte("{}") // a struct of strings always marshals
	}
	writer.Header().Set("Content-Type", "application/problem+json")
	writer.Header().Set("Cache-Control", "no-store")
	if p.Status == http.StatusServiceUnavailable {
		writer.Header().Set("Retry-After", "1")
	}
	writer.WriteHeader(p.Status)
	_, _ = writer.Write(body) // the client has gone if this fails
}
