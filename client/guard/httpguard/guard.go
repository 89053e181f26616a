package httpguard

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coordd/coordd/client/guard"
)

// The headers.
const (
	TokenHeader = "Fencing-Token" // decimal digits
	LockHeader  = "Fencing-Lock"  // percent-encoded where it is not plain ASCII
)

// The defaults of Options.
const (
	DefaultMaxBodyBytes = 1 << 20
	DefaultMaxWait      = 10 * time.Second
)

// Options says what to guard. Lock is needed; the zero value of every other field means its default.
type Options struct {
	// Lock says which lock protects what a request is about. Better than to believe the client is to know: see [Fixed]. [FromHeader] believes it.
	Lock func(*http.Request) (string, error)

	// Unguarded says which requests need no token. The default are GET, HEAD and OPTIONS. A token that is sent nevertheless is checked.
	Unguarded func(*http.Request) bool

	// Verify, if set, is asked before a request is let in; see [guard.Cluster]. It makes the rule "equals current", and keeps a client that invents a great token from shutting out everybody else.
	Verify guard.Verify

	// MaxBodyBytes bounds the body, which is read before the request is let in: a client that stops in the middle of sending must not hold up the next holder. Negative
	// means that bodies are passed on as they come, which gives this up.
	MaxBodyBytes int64

	// MaxWait bounds how long a request waits until those with older tokens have been answered.
	MaxWait time.Duration
}

// Fixed is an Options.Lock for a resource that one lock protects.
func Fixed(lock string) func(*http.Request) (string, error) {
	return func(*http.Request) (string, error) { return lock, nil }
}

// FromHeader is an Options.Lock that believes the client's header. A client that names another lock than the one that protects the resource is not fenced, so it is for clients that can be trusted to name
// the right one, and may only err in being late.
func FromHeader(request *http.Request) (string, error) {
	value, err := single(request, LockHeader)
	if err != nil {
		return "", err
	}
	lock, err := url.PathUnescape(value)
	if err != nil {
		return "", fmt.Errorf("header %s is not percent-encoded: %w", LockHeader, err)
	}
	return lock, nil
}

// SetHeaders sets both headers of a request that is to be sent.
func SetHeaders(header http.Header, fence guard.Fence) {
	header.Set(LockHeader, url.PathEscape(fence.Lock()))
	header.Set(TokenHeader, fence.TokenText())
}

// Guard lets requests in by their tokens.
type Guard struct {
	marks   Marks
	options Options
}

// New makes a guard. Several may share marks.
func New(marks Marks, options Options) (*Guard, error) {
	if options.MaxBodyBytes == 0 {
		options.MaxBodyBytes = DefaultMaxBodyBytes
	}
	if options.MaxWait == 0 {
		options.MaxWait = DefaultMaxWait
	}
	if options.Unguarded == nil {
		options.Unguarded = safe
	}
	switch {
	case marks == nil:
		return nil, errors.New("httpguard needs marks: OpenFile, SQL or NewMemory")
	case options.Lock == nil:
		return nil, errors.New("Options.Lock is not set; say which lock protects the resource, for example httpguard.Fixed(\"nightly-report\")")
	case options.MaxWait < 0:
		return nil, errors.New("MaxWait must not be negative")
	}
	return &Guard{marks: marks, options: options}, nil
}

func safe(request *http.Request) bool {
	return request.Method == http.MethodGet || request.Method == http.MethodHead || request.Method == http.MethodOptions
}

// Wrap guards a handler. What the handler does must be over when it returns.
func (g *Guard) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		if len(request.Header.Values(TokenHeader)) == 0 && g.options.Unguarded(request) {
			next.ServeHTTP(writer, request)
			return
		}
		leave, err := g.admit(writer, request)
		if err != nil {
			problemOf(err).write(writer)
			return
		}
		defer leave()
		next.ServeHTTP(writer, request)
	})
}

// admit lets a request in, or says why not.
func (g *Guard) admit(writer http.ResponseWriter, request *http.Request) (leave func(), err error) {
	fence, err := g.fenceOf(request)
	if err != nil {
		return nil, err
	}
	if g.options.MaxBodyBytes > 0 {
		if err := buffer(writer, request, g.options.MaxBodyBytes); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(request.Context(), g.options.MaxWait)
	defer cancel()
	if g.options.Verify != nil {
		if err := g.options.Verify(ctx, fence); err != nil {
			return nil, err
		}
	}
	return g.marks.Enter(ctx, fence)
}

var errNoToken = errors.New("this needs the fencing token of the lock that protects it, in the header " + TokenHeader)

// badRequest is an error that the client has to correct.
type badRequest struct{ error }

func (g *Guard) fenceOf(request *http.Request) (guard.Fence, error) {
	if len(request.Header.Values(TokenHeader)) == 0 {
		return guard.Fence{}, errNoToken
	}
	token, err := single(request, TokenHeader)
	if err != nil {
		return guard.Fence{}, badRequest{err}
	}
	lock, err := g.options.Lock(request)
	if err != nil {
		return guard.Fence{}, badRequest{err}
	}
	fence, err := guard.Parse(lock, strings.TrimSpace(token))
	if err != nil {
		return guard.Fence{}, badRequest{err}
	}
	return fence, nil
}

// single is a header that must be there exactly once: of two, the next server might believe the other one.
func single(request *http.Request, name string) (string, error) {
	values := request.Header.Values(name)
	if len(values) != 1 {
		return "", fmt.Errorf("header %s must be sent exactly once, and came %d times", name, len(values))
	}
	return values[0], nil
}

// buffer reads the body to its end, within the limit.
func buffer(writer http.ResponseWriter, request *http.Request, limit int64) error {
	if request.Body == nil || request.Body == http.NoBody {
		return nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(writer, request.Body, limit))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	if err != nil {
		return badRequest{fmt.Errorf("the body could not be read: %w", err)}
	}
	request.Body = io.NopCloser(bytes.NewReader(body))
	request.ContentLength = int64(len(body))
	request.TransferEncoding = nil
	return nil
}
