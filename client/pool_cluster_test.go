package client_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coordd/coordd/client"
)

// owners is a world in which several workers serve partitions: it fails the test when two serve one at once, or a token does not grow.
type owners struct {
	t    *testing.T
	mu   sync.Mutex
	of   map[int]string
	last map[int]uint64
	took map[string]int // grants by worker
	ctxs map[int]context.Context
}

func newOwners(t *testing.T) *owners {
	return &owners{t: t, of: map[int]string{}, last: map[int]uint64{}, took: map[string]int{}, ctxs: map[int]context.Context{}}
}

// watcher is the handler of one worker in that world.
type watcher struct {
	world *owners
	name  string
	drain time.Duration // how long handing over takes
}

func (w *watcher) OnAssigned(ctx context.Context, partition int, token uint64) {
	o := w.world
	o.mu.Lock()
	defer o.mu.Unlock()
	if other := o.of[partition]; other != "" {
		o.t.Errorf("%s is given partition %d while %s serves it", w.name, partition, other)
	}
	if token <= o.last[partition] {
		o.t.Errorf("%s is given partition %d with token %d after %d", w.name, partition, token, o.last[partition])
	}
	if before := o.ctxs[partition]; before != nil && before.Err() == nil {
		o.t.Errorf("%s is given partition %d, and the context of its last owner has not ended", w.name, partition)
	}
	o.ctxs[partition] = ctx
	o.of[partition], o.last[partition] = w.name, token
	o.took[w.name]++
	// Whatever serves the partition stops with its context.
	context.AfterFunc(ctx, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.of[partition] == w.name && o.last[partition] == token {
			o.of[partition] = ""
		}
	})
}

func (w *watcher) OnRevoked(ctx context.Context, partition int, _ uint64) {
	client.Drains(ctx, w.drain)
	w.world.mu.Lock()
	defer w.world.mu.Unlock()
	w.world.of[partition] = ""
}

func (o *owners) count() map[string]int {
	o.mu.Lock()
	defer o.mu.Unlock()
	count := map[string]int{}
	for _, owner := range o.of {
		if owner != "" {
			count[owner]++
		}
	}
	return count
}

func (o *owners) snapshot() (of map[int]string, took map[string]int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	of, took = map[int]string{}, map[string]int{}
	for partition, owner := range o.of {
		of[partition] = owner
	}
	for name, count := range o.took {
		took[name] = count
	}
	return of, took
}

