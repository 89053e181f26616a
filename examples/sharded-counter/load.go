package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/coordd/coordd/client"
)

// load sends increments for many keys, and counts what was answered.
type load struct {
	end     context.CancelFunc
	sending sync.WaitGroup

	mu       sync.Mutex
	done     map[string]int // increments that were answered, by key
	unsure   map[string]int // increments without an answer: their worker died, so each was counted or not
	total    int
	failures int
}

const (
	senders = 8
	keys    = 200
)

func startLoad(ctx context.Context, router *client.Router) *load {
	ctx, cancel := context.WithCancel(ctx)
	l := &load{end: cancel, done: map[string]int{}, unsure: map[string]int{}}
	web := newClient(router)
	for sender := range senders {
		l.sending.Go(func() {
			for n := sender; ctx.Err() == nil; n += senders {
				l.increment(web, fmt.Sprint("key-", n%keys))
				time.Sleep(2 * time.Millisecond)
			}
		})
	}
	return l
}

// increment sends one. It is not interrupted by the end of the load, so that what was sent is known.
func (l *load) increment(web *http.Client, key string) {
	answer, err := web.Post("http://counters/?key="+key, "text/plain", http.NoBody)
	if err == nil {
		drain(answer)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil && answer.StatusCode == http.StatusOK {
		l.done[key]++
		l.total++
		return
	}
	l.unsure[key]++
	l.failures++
}

func (l *load) stop() {
	l.end()
	l.sending.Wait()
}

func (l *load) answered() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}

// compare holds what the store keeps against what was answered.
func (l *load) compare(kept *store) error {
	counters := kept.all()
	sum := 0
	for key, value := range counters {
		sum += value
		if value < l.done[key] || value > l.done[key]+l.unsure[key] {
			return fmt.Errorf("%s stands at %d; %d increments were answered and %d were not", key, value, l.done[key], l.unsure[key])
		}
	}
	for key, done := range l.done {
		if counters[key] < done {
			return fmt.Errorf("%s stands at %d; %d increments were answered", key, counters[key], done)
		}
	}
	fmt.Printf("%d increments of %d keys were answered, and %d were not, because their worker was killed under them. The counters add up to %d: nothing was lost, and nothing was counted twice.\n", l.total, len(counters), l.failures, sum)
	return nil
}
