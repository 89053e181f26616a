package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/coordd/coordd/raftnode"
	"github.com/coordd/coordd/transport"
	"github.com/coordd/coordd/transport/httpapi"
	"github.com/coordd/coordd/transport/resp"
)

// plan says what one instance is made of. The listeners are bound already, so that a port in use shows before anything is written to disk.
type plan struct {
	node      raftnode.Config
	redis     net.Listener
	http      net.Listener // nil: no HTTP door
	users     []resp.User
	redisTLS  *tls.Config
	httpTLS   *tls.Config
	authorize func(*http.Request) bool
	logger    *slog.Logger
}

// close gives the listeners of a plan that was not carried out back.
func (p *plan) close() {
	for _, listener := range []net.Listener{p.redis, p.http} {
		if listener != nil {
			_ = listener.Close()
		}
	}
}

// instance is one running node with its doors.
type instance struct {
	node   *raftnode.Node
	redis  *resp.Server
	http   *httpapi.Server // nil: no HTTP door
	logger *slog.Logger

	redisAddress, httpAddress string // bound; the latter empty without an HTTP door

	stopping atomic.Bool
	serving  sync.WaitGroup
	// failed gets the first reason why the instance cannot go on.
	failed chan error
}

// start opens the node and lets its doors serve. It takes the listeners of the plan over, also when it fails.
func start(p plan) (*instance, error) {
	i := &instance{logger: p.logger, failed: make(chan error, 1), redisAddress: p.redis.Addr().String()}
	if p.http != nil {
		i.httpAddress = p.http.Addr().String()
	}
	p.node.OnFatal = i.fail
	p.node.Logger = p.logger
	err := installFailpoints(&p.node)
	if err != nil {
		p.close()
		return nil, err
	}
	if i.node, err = raftnode.Open(p.node); err != nil {
		p.close()
		return nil, openFailure(p.node, err)
	}
	if err := i.openDoors(p); err != nil {
		p.close()
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		return nil, errors.Join(err, i.node.Stop(ctx))
	}
	return i, nil
}

// openDoors makes the Redis and HTTP servers and lets them serve.
func (i *instance) openDoors(p plan) error {
	build := readBuild()
	var err error
	i.redis, err = resp.NewServer(resp.Config{Node: i.node, Admin: i.node, Users: p.users, TLS: p.redisTLS, Version: build.Version, Logger: p.logger})
	if err != nil {
		return err
	}
	i.serve("redis", func() error { return i.redis.Serve(p.redis) })
	if p.http == nil {
		return nil
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(i.node.Collector())
	httpapi.RegisterMetrics(registry, i, build)
	i.http = httpapi.NewServer(httpapi.Config{Node: i, Metrics: registry, Build: build, Authorize: p.authorize, Dial: i.redis.Dial, TLS: p.httpTLS, Logger: p.logger})
	i.serve("http", func() error { return i.http.Serve(p.http) })
	return nil
}

// serve runs one door until it ends; an end that nobody asked for stops the instance.
func (i *instance) serve(door string, run func() error) {
	i.serving.Go(func() {
		err := run()
		if err != nil && !errors.Is(err, resp.ErrServerClosed) {
			i.logger.Error("a door closed by itself", "door", door, "error", err)
			i.fail(err)
		}
	})
}

// fail keeps the first reason; the instance stops for one of them.
func (i *instance) fail(err error) {
	select {
	case i.failed <- failWith(exitInternal, err):
	default:
	}
}

// Status is the node's, except that a stopping instance is not ready whatever the node says: load balancers must turn away before the doors close.
func (i *instance) Status() transport.Status {
	status := i.node.Status()
	if i.stopping.Load() {
		status.Ready, status.ReadyReason = false, "this node is stopping"
	}
	return status
}

// stopTimeout bounds a graceful stop. What has not finished by then is cut off; committed state is safe either way.
const stopTimeout = 10 * time.Second

// stop ends the instance: first the Redis door, so that nothing new comes in and what came is answered; then the node, which hands leadership over;
// last the HTTP door, so that probes see the end.
func (i *instance) stop(ctx context.Context) error {
	i.stopping.Store(true)
	err := i.redis.Shutdown(ctx)
	err = errors.Join(err, i.node.Stop(ctx))
	if i.http != nil {
		err = errors.Join(err, i.http.Shutdown(ctx))
	}
	i.serving.Wait()
	return err
}

// readyPause is how often readiness is looked at while a cluster starts.
const readyPause = 20 * time.Millisecond

// waitReady waits until the node serves, ctx ends or the instance fails; explain is called now and then with what it waits for.
func (i *instance) waitReady(ctx context.Context, explain func(reason string)) error {
	const explainAfter = 5 * time.Second
	look := time.NewTicker(readyPause)
	defer look.Stop()
	explained := time.Now()
	for {
		status := i.node.Status()
		if status.Ready {
			return nil
		}
		if time.Since(explained) > explainAfter {
			explained = time.Now()
			explain(status.ReadyReason)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		case err := <-i.failed:
			return err
		}
	}
}
