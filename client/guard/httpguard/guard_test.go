package httpguard_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coordd/coordd/client/guard"
	"github.com/coordd/coordd/client/guard/httpguard"
)

func fence(t testing.TB, lock string, token uint64) guard.Fence {
	t.Helper()
	made, err := guard.New(lock, token)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func guarded(t testing.TB, options httpguard.Options) *httpguard.Guard {
	t.Helper()
	if options.Lock == nil {
		options.Lock = httpguard.FromHeader
	}
	g, err := httpguard.New(httpguard.NewMemory(0), options)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// echo answers with the body it got.
var echo = http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) { io.Copy(writer, request.Body) })

func send(t testing.TB, handler http.Handler, method, body string, headers ...string) (int, httpguard.Problem) {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, "/thing", strings.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	var problem httpguard.Problem
	if recorder.Code >= 400 {
		if kind := recorder.Header().Get("Content-Type"); kind != "application/problem+json" {
			t.Errorf("status %d with content type %q", recorder.Code, kind)
		}
		if err := json.Unmarshal(recorder.Body.Bytes(), &problem); err != nil || problem.Status != recorder.Code || problem.Detail == "" {
			t.Errorf("status %d with body %s (%v)", recorder.Code, recorder.Body, err)
		}
	}
	return recorder.Code, problem
}

func put(t testing.TB, handler http.Handler, token string) (int, httpguard.Problem) {
	t.Helper()
	return send(t, handler, http.MethodPut, "x", httpguard.LockHeader, "job", httpguard.TokenHeader, token)
}

func TestAnOlderTokenIsAnswered412(t *testing.T) {
	handler := guarded(t, httpguard.Options{}).Wrap(echo)
	for _, token := range []string{"33", "33", "34"} {
		if status, _ := put(t, handler, token); status != http.StatusOK {
			t.Fatalf("token %s: status %d", token, status)
		}
	}
	status, problem := put(t, handler, "33")
	if status != http.StatusPreconditionFailed || problem.Type != "urn:coordd:problem:stale-token" || problem.Lock != "job" || problem.Token != "33" || problem.Newest != "34" {
		t.Errorf("got %d, %+v", status, problem)
	}
	if status, _ := send(t, handler, http.MethodPut, "", httpguard.LockHeader, "other", httpguard.TokenHeader, "1"); status != http.StatusOK {
		t.Errorf("another lock: status %d", status)
	}
}

func TestWhatCannotBeUnderstoodIsRefused(t *testing.T) {
	g := guarded(t, httpguard.Options{MaxBodyBytes: 10})
	for name, c := range map[string]struct {
		method, body string
		headers      []string
		want         int
	}{
		"no token":             {http.MethodPost, "", nil, http.StatusPreconditionRequired},
		"no lock":              {http.MethodPost, "", []string{httpguard.TokenHeader, "33"}, http.StatusBadRequest},
		"two tokens":           {http.MethodPost, "", []string{httpguard.LockHeader, "job", httpguard.TokenHeader, "33", httpguard.TokenHeader, "34"}, http.StatusBadRequest},
		"two locks":            {http.MethodPost, "", []string{httpguard.LockHeader, "job", httpguard.LockHeader, "other", httpguard.TokenHeader, "34"}, http.StatusBadRequest},
		"a word":               {http.MethodPost, "", []string{httpguard.LockHeader, "job", httpguard.TokenHeader, "newest"}, http.StatusBadRequest},
		"zero":                 {http.MethodPost, "", []string{httpguard.LockHeader, "job", httpguard.TokenHeader, "0"}, http.StatusBadRequest},
		"too great":            {http.MethodPost, "", []string{httpguard.LockHeader, "job", httpguard.TokenHeader, "9223372036854775808"}, http.StatusBadRequest},
		"bad percent":          {http.MethodPost, "", []string{httpguard.LockHeader, "100%", httpguard.TokenHeader, "33"}, http.StatusBadRequest},
		"a name too long":      {http.MethodPost, "", []string{httpguard.LockHeader, strings.Repeat("x", 513), httpguard.TokenHeader, "33"}, http.StatusBadRequest},
		"a body at the limit":  {http.MethodPost, "0123456789", []string{httpguard.LockHeader, "job", httpguard.TokenHeader, "33"}, http.StatusOK},
		"a body too long":      {http.MethodPost, "0123456789a", []string{httpguard.LockHeader, "job", httpguard.TokenHeader, "33"}, http.StatusRequestEntityTooLarge},
		"reading":              {http.MethodGet, "", nil, http.StatusOK},
		"reading with a token": {http.MethodGet, "", []string{httpguard.LockHeader, "job", httpguard.TokenHeader, "x"}, http.StatusBadRequest},
		"a token, no name":     {http.MethodGet, "", []string{httpguard.LockHeader, "", httpguard.TokenHeader, "3"}, http.StatusBadRequest},
	} {
		if status, problem := send(t, g.Wrap(echo), c.method, c.body, c.headers...); status != c.want {
			t.Errorf("%s: got %d (%s), want %d", name, status, problem.Detail, c.want)
		}
	}
	for name, options := range map[string]httpguard.Options{"no lock": {}, "a negative wait": {Lock: httpguard.FromHeader, MaxWait: -1}} {
		if _, err := httpguard.New(httpguard.NewMemory(0), options); err == nil {
			t.Errorf("options with %s were taken", name)
		}
	}
}

