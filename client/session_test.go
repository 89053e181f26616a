package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestDeadlineArithmetic(t *testing.T) {
	clock := leaseClock{rateTolerance: 0.1, margin: 20 * time.Millisecond}
	for _, c := range []struct {
		sent           time.Duration
		committed, end int64
		want           time.Duration
	}{
		{0, 0, 11_000, 9*time.Second - 20*time.Millisecond},
		{100 * time.Second, 5_000, 16_000, 109*time.Second - 20*time.Millisecond},
		{time.Second, 500, 500, time.Second - 20*time.Millisecond},
		{time.Second, 900, 500, time.Second - 20*time.Millisecond}, // an end in the past never moves the deadline before the sending
	} {
		if got := clock.deadline(reading{c.sent, c.committed}, c.end); got != c.want {
			t.Errorf("sent %v, committed %d, end %d: deadline %v, want %v", c.sent, c.committed, c.end, got, c.want)
		}
	}
}

func TestKeepalivesKeepASessionAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		session := openSession(t, c, 3*time.Second)
		time.Sleep(time.Hour)
		if session.Context().Err() != nil || session.Remaining() < time.Second {
			t.Errorf("after an hour %v remain, cause %v", session.Remaining(), context.Cause(session.Context()))
		}
		if renewals := cluster.commands("SESSION.RENEW"); renewals < 3500 || renewals > 3700 {
			t.Errorf("%d keepalives in an hour, want one each second", renewals)
		}
		if err := session.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if !errors.Is(context.Cause(session.Context()), ErrClosed) || session.Remaining() != 0 {
			t.Errorf("closed session: %v, %v", context.Cause(session.Context()), session.Remaining())
		}
	})
}

// The session must count as lost here before the cluster ends it, even when the cluster's clock is fast by all that is tolerated, answers come
// late and keepalives stop getting through at any time.
func TestS04_LostBeforeTheClusterGrantsAnyoneElse(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 4))
			cluster := newFakeCluster()
			cluster.rate = 0.9 + random.Float64()*0.2
			c := dialFake(t, cluster, func(o *Options) { o.RateTolerance = 0.1 })
			defer finish(t, cluster, c)
			session := openSession(t, c, 5*time.Second)
			time.Sleep(rand.N(20 * time.Second))
			cluster.script(func(_ string, arguments []string) fate {
				if arguments[0] != "SESSION.RENEW" {
					return answered
				}
				return []fate{ignored, unheard, cutBefore, loading}[seed%4]
			})
			<-session.Context().Done()
			lost, ends := cluster.clock(), cluster.sessionEnds()
			if lost >= ends || !errors.Is(context.Cause(session.Context()), ErrLost) {
				t.Errorf("seed %d: lost at %v here, at %v on the cluster (cause %v)", seed, lost, ends, context.Cause(session.Context()))
			}
		})
	}
}

// An open that is answered only at its second attempt counts from the first: the holder cannot know which of the two the answer belongs to.
func TestS04_ARetryKeepsTheSendTimeOfItsFirstAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		attempts := 0
		cluster.script(func(_ string, arguments []string) fate {
			if arguments[0] == "SESSION.RENEW" {
				return ignored // the first one is due at once, and would extend what is looked at
			}
			if arguments[0] != "SESSION.OPEN" {
				return answered
			}
			attempts++
			if attempts == 1 {
				return unheard
			}
			return answered
		})
		sent := cluster.clock()
		session := openSession(t, c, 11*time.Second)
		took := cluster.clock() - sent
		if took < DefaultAttemptTimeout {
			t.Fatalf("the second attempt was answered after %v; the test is worth nothing", took)
		}
		if want := 9*time.Second - DefaultMargin - took; session.Remaining() != want {
			t.Errorf("%v remain, want %v", session.Remaining(), want)
		}
	})
}

