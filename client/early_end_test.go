package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// toldGossip is a gossip that answers as it is told to, and counts.
type toldGossip struct {
	hears   atomic.Bool
	delay   time.Duration // of an answer
	asked   atomic.Int64
	present atomic.Value // what was presented last
	refuses error        // what is presented
}

func (g *toldGossip) Present(pool, worker, session string) error {
	g.present.Store(fmt.Sprint(pool, "/", worker, "/", session))
	return g.refuses
}

func (g *toldGossip) Heard(ctx context.Context) bool {
	g.asked.Add(1)
	if wait(ctx, g.delay) != nil {
		return false
	}
	if !g.hears.Load() {
		<-ctx.Done() // nothing comes
		return false
	}
	return true
}

// earliestEnd is when the cluster may end its only session early, on the holder's clock.
func (f *fakeCluster) earliestEnd() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, session := range f.sessions {
		return time.Duration(float64(session.deadline-session.ttl+session.early)/f.rate) * time.Millisecond
	}
	return 0
}

// cutRenewals lets no keepalive through any more.
func (f *fakeCluster) cutRenewals() {
	f.script(func(_ string, words []string) fate {
		if words[0] == "SESSION.RENEW" {
			return ignored
		}
		return answered
	})
}

// A session that agreed to an early end counts as lost before the cluster may end it early, whatever reason it has, at every rate of the two clocks that is tolerated.
func TestAnEarlySessionIsLostBeforeItMayEnd(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 9))
			cluster := newFakeCluster()
			cluster.rate = 0.9 + random.Float64()*0.2
			c := dialFake(t, cluster, func(o *Options) { o.RateTolerance = 0.1 })
			defer finish(t, cluster, c)
			session, err := c.OpenSession(t.Context(), SessionOptions{TTL: 10 * time.Second, EarlyEnd: 3 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(random.Int64N(int64(20 * time.Second))))
			cluster.cutRenewals()
			<-session.Context().Done()
			if at, end := cluster.clock(), cluster.earliestEnd(); at >= end {
				t.Errorf("lost at %v; the cluster may end it from %v on (rate %.2f)", at, end, cluster.rate)
			}
			if cause := context.Cause(session.Context()); !errors.Is(cause, ErrLost) {
				t.Errorf("the cause is %v", cause)
			}
		})
	}
}

// Keepalives come every third of EarlyEnd, so at every moment the cluster has heard of the session within two thirds of it, an attempt that fails included.
func TestAnEarlySessionRenewsBeforeItCouldEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		gossip := &toldGossip{}
		session, err := c.openSession(t.Context(), SessionOptions{TTL: 10 * time.Second, EarlyEnd: 3 * time.Second}, gossip.Heard)
		if err != nil {
			t.Fatal(err)
		}
		for range 3000 {
			time.Sleep(100 * time.Millisecond)
			if left := cluster.earliestEnd() - cluster.clock(); left < 1900*time.Millisecond {
				t.Fatalf("at %v the cluster may end the session in %v", cluster.clock(), left)
			}
		}
		if session.State() != StateHeld || gossip.asked.Load() != 0 {
			t.Errorf("a session that is renewed is %v, and its gossip was asked %d times", session.State(), gossip.asked.Load())
		}
	})
}

// When keepalives stay away, the gossip's word carries the session on to the end of its TTL, and no longer; and when the gossip falls silent too, the session is lost at once.
func TestGossipCarriesAnEarlySession(t *testing.T) {
	for _, silent := range []time.Duration{0, 5 * time.Second} { // after so long the gossip falls silent; 0: never
		synctest.Test(t, func(t *testing.T) {
			cluster := newFakeCluster()
			c := dialFake(t, cluster, nil)
			defer finish(t, cluster, c)
			gossip := &toldGossip{delay: 100 * time.Millisecond}
			gossip.hears.Store(true)
			session, err := c.openSession(t.Context(), SessionOptions{TTL: 10 * time.Second, EarlyEnd: 3 * time.Second}, gossip.Heard)
			if err != nil {
				t.Fatal(err)
			}
			cluster.cutRenewals()
			begin := cluster.clock()
			if silent != 0 {
				time.AfterFunc(silent, func() { gossip.hears.Store(false) })
			}
			time.Sleep(4 * time.Second)
			if session.State() != StateJeopardy {
				t.Fatalf("a session whose gossip is heard is %v %v after its last renewal", session.State(), cluster.clock()-begin)
			}
			<-session.Context().Done()
			lived, want := cluster.clock()-begin, c.clock.deadline(reading{}, 10_000)
			if silent == 0 && (lived > want || lived < want-100*time.Millisecond) {
				t.Errorf("it lived for %v; by its TTL it lives for %v", lived, want)
			}
			if silent != 0 && (lived < silent-heardCarries || lived > silent+heardCarries+askingPause) {
				t.Errorf("it lived for %v, and its gossip for %v", lived, silent)
			}
		})
	}
}

