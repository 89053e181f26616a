package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

// tableMap spells a table map as a cluster does.
func tableMap(incarnation string, partitions int, from, version int64, delta bool, workers []string, rows ...any) []byte {
	answer := wire.AppendMapHeader(nil, wire.RESP3, 8)
	flag := int64(0)
	if delta {
		flag = 1
	}
	answer = appendRest(answer, "name", "orders", "incarnation", incarnation, "partitions", int64(partitions), "from", from, "version", version, "delta", flag)
	answer = wire.AppendBulk(answer, "workers")
	if workers == nil {
		answer = wire.AppendNil(answer, wire.RESP3)
	} else {
		answer = wire.AppendArrayHeader(answer, len(workers))
		for _, word := range workers {
			answer = wire.AppendBulk(answer, word)
		}
	}
	answer = wire.AppendArrayHeader(wire.AppendBulk(answer, "changes"), len(rows))
	for _, cell := range rows {
		switch cell := cell.(type) {
		case int:
			answer = wire.AppendInteger(answer, int64(cell))
		case string:
			answer = wire.AppendBulk(answer, cell)
		}
	}
	return answer
}

// pushTable pushes to every connection that watches.
func (f *fakeCluster) pushTable(table []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for one := range f.open {
		if one.watching {
			_ = one.output.Push(func(to []byte) []byte {
				to = wire.AppendPushHeader(to, wire.RESP3, 3)
				return append(wire.AppendBulk(wire.AppendBulk(to, "pool"), "orders"), table...)
			})
		}
	}
}

// startRouter is a router of a pool with four partitions of the workers a and b, at version 5.
func startRouter(t *testing.T, cluster *fakeCluster, c *Client) *Router {
	t.Helper()
	cluster.answer("COORDD.STATUS", func([]string) []byte { return wire.AppendBulk(nil, `{"cluster_id":"c1"}`) })
	cluster.answer("POOL.WATCH", func([]string) []byte {
		return tableMap("7-0", 4, 0, 5, false, []string{"a", "north", "a:1", "b", "south", "b:1"}, 0, "a", 11, 1, 1, "b", 12, 1, 2, "a", 13, 2)
	})
	router, err := c.Pool("orders").Router(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return router
}

func TestRouterAppliesDeltas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		router := startRouter(t, cluster, c)
		a, b := Member{"a", "north", "a:1"}, Member{"b", "south", "b:1"}
		for partition, want := range []Route{{0, a, 11, RouteOwned, "7-0", 5}, {1, b, 12, RouteOwned, "7-0", 5}, {2, a, 13, RouteDraining, "7-0", 5}, {3, Member{}, 0, RouteFree, "7-0", 5}} {
			if got := router.At(partition); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		}
		// a goes: its partitions are nobody's, with their last tokens; b's place among the members is another now. One delta comes twice, and one late.
		late := tableMap("7-0", 4, 4, 5, true, nil, 1, "a", 3, 1)
		gone := tableMap("7-0", 4, 5, 6, true, []string{"b", "south", "b:2"}, 0, "", 11, 0, 2, "b", 16, 1)
		for _, table := range [][]byte{gone, gone, late} {
			cluster.pushTable(table)
		}
		synctest.Wait()
		b.Address = "b:2"
		for partition, want := range []Route{{0, Member{}, 11, RouteFree, "7-0", 6}, {1, b, 12, RouteOwned, "7-0", 6}, {2, b, 16, RouteOwned, "7-0", 6}} {
			if got := router.At(partition); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		}
		if members := router.Members(); len(members) != 1 || members[0] != b {
			t.Errorf("members %v", members)
		}
	})
}

// A delta that begins beyond the table means that something is missing: the router reads anew, and never tells what it cannot know.
func TestRouterRepairsAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		router := startRouter(t, cluster, c)
		asked := make(chan string, 1)
		cluster.answer("POOL.WATCH", func(words []string) []byte {
			asked <- fmt.Sprint(words)
			return tableMap("7-0", 4, 5, 9, true, nil, 1, "a", 20, 1, 3, "b", 21, 1)
		})
		cluster.pushTable(tableMap("7-0", 4, 8, 9, true, nil, 3, "b", 21, 1))
		time.Sleep(5 * time.Second)
		select {
		case words := <-asked:
			if words != "[POOL.WATCH orders SINCE 5 INCARNATION 7-0]" {
				t.Errorf("it asked %v", words)
			}
		default:
			t.Fatal("it did not ask for what it misses")
		}
		if one, three := router.At(1), router.At(3); one.Owner.ID != "a" || one.Token != 20 || three.Owner.ID != "b" || router.Version() != 9 {
			t.Errorf("got %+v and %+v", one, three)
		}
	})
}

