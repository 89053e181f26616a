package httpapi

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport"
	"github.com/coordd/coordd/transport/httpapi/rest"
)

// Route is one row of the table of routes.
type Route struct {
	Path    string
	Open    bool   // answered without credentials, also when Config.Authorize is set
	Purpose string // one line for people

	handler func(*door) http.Handler
}

// Routes is every path about the node itself. All of them take GET and HEAD only.
var Routes = []Route{
	{"/livez", true, "200 while the process serves", (*door).live},
	{"/readyz", true, "200 when this node can serve requests, 503 and why otherwise", (*door).ready},
	{"/metrics", false, "Prometheus metrics", (*door).metrics},
	{"/status", false, "how this node sees itself and the cluster, as JSON", (*door).status},
	{"/version", false, "what was built, as JSON", (*door).version},
}

// door is what the handlers share. It never changes after it was made.
type door struct {
	config Config
	logger *slog.Logger
}

// NewHandler makes the handler of all routes, for a program that has an HTTP server of its own. [NewServer] adds the limits of a public port.
func NewHandler(config Config) http.Handler {
	handler, _ := newHandler(config)
	return handler
}

// newHandler also gives the API of the lock service, nil when there is none.
func newHandler(config Config) (http.Handler, *rest.API) {
	d := &door{config: config, logger: config.logger()}
	node := d.aboutNode()
	if config.Dial == nil {
		return node, nil
	}
	api := rest.New(rest.Config{Dial: config.Dial, Authorize: config.Authorize})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rest.Serves(r.URL.Path) { // not by the mux, which would redirect paths whose names it finds untidy
			api.ServeHTTP(w, r)
			return
		}
		node.ServeHTTP(w, r)
	}), api
}

// aboutNode serves the table of routes.
func (d *door) aboutNode() http.Handler {
	mux := http.NewServeMux()
	for _, route := range Routes {
		handler := route.handler(d)
		if !route.Open {
			handler = d.authorized(handler)
		}
		mux.Handle("GET "+route.Path, handler)
	}
	mux.HandleFunc("/", d.unknown)
	return mux
}

// authorized lets a request through when nobody has to authenticate or it shows that it may.
func (d *door) authorized(next http.Handler) http.Handler {
	if d.config.Authorize == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !d.config.Authorize(r) {
			w.Header().Set("WWW-Authenticate", `Basic realm="coordd"`)
			writeError(w, transport.OutcomeOf(command.CodeNoAuth), "this path needs the name and password of a coordd user, as HTTP basic credentials, or a client certificate")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (d *door) live() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeText(w, http.StatusOK, "ok")
	})
}

func (d *door) ready() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		status := d.config.Node.Status()
		if !status.Ready {
			writeText(w, http.StatusServiceUnavailable, notReadyReason(status))
			return
		}
		writeText(w, http.StatusOK, "ok")
	})
}

// notReadyReason never leaves an operator without a sentence, also when a node gave none.
func notReadyReason(status transport.Status) string {
	if status.ReadyReason != "" {
		return status.ReadyReason
	}
	return fmt.Sprintf("this node is %s and cannot serve yet", status.Role)
}

func (d *door) metrics() http.Handler {
	return promhttp.HandlerFor(d.config.Metrics, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(d.logger.Handler(), slog.LevelWarn),
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: maxScrapesInFlight,
		Timeout:             scrapeTimeout,
	})
}

func (d *door) status() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, d.config.Node.Status())
	})
}

func (d *door) version() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, d.config.Build)
	})
}

// unknown answers what no route takes: a known path with another method, or a path that is not there, with those that are.
func (d *door) unknown(w http.ResponseWriter, r *http.Request) {
	paths := make([]string, 0, len(Routes))
	for _, route := range Routes {
		if route.Path == r.URL.Path {
			w.Header().Set("Allow", "GET, HEAD")
			writeError(w, transport.MethodNotAllowed, route.Path+" takes GET and HEAD only; "+d.whereLocksAre())
			return
		}
		paths = append(paths, route.Path)
	}
	writeError(w, transport.NotFound, "there is no such path; there are "+strings.Join(paths, " ")+"; "+d.whereLocksAre())
}

// whereLocksAre helps those who look for locks on the wrong path.
func (d *door) whereLocksAre() string {
	if d.config.Dial == nil {
		return "locks are taken at the Redis port"
	}
	return "locks are taken below /v1, see " + rest.DocumentPath
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// A client that went away is its own affair, so a failed write is not reported.
	_, _ = fmt.Fprintln(w, text)
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		writeError(w, transport.Internal, "the answer could not be encoded: "+err.Error()) // an error itself can always be
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// errorBody is the shape of every error of this door.
type errorBody struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// writeError answers with a row of the error table.
func writeError(w http.ResponseWriter, outcome transport.Outcome, message string) {
	var body errorBody
	body.Error.Code, body.Error.Message = outcome.Name, message
	writeJSON(w, outcome.Status, body)
}
