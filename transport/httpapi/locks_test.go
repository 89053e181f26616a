package httpapi

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/coordd/coordd/transport/resp"
	"github.com/coordd/coordd/transport/transporttest"
)

// lockServer is a server with a whole lock service, whose limits of time the test changes.
func lockServer(t *testing.T, change func(*http.Server)) (url string, node *transporttest.Node) {
	t.Helper()
	node = transporttest.NewNode()
	door, err := resp.NewServer(resp.Config{Node: node})
	if err != nil {
		t.Fatal(err)
	}
	server := NewServer(Config{Node: readyNode(), Metrics: prometheus.NewRegistry(), Dial: door.Dial})
	change(server.http)
	address := startServer(t, server)
	t.Cleanup(func() {
		if err := door.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return "http://" + address, node
}

// A wait may last longer than a request may take to arrive or an answer to leave, and its connection is good for the next request.
func TestWaitsOutlastTheLimitsOfTheServer(t *testing.T) {
	url, node := lockServer(t, func(server *http.Server) {
		server.ReadTimeout, server.WriteTimeout = 100*time.Millisecond, 100*time.Millisecond
	})
	post := func(body string) (int, string) {
		t.Helper()
		response, err := http.Post(url+"/v1/locks/job/acquire", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(text)
	}
	const ttl = time.Minute // nothing ends by itself, however busy the machine is
	if status, text := post(`{"ttl_ms":60000}`); status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	for range 2 {
		began := time.Now()
		ended := time.AfterFunc(400*time.Millisecond, func() { node.Advance(ttl) })
		status, text := post(`{"ttl_ms":60000,"wait_ms":600000}`)
		ended.Stop()
		if status != http.StatusOK || time.Since(began) < 200*time.Millisecond {
			t.Errorf("after %s: %d %s", time.Since(began), status, text)
		}
	}
	if _, locks, _, waiters := node.Machine().Counts(); locks != 1 || waiters != 0 {
		t.Errorf("%d locks and %d waiters are left", locks, waiters)
	}
}

func TestStreamsOutlastTheLimitsOfTheServer(t *testing.T) {
	url, _ := lockServer(t, func(server *http.Server) {
		server.ReadTimeout, server.WriteTimeout = 100*time.Millisecond, 100*time.Millisecond
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/v1/events?name=job", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/event-stream")
	stream, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	first := make([]byte, 1<<10)
	if _, err := stream.Body.Read(first); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond) // longer than the limits: that is what is tested
	response, err := http.Post(url+"/v1/locks/job/acquire", "application/json", strings.NewReader(`{"ttl_ms":60000}`))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	n, err := stream.Body.Read(first)
	if err != nil || !strings.Contains(string(first[:n]), `"type":"began"`) {
		t.Errorf("%q, %v", first[:n], err)
	}
}

// Existing paths are as they were, and the lock service asks for what the other paths ask for.
func TestLocksBesideTheOtherPaths(t *testing.T) {
	door, err := resp.NewServer(resp.Config{Node: transporttest.NewFrozenNode()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := door.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	handler := NewHandler(Config{Node: readyNode(), Metrics: prometheus.NewRegistry(), Dial: door.Dial, Authorize: func(r *http.Request) bool {
		return r.Header.Get("X-Certificate") != ""
	}})
	with := func(r *http.Request) { r.Header.Set("X-Certificate", "yes") }
	for path, want := range map[string][2]int{"/livez": {200, 200}, "/status": {401, 200}, "/v1/locks": {401, 200}, "/v1/locks/a%2Fb": {401, 200}, "/openapi.json": {401, 200}, "/v1/x": {401, 404}, "/v2": {404, 404}} {
		if without := get(t, handler, http.MethodGet, path, nil); without.Code != want[0] {
			t.Errorf("%s without a certificate: %d %s", path, without.Code, without.Body)
		}
		if answer := get(t, handler, http.MethodGet, path, with); answer.Code != want[1] {
			t.Errorf("%s with one: %d %s", path, answer.Code, answer.Body)
		}
	}
	if lost := get(t, handler, http.MethodGet, "/locks", nil); !strings.Contains(lost.Body.String(), "/v1") {
		t.Errorf("an unknown path is answered with %s", lost.Body)
	}
}
