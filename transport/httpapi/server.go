package httpapi

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/coordd/coordd/transport"
	"github.com/coordd/coordd/transport/httpapi/rest"
)

// The limits of the public port. They are generous for probes and scrapers, and small enough that a crowd of slow or silent clients cannot take
// memory or descriptors away from the Redis door. Requests to the lock service that wait have no limit on time once they are read; package rest sees to that.
const (
	readHeaderTimeout  = 5 * time.Second
	readTimeout        = 10 * time.Second
	writeTimeout       = 30 * time.Second
	idleTimeout        = 60 * time.Second
	scrapeTimeout      = 10 * time.Second
	maxHeaderBytes     = 16 << 10
	maxScrapesInFlight = 4
	maxConnections     = 512
)

// StatusSource is the part of transport.Node that this door needs.
type StatusSource interface {
	// Status tells how the node sees itself and the cluster. It never blocks.
	Status() transport.Status
}

// Build says what program this is. The command fills it from the build information that the Go toolchain left in the binary.
type Build struct {
	Version   string `json:"version"`
	GoVersion string `json:"go_version"`
	Revision  string `json:"revision,omitempty"` // of the source, when the toolchain knew it
	Modified  bool   `json:"modified,omitempty"` // the source had changes that were not committed
}

// Config is what the door serves.
type Config struct {
	Node    StatusSource        // required
	Metrics prometheus.Gatherer // required: what /metrics shows
	Build   Build               // what /version shows
	// Authorize, when set, is asked about every request to a route that is not open: by its basic credentials, its client certificate, or what else
	// the program goes by. It may be called from any goroutine.
	Authorize func(*http.Request) bool
	// Dial, when set, connects to the Redis door of the node, and the whole lock service is served under /v1; client is the address for which the
	// connection acts. See package rest.
	Dial func(ctx context.Context, client net.Addr) (net.Conn, error)
	// TLS, when set, makes the port speak HTTPS only.
	TLS    *tls.Config
	Logger *slog.Logger // nil: silent
}

func (c Config) logger() *slog.Logger {
	if c.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Logger
}

// Server is the door with the limits of a public port.
type Server struct {
	http *http.Server
	api  *rest.API // nil: no locks at this door
	tls  *tls.Config
}

// NewServer makes a server that does not listen yet.
func NewServer(config Config) *Server {
	handler, api := newHandler(config)
	return &Server{
		tls: config.TLS,
		api: api,
		http: &http.Server{
			Handler:           handler,
			ReadHeaderTimeout: readHeaderTimeout,
			ReadTimeout:       readTimeout,
			WriteTimeout:      writeTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    maxHeaderBytes,
			ErrorLog:          slog.NewLogLogger(config.logger().Handler(), slog.LevelDebug),
		},
	}
}

// Serve answers on the listener, and closes it, until Shutdown is called; it then returns nil. Any other return is a failure of the listener.
func (s *Server) Serve(listener net.Listener) error {
	limited := limitConnections(listener, maxConnections)
	if s.tls != nil {
		limited = tls.NewListener(limited, s.tls)
	}
	if err := s.http.Serve(limited); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Shutdown stops listening, lets requests under way finish until ctx ends, then closes what is left.
func (s *Server) Shutdown(ctx context.Context) error {
	if s.api != nil {
		defer s.api.Close()
	}
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}

// limitConnections holds new connections back in the kernel's queue while so many are open.
func limitConnections(listener net.Listener, most int) net.Listener {
	return &limitedListener{Listener: listener, places: make(chan struct{}, most), closed: make(chan struct{})}
}

type limitedListener struct {
	net.Listener
	places    chan struct{}
	closed    chan struct{}
	closeOnce sync.Once
}

func (l *limitedListener) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	connection, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &limitedConnection{Conn: connection, leave: func() { <-l.places }}, nil
}

func (l *limitedListener) Close() error {
	l.closeOnce.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// limitedConnection gives its place back when it is closed first.
type limitedConnection struct {
	net.Conn
	leave     func()
	leaveOnce sync.Once
}

func (c *limitedConnection) Close() error {
	err := c.Conn.Close()
	c.leaveOnce.Do(c.leave)
	return err
}
