package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

// diary is a handler that writes down what it is told.
type diary struct {
	mu    sync.Mutex
	lines []string
	ctxs  map[int]context.Context
	drain time.Duration
}

func (d *diary) OnAssigned(ctx context.Context, partition int, token uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprint("+", partition, "/", token))
	if d.ctxs == nil {
		d.ctxs = map[int]context.Context{}
	}
	d.ctxs[partition] = ctx
}

// Drains takes time to hand a partition over. It makes no timer for no time: under the race detector Go's runtime (seen with 1.26) ends with a segmentation fault when two goroutines of a bubble receive at
// the same moment from timers whose time has come, since both do it as one and the same thread of the detector.
func Drains(ctx context.Context, span time.Duration) {
	if span <= 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(span):
	}
}

func (d *diary) OnRevoked(ctx context.Context, partition int, token uint64) {
	Drains(ctx, d.drain)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprint("-", partition, "/", token))
}

func (d *diary) read() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	lines := slices.Clone(d.lines)
	slices.Sort(lines)
	return strings.Join(lines, " ")
}

func (d *diary) context(partition int) context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ctxs[partition]
}

// assignment spells an assignment of the membership that fakePool makes.
func assignment(version int64, owned []any, draining ...any) []byte {
	answer := appendRest(wire.AppendMapHeader(nil, wire.RESP3, 7), "name", "orders", "incarnation", "7-0", "partitions", int64(4), "version", version, "epoch", "9-0")
	for i, list := range [][]any{owned, draining} {
		answer = wire.AppendArrayHeader(wire.AppendBulk(answer, []string{"owned", "draining"}[i]), len(list))
		for _, n := range list {
			answer = wire.AppendInteger(answer, int64(n.(int)))
		}
	}
	return answer
}

// fakePool lets a fake cluster have the pool of startRouter, whose worker "a" owns what assigned says.
func fakePool(cluster *fakeCluster, assigned func() []byte) {
	cluster.answer("COORDD.STATUS", func([]string) []byte { return wire.AppendBulk(nil, `{"cluster_id":"c1"}`) })
	cluster.answer("POOL.WATCH", func([]string) []byte {
		return tableMap("7-0", 4, 0, 5, false, []string{"a", "", "a:1", "b", "", "b:1"}, 0, "a", 11, 1, 1, "b", 12, 1, 2, "a", 13, 1)
	})
	cluster.answer("POOL.JOIN", func([]string) []byte {
		return appendPairs("name", "orders", "incarnation", "7-0", "partitions", int64(4), "version", int64(5), "epoch", "9-0")
	})
	cluster.answer("POOL.ACK", func([]string) []byte { return appendPairs("released", int64(1), "version", int64(6)) })
	cluster.answer("POOL.ASSIGNMENT", func([]string) []byte { return assigned() })
}

func joinFake(t *testing.T, c *Client, handler PoolHandler) *Worker {
	t.Helper()
	worker, err := c.Pool("orders").Join(t.Context(), WorkerConfig{ID: "a"}, handler)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return worker
}

// The partitions end by the arithmetic of a lock's deadline, also when the cluster's clock is faster than ours by as much as is tolerated: before the cluster can end the session.
func TestPartitionsEndBeforeTheSessionCan(t *testing.T) {
	for _, rate := range []float64{0.9, 1, 1.1} {
		synctest.Test(t, func(t *testing.T) {
			cluster := newFakeCluster()
			cluster.rate = rate
			fakePool(cluster, func() []byte { return assignment(5, []any{0, 11, 2, 13}) })
			c := dialFake(t, cluster, nil)
			defer finish(t, cluster, c)
			told := &diary{}
			joinFake(t, c, told)
			if told.read() != "+0/11 +2/13" {
				t.Fatal(told.read())
			}
			time.Sleep(20 * time.Second)
			cluster.script(func(_ string, words []string) fate {
				if words[0] == "SESSION.RENEW" {
					return ignored
				}
				return answered
			})
			end := cluster.sessionEnds() // no keepalive arrives any more; afterwards the worker opens another session
			ended := told.context(0)
			<-ended.Done()
			var lost *LostError
			if !errors.As(context.Cause(ended), &lost) || lost.Reason != LossUnrenewed {
				t.Errorf("it ended with %v", context.Cause(ended))
			}
			if at := cluster.clock(); at >= end || end-at > 3*time.Second {
				t.Errorf("rate %v: it ended at %v, the session ends at %v", rate, at, end)
			}
		})
	}
}

