package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/client/poolhttp"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	verbose := flag.Bool("v", false, "show what the nodes log")
	flag.Parse()
	logger := slog.New(slog.DiscardHandler)
	if *verbose {
		logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	var err error
	if words := flag.Args(); len(words) == 4 && words[0] == "worker" {
		err = serveWorker(ctx, words[1], words[2], words[3])
	} else {
		err = run(ctx, logger)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sharded-counter:", err)
		os.Exit(1)
	}
}

// run tells the story.
func run(ctx context.Context, logger *slog.Logger) (err error) {
	directory, err := os.MkdirTemp("", "coordd-sharded-counter-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()
	ports, err := freeAddresses(3)
	if err != nil {
		return err
	}
	nodes, err := startCluster(ctx, settings{directory: directory, peers: ports, logger: logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, nodes.stop()) }()
	fmt.Println("A lock service of three nodes runs in this process.")

	cluster, err := client.Dial(ctx, client.Options{Endpoints: nodes.endpoints()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Close()) }()
	pool := cluster.Pool(poolName)
	if _, err := pool.Create(ctx, client.PoolSettings{Partitions: partitions, Debounce: 200 * time.Millisecond}); err != nil {
		return err
	}
	kept := newStore()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: kept, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()

	crew := &crew{store: listener.Addr().String(), endpoints: strings.Join(nodes.endpoints(), ","), pool: pool, workers: map[string]*process{}}
	defer crew.killAll()
	counted, err := tell(ctx, crew, pool)
	if err != nil {
		return err
	}
	return counted.compare(kept)
}

// tell lets workers come and go while increments are sent.
func tell(ctx context.Context, crew *crew, pool *client.Pool) (*load, error) {
	if err := crew.start(ctx, "ann", "bob", "cid"); err != nil {
		return nil, err
	}
	router, err := pool.Router(ctx)
	if err != nil {
		return nil, err
	}
	defer router.Close()
	load := startLoad(ctx, router)
	defer load.stop()
	steps := []struct {
		says string
		do   func() error
	}{
		{"Three workers count.", func() error { return nil }},
		{"A fourth one, dan, joins.", func() error { return crew.start(ctx, "dan") }},
		{"bob leaves: it hands its partitions over.", func() error { return crew.leave(ctx, "bob") }},
		{"cid is killed: when its session ends its partitions are given to the others.", func() error { return crew.kill(ctx, "cid") }},
		{"bob comes back.", func() error { return crew.start(ctx, "bob") }},
	}
	for _, step := range steps {
		fmt.Println(step.says)
		began := time.Now()
		if err := step.do(); err != nil {
			return nil, fmt.Errorf("%s %w", step.says, err)
		}
		took := time.Since(began)
		before := load.answered()
		time.Sleep(500 * time.Millisecond)
		share := map[string]int{}
		for partition := range router.Partitions() {
			share[router.At(partition).Owner.ID]++
		}
		var parts []string
		for _, id := range slices.Sorted(maps.Keys(share)) {
			parts = append(parts, fmt.Sprintf("%s %d", id, share[id]))
		}
		fmt.Printf("    settled after %.1f s; partitions: %s; %d increments in the last half second\n", took.Seconds(), strings.Join(parts, ", "), load.answered()-before)
	}
	load.stop()
	return load, nil
}

// newClient is a client of HTTP that finds the owner of a key.
func newClient(router *client.Router) *http.Client {
	key := func(r *http.Request) (string, bool) { return r.URL.Query().Get("key"), true }
	return &http.Client{Timeout: 20 * time.Second, Transport: &poolhttp.Transport{Router: router, Key: key}}
}

// drain reads an answer to its end, so that its connection can be used again.
func drain(answer *http.Response) {
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<16))
	_ = answer.Body.Close()
}