// Gossip's word carries a session on only if it was there all along, from when keepalives are late. The nodes may have given up who was silent meanwhile, and their leader need not know yet that he is back.
func TestGossipThatWasSilentCarriesNothing(t *testing.T) {
	for _, c := range []struct {
		what     string
		from, to time.Duration // since the last renewal: when the gossip is silent
		carried  bool
	}{
		{"silent until just before the end", 0, 2100 * time.Millisecond, false},
		{"silent in between", 1700 * time.Millisecond, 2100 * time.Millisecond, false},
		{"one answer is lost", 1850 * time.Millisecond, 1950 * time.Millisecond, true},
		{"silent before keepalives were late", 0, 1400 * time.Millisecond, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			cluster := newFakeCluster()
			client := dialFake(t, cluster, nil)
			defer finish(t, cluster, client)
			gossip := &toldGossip{}
			gossip.hears.Store(true)
			session, err := client.openSession(t.Context(), SessionOptions{TTL: 10 * time.Second, EarlyEnd: 3 * time.Second}, gossip.Heard)
			if err != nil {
				t.Fatal(err)
			}
			cluster.cutRenewals()
			renewed := cluster.clock()
			time.AfterFunc(c.from, func() { gossip.hears.Store(false) })
			time.AfterFunc(c.to, func() { gossip.hears.Store(true) })
			<-session.Context().Done()
			early, late := client.clock.deadline(reading{}, 3000), client.clock.deadline(reading{}, 10_000)
			if lived := cluster.clock() - renewed; lived != early && !c.carried || lived != late && c.carried {
				t.Errorf("%s: it lived for %v; by an early end it lives for %v, and carried for %v", c.what, lived, early, late)
			}
		})
	}
}

// An answer that comes when the session has ended revives nothing, whether or not somebody has noticed the end yet: a machine may have slept meanwhile.
func TestALateWordOfTheGossipRevivesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		var suspended atomic.Int64
		client := dialFake(t, cluster, func(o *Options) {
			o.Clock = func() time.Duration { return cluster.clock() + time.Duration(suspended.Load()) }
		})
		defer finish(t, cluster, client)
		gossip := &toldGossip{delay: 100 * time.Millisecond}
		gossip.hears.Store(true)
		session, err := client.openSession(t.Context(), SessionOptions{TTL: 10 * time.Second, EarlyEnd: 3 * time.Second}, gossip.Heard)
		if err != nil {
			t.Fatal(err)
		}
		cluster.cutRenewals()
		time.Sleep(2410 * time.Millisecond)
		if session.Remaining() == 0 {
			t.Fatal("it was lost before anything went wrong")
		}
		asked := client.clock.now()
		suspended.Store(int64(240 * time.Millisecond))
		if remaining := session.Remaining(); remaining != 0 {
			t.Fatalf("%v remain", remaining)
		}
		session.hear(asked)
		if state, remaining := session.State(), session.Remaining(); state != StateLost || remaining != 0 {
			t.Errorf("after a late answer the session is %v, and %v remain", state, remaining)
		}
	})
}

// slowConn is a connection over which each request takes a while.
type slowConn struct {
	net.Conn
	takes *atomic.Int64
}

func (c slowConn) Write(request []byte) (int, error) {
	time.Sleep(time.Duration(c.takes.Load()))
	return c.Conn.Write(request)
}

