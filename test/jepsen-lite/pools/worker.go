package pools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/client/poolhttp"
	"github.com/coordd/coordd/client/workergossip"
	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/nemesis"
)

const (
	sampling    = 20 * time.Millisecond // between looks at every partition's context
	writing     = 50 * time.Millisecond // between a worker's own writes
	lateShare   = 0.1                   // of writes that are sent late as well
	endPatience = 2 * time.Second       // in which a context must have ended after the store has refused its token
	keepPlace   = 30 * time.Second      // over a restart
)

// campaigner is a worker process. It writes down what it believes.
type campaigner struct {
	order  order
	report *reporter
	store  *storeClient
	keys   []string // one in each partition
	place  func(key string) (partition int)

	mu      sync.Mutex
	beliefs map[int]*belief
}

// belief is one ownership as the worker sees it.
type belief struct {
	ctx   context.Context
	token uint64
	alive int64
}

// serveWorker is the worker's process.
func serveWorker(o order, report *reporter, words <-chan string) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	w := &campaigner{order: o, report: report, store: &storeClient{address: o.Store}, beliefs: map[int]*belief{}}
	return w.run(ctx, words)
}

// keysOf finds a key for each partition.
func keysOf(partitions int, place func(string) int) []string {
	keys := make([]string, partitions)
	for i, missing := 0, partitions; missing > 0; i++ {
		key := fmt.Sprint("key-", i)
		if p := place(key); keys[p] == "" {
			keys[p] = key
			missing--
		}
	}
	return keys
}

func (w *campaigner) run(ctx context.Context, words <-chan string) error {
	cluster, err := client.Dial(ctx, client.Options{Endpoints: w.order.Endpoints, Name: w.order.Process})
	if err != nil {
		return err
	}
	defer cluster.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	config := client.WorkerConfig{ID: w.order.Worker, Address: listener.Addr().String(), Session: client.SessionOptions{TTL: w.order.TTL, EarlyEnd: w.order.Early}}
	if w.order.Early != 0 {
		gossip, err := workergossip.Join(workergossip.Config{ClusterName: nemesis.ClusterName, Nodes: w.order.Gossipers, ListenAddress: w.order.Gossip})
		if err != nil {
			return err
		}
		defer gossip.Leave(time.Second)
		config.Gossip = gossip
	}
	joining, cancel := context.WithTimeout(ctx, w.order.Patience)
	worker, err := cluster.Pool(poolName).Join(joining, config, w)
	cancel()
	var busy *client.WorkerBusyError
	if errors.As(err, &busy) {
		w.report.tell(Event{Kind: KindBusy, Worker: w.order.Worker, Text: err.Error()})
		return nil
	}
	if err != nil {
		return err
	}
	w.place, w.keys = worker.Partition, keysOf(w.order.Partitions, worker.Partition)
	w.report.tell(Event{Kind: KindJoined, Worker: w.order.Worker})
	server := &http.Server{Handler: poolhttp.Guard(worker, poolhttp.KeyHeader, http.HandlerFunc(w.serve)), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	go w.sample(ctx)
	go w.writeOn(ctx, worker)
	var ended error
	select {
	case word := <-words:
		switch word {
		case "leave":
			ended = worker.Leave(ctx)
		case "restart":
			ended = worker.Restart(ctx, keepPlace)
		default:
			ended = worker.Close(ctx)
		}
	case <-worker.Done():
		ended = worker.Err()
	}
	w.report.tell(Event{Kind: KindEnded, Worker: w.order.Worker, Text: fmt.Sprint(ended)})
	return nil
}

// OnAssigned implements client.PoolHandler. The first write of an ownership shuts every earlier one out of the store.
func (w *campaigner) OnAssigned(ctx context.Context, partition int, token uint64) {
	w.report.tell(Event{Kind: KindAssigned, Worker: w.order.Worker, Partition: partition, Token: token})
	w.mu.Lock()
	w.beliefs[partition] = &belief{ctx: ctx, token: token}
	w.mu.Unlock()
	w.put(ctx, partition, token, howOwn)
}

// OnRevoked implements client.PoolHandler.
func (w *campaigner) OnRevoked(_ context.Context, partition int, token uint64) {
	w.mu.Lock()
	held := w.beliefs[partition]
	delete(w.beliefs, partition)
	w.mu.Unlock()
	w.report.tell(Event{Kind: KindRevoked, Worker: w.order.Worker, Partition: partition, Token: token, Alive: held.alive})
}

// sample notes for every partition when the worker was last sure of it: the instant is taken before the context is asked, so it was sure then.
func (w *campaigner) sample(ctx context.Context) {
	for tick := time.NewTicker(sampling); ctx.Err() == nil; <-tick.C {
		w.mu.Lock()
		for _, held := range w.beliefs {
			w.sure(held)
		}
		w.mu.Unlock()
	}
}

// sure is called with mu held.
func (w *campaigner) sure(held *belief) {
	if now := history.Now(); held.ctx.Err() == nil {
		held.alive = now
	}
}

// writeOn writes to partitions that the worker serves, as long as it lives.
func (w *campaigner) writeOn(ctx context.Context, worker *client.Worker) {
	for tick := time.NewTicker(writing); ctx.Err() == nil; <-tick.C {
		partition := w.any()
		if partition < 0 {
			continue
		}
		_ = worker.Do(ctx, w.keys[partition], func(ctx context.Context, token uint64) error { // it may have been revoked meanwhile
			w.put(ctx, partition, token, howOwn)
			if rand.Float64() < lateShare {
				go w.putLate(partition, token)
			}
			return nil
		})
	}
}

func (w *campaigner) any() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	for partition := range w.beliefs {
		return partition // maps are walked in any order
	}
	return -1
}

// put writes under a token. A refusal says that another has the partition, so the context must have ended.
func (w *campaigner) put(ctx context.Context, partition int, token uint64, how uint32) (accepted bool) {
	if ctx.Err() != nil {
		return false
	}
	accepted, err := w.store.write(write{Partition: uint32(partition), Worker: uint32(w.order.Number), Token: token, How: how})
	if err == nil && !accepted {
		select {
		case <-ctx.Done():
		case <-time.After(endPatience):
			w.report.tell(Event{Kind: KindViolation, Worker: w.order.Worker, Partition: partition, Token: token,
				Text: fmt.Sprintf("the store has seen a larger token than %d for partition %d, and %v later %s still believes that it owns it", token, partition, endPatience, w.order.Worker)})
		}
	}
	return accepted
}

// putLate is a write that hangs somewhere on its way, up to twice the time after which its worker is given up.
func (w *campaigner) putLate(partition int, token uint64) {
	time.Sleep(rand.N(2 * w.order.TTL))
	_, _ = w.store.write(write{Partition: uint32(partition), Worker: uint32(w.order.Number), Token: token, How: howLate})
}

// executed is what a worker answers to a request.
type executed struct {
	Worker   string `json:"worker"`
	Token    uint64 `json:"token"`
	Accepted bool   `json:"accepted"`
}

func (w *campaigner) serve(out http.ResponseWriter, r *http.Request) {
	key, _ := poolhttp.KeyHeader(r)
	done := executed{Worker: w.order.Worker, Token: poolhttp.Token(r.Context())}
	done.Accepted = w.put(r.Context(), w.place(key), done.Token, howRouted)
	_ = json.NewEncoder(out).Encode(done) // the router may be gone
}