// A partition that was handed over is not served again under that token, whatever an answer that was on its way says; an acknowledgement whose answer is lost is repeated.
func TestWhatWasHandedOverStaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		var mu sync.Mutex
		now := assignment(5, []any{0, 11, 2, 13}, 2)
		fakePool(cluster, func() []byte {
			mu.Lock()
			defer mu.Unlock()
			return now
		})
		cut := 0
		cluster.script(func(_ string, words []string) fate {
			if words[0] == "POOL.ACK" && cut < 3 {
				cut++
				return cutAfter
			}
			return answered
		})
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		told := &diary{drain: time.Second}
		worker := joinFake(t, c, told)
		time.Sleep(time.Minute) // every answer until then is old: it still tells partition 2
		if told.read() != "+0/11 +2/13 -2/13" {
			t.Errorf("told: %s", told.read())
		}
		if acknowledged := cluster.commands("POOL.ACK"); acknowledged != 4 {
			t.Errorf("it was acknowledged %d times, the answers of 3 were lost", acknowledged)
		}
		mu.Lock()
		now = assignment(7, []any{0, 11, 2, 20})
		mu.Unlock()
		cluster.pushTable(tableMap("7-0", 4, 5, 7, true, nil, 2, "a", 20, 1))
		synctest.Wait()
		if told.read() != "+0/11 +2/13 +2/20 -2/13" || worker.Owned()[2] != 20 {
			t.Errorf("told: %s", told.read())
		}
	})
}

// A row of the table is no grant: only the assignment of the worker's own membership is.
func TestRowsOfTheTableAreNoGrants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		fakePool(cluster, func() []byte { return assignment(5, []any{0, 11}) })
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		told := &diary{}
		worker := joinFake(t, c, told)
		cluster.pushTable(tableMap("7-0", 4, 5, 6, true, nil, 3, "a", 99, 1))
		synctest.Wait()
		if told.read() != "+0/11" || len(worker.Owned()) != 1 {
			t.Errorf("told %s, serves %v", told.read(), worker.Owned())
		}
		if cluster.commands("POOL.ASSIGNMENT") != 2 {
			t.Errorf("it asked %d times", cluster.commands("POOL.ASSIGNMENT"))
		}
		// What does not concern it makes it ask nothing.
		cluster.pushTable(tableMap("7-0", 4, 6, 8, true, nil, 1, "c", 100, 1))
		synctest.Wait()
		if cluster.commands("POOL.ASSIGNMENT") != 2 {
			t.Errorf("it asked %d times", cluster.commands("POOL.ASSIGNMENT"))
		}
	})
}

// Answers of another membership, or that make no sense, give nothing.
func TestAssignmentsThatMakeNoSense(t *testing.T) {
	for what, answer := range map[string][]byte{
		"another membership": []byte(strings.Replace(string(assignment(5, []any{0, 11})), "9-0", "8-0", 1)),
		"a partition beyond": assignment(5, []any{4, 11}),
		"no token":           assignment(5, []any{0, 0}),
	} {
		synctest.Test(t, func(t *testing.T) {
			cluster := newFakeCluster()
			fakePool(cluster, func() []byte { return answer })
			c := dialFake(t, cluster, nil)
			defer finish(t, cluster, c)
			told := &diary{}
			worker := joinFake(t, c, told)
			time.Sleep(30 * time.Second)
			if told.read() != "" || len(worker.Owned()) != 0 || worker.Err() != nil {
				t.Errorf("%s: told %q, serves %v, ended %v", what, told.read(), worker.Owned(), worker.Err())
			}
		})
	}
}

