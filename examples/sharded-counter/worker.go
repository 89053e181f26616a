package main

import (
	"bytes"
	"context"
	"encoding/json"
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
	poolName   = "counters"
	partitions = 256
	sessionTTL = 2 * time.Second
)

// worker counts the keys of the partitions that it owns.
type worker struct {
	store string // its address
	mu    sync.Mutex
	owned map[int]map[string]int // the counters, by partition
	place func(key string) (partition int)
}

// serveWorker is the process of one worker. It leaves when its standard input ends.
func serveWorker(ctx context.Context, id, store, endpoints string) error {
	cluster, err := client.Dial(ctx, client.Options{Endpoints: strings.Split(endpoints, ","), Name: id})
	if err != nil {
		return err
	}
	defer cluster.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	w := &worker{store: store, owned: map[int]map[string]int{}}
	member, err := cluster.Pool(poolName).Join(ctx, client.WorkerConfig{ID: id, Address: listener.Addr().String(), Session: client.SessionOptions{TTL: sessionTTL}}, w)
	if err != nil {
		return err
	}
	w.place = member.Partition
	server := &http.Server{Handler: poolhttp.Guard(member, poolhttp.KeyHeader, http.HandlerFunc(w.increment)), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }()
	_, _ = io.Copy(io.Discard, os.Stdin)
	err = member.Leave(ctx) // hands over while requests still come
	_ = server.Close()
	return err
}

// OnAssigned implements client.PoolHandler: from now on the token keeps every earlier owner out of the store.
func (w *worker) OnAssigned(ctx context.Context, partition int, token uint64) {
	for ctx.Err() == nil {
		counters := map[string]int{}
		if err := w.ask(ctx, saved{Partition: partition, Token: token}, &counters); err == nil {
			w.mu.Lock()
			w.owned[partition] = counters
			w.mu.Unlock()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// OnRevoked implements client.PoolHandler: every change is in the store already.
func (w *worker) OnRevoked(_ context.Context, partition int, _ uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.owned, partition)
}

// increment counts a key. Guard lets it see only keys that this worker owns.
func (w *worker) increment(out http.ResponseWriter, r *http.Request) {
	key, _ := poolhttp.KeyHeader(r)
	partition := w.place(key)
	w.mu.Lock()
	defer w.mu.Unlock()
	next := w.owned[partition][key] + 1
	if err := w.ask(r.Context(), saved{Partition: partition, Token: poolhttp.Token(r.Context()), Key: key, Value: next}, nil); err != nil {
		http.Error(out, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.owned[partition][key] = next
	fmt.Fprint(out, next)
}

func (w *worker) ask(ctx context.Context, what saved, answer any) error {
	body, err := json.Marshal(what)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+w.store+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the store answered %s", response.Status)
	}
	if answer == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(answer)
}
