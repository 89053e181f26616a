package databases

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coordd/coordd/client/guard"
	"github.com/coordd/coordd/client/guard/httpguard"
	"github.com/coordd/coordd/client/guard/sqlguard"
)

// Two processes guard the same resource, with their marks in a database: neither forgets, and the one waits for what is at work in the other.
func TestS20_ReplicasOfAMiddlewareShareTheirMarks(t *testing.T) {
	eachEngine(t, sqlguard.Options{}, func(b *bench) {
		begun, end := make(chan struct{}, 9), make(chan struct{})
		handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { begun <- struct{}{}; <-end })
		replica := func() http.Handler {
			g, err := httpguard.New(httpguard.SQL(b.db, b.marks), httpguard.Options{Lock: httpguard.Fixed("accounts")})
			if err != nil {
				b.Fatal(err)
			}
			return g.Wrap(handler)
		}
		one, two := replica(), replica()
		ask := func(replica http.Handler, token string) <-chan int {
			status := make(chan int, 1)
			go func() {
				request := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/", nil)
				request.Header.Set(httpguard.TokenHeader, token)
				recorder := httptest.NewRecorder()
				replica.ServeHTTP(recorder, request)
				status <- recorder.Code
			}()
			return status
		}
		older := ask(one, "33")
		<-begun
		newer := ask(two, "34")
		select {
		case <-begun:
			b.Fatal("the newer request was let in while the older one is at work in the other replica")
		case status := <-newer:
			b.Fatalf("the newer request was answered %d", status)
		case <-time.After(150 * time.Millisecond):
		}
		close(end)
		if a, c := <-older, <-newer; a != http.StatusOK || c != http.StatusOK {
			b.Errorf("got %d and %d", a, c)
		}
		if status := <-ask(replica(), "33"); status != http.StatusPreconditionFailed {
			b.Errorf("a replica that has just started let 33 in: %d", status)
		}
	})
}

// A request that gives up waiting leaves no transaction behind: with two connections for all, the fifth round still gets them.
func TestMarksInADatabaseLetGoWhenTheWaitIsGivenUp(t *testing.T) {
	eachEngine(t, sqlguard.Options{}, func(b *bench) {
		b.db.SetMaxOpenConns(2)
		marks := httpguard.SQL(b.db, b.marks)
		for token := uint64(1); token <= 9; token += 2 {
			leave, err := marks.Enter(b.Context(), fence(b, "accounts", token))
			if err != nil {
				b.Fatal(err)
			}
			impatient, cancel := context.WithTimeout(b.Context(), 50*time.Millisecond)
			if _, err := marks.Enter(impatient, fence(b, "accounts", token+1)); err == nil || errors.Is(err, guard.ErrStale) {
				b.Errorf("token %d came in beside %d: %v", token+1, token, err)
			}
			cancel()
			leave()
		}
		if got := b.mark("accounts"); got != 9 {
			b.Errorf("the mark is %d, want 9", got)
		}
	})
}