// While the gossip's word carries a session from moment to moment, each keepalive has as long to be answered as ever: a cluster that is slow to take them up again renews it.
func TestASlowAnswerRenewsASessionThatGossipCarries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, takes := newFakeCluster(), &atomic.Int64{}
		c := dialFake(t, cluster, func(o *Options) {
			o.Dialer = func(ctx context.Context, endpoint string) (net.Conn, error) {
				conn, err := cluster.dial(ctx, endpoint)
				return slowConn{conn, takes}, err
			}
		})
		defer finish(t, cluster, c)
		gossip := &toldGossip{delay: 10 * time.Millisecond}
		gossip.hears.Store(true)
		session, err := c.openSession(t.Context(), SessionOptions{TTL: 10 * time.Second, EarlyEnd: 3 * time.Second}, gossip.Heard)
		if err != nil {
			t.Fatal(err)
		}
		cluster.cutRenewals()
		takes.Store(int64(400 * time.Millisecond))
		time.Sleep(4 * time.Second)
		cluster.script(nil)
		time.Sleep(2 * time.Second)
		if state := session.State(); state != StateHeld {
			t.Errorf("two seconds after keepalives are answered again, each in 400 ms, the session is %v", state)
		}
	})
}

// A worker tells the gossip each session that it serves under, and its partitions end when neither keepalives nor gossip get through.
func TestAWorkerPresentsItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		fakePool(cluster, func() []byte { return assignment(5, []any{0, 11}) })
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		gossip, told := &toldGossip{}, &diary{}
		worker, err := c.Pool("orders").Join(t.Context(), WorkerConfig{ID: "a", Session: SessionOptions{EarlyEnd: 3 * time.Second}, Gossip: gossip}, told)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		first := worker.Credentials().Session
		if got, want := gossip.present.Load(), "orders/a/"+first; got != want {
			t.Errorf("the gossip is told %q, not %q", got, want)
		}
		cluster.cutRenewals()
		served := told.context(0)
		time.Sleep(2400 * time.Millisecond)
		if served.Err() != nil {
			t.Error("the partition ended before it had to")
		}
		time.Sleep(200 * time.Millisecond)
		if served.Err() == nil {
			t.Error("nothing gets through, the cluster may give the partition to another in a moment, and it has not ended here")
		}
		cluster.script(nil)
		time.Sleep(time.Minute)
		if got := gossip.present.Load(); got != "orders/a/"+worker.Credentials().Session || worker.Credentials().Session == first {
			t.Errorf("after another session, %s, the gossip is told %q", worker.Credentials().Session, got)
		}
		if err := worker.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A worker that the gossip can never carry is told so when it joins, and has not been in the pool.
func TestAWorkerThatCannotBePresentedDoesNotJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		fakePool(cluster, func() []byte { return assignment(5, nil) })
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		gossip := &toldGossip{refuses: errors.New("the name is too long")}
		_, err := c.Pool("orders").Join(t.Context(), WorkerConfig{ID: "a", Gossip: gossip}, nil)
		if !errors.Is(err, gossip.refuses) || !strings.Contains(err.Error(), `worker "a" of pool "orders"`) {
			t.Errorf("got %v", err)
		}
		synctest.Wait()
		if joins, closes := cluster.commands("POOL.JOIN"), cluster.commands("SESSION.CLOSE"); joins != 0 || closes != 1 {
			t.Errorf("it joined %d times and closed %d sessions", joins, closes)
		}
	})
}

func TestEarlyEndsThatCannotWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		for _, early := range []time.Duration{-1, MinEarlyEnd - time.Millisecond, MinEarlyEnd + time.Microsecond, DefaultSessionTTL + time.Millisecond} {
			if _, err := c.OpenSession(t.Context(), SessionOptions{EarlyEnd: early}); err == nil {
				t.Errorf("EarlyEnd %v was taken", early)
			}
		}
		if n := cluster.commands("SESSION.OPEN"); n != 0 {
			t.Errorf("the cluster was asked %d times", n)
		}
	})
}
