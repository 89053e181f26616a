package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/client/poolhttp"
)

const (
	poolName   = "users"
	sessionTTL = 2 * time.Second
)

// backend knows the users of the partitions that it owns.
type backend struct {
	id     string
	mu     sync.Mutex
	visits map[string]int
}

// serveBackend is the process of one backend. It leaves when its standard input ends.
func serveBackend(ctx context.Context, id, endpoints string) error {
	cluster, err := client.Dial(ctx, client.Options{Endpoints: strings.Split(endpoints, ","), Name: id})
	if err != nil {
		return err
	}
	defer cluster.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	b := &backend{id: id, visits: map[string]int{}}
	worker, err := cluster.Pool(poolName).Join(ctx, client.WorkerConfig{ID: id, Address: listener.Addr().String(), Session: client.SessionOptions{TTL: sessionTTL}}, nil)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: poolhttp.Guard(worker, poolhttp.KeyHeader, b), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }()
	_, _ = io.Copy(io.Discard, os.Stdin)
	err = worker.Leave(ctx) // requests that are under way are answered before their users go elsewhere
	_ = server.Close()
	return err
}

// ServeHTTP implements http.Handler. Guard lets only users come that belong here.
func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, _ := poolhttp.KeyHeader(r)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.visits[user]++
	w.Header().Set("Backend", b.id)
	fmt.Fprintf(w, "visit %d at %s", b.visits[user], b.id)
}
