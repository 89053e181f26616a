package resp

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/resp/wire"
)

// connection is one client. All fields without a word about it belong to the goroutine that serves it.
type connection struct {
	server   *Server
	net      net.Conn
	id       int64
	lane     uint64
	accepted time.Time
	requests *wire.Requests
	output   *wire.Output
	hangup   hangupWatch

	// ctx ends when the client hangs up while a command runs, or when the server gives up.
	ctx    context.Context
	cancel context.CancelFunc

	// life ends when the connection does. What runs beside it (asynchronous waits, a subscription to events) ends then, and is waited for.
	life        context.Context
	end         context.CancelFunc
	helpers     sync.WaitGroup
	asyncWaits  atomic.Int64
	renews      map[command.SessionID]bool    // sessions that were renewed here; guarded by the server's renewers
	following   context.CancelFunc            // ends the subscription to events; nil when there is none
	poolWatches map[string]context.CancelFunc // by pool: ends its watch

	protocol wire.Protocol
	database uint8
	user     *user // nil: not authenticated
	batch    batch
	queue    *transaction // between MULTI and EXEC
	planning *plan        // while EXEC parses what was queued
	watches  watches
	mute     mute
	channels subscriptions

	tellsCodes        bool // before an error, its code as an attribute
	carriesKeepalives bool // SESSION.RENEW was sent here, so nothing may hold this connection up
	partialSince      time.Time
	closing           bool // answer what is in the batch, then close
	dropped           bool // close without answering: a command's fate is unknown, or nobody listens

	// What CLIENT LIST of other connections shows.
	about        about
	lastActive   atomic.Int64 // Unix time in ms
	lastCommand  atomic.Pointer[row]
	queuedForAll atomic.Int64 // commands queued in MULTI; -1 outside
}

// about is what a client says of itself; mu guards it, since CLIENT LIST of any connection reads it.
type about struct {
	mu                               sync.Mutex
	name, library, libraryVersion    string
	userName                         string
	database                         uint8
	protocol                         wire.Protocol
	channels, patterns, shardChannel int
}

func newConnection(s *Server, accepted net.Conn) *connection {
	c := &connection{
		server:   s,
		net:      accepted,
		id:       s.lastClientID.Add(1),
		accepted: time.Now(),
		requests: wire.NewRequests(accepted, s.config.Requests),
		protocol: wire.RESP2,
		renews:   map[command.SessionID]bool{},
	}
	c.output = wire.NewOutput(&deadlineWriter{Conn: accepted, timeout: s.config.WriteTimeout}, s.config.OutputBytes)
	c.ctx, c.cancel = context.WithCancel(s.killed)
	c.life, c.end = context.WithCancel(s.killed)
	c.hangup.init(c)
	c.become(s.users.anonymous())
	c.lastActive.Store(c.accepted.UnixMilli())
	c.queuedForAll.Store(-1)
	c.tellAbout()
	return c
}

// deadlineWriter gives each write a time limit, so that a client that does not read cannot hold its goroutine for ever. A limit that has at least half of
// its time left serves for the next write too, since moving it costs about as much as a write of a reply.
type deadlineWriter struct {
	net.Conn
	timeout time.Duration
	until   time.Time
}

func (w *deadlineWriter) Write(p []byte) (int, error) {
	if now := time.Now(); w.until.Sub(now) < w.timeout/2 {
		w.until = now.Add(w.timeout)
		if err := w.SetWriteDeadline(w.until); err != nil {
			return 0, err
		}
	}
	return w.Conn.Write(p)
}

// become makes the connection a user's; nil takes its authentication away.
func (c *connection) become(u *user) {
	c.user = u
	c.requests.Unauthenticated = u == nil
}

// tellAbout publishes for CLIENT LIST what the serving goroutine changed.
func (c *connection) tellAbout() {
	c.about.mu.Lock()
	defer c.about.mu.Unlock()
	c.about.database = c.database
	c.about.protocol = c.protocol
	c.about.userName = ""
	if c.user != nil {
		c.about.userName = c.user.name
	}
	c.about.channels, c.about.patterns, c.about.shardChannel = c.channels.counts()
}

// wake makes a connection that waits for requests look whether it should go on.
func (c *connection) wake() { _ = c.net.SetReadDeadline(time.Unix(1, 0)) }

// serve reads, carries out and answers until the client or the server ends the connection.
func (c *connection) serve() {
	defer c.helpers.Wait()
	defer c.server.renewers.forget(c)
	defer c.end()
	defer c.net.Close()
	defer c.cancel()
	if err := c.handshake(); err != nil {
		c.server.config.Logger.Debug("a TLS handshake at the Redis door failed", "client", c.net.RemoteAddr(), "error", err)
		return
	}
	c.lane = c.server.config.Node.OpenLane()
	for {
		broken := c.takeRequests()
		c.carryOut()
		if c.dropped || c.flush() != nil {
			return
		}
		if broken {
			linger(c.net)
			return
		}
		if c.closing || c.server.stopping.Err() != nil {
			return
		}
		if !c.hangup.tookBytes() && c.fill() != nil {
			return
		}
	}
}

// Limits of a linger.
const (
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 1 << 20
)

// linger ends a connection whose client still sends: closing at once would reset it, and the client might never see why.
func linger(conn net.Conn) {
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil || conn.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(conn, lingerBytes))
}

// endOnPanic keeps a fault that one client's bytes have found from taking the node, and so every client, with it. The client sees its connection end,
// as after a crash, and the fault is logged with its stack.
func (c *connection) endOnPanic() {
	if cause := recover(); cause != nil {
		c.server.config.Logger.Error("serving a Redis client failed; its connection was closed", "client", c.net.RemoteAddr(), "cause", cause, "stack", string(debug.Stack()))
	}
}

func (c *connection) handshake() error {
	secured, ok := c.net.(*tls.Conn)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.server.config.RequestTimeout)
	defer cancel()
	return secured.HandshakeContext(ctx)
}

// takeRequests handles every whole request that is buffered. It is true when the stream is broken, which is answered already.
func (c *connection) takeRequests() (broken bool) {
	for !c.closing && !c.dropped {
		argv, err := c.requests.Next()
		if errors.Is(err, wire.ErrIncomplete) {
			return false
		}
		if err != nil {
			c.reply(errorf("%s", err))
			return true
		}
		c.server.counters.commands.Add(1)
		c.handle(argv)
		if c.batch.full() {
			c.carryOut()
		}
	}
	return false
}

// fill waits for more bytes, within the time that an idle connection or a half-sent request has.
func (c *connection) fill() error {
	now := time.Now()
	c.lastActive.Store(now.UnixMilli())
	deadline := time.Time{}
	switch {
	case !c.requests.Partial():
		c.partialSince = time.Time{}
		if idle := c.server.config.IdleTimeout; idle > 0 {
			deadline = now.Add(idle)
		}
	case c.partialSince.IsZero():
		c.partialSince = now
		fallthrough
	default:
		deadline = c.partialSince.Add(c.server.config.RequestTimeout)
	}
	if err := c.net.SetReadDeadline(deadline); err != nil {
		return err
	}
	if c.server.stopping.Err() != nil {
		return ErrServerClosed // Shutdown may have set its wake-up before the deadline above replaced it
	}
	return c.requests.Fill()
}

func (c *connection) flush() error {
	err := c.output.Flush()
	if err != nil {
		c.dropped = true
	}
	return err
}
