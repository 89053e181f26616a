package poolhttp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"

	"github.com/coordd/coordd/client"
)

// DefaultMaxBody is how large a body may be that is kept to be sent again.
const DefaultMaxBody = 1 << 20

// Transport is an http.RoundTripper that sends each request to the address of the worker that owns its key; host and port of the request's URL mean nothing. When that worker refuses or cannot
// be dialled, or the key has no owner just now, it looks again, for as long as [client.Router.Do] does. A request that may have reached a worker's handler is never sent twice: what became of one whose worker died,
// the caller must find out.
type Transport struct {
	Router *client.Router

	// Key tells the key of a request; one without a key is an error.
	Key KeyFunc

	// Base sends the requests; default http.DefaultTransport.
	Base http.RoundTripper

	// MaxBody bounds the bodies that are kept in memory, in bytes; default DefaultMaxBody. A larger one is sent once, and the refusal is then returned as the answer that it is.
	MaxBody int64
}

// ErrNoKey is returned for a request that has no key.
var ErrNoKey = errors.New("the request has no key by which its worker is chosen")

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	key, ok := t.Key(r)
	if !ok {
		closeBody(r)
		return nil, ErrNoKey
	}
	body, again, err := t.keep(r)
	if err != nil {
		return nil, err
	}
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	var answer *http.Response
	err = t.Router.Do(r.Context(), key, func(_ context.Context, to client.Route) error {
		// The request keeps its own context: that of Do ends with Do, and the answer's body is read later.
		sent := r.Clone(r.Context())
		sent.URL.Host, sent.Body = to.Owner.Address, body()
		sent.Header.Set(HeaderIncarnation, to.Incarnation)
		sent.Header.Set(HeaderKey, key)
		var err error
		if answer, err = base.RoundTrip(sent); err != nil {
			return unreached(err, to, again)
		}
		if refusal := refusalOf(answer, to.Incarnation); refusal != nil && again {
			_ = answer.Body.Close() // nothing in it is of use
			return refusal
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// unreached makes an error of a worker that could not be dialled one for which the router looks again: the worker has seen nothing of the request, and if it is dead, another will own the key.
func unreached(err error, to client.Route, again bool) error {
	var failure *net.OpError
	if !again || !errors.As(err, &failure) || failure.Op != "dial" {
		return err
	}
	return errors.Join(err, &client.NotOwnerError{Incarnation: to.Incarnation, Worker: to.Owner.ID, Partition: to.Partition, Version: to.Version, Owner: to.Owner.ID, Address: to.Owner.Address, Token: to.Token})
}

// keep reads a body that is small enough to be sent again. body gives it anew each time; a large one only once, and then again is false.
func (t *Transport) keep(r *http.Request) (body func() io.ReadCloser, again bool, err error) {
	if r.Body == nil || r.Body == http.NoBody {
		return func() io.ReadCloser { return r.Body }, true, nil
	}
	limit := t.MaxBody
	if limit == 0 {
		limit = DefaultMaxBody
	}
	begin, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		closeBody(r)
		return nil, false, err
	}
	if int64(len(begin)) > limit {
		rest := struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(begin), r.Body), r.Body}
		return func() io.ReadCloser { return rest }, false, nil
	}
	closeBody(r)
	return func() io.ReadCloser { return io.NopCloser(bytes.NewReader(begin)) }, true, nil
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close() // it is given up; an error would not change that
	}
}