// inPool runs a test in a bubble with a cluster and a pool of 64 partitions.
func inPool(t *testing.T, test func(t *testing.T, s *served, pool func() *client.Pool)) {
	synctest.Test(t, func(t *testing.T) {
		s := startServed(t)
		defer s.stop()
		var opened []*client.Client
		connect := func() *client.Pool {
			c := s.client()
			opened = append(opened, c)
			return c.Pool("orders")
		}
		defer func() {
			for _, c := range opened {
				closeClient(t, c)
			}
		}()
		if _, err := connect().Create(t.Context(), client.PoolSettings{Partitions: 64, Debounce: 200 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
		test(t, s, connect)
	})
}

func join(t *testing.T, pool *client.Pool, config client.WorkerConfig, handler client.PoolHandler) *client.Worker {
	t.Helper()
	config.Address = config.ID + ":80"
	worker, err := pool.Join(t.Context(), config, handler)
	if err != nil {
		t.Fatal(err)
	}
	return worker
}

// settled waits until every partition has the owner that it should have, and the workers' handlers know it.
func settled(t *testing.T, pool *client.Pool, world *owners) {
	t.Helper()
	for range 400 {
		info, err := pool.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		served := 0
		for _, count := range world.count() {
			served += count
		}
		if info.Settled() && served == info.Partitions {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	info, _ := pool.Info(t.Context())
	t.Fatalf("the pool does not settle: %+v; handlers serve %v", info, world.count())
}

// Workers come, one by one, and go, in good order and without a word: no partition is served by two, none stays without an owner, and tokens grow.
func TestWorkersShareAPool(t *testing.T) {
	inPool(t, func(t *testing.T, s *served, pool func() *client.Pool) {
		world := newOwners(t)
		observer := pool()
		var workers []*client.Worker
		for i := range 4 {
			name := fmt.Sprint("w", i)
			workers = append(workers, join(t, pool(), client.WorkerConfig{ID: name}, &watcher{world, name, 30 * time.Millisecond}))
		}
		settled(t, observer, world)
		for name, count := range world.count() {
			if count != 16 {
				t.Errorf("%s serves %d of 64 partitions, want 16", name, count)
			}
		}
		began := time.Now()
		if err := workers[0].Leave(t.Context()); err != nil {
			t.Errorf("leave: %v", err)
		}
		if took := time.Since(began); took > 3*time.Second { // 16 partitions, at most half of what is left at once
			t.Errorf("leaving took %v", took)
		}
		if !errors.Is(workers[0].Err(), client.ErrLeft) {
			t.Errorf("it ended with %v", workers[0].Err())
		}
		settled(t, observer, world)
		if count := world.count(); count["w0"] != 0 || len(count) != 3 {
			t.Errorf("after w0 left: %v", count)
		}
		if err := workers[1].Close(t.Context()); err != nil {
			t.Errorf("close: %v", err)
		}
		settled(t, observer, world)
		leader := s.cluster.AwaitLeader(-1)
		s.kill(leader)
		time.Sleep(5 * time.Second)
		s.restart(leader)
		s.cluster.AwaitReady(leader)
		settled(t, observer, world)
		if count := world.count(); count["w2"] != 32 || count["w3"] != 32 {
			t.Errorf("two workers serve %v", count)
		}
	})
}

// Workers with ids of their own are restarted one after the other: what each owned comes back to it, and nothing else changes hands (I9).
func TestRollingRestartMovesNothing(t *testing.T) {
	inPool(t, func(t *testing.T, _ *served, pool func() *client.Pool) {
		world := newOwners(t)
		observer := pool()
		start := func(i int) *client.Worker {
			name := fmt.Sprint("w", i)
			return join(t, pool(), client.WorkerConfig{ID: name, Grace: 30 * time.Second}, &watcher{world, name, 10 * time.Millisecond})
		}
		var workers []*client.Worker
		for i := range 4 {
			workers = append(workers, start(i))
		}
		settled(t, observer, world)
		before, took := world.snapshot()
		for i := range workers {
			if i%2 == 0 {
				if err := workers[i].Restart(t.Context(), 30*time.Second); err != nil {
					t.Fatal(err)
				}
			} else if err := workers[i].Close(t.Context()); err != nil { // as a crash: the place is kept by Grace
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			workers[i] = start(i)
			settled(t, observer, world)
		}
		after, tookAfter := world.snapshot()
		for partition, owner := range before {
			if after[partition] != owner {
				t.Errorf("partition %d moved from %s to %s", partition, owner, after[partition])
			}
		}
		for name, count := range tookAfter {
			if count != 2*took[name] && count != took[name]+16 {
				t.Errorf("%s was given %d partitions, %d of them before", name, count, took[name])
			}
		}
	})
}

// A worker that is cut off from the cluster stops by its own clock before its partitions are given on, and joins again by itself afterwards.
func TestAWorkerThatIsCutOffStopsFirst(t *testing.T) {
	inPool(t, func(t *testing.T, s *served, pool func() *client.Pool) {
		world := newOwners(t)
		observer := pool()
		away := newSwitch(s)
		c := s.clientWith(func(o *client.Options) { o.Dialer = away.dial })
		defer closeClient(t, c)
		lonely := join(t, c.Pool("orders"), client.WorkerConfig{ID: "lonely", Session: client.SessionOptions{TTL: 3 * time.Second}}, &watcher{world, "lonely", 0})
		join(t, pool(), client.WorkerConfig{ID: "other"}, &watcher{world, "other", 0})
		settled(t, observer, world)
		credentials := lonely.Credentials()
		var cause error
		err := lonely.Do(t.Context(), keyOf(lonely), func(ctx context.Context, token uint64) error {
			away.cut()
			<-ctx.Done()
			cause = context.Cause(ctx)
			return nil
		})
		var lost *client.LostError
		if !errors.As(cause, &lost) || !errors.Is(err, client.ErrLost) || lost.Reason != client.LossUnrenewed {
			t.Errorf("the work's context ended with %v, Do with %v; want a loss", cause, err)
		}
		if info, err := observer.Info(t.Context()); err != nil || info.Workers[0].ID != "lonely" || info.Workers[0].Owned != 32 {
			t.Errorf("when it stopped the cluster had given its partitions on already: %+v %v", info.Workers, err)
		}
		settled(t, observer, world)
		if count := world.count(); count["other"] != 64 {
			t.Errorf("while it is away: %v", count)
		}
		away.heal()
		time.Sleep(5 * time.Second)
		settled(t, observer, world)
		if count := world.count(); count["lonely"] != 32 || lonely.Credentials() == credentials || lonely.Err() != nil {
			t.Errorf("it is back: %v, %v", count, lonely.Err())
		}
	})
}

// keyOf finds a key that a worker serves.
func keyOf(worker *client.Worker) string {
	owned := worker.Owned()
	for i := 0; ; i++ {
		key := fmt.Sprint("key ", i)
		if _, serves := owned[worker.Partition(key)]; serves {
			return key
		}
	}
}

// A partition that is asked back begins nothing new, and is handed over when what is under way has ended; that is not interrupted.
func TestHandingOverWaitsForWork(t *testing.T) {
	inPool(t, func(t *testing.T, _ *served, pool func() *client.Pool) {
		world := newOwners(t)
		observer := pool()
		one := join(t, pool(), client.WorkerConfig{ID: "one"}, &watcher{world, "one", 0})
		settled(t, observer, world)
		release := make(chan struct{})
		var works sync.WaitGroup
		for partition := range 64 {
			works.Go(func() {
				err := one.Do(t.Context(), keyIn(one, partition), func(ctx context.Context, _ uint64) error {
					<-release
					return context.Cause(ctx)
				})
				if err != nil {
					t.Errorf("work in partition %d: %v", partition, err)
				}
			})
		}
		two := join(t, pool(), client.WorkerConfig{ID: "two"}, &watcher{world, "two", 0})
		time.Sleep(30 * time.Second)
		info, err := observer.Info(t.Context())
		if err != nil || info.Draining != 32 || len(two.Owned()) != 0 {
			t.Errorf("while the work goes on: %+v, %v; two serves %d", info, err, len(two.Owned()))
		}
		refused := 0
		for partition := range 64 {
			var refusal *client.NotOwnerError
			err := one.Do(t.Context(), keyIn(one, partition), func(context.Context, uint64) error { return nil })
			if errors.As(err, &refusal) && refusal.Partition == partition && refusal.Owner == "one" {
				refused++
			} else if err != nil {
				t.Errorf("partition %d: %v", partition, err)
			}
		}
		if refused != 32 {
			t.Errorf("work begins in %d of 64 partitions, 32 of which are asked back", 64-refused)
		}
		close(release)
		works.Wait()
		settled(t, observer, world)
		if len(two.Owned()) != 32 {
			t.Errorf("two serves %d", len(two.Owned()))
		}
	})
}

// keyIn finds a key of a partition.
func keyIn(worker *client.Worker, partition int) string {
	for i := 0; ; i++ {
		if key := fmt.Sprint("key ", i); worker.Partition(key) == partition {
			return key
		}
	}
}

// A second process under a live worker's id waits and is told so; with the first one's credentials it takes over, and the first one is told why it ended and does not come back.
func TestTwoProcessesUnderOneID(t *testing.T) {
	inPool(t, func(t *testing.T, _ *served, pool func() *client.Pool) {
		world := newOwners(t)
		first := join(t, pool(), client.WorkerConfig{ID: "w"}, &watcher{world, "first", 0})
		settled(t, pool(), world)
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		_, err := pool().Join(ctx, client.WorkerConfig{ID: "w"}, nil)
		var busy *client.WorkerBusyError
		if !errors.As(err, &busy) || !errors.Is(err, context.DeadlineExceeded) || busy.Remaining <= 0 || busy.Remaining > 10*time.Second {
			t.Fatalf("got %v, want a WorkerBusyError", err)
		}
		if len(first.Owned()) != 64 {
			t.Errorf("the first one serves %d partitions", len(first.Owned()))
		}
		// Its partitions are given on at once, so this world may see both for a moment: what protects is the token.
		second := join(t, pool(), client.WorkerConfig{ID: "w", Takeover: first.Credentials()}, nil)
		<-first.Done()
		var displaced *client.DisplacedError
		if !errors.As(first.Err(), &displaced) || displaced.By != second.Credentials().Session {
			t.Errorf("the first one ended with %v", first.Err())
		}
		for len(second.Owned()) != 64 {
			time.Sleep(10 * time.Millisecond)
		}
	})
}

// An operator evicts one worker in good order, and another at once.
func TestEvictions(t *testing.T) {
	inPool(t, func(t *testing.T, _ *served, pool func() *client.Pool) {
		world := newOwners(t)
		observer := pool()
		one := join(t, pool(), client.WorkerConfig{ID: "one"}, &watcher{world, "one", 0})
		two := join(t, pool(), client.WorkerConfig{ID: "two"}, &watcher{world, "two", 0})
		settled(t, observer, world)
		began := time.Now()
		if err := observer.Evict(t.Context(), "one", "test", false); err != nil {
			t.Fatal(err)
		}
		<-one.Done()
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("it knew after %v", took)
		}
		var displaced *client.DisplacedError
		if !errors.As(one.Err(), &displaced) || displaced.By != "" {
			t.Errorf("it ended with %v", one.Err())
		}
		settled(t, observer, world)
		ended := make(chan error, 1)
		err := two.Do(t.Context(), "key", func(ctx context.Context, _ uint64) error {
			if err := observer.Evict(ctx, "two", "test", true); err != nil {
				return err
			}
			<-ctx.Done()
			ended <- context.Cause(ctx)
			return nil
		})
		if cause := <-ended; !errors.Is(cause, client.ErrLost) || !errors.Is(err, client.ErrLost) {
			t.Errorf("the work's context ended with %v, Do with %v", cause, err)
		}
		<-two.Done()
	})
}
