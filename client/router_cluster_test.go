package client_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/ring"
)

// A router follows what changes: after each change it tells the same as the cluster does, and a node's death costs it nothing (I10).
func TestRouterFollowsThePool(t *testing.T) {
	inPool(t, func(t *testing.T, s *served, pool func() *client.Pool) {
		world := newOwners(t)
		observer := pool()
		router, err := observer.Router(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer router.Close()
		if route := router.Lookup("key"); route.Owner.ID != "" || route.State != client.RouteFree || route.Partition != ring.Partition("key", 64) {
			t.Errorf("in a pool without workers: %+v", route)
		}
		check := func() {
			t.Helper()
			settled(t, observer, world)
			info, err := observer.Info(t.Context())
			if err == nil {
				err = router.Await(t.Context(), info.Version)
			}
			if err != nil {
				t.Fatal(err)
			}
			count := map[string]int{}
			for partition := range router.Partitions() {
				route := router.At(partition)
				if route.State != client.RouteOwned || route.Token == 0 || route.Owner.Address != route.Owner.ID+":80" {
					t.Errorf("partition %d: %+v", partition, route)
				}
				count[route.Owner.ID]++
			}
			for _, worker := range info.Workers {
				if count[worker.ID] != worker.Owned {
					t.Errorf("the router tells %d partitions of %s, the cluster %d", count[worker.ID], worker.ID, worker.Owned)
				}
			}
			if len(router.Members()) != len(info.Workers) {
				t.Errorf("members %v", router.Members())
			}
		}
		one := join(t, pool(), client.WorkerConfig{ID: "one", Zone: "north"}, &watcher{world, "one", 0})
		check()
		join(t, pool(), client.WorkerConfig{ID: "two"}, &watcher{world, "two", 0})
		check()
		leader := s.cluster.AwaitLeader(-1)
		s.kill(leader)
		time.Sleep(5 * time.Second)
		if err := one.Leave(t.Context()); err != nil {
			t.Error(err)
		}
		check()
		s.restart(leader)
		s.cluster.AwaitReady(leader)
	})
}

// Work that is sent by a router is only ever done by the key's owner, however the pool changes meanwhile, and is done in the end (I12).
func TestRouterBringsWorkToTheOwner(t *testing.T) {
	inPool(t, func(t *testing.T, _ *served, pool func() *client.Pool) {
		world := newOwners(t)
		observer := pool()
		var mu sync.Mutex
		workers := map[string]*client.Worker{}
		start := func(name string) *client.Worker {
			worker := join(t, pool(), client.WorkerConfig{ID: name}, &watcher{world, name, 20 * time.Millisecond})
			mu.Lock()
			defer mu.Unlock()
			workers[name] = worker
			return worker
		}
		first := start("w0")
		router, err := observer.Router(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer router.Close()
		ctx, stop := context.WithCancel(t.Context())
		var senders sync.WaitGroup
		var done, refused int
		for i := range 8 {
			senders.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					key := fmt.Sprint(i, "/", n)
					err := router.Do(t.Context(), key, func(ctx context.Context, to client.Route) error {
						mu.Lock()
						worker := workers[to.Owner.ID]
						mu.Unlock()
						err := worker.DoFor(ctx, to.Incarnation, key, func(ctx context.Context, token uint64) error {
							world.mu.Lock()
							defer world.mu.Unlock()
							if owner := world.of[to.Partition]; owner != worker.ID() || world.last[to.Partition] != token {
								t.Errorf("%s does work of partition %d with token %d; %s serves it with token %d", worker.ID(), to.Partition, token, owner, world.last[to.Partition])
							}
							return nil
						})
						mu.Lock()
						defer mu.Unlock()
						if err == nil {
							done++
						} else {
							refused++
						}
						return err
					})
					if err != nil {
						t.Errorf("%s: %v", key, err)
					}
					time.Sleep(2 * time.Millisecond)
				}
			})
		}
		start("w1")
		time.Sleep(3 * time.Second)
		if err := first.Leave(t.Context()); err != nil {
			t.Error(err)
		}
		start("w2")
		time.Sleep(3 * time.Second)
		stop()
		senders.Wait()
		mu.Lock()
		defer mu.Unlock()
		t.Logf("%d pieces of work done, %d refusals on the way", done, refused)
		if done < 1000 || refused == 0 {
			t.Errorf("%d done and %d refused do not try anything", done, refused)
		}
	})
}

// A router belongs to one pool: neither another one of the same name nor another cluster makes it change its mind.
func TestS28_RouterAndWorkerKeepToTheirPool(t *testing.T) {
	inPool(t, func(t *testing.T, _ *served, pool func() *client.Pool) {
		observer := pool()
		router, err := observer.Router(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		old := router.Incarnation()
		if err := observer.Delete(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		<-router.Done()
		var changed *client.PoolChangedError
		if !errors.As(router.Err(), &changed) || changed.Incarnation != old {
			t.Errorf("it ended with %v", router.Err())
		}
		if _, err := observer.Router(t.Context()); err == nil {
			t.Error("there is a router of a pool that does not exist")
		}
		if _, err := observer.Create(t.Context(), client.PoolSettings{Partitions: 8}); err != nil {
			t.Fatal(err)
		}
		worker := join(t, pool(), client.WorkerConfig{ID: "w"}, nil)
		for len(worker.Owned()) != 8 {
			time.Sleep(10 * time.Millisecond)
		}
		var refused *client.NotOwnerError
		if err := worker.DoFor(t.Context(), old, "key", func(context.Context, uint64) error { return nil }); !errors.As(err, &refused) || refused.Asked != old || refused.Incarnation == old {
			t.Errorf("a request for the deleted pool: %v", err)
		}
	})
}
