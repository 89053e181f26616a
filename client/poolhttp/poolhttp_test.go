package poolhttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/client/clienttest"
	"github.com/coordd/coordd/client/poolhttp"
)

func byUser(r *http.Request) (string, bool) {
	user := r.URL.Query().Get("user")
	return user, user != ""
}

// startWorker serves a pool over HTTP. It answers who it is, its token, and what it was sent.
func startWorker(t *testing.T, pool *client.Pool, id string) *client.Worker {
	t.Helper()
	var guarded http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { guarded.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	worker, err := pool.Join(t.Context(), client.WorkerConfig{ID: id, Address: server.Listener.Addr().String()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	guarded = poolhttp.Guard(worker, byUser, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		fmt.Fprintf(w, "%s %v %s", id, poolhttp.Token(r.Context()) > 0, body)
	}))
	return worker
}

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func TestRequestsReachTheOwner(t *testing.T) {
	cluster := clienttest.Start(t)
	pool := cluster.Client().Pool("users")
	if _, err := pool.Create(t.Context(), client.PoolSettings{Partitions: 16, Debounce: -1}); err != nil {
		t.Fatal(err)
	}
	one := startWorker(t, pool, "one")
	two := startWorker(t, cluster.Client().Pool("users"), "two")
	await(t, "each serves half", func() bool { return len(one.Owned()) == 8 && len(two.Owned()) == 8 })
	router, err := cluster.Client().Pool("users").Router(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the router knows it", func() bool { return router.Version() >= one.Router().Version() })
	connections := &http.Transport{}
	defer connections.CloseIdleConnections()
	web := &http.Client{Transport: &poolhttp.Transport{Router: router, Key: byUser, Base: connections}}
	seen := map[string]int{}
	for i := range 40 {
		user := fmt.Sprint("user", i)
		answer, err := web.Post("http://users/?user="+user, "text/plain", strings.NewReader("hello "+user))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		if err != nil || answer.Body.Close() != nil {
			t.Fatal(err)
		}
		if want := router.Lookup(user).Owner.ID + " true hello " + user; string(text) != want {
			t.Errorf("got %q, want %q", text, want)
		}
		seen[router.Lookup(user).Owner.ID]++
	}
	if seen["one"] == 0 || seen["two"] == 0 {
		t.Errorf("all requests went one way: %v", seen)
	}
	if _, err := web.Get("http://users/"); !errors.Is(err, poolhttp.ErrNoKey) {
		t.Errorf("a request without a key: %v", err)
	}
	// What does not come by way of the router may come to the wrong worker.
	user := userOf(router, "two")
	refused := get(t, connections, addressOf(router, "one"), user, "")
	if refused.StatusCode != http.StatusMisdirectedRequest || refused.Header.Get(poolhttp.HeaderOwner) != "two" || refused.Header.Get(poolhttp.HeaderAddress) != addressOf(router, "two") ||
		refused.Header.Get(poolhttp.HeaderPartition) != fmt.Sprint(router.Partition(user)) {
		t.Errorf("the wrong worker answered %s %v", refused.Status, refused.Header)
	}
	if other := get(t, connections, addressOf(router, "two"), user, "1-0"); other.StatusCode != http.StatusMisdirectedRequest || other.Header.Get(poolhttp.HeaderOwner) != "" {
		t.Errorf("a request of another incarnation was answered %s %v", other.Status, other.Header)
	}
	if none := get(t, connections, addressOf(router, "two"), "", ""); none.StatusCode != http.StatusBadRequest {
		t.Errorf("a request without a key was answered %s", none.Status)
	}
	for _, worker := range []*client.Worker{one, two} {
		if err := worker.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

// A worker that is dead cannot be dialled: the request waits until another owns the key.
func TestADeadWorkersRequestsWait(t *testing.T) {
	cluster := clienttest.Start(t)
	pool := cluster.Client().Pool("users")
	if _, err := pool.Create(t.Context(), client.PoolSettings{Partitions: 4, Debounce: -1}); err != nil {
		t.Fatal(err)
	}
	dead, err := pool.Join(t.Context(), client.WorkerConfig{ID: "dead", Address: "127.0.0.1:1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	router, err := pool.Router(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	await(t, "it owns all", func() bool { return router.At(0).Owner.ID == "dead" })
	dials := 0
	connections := &http.Transport{}
	defer connections.CloseIdleConnections()
	web := &http.Client{Transport: &poolhttp.Transport{Router: router, Key: byUser, Base: roundTripper(func(r *http.Request) (*http.Response, error) {
		if dials++; dials == 3 {
			alive := startWorker(t, cluster.Client().Pool("users"), "alive")
			t.Cleanup(func() { _ = alive.Close(context.Background()) })
			if err := dead.Close(r.Context()); err != nil {
				t.Error(err)
			}
		}
		return connections.RoundTrip(r)
	})}}
	answer, err := web.Get("http://users/?user=x")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || string(text) != "alive true " || dials < 4 {
		t.Errorf("got %q, %v after %d dials", text, err, dials)
	}
}

// A body that is too large to be kept is sent once; whoever sent it sees the refusal.
func TestLargeBodiesAreSentOnce(t *testing.T) {
	cluster := clienttest.Start(t)
	pool := cluster.Client().Pool("users")
	if _, err := pool.Create(t.Context(), client.PoolSettings{Partitions: 4, Debounce: -1}); err != nil {
		t.Fatal(err)
	}
	sent := 0
	misdirecting := roundTripper(func(r *http.Request) (*http.Response, error) {
		sent++
		body, err := io.ReadAll(r.Body)
		if err != nil || len(body) != 11 {
			t.Errorf("the body has %d bytes, %v", len(body), err)
		}
		return &http.Response{StatusCode: http.StatusMisdirectedRequest, Body: http.NoBody,
			Header: http.Header{poolhttp.HeaderPool: {"users"}, poolhttp.HeaderIncarnation: {r.Header.Get(poolhttp.HeaderIncarnation)}}}, nil
	})
	worker := startWorker(t, pool, "one")
	await(t, "it serves all", func() bool { return len(worker.Owned()) == 4 })
	transport := &poolhttp.Transport{Router: worker.Router(), Key: byUser, Base: misdirecting, MaxBody: 10}
	await(t, "the router knows it", func() bool { return worker.Router().At(0).Owner.ID == "one" })
	request := httptest.NewRequest(http.MethodPost, "http://users/?user=x", strings.NewReader("eleven byte"))
	answer, err := transport.RoundTrip(request)
	if err != nil || answer.StatusCode != http.StatusMisdirectedRequest || sent != 1 {
		t.Errorf("sent %d times: %v, %v", sent, answer, err)
	}
	transport.MaxBody = 11
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	request = httptest.NewRequest(http.MethodPost, "http://users/?user=x", strings.NewReader("eleven byte")).WithContext(ctx)
	if _, err := transport.RoundTrip(request); !errors.Is(err, client.ErrNoOwner) || sent < 3 {
		t.Errorf("sent %d times in all: %v", sent, err)
	}
	if err := worker.Leave(t.Context()); err != nil {
		t.Error(err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func userOf(router *client.Router, owner string) string {
	for i := 0; ; i++ {
		if user := fmt.Sprint("user", i); router.Lookup(user).Owner.ID == owner {
			return user
		}
	}
}

func addressOf(router *client.Router, id string) string {
	for _, member := range router.Members() {
		if member.ID == id {
			return member.Address
		}
	}
	return ""
}

func get(t *testing.T, by http.RoundTripper, address, user, incarnation string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/?user="+user, nil)
	if err != nil {
		t.Fatal(err)
	}
	if incarnation != "" {
		request.Header.Set(poolhttp.HeaderIncarnation, incarnation)
	}
	answer, err := by.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil {
		t.Error(err)
	}
	return answer
}