// Work whose partition is taken away hears of it, and so does whoever asked for it; the next owner's token comes only when the handler has returned.
func TestAPartitionIsTakenAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		var mu sync.Mutex
		now := assignment(5, []any{0, 11, 1, 12, 2, 13, 3, 14})
		fakePool(cluster, func() []byte {
			mu.Lock()
			defer mu.Unlock()
			return now
		})
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		told := &diary{}
		worker := joinFake(t, c, told)
		key := "key"
		partition := worker.Partition(key)
		taken := []any{}
		for p := range 4 {
			if p != partition {
				taken = append(taken, p, 11+p)
			} else {
				taken = append(taken, p, 50)
			}
		}
		err := worker.Do(t.Context(), key, func(ctx context.Context, _ uint64) error {
			mu.Lock()
			now = assignment(8, taken)
			mu.Unlock()
			cluster.pushTable(tableMap("7-0", 4, 5, 8, true, nil, partition, "a", 50, 1))
			<-ctx.Done()
			time.Sleep(time.Minute) // it takes its time
			if worker.Owned()[partition] != 0 {
				t.Error("the partition is served while work under the old token goes on")
			}
			return context.Cause(ctx)
		})
		var lost *LostError
		if !errors.As(err, &lost) || lost.Reason != LossReassigned || lost.Token != uint64(11+partition) {
			t.Errorf("Do returned %v", err)
		}
		synctest.Wait()
		if worker.Owned()[partition] != 50 {
			t.Errorf("serves %v", worker.Owned())
		}
	})
}

// A worker that lost its session joins again, and its id lives elsewhere. It is asked to leave: it has nothing to give back, and nothing to wait for.
func TestLeavingWhileTheIDIsInUseElsewhere(t *testing.T) {
	for what, leave := range map[string]func(*Worker, context.Context) error{
		"leave":   (*Worker).Leave,
		"restart": func(w *Worker, ctx context.Context) error { return w.Restart(ctx, time.Minute) },
	} {
		synctest.Test(t, func(t *testing.T) {
			cluster := newFakeCluster()
			fakePool(cluster, func() []byte { return assignment(5, []any{0, 11, 2, 13}) })
			c := dialFake(t, cluster, nil)
			defer finish(t, cluster, c)
			worker := joinFake(t, c, nil)
			cluster.answer("POOL.JOIN", func([]string) []byte {
				return wire.AppendError(nil, `WORKERBUSY worker 'a' is session 3-0 {"remaining_ms":4000}`)
			})
			cluster.cutRenewals()
			time.Sleep(time.Minute)
			cluster.script(nil)
			time.Sleep(time.Minute)
			if tried := cluster.commands("POOL.JOIN"); tried < 10 {
				t.Fatalf("it tried %d times to join", tried)
			}
			asked, closed := time.Now(), cluster.commands("SESSION.CLOSE")
			limited, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := leave(worker, limited); err != nil || time.Since(asked) > time.Second {
				t.Errorf("%s took %v: %v", what, time.Since(asked), err)
			}
			if err := worker.Err(); !errors.Is(err, ErrLeft) {
				t.Fatalf("%s: the worker ended with %v", what, err)
			}
			synctest.Wait()
			if now := cluster.commands("SESSION.CLOSE"); now != closed+1 {
				t.Errorf("%s: the session with which it tried to join is not closed: %d were, and %d before", what, now, closed)
			}
		})
	}
}

func TestJoinThatIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		fakePool(cluster, func() []byte { return assignment(5, nil) })
		refusal := `WORKERBUSY worker 'a' is session 3-0 {"remaining_ms":4000}`
		cluster.answer("POOL.JOIN", func([]string) []byte { return wire.AppendError(nil, refusal) })
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		_, err := c.Pool("orders").Join(ctx, WorkerConfig{ID: "a"}, nil)
		var busy *WorkerBusyError
		if !errors.As(err, &busy) || busy.Remaining != 4*time.Second || !Definite(err) {
			t.Errorf("got %v", err)
		}
		if asked := cluster.commands("POOL.JOIN"); asked < 60 || asked > 130 {
			t.Errorf("it asked %d times in half a minute", asked)
		}
		refusal = "LIMIT pool 'orders' has 1024 workers"
		if _, err := c.Pool("orders").Join(t.Context(), WorkerConfig{ID: "a"}, nil); !hasCode(err, "LIMIT") {
			t.Errorf("got %v", err)
		}
		synctest.Wait()
		if opened, closed := cluster.commands("SESSION.OPEN"), cluster.commands("SESSION.CLOSE"); opened != 2 || closed != 2 {
			t.Errorf("%d sessions were opened and %d closed", opened, closed)
		}
	})
}