// A keepalive that is answered extends from when it was sent, not from when the answer came.
func TestS04_AKeepaliveCountsFromItsSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		session := openSession(t, c, 11*time.Second)
		sent := cluster.clock()
		answer, _, err := c.request(t.Context(), c.once(), "SESSION.RENEW", session.id, session.secret)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second) // the answer is on its way
		if err := session.extend(answer, sent); err != nil {
			t.Fatal(err)
		}
		if want := 7*time.Second - DefaultMargin; session.Remaining() != want {
			t.Errorf("%v remain, want %v", session.Remaining(), want)
		}
	})
}

// farConn is a connection whose other end is far away: whatever it sends arrives later, in order.
type farConn struct {
	net.Conn
	arrivals chan arrival
	rest     []byte
}

type arrival struct {
	at    time.Time
	bytes []byte
	err   error
}

func newFarConn(near net.Conn, away time.Duration) *farConn {
	c := &farConn{Conn: near, arrivals: make(chan arrival, 1000)}
	go func() {
		for {
			buffer := make([]byte, 4096)
			n, err := near.Read(buffer)
			c.arrivals <- arrival{time.Now().Add(away), buffer[:n], err}
			if err != nil {
				return
			}
		}
	}()
	return c
}

func (c *farConn) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		next := <-c.arrivals
		if next.err != nil {
			return 0, next.err
		}
		time.Sleep(time.Until(next.at))
		c.rest = next.bytes
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// The keepalives that the session sends by itself count from their sending too, however late they are answered, also when that is later than one attempt may take.
func TestS04_ALateAnswerCountsFromItsSending(t *testing.T) {
	for _, delay := range []time.Duration{time.Second, 2 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			cluster := newFakeCluster()
			c := dialFake(t, cluster, func(o *Options) {
				o.DialTimeout = 10 * time.Second
				o.Dialer = func(ctx context.Context, endpoint string) (net.Conn, error) {
					conn, err := cluster.dial(ctx, endpoint)
					if err != nil {
						return nil, err
					}
					return newFarConn(conn, delay), nil
				}
			})
			defer finish(t, cluster, c)
			session := openSession(t, c, 11*time.Second)
			var ran []time.Duration
			cluster.script(func(_ string, words []string) fate {
				if words[0] == "SESSION.RENEW" {
					ran = append(ran, cluster.clock())
				}
				return answered
			})
			for range 20 {
				time.Sleep(time.Second)
				cluster.mu.Lock()
				session.mu.Lock()
				if len(ran) > 0 && session.renewed > ran[0] && !slices.Contains(ran, session.renewed) {
					t.Errorf("renewed at %v; keepalives were sent at %v", session.renewed, ran)
				}
				if reckoned := session.deadline - session.renewed; reckoned != 9*time.Second-DefaultMargin {
					t.Errorf("the deadline is %v after the sending", reckoned)
				}
				session.mu.Unlock()
				cluster.mu.Unlock()
			}
			if session.State() == StateLost || len(ran) < 4 {
				t.Errorf("%v after %d keepalives", session.State(), len(ran))
			}
		})
	}
}

// What was lost stays lost, even if an answer comes before anybody has acted on it.
func TestS04_ALostSessionIsNotRevived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		var suspended atomic.Int64
		c := dialFake(t, cluster, func(o *Options) {
			o.Clock = func() time.Duration { return cluster.clock() + time.Duration(suspended.Load()) }
		})
		defer finish(t, cluster, c)
		session := openSession(t, c, 10*time.Second)
		sent := c.clock.now()
		answer, _, err := c.request(t.Context(), c.once(), "SESSION.RENEW", session.id, session.secret)
		if err != nil {
			t.Fatal(err)
		}
		suspended.Store(int64(9 * time.Second)) // the machine slept, and the answer waited in a buffer
		if err := session.extend(answer, sent+time.Second); !errors.Is(err, ErrLost) {
			t.Errorf("got %v", err)
		}
		if session.State() != StateLost || session.Remaining() != 0 {
			t.Errorf("%v, %v remain", session.State(), session.Remaining())
		}
	})
}

