package rest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/resp/wire"
)

// Limits of requests that are under way.
const (
	// maxWaiting bounds requests that wait, and streams, so that they leave connections to those that do not.
	maxWaiting = 256
	// writeTimeout is how long a client may take to read what is written to it.
	writeTimeout = 30 * time.Second
	// heartbeatEvery is how often a stream without news says that it lives.
	heartbeatEvery = 15 * time.Second
)

// Config is what the API needs.
type Config struct {
	// Dial connects to the Redis door of the node, which carries the commands out. client is the address for which the connection acts. Required.
	Dial func(ctx context.Context, client net.Addr) (net.Conn, error)
	// Authorize, when set, is asked about every request, as that of package httpapi is.
	Authorize func(*http.Request) bool
}

// API serves the paths under /v1 and /openapi.json. It implements http.Handler.
type API struct {
	config   Config
	lines    *pool
	waiting  chan struct{}
	document []byte
}

// New makes the API.
func New(config Config) *API {
	return &API{config: config, lines: newPool(config.Dial), waiting: make(chan struct{}, maxWaiting), document: Document()}
}

// Serves reports whether a path belongs to the API.
func Serves(path string) bool {
	return path == DocumentPath || path == "/v1" || strings.HasPrefix(path, "/v1/")
}

// Close ends the connections to the Redis door that no request uses.
func (a *API) Close() { a.lines.close() }

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p := a.serve(w, r); p != nil {
		allowWriting(w)
		p.write(w)
	}
}

// serve answers a request, or gives the problem that is its answer.
func (a *API) serve(w http.ResponseWriter, r *http.Request) *problem {
	if a.config.Authorize != nil && !a.config.Authorize(r) {
		return ofCode(command.CodeNoAuth, needsUser)
	}
	if r.URL.Path == DocumentPath {
		return a.serveDocument(w, r)
	}
	route, path, p := find(r.Method, r.URL.EscapedPath())
	if p != nil {
		return p
	}
	g, p := route.read(w, r, path)
	if p != nil {
		return p
	}
	words, p := route.words(g)
	if p != nil {
		return p
	}
	// From here on the time is that of the lock service: a wait may take a day. The body has been read, so what the server reads from now on is only whether
	// the client is still there.
	patiently(w)
	streams := route.streams && acceptsStream(r)
	if streams || g.waits() {
		select {
		case a.waiting <- struct{}{}:
			defer func() { <-a.waiting }()
		default:
			return ofCode(command.CodeBusy, "%d requests wait at this node's HTTP door, which is the limit; nothing was done; retry after a pause, or ask without waiting", maxWaiting)
		}
	}
	if streams {
		return a.stream(w, r, g)
	}
	alone := route.operators || route.keepalive || g.waits() || g.pushes()
	answer, p := a.lines.ask(r.Context(), userOf(r), clientOf(r), alone, words)
	if p != nil {
		return p
	}
	if answer.Type == wire.Error {
		return problemOf(answer)
	}
	allowWriting(w)
	route.answer.write(w, answer)
	return nil
}

// write tells the answer to a native command.
func (a *answer) write(w http.ResponseWriter, value wire.Value) {
	status := a.status
	var body []byte
	switch a.kind {
	case nothing:
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
		return
	case granted:
		s := a.shape
		if _, waits := value.Lookup("queued"); waits {
			status, s = http.StatusAccepted, placeShape
		}
		body = appendObject(nil, value, s)
	case counted:
		count := wire.Value{Type: wire.Integer, Integer: value.Integer} // OK is 0
		body = appendObject(nil, wire.Value{Type: wire.Map, Elements: []wire.Value{textValue("count"), count}}, a.shape)
	case listed:
		body = appendObject(nil, wire.Value{Type: wire.Map, Elements: []wire.Value{textValue(a.list), value}}, a.shape)
	default:
		body = appendObject(nil, value, a.shape)
		if id, ok := value.Lookup("session"); ok && status == http.StatusCreated {
			w.Header().Set("Location", "/v1/sessions/"+url.PathEscape(string(id.Text)))
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a client that went away is its own affair
}

func textValue(s string) wire.Value { return wire.Value{Type: wire.Bulk, Text: []byte(s)} }

// userOf is whom a request acts for.
func userOf(r *http.Request) user {
	name, password, given := r.BasicAuth()
	return user{given: given, name: name, password: password}
}

// address is that of an HTTP client, for what is kept about operators' acts.
type address string

// Network implements net.Addr.
func (address) Network() string { return "http" }

// String implements net.Addr.
func (a address) String() string { return string(a) }

func clientOf(r *http.Request) net.Addr { return address(r.RemoteAddr) }

// patiently takes the limits away that the server has put on reading and writing this request.
func patiently(w http.ResponseWriter) {
	controller := http.NewResponseController(w)
	ignoreUnsupported(controller.SetReadDeadline(time.Time{}))
	ignoreUnsupported(controller.SetWriteDeadline(time.Time{}))
}

// allowWriting gives the client so long to read an answer.
func allowWriting(w http.ResponseWriter) {
	ignoreUnsupported(http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout)))
}

// ignoreUnsupported is for deadlines: a writer without them has none to take away, and one whose connection has ended shows it by itself.
func ignoreUnsupported(err error) bool { return errors.Is(err, http.ErrNotSupported) }
