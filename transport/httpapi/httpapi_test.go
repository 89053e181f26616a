package httpapi

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/coordd/coordd/transport"
)

// fixedNode is a node whose status never changes.
type fixedNode transport.Status

func (n fixedNode) Status() transport.Status { return transport.Status(n) }

func readyNode() fixedNode {
	return fixedNode{
		NodeID: "n1", ClusterID: "c1", ClusterName: "dev", Role: transport.RoleLeader, LeaderID: "n1", Term: 4,
		CommitIndex: 90, AppliedIndex: 89, LastIndex: 91, NowMs: 12_500, Ready: true, StartedAt: time.Unix(1_700_000_000, 0),
		Sessions: 3, Locks: 2, Names: 7, Waiters: 1,
		Members: []transport.Member{{NodeID: "n1", Voter: true}, {NodeID: "n2", Voter: true}, {NodeID: "n3"}},
	}
}

func handlerFor(node fixedNode, authorize func(*http.Request) bool) http.Handler {
	registry := prometheus.NewRegistry()
	build := Build{Version: "v1.2.3", GoVersion: "go1.26"}
	RegisterMetrics(registry, node, build)
	return NewHandler(Config{Node: node, Metrics: registry, Build: build, Authorize: authorize})
}

func get(t *testing.T, handler http.Handler, method, path string, prepare func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	if prepare != nil {
		prepare(request)
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder
}

func TestProbes(t *testing.T) {
	ready := handlerFor(readyNode(), nil)
	waiting := handlerFor(fixedNode{Role: transport.RoleWaiting, ReadyReason: "no leader is known"}, nil)
	silent := handlerFor(fixedNode{Role: transport.RoleCandidate}, nil)
	cases := []struct {
		name    string
		handler http.Handler
		path    string
		status  int
		body    string
	}{
		{"a live node is live", ready, "/livez", 200, "ok\n"},
		{"a node without a leader is live all the same", waiting, "/livez", 200, "ok\n"},
		{"a ready node is ready", ready, "/readyz", 200, "ok\n"},
		{"a waiting node says why", waiting, "/readyz", 503, "no leader is known\n"},
		{"a node that gives no reason gets one", silent, "/readyz", 503, "this node is candidate and cannot serve yet\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			answer := get(t, c.handler, http.MethodGet, c.path, nil)
			if answer.Code != c.status || answer.Body.String() != c.body {
				t.Errorf("%d %q, want %d %q", answer.Code, answer.Body, c.status, c.body)
			}
		})
	}
}

func TestStatusIsTheNodesStatus(t *testing.T) {
	answer := get(t, handlerFor(readyNode(), nil), http.MethodGet, "/status", nil)
	var status transport.Status
	if err := json.Unmarshal(answer.Body.Bytes(), &status); err != nil {
		t.Fatal(err)
	}
	if status.NodeID != "n1" || status.AppliedIndex != 89 || len(status.Members) != 3 {
		t.Errorf("status came back as %+v", status)
	}
	if kind := answer.Header().Get("Content-Type"); kind != "application/json" {
		t.Errorf("content type %q", kind)
	}
}

func TestVersion(t *testing.T) {
	answer := get(t, handlerFor(readyNode(), nil), http.MethodGet, "/version", nil)
	var build Build
	if err := json.Unmarshal(answer.Body.Bytes(), &build); err != nil || build.Version != "v1.2.3" {
		t.Errorf("version %q: %v", answer.Body, err)
	}
}