func TestNamesTravelInHeaders(t *testing.T) {
	for _, lock := range []string{"job", "nightly report", "100%", "作業\r\nX: y"} {
		header := http.Header{}
		httpguard.SetHeaders(header, fence(t, lock, 33))
		got, err := httpguard.FromHeader(&http.Request{Header: header})
		if err != nil || got != lock || strings.ContainsAny(header.Get(httpguard.LockHeader), "\r\n") {
			t.Errorf("%q came as %q: %v", lock, got, err)
		}
	}
}

// slow stands for a handler that is at work until it is told to end.
type slow struct{ begun, end chan struct{} }

func (s slow) ServeHTTP(http.ResponseWriter, *http.Request) {
	s.begun <- struct{}{}
	<-s.end
}

// A comparison at the door is not enough: what an older holder began must be over before a newer one is let in, and nothing of the older one is let in meanwhile.
func TestANewerTokenWaitsForOlderRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		work := slow{make(chan struct{}, 9), make(chan struct{})}
		handler := guarded(t, httpguard.Options{MaxWait: time.Minute}).Wrap(work)
		statuses := make(chan int, 9)
		ask := func(token string) { status, _ := put(t, handler, token); statuses <- status }
		go ask("33")
		go ask("33")
		synctest.Wait()
		if len(work.begun) != 2 {
			t.Fatalf("%d requests of the same token are at work, want 2", len(work.begun))
		}
		go ask("34")
		synctest.Wait()
		if len(work.begun) != 2 {
			t.Fatal("the newer request was let in beside older ones")
		}
		if status, _ := put(t, handler, "33"); status != http.StatusPreconditionFailed {
			t.Errorf("an older request behind a newer one that waits: status %d", status)
		}
		work.end <- struct{}{}
		synctest.Wait()
		if len(work.begun) != 2 {
			t.Fatal("the newer request was let in while one older is at work")
		}
		work.end <- struct{}{}
		synctest.Wait()
		if len(work.begun) != 3 {
			t.Fatal("the newer request was not let in after the older ones had ended")
		}
		work.end <- struct{}{}
		for range 3 {
			if status := <-statuses; status != http.StatusOK {
				t.Errorf("status %d", status)
			}
		}
	})
}

// A request that waits is overtaken: its token is not the newest any more when its turn comes.
func TestARequestThatWaitedIsComparedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		work := slow{make(chan struct{}, 9), make(chan struct{})}
		handler := guarded(t, httpguard.Options{MaxWait: time.Minute}).Wrap(work)
		answers := map[string]chan int{}
		for _, token := range []string{"33", "34", "35"} {
			answer := make(chan int, 1)
			answers[token] = answer
			go func() { status, _ := put(t, handler, token); answer <- status }()
			synctest.Wait()
		}
		close(work.end)
		for token, want := range map[string]int{"33": http.StatusOK, "34": http.StatusPreconditionFailed, "35": http.StatusOK} {
			if got := <-answers[token]; got != want {
				t.Errorf("token %s: status %d, want %d", token, got, want)
			}
		}
	})
}

func TestWaitingHasALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		work := slow{make(chan struct{}, 9), make(chan struct{})}
		handler := guarded(t, httpguard.Options{MaxWait: time.Second}).Wrap(work)
		done := make(chan struct{})
		go func() { defer close(done); put(t, handler, "33") }()
		synctest.Wait()
		begun := time.Now()
		if status, problem := put(t, handler, "34"); status != http.StatusServiceUnavailable || time.Since(begun) != time.Second {
			t.Errorf("status %d after %v: %s", status, time.Since(begun), problem.Detail)
		}
		if status, _ := put(t, handler, "33"); status != http.StatusPreconditionFailed {
			t.Errorf("the newer token was forgotten: status %d", status)
		}
		close(work.end)
		<-done
	})
}

