package pools

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/client/poolhttp"
)

// traffic is a router process: it looks keys up, and sends work to their owners.
type traffic struct {
	order  order
	router *client.Router
	web    *http.Client
	began  time.Time

	mu    sync.Mutex
	stats Stats
}

// senders is how many requests are under way at once, at most.
const senders = 16

// serveRouter is the router's process.
func serveRouter(o order, report *reporter, words <-chan string) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	cluster, err := client.Dial(ctx, client.Options{Endpoints: o.Endpoints, Name: o.Process})
	if err != nil {
		return err
	}
	defer cluster.Close()
	router, err := cluster.Pool(poolName).Router(ctx)
	if err != nil {
		return err
	}
	header := func(r *http.Request) (string, bool) { return r.URL.Query().Get("key"), true }
	t := &traffic{order: o, router: router, began: time.Now(), web: &http.Client{Transport: &poolhttp.Transport{Router: router, Key: header, Base: &http.Transport{MaxIdleConnsPerHost: senders}}}}
	report.tell(Event{Kind: KindReady})
	var working sync.WaitGroup
	working.Go(func() { t.lookUp(ctx) })
	for range senders {
		working.Go(func() { t.send(ctx) })
	}
	for tick := time.NewTicker(time.Second); ; {
		select {
		case <-tick.C:
			report.tell(Event{Kind: KindStats, Stats: t.sum()})
			continue
		case <-words:
		}
		break
	}
	stop()
	working.Wait()
	report.tell(Event{Kind: KindStats, Stats: t.sum()})
	report.tell(Event{Kind: KindEnded, Text: fmt.Sprint(router.Err())})
	return nil
}

func (t *traffic) sum() *Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	stats := t.stats
	stats.Span = time.Since(t.began)
	return &stats
}

// lookUp looks keys up, as many a second as it was told. What the clock took away it makes up for.
func (t *traffic) lookUp(ctx context.Context) {
	keys := keysOf(t.order.Partitions, t.router.Partition)
	var done int64
	for tick := time.NewTicker(time.Millisecond); ctx.Err() == nil; <-tick.C {
		due := int64(time.Since(t.began).Seconds() * float64(t.order.Lookups))
		for ; done < due; done++ {
			if route := t.router.Lookup(keys[done%int64(len(keys))]); route.Version == 0 {
				return // no table has that version; the count would stand still
			}
		}
		t.mu.Lock()
		t.stats.Lookups = done
		t.mu.Unlock()
	}
}

// send sends one request after another.
func (t *traffic) send(ctx context.Context) {
	if t.order.Requests == 0 {
		return
	}
	each := time.Second * senders / time.Duration(t.order.Requests)
	for tick := time.NewTicker(each); ctx.Err() == nil; <-tick.C {
		began := time.Now()
		done, err := t.request(ctx, fmt.Sprint("user-", rand.Uint64()))
		t.mu.Lock()
		switch {
		case ctx.Err() != nil:
		case err != nil:
			t.stats.Failed++
			t.stats.Failures = err.Error()
		case !done.Accepted:
			t.stats.Refused++
		default:
			t.stats.Done++
			t.stats.Slowest = max(t.stats.Slowest, time.Since(began))
		}
		t.mu.Unlock()
	}
}

func (t *traffic) request(ctx context.Context, key string) (done executed, err error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+poolName+"/?key="+key, nil)
	if err != nil {
		return done, err
	}
	answer, err := t.web.Do(request)
	if err != nil {
		return done, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return done, fmt.Errorf("answered %s", answer.Status)
	}
	return done, json.NewDecoder(answer.Body).Decode(&done)
}