func TestRouterRefusesAnotherPool(t *testing.T) {
	for what, table := range map[string][]byte{
		"another incarnation": tableMap("8-0", 4, 0, 9, false, []string{}, 0, "x", 99, 1),
		"a delta of one":      tableMap("8-0", 4, 5, 9, true, []string{}, 0, "x", 99, 1),
		"other partitions":    tableMap("7-0", 8, 0, 9, false, []string{}, 0, "x", 99, 1),
		"an older whole":      tableMap("7-0", 4, 0, 4, false, []string{}, 0, "x", 99, 1),
		"nothing any more":    wire.AppendNil(nil, wire.RESP3),
	} {
		synctest.Test(t, func(t *testing.T) {
			cluster := newFakeCluster()
			c := dialFake(t, cluster, nil)
			defer finish(t, cluster, c)
			router := startRouter(t, cluster, c)
			cluster.pushTable(table)
			<-router.Done()
			var changed *PoolChangedError
			if !errors.As(router.Err(), &changed) || changed.Incarnation != "7-0" {
				t.Errorf("%s: it ended with %v", what, router.Err())
			}
			if got := router.At(0); got.Owner.ID != "a" || got.Token != 11 {
				t.Errorf("%s: it tells %+v", what, got)
			}
		})
	}
}

// A node of another cluster may know a pool of the same name and incarnation.
func TestRouterRefusesAnotherCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		router := startRouter(t, cluster, c)
		cluster.answer("COORDD.STATUS", func([]string) []byte { return wire.AppendBulk(nil, `{"cluster_id":"c2"}`) })
		cluster.answer("POOL.WATCH", func([]string) []byte { return tableMap("7-0", 4, 5, 9, true, nil, 0, "b", 99, 1) })
		cluster.cutWatching()
		time.Sleep(10 * time.Second)
		if got := router.At(0); got.Owner.ID != "a" || router.Err() != nil {
			t.Errorf("it tells %+v and ended with %v", got, router.Err())
		}
		cluster.answer("COORDD.STATUS", func([]string) []byte { return wire.AppendBulk(nil, `{"cluster_id":"c1"}`) })
		time.Sleep(5 * time.Second)
		if got := router.At(0); got.Owner.ID != "b" || got.Token != 99 {
			t.Errorf("with its own cluster again it tells %+v", got)
		}
	})
}

func TestRoutersDoGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		router := startRouter(t, cluster, c)
		cluster.answer("POOL.TABLE", func([]string) []byte { return tableMap("7-0", 4, 5, 5, true, nil) })
		began := time.Now()
		calls := 0
		err := router.Do(t.Context(), "key", func(_ context.Context, to Route) error {
			calls++
			return &NotOwnerError{Pool: "orders", Worker: to.Owner.ID, Version: 5}
		})
		var refused *NotOwnerError
		if !errors.Is(err, ErrNoOwner) || !errors.As(err, &refused) || time.Since(began) != routePatience || calls < 10 {
			t.Errorf("after %v and %d calls: %v", time.Since(began), calls, err)
		}
		mine := errors.New("mine")
		if err := router.Do(t.Context(), "key", func(context.Context, Route) error { return mine }); err != mine {
			t.Errorf("an error of the caller's own became %v", err)
		}
	})
}

func TestTablesThatMakeNoSense(t *testing.T) {
	for what, table := range map[string][]byte{
		"no incarnation":      tableMap("", 4, 0, 5, false, nil),
		"no partitions":       tableMap("7-0", 0, 0, 5, false, nil),
		"too many partitions": tableMap("7-0", 1<<20, 0, 5, false, nil),
		"no version":          tableMap("7-0", 4, 0, 0, false, nil),
		"a partition beyond":  tableMap("7-0", 4, 0, 5, false, nil, 4, "a", 1, 1),
		"a partition before":  tableMap("7-0", 4, 0, 5, false, nil, -1, "a", 1, 1),
		"a state":             tableMap("7-0", 4, 0, 5, false, nil, 1, "a", 1, 3),
		"a token":             tableMap("7-0", 4, 0, 5, false, nil, 1, "a", -1, 1),
	} {
		value, err := wire.NewReplies(bytes.NewReader(table), wire.ReplyLimits{}).Read()
		if err != nil {
			t.Fatal(err)
		}
		if update, err := tableUpdateOf(value); err == nil {
			t.Errorf("%s: taken as %+v", what, update)
		}
	}
}

func TestLookupAllocatesNothing(t *testing.T) {
	router := bigRouter(1000)
	if allocations := testing.AllocsPerRun(1000, func() { sink = router.Lookup("user:12345678") }); allocations != 0 {
		t.Errorf("a lookup allocates %v times", allocations)
	}
}

var sink Route

func bigRouter(members int) *Router {
	table := &routes{incarnation: "7-0", version: 9, owners: make([]uint16, 4096), states: make([]RouteState, 4096), tokens: make([]uint64, 4096)}
	for i := range members {
		table.members = append(table.members, Member{ID: fmt.Sprint("worker-", i), Address: fmt.Sprint("10.0.0.1:", i)})
	}
	for partition := range table.owners {
		table.owners[partition], table.states[partition], table.tokens[partition] = uint16(1+partition%members), RouteOwned, 77
	}
	router := &Router{}
	router.table.Store(table)
	return router
}

func BenchmarkRouterLookup(b *testing.B) {
	for _, members := range []int{10, 100, 1000} {
		router := bigRouter(members)
		keys := make([]string, 1<<12)
		for i := range keys {
			keys[i] = fmt.Sprintf("user:%011d", i)
		}
		b.Run(fmt.Sprint("members=", members), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				sink = router.Lookup(keys[i%len(keys)])
			}
		})
	}
}