// A clock that counts suspended time jumps when the machine wakes, while timers go on as if nothing had been.
func TestSuspendedMachineLosesItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		var suspended atomic.Int64
		c := dialFake(t, cluster, func(o *Options) {
			o.Clock = func() time.Duration { return cluster.clock() + time.Duration(suspended.Load()) }
		})
		defer finish(t, cluster, c)
		session := openSession(t, c, 10*time.Second)
		held, err := session.TryLock(t.Context(), "job")
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the timers are set
		suspended.Store(int64(time.Minute))
		if held.Remaining() != 0 {
			t.Errorf("%v remain right after a minute's suspend", held.Remaining())
		}
		begin := time.Now()
		<-held.Context().Done()
		if took := time.Since(begin); took > maxBlink {
			t.Errorf("the context ended %v after waking", took)
		}
		if cause := context.Cause(held.Context()); !errors.Is(cause, ErrLost) {
			t.Errorf("cause %v", cause)
		}
		if _, err := session.TryLock(t.Context(), "other"); !errors.Is(err, ErrLost) {
			t.Errorf("a lost session took a lock: %v", err)
		}
	})
}

// A node that hangs, neither answering nor refusing, must cost a session no more than a part of its TTL.
func TestSessionSurvivesANodeThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		session := openSession(t, c, 10*time.Second)
		cluster.script(func(endpoint string, _ []string) fate {
			if endpoint == "a" || endpoint == "b" {
				return ignored
			}
			return answered
		})
		time.Sleep(time.Minute)
		if session.Context().Err() != nil {
			t.Errorf("lost: %v", context.Cause(session.Context()))
		}
	})
}

// After an outage the sessions of a fleet must not go on in step: a thousand keepalives at once, three times each TTL, would make the next answer late and bring the next outage.
func TestKeepalivesSpreadOutAfterAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const sessions, ttl = 100, 3 * time.Second
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		for range sessions {
			openSession(t, c, ttl)
			time.Sleep(ttl / 3 / sessions)
		}
		outage := func(of fate) {
			cluster.script(func(_ string, words []string) fate {
				if words[0] == "SESSION.RENEW" {
					return of
				}
				return answered
			})
		}
		outage(loading)
		time.Sleep(ttl / 3) // everybody has tried in vain
		outage(answered)
		time.Sleep(ttl)
		busiest, total := busiestTenth(cluster, ttl/3)
		if total < sessions*9/10 || busiest > total/3 {
			t.Errorf("%d of %d keepalives came within a tenth of the time", busiest, total)
		}
	})
}

// busiestTenth counts the keepalives of a while, and those of the tenth of it in which most came.
func busiestTenth(cluster *fakeCluster, while time.Duration) (busiest, total int) {
	for range 10 {
		before := cluster.commands("SESSION.RENEW")
		time.Sleep(while / 10)
		came := cluster.commands("SESSION.RENEW") - before
		busiest, total = max(busiest, came), total+came
	}
	return busiest, total
}

func TestUnknownSessionIsLostAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		session := openSession(t, c, 9*time.Second)
		cluster.mu.Lock()
		clear(cluster.sessions)
		cluster.mu.Unlock()
		<-session.Context().Done()
		if took := cluster.clock(); took != 3*time.Second {
			t.Errorf("noticed after %v, want at the first keepalive", took)
		}
		if cause := context.Cause(session.Context()); !errors.Is(cause, ErrLost) || !hasCode(cause, "NOSESSION") {
			t.Errorf("cause %v", cause)
		}
	})
}

func TestSessionOptionsThatCannotWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		for _, ttl := range []time.Duration{MinSessionTTL - time.Millisecond, MaxSessionTTL + time.Millisecond, time.Second + time.Microsecond, -time.Second} {
			if _, err := c.OpenSession(t.Context(), SessionOptions{TTL: ttl}); err == nil {
				t.Errorf("TTL %v was accepted", ttl)
			}
		}
		for _, ttl := range []time.Duration{MinSessionTTL, MaxSessionTTL} {
			if _, err := c.OpenSession(t.Context(), SessionOptions{TTL: ttl}); err != nil {
				t.Errorf("TTL %v: %v", ttl, err)
			}
		}
	})
}