func TestMetricsFollowTheStatus(t *testing.T) {
	body := get(t, handlerFor(readyNode(), nil), http.MethodGet, "/metrics", nil).Body.String()
	for _, line := range []string{
		"coordd_ready 1", "coordd_is_leader 1", "coordd_term 4", "coordd_commit_index 90", "coordd_applied_index 89",
		"coordd_replicated_time_seconds 12.5", "coordd_sessions 3", "coordd_members 3", "coordd_voters 2", "coordd_start_time_seconds 1.7e+09",
		`coordd_build_info{go_version="go1.26",version="v1.2.3"} 1`,
	} {
		if !strings.Contains(body, "\n"+line+"\n") {
			t.Errorf("metrics lack the line %q", line)
		}
	}
	for _, prefix := range []string{"go_goroutines", "process_"} {
		if !strings.Contains(body, "\n"+prefix) {
			t.Errorf("metrics lack %s…", prefix)
		}
	}
}

// Every route is asked with no, wrong and right credentials, so that a route added later cannot be open by accident.
func TestEveryRouteIsOpenOrAsksForCredentials(t *testing.T) {
	handler := handlerFor(readyNode(), func(r *http.Request) bool {
		user, password, _ := r.BasicAuth()
		return user == "ops" && password == "right"
	})
	open := map[string]bool{"/livez": true, "/readyz": true}
	for _, route := range Routes {
		for password, want := range map[string]int{"": 401, "wrong": 401, "right": 200} {
			if open[route.Path] {
				want = 200
			}
			answer := get(t, handler, http.MethodGet, route.Path, func(r *http.Request) {
				if password != "" {
					r.SetBasicAuth("ops", password)
				}
			})
			if answer.Code != want {
				t.Errorf("%s with password %q: %d, want %d", route.Path, password, answer.Code, want)
			}
			if want == 401 && (answer.Header().Get("WWW-Authenticate") == "" || !strings.Contains(answer.Body.String(), "no_auth")) {
				t.Errorf("%s refuses without saying how to authenticate: %s", route.Path, answer.Body)
			}
		}
	}
}

func TestOnlyReadingIsAllowed(t *testing.T) {
	handler := handlerFor(readyNode(), nil)
	for _, route := range Routes {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
			answer := get(t, handler, method, route.Path, nil)
			if answer.Code != http.StatusMethodNotAllowed || answer.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, Allow %q", method, route.Path, answer.Code, answer.Header().Get("Allow"))
			}
		}
		if answer := get(t, handler, http.MethodHead, route.Path, nil); answer.Code != http.StatusOK {
			t.Errorf("HEAD %s: %d", route.Path, answer.Code)
		}
	}
}

func TestUnknownPathNamesTheKnownOnes(t *testing.T) {
	answer := get(t, handlerFor(readyNode(), nil), http.MethodGet, "/health", nil)
	if answer.Code != http.StatusNotFound || !strings.Contains(answer.Body.String(), "/livez /readyz /metrics /status /version") {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
}

// startServer serves on a loopback port until the test ends, and gives its address.
func startServer(t *testing.T, server *Server) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return listener.Addr().String()
}

func TestServerRefusesHugeHeaders(t *testing.T) {
	node := readyNode()
	address := startServer(t, NewServer(Config{Node: node, Metrics: prometheus.NewRegistry()}))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/livez", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Filler", strings.Repeat("x", 2*maxHeaderBytes))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %s", response.Status)
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	limited := limitConnections(inner, 1)
	accepted := make(chan net.Conn)
	go func() {
		defer close(accepted)
		for {
			connection, err := limited.Accept()
			if err != nil {
				return
			}
			accepted <- connection
		}
	}()
	dial := func() net.Conn {
		connection, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return connection
	}
	defer dial().Close()
	defer dial().Close()
	first := <-accepted
	select {
	case <-accepted:
		t.Fatal("a second connection was accepted while the only place was taken")
	case <-time.After(50 * time.Millisecond):
	}
	first.Close()
	first.Close() // a second Close must not give a second place back
	second, open := <-accepted
	if !open {
		t.Fatal("the freed place was not given away")
	}
	// Accept now waits for a place; closing the listener must end it although no place comes free.
	limited.Close()
	if _, open := <-accepted; open {
		t.Error("a connection was accepted after Close")
	}
	io.WriteString(second, "bye")
	second.Close()
}
