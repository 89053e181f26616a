package poolhttp

import (
	"context"
	"errors"
	"net/http"

	"github.com/coordd/coordd/client"
)

// KeyFunc tells the key of a request, and false when it has none.
type KeyFunc func(*http.Request) (key string, ok bool)

// KeyHeader is the KeyFunc that believes what a [Transport] has written into the request. It suits workers that only routers can reach.
func KeyHeader(r *http.Request) (key string, ok bool) {
	key = r.Header.Get(HeaderKey)
	return key, key != ""
}

// Guard hands to next only the requests whose key the worker serves. Their context ends before anybody else can own the key's partition, and [Token] finds the fencing token in it. A partition is not
// handed over before its requests have been answered. Other requests are refused: 421 with the owner in the headers, or 400 without a key.
//
// A request without HeaderIncarnation is judged by its key alone.
func Guard(worker *client.Worker, key KeyFunc, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		of, ok := key(r)
		if !ok {
			http.Error(w, "the request has no key by which its worker is chosen", http.StatusBadRequest)
			return
		}
		serve := func(ctx context.Context, token uint64) error {
			next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, tokenKey{}, token)))
			return nil
		}
		var err error
		if incarnation := r.Header.Get(HeaderIncarnation); incarnation != "" {
			err = worker.DoFor(r.Context(), incarnation, of, serve)
		} else {
			err = worker.Do(r.Context(), of, serve)
		}
		var refusal *client.NotOwnerError
		if errors.As(err, &refusal) {
			refuse(w, refusal)
		}
	})
}

type tokenKey struct{}

// Token is the fencing token under which the worker owns the request's key; 0 outside of Guard.
func Token(ctx context.Context) uint64 {
	token, _ := ctx.Value(tokenKey{}).(uint64)
	return token
}