func TestVerifyIsAskedBeforeTheMarkMoves(t *testing.T) {
	unreachable := errors.New("the cluster is unreachable")
	var answer error
	handler := guarded(t, httpguard.Options{Verify: func(context.Context, guard.Fence) error { return answer }}).Wrap(echo)
	answer = &guard.StaleError{Fence: fence(t, "job", 9000)}
	if status, _ := put(t, handler, "9000"); status != http.StatusPreconditionFailed {
		t.Errorf("a token that nobody has: status %d", status)
	}
	answer = unreachable
	if status, problem := put(t, handler, "9000"); status != http.StatusServiceUnavailable || !strings.Contains(problem.Detail, "unreachable") {
		t.Errorf("without an answer: %d %+v", status, problem)
	}
	answer = nil
	if status, _ := put(t, handler, "33"); status != http.StatusOK {
		t.Errorf("the mark moved for a token that was refused: status %d", status)
	}
}

func TestMemoryRefusesLocksBeyondItsLimitAndForgetsNone(t *testing.T) {
	marks := httpguard.NewMemory(2)
	enter := func(lock string, token uint64) error {
		leave, err := marks.Enter(t.Context(), fence(t, lock, token))
		if err == nil {
			leave()
		}
		return err
	}
	if err := errors.Join(enter("a", 5), enter("b", 5), enter("a", 6)); err != nil {
		t.Fatal(err)
	}
	if err := enter("c", 9); err == nil || errors.Is(err, guard.ErrStale) {
		t.Errorf("a third lock: %v", err)
	}
	if err := enter("a", 5); !errors.Is(err, guard.ErrStale) {
		t.Errorf("an old token after that: %v", err)
	}
}

// The proxy passes requests on, and one whose client has gone away goes on to its end before the next holder is let in.
func TestProxyLetsNobodyInWhileTheUpstreamIsAtWork(t *testing.T) {
	begun, end := make(chan string, 9), make(chan struct{})
	upstream := httptest.NewServer(http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		begun <- request.Header.Get(httpguard.TokenHeader)
		if request.Header.Get(httpguard.TokenHeader) == "33" {
			<-end
		}
		io.Copy(writer, request.Body)
	}))
	defer upstream.Close()
	address, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := httpguard.NewProxy(address, guarded(t, httpguard.Options{}), httpguard.ProxyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(handler)
	defer proxy.Close()
	ask := func(ctx context.Context, token uint64) (int, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodPut, proxy.URL, strings.NewReader("content"))
		if err != nil {
			return 0, err
		}
		httpguard.SetHeaders(request.Header, fence(t, "job", token))
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return 0, err
		}
		defer response.Body.Close()
		_, err = io.Copy(io.Discard, response.Body)
		return response.StatusCode, err
	}
	impatient, leave := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() { _, err := ask(impatient, 33); gone <- err }()
	<-begun
	leave()
	if err := <-gone; err == nil {
		t.Fatal("the impatient client got an answer")
	}
	status := make(chan int, 1)
	go func() { got, _ := ask(t.Context(), 34); status <- got }()
	for got := 0; got != http.StatusPreconditionFailed; { // until 34 has been seen
		if got, err = ask(t.Context(), 32); err != nil {
			t.Fatal(err)
		}
		if got == http.StatusServiceUnavailable {
			t.Fatal("unavailable")
		}
	}
	select {
	case token := <-begun:
		t.Fatalf("token %s reached the upstream while 33 is at work", token)
	case <-time.After(50 * time.Millisecond):
	}
	close(end)
	if got := <-status; got != http.StatusOK {
		t.Errorf("the next holder got %d", got)
	}
	upstream.CloseClientConnections()
	upstream.Close()
	if got, _ := ask(t.Context(), 34); got != http.StatusBadGateway {
		t.Errorf("without an upstream: %d", got)
	}
	for _, bad := range []string{"", "ftp://x", "//x", "/path"} {
		address, _ := url.Parse(bad)
		if _, err := httpguard.NewProxy(address, guarded(t, httpguard.Options{}), httpguard.ProxyOptions{}); err == nil {
			t.Errorf("the upstream %q was taken", bad)
		}
	}
}
