package client_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/transport/resp/wire"
)

// A holder that is cut off from the cluster stops believing before the cluster grants the lock again, whatever the clocks' rates within what is tolerated, and without hearing from
// anybody.
func TestS04_S31_ACutOffHolderStopsBeforeTheNextBegins(t *testing.T) {
	for seed := range uint64(12) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 31))
			s := startServed(t)
			defer s.stop()
			for i := range s.cluster.Size() {
				s.cluster.Clock(i).SetRate([]float64{0.91, 1, 1.09}[random.IntN(3)])
			}
			lonely := newWay(s.dial)
			holder := s.clientWith(func(o *client.Options) {
				o.Dialer, o.Clock = lonely.Dial, bentClock([]float64{0.91, 1, 1.09}[random.IntN(3)])
			})
			defer closeClient(t, holder)
			held, err := s.session(holder, 2*time.Second).Lock(t.Context(), "job")
			if err != nil {
				t.Fatal(err)
			}
			rival := s.client()
			defer closeClient(t, rival)
			granted := make(chan time.Time, 1)
			rivalSession := s.session(rival, 10*time.Second)
			go func() {
				if _, err := rivalSession.Lock(t.Context(), "job"); err != nil {
					t.Error(err)
				}
				granted <- time.Now()
			}()
			time.Sleep(time.Duration(random.Int64N(int64(5 * time.Second))))
			if held.Context().Err() != nil {
				t.Fatalf("lost before it was cut off: %v", context.Cause(held.Context()))
			}
			lonely.cutOff()
			if seed%3 == 0 { // a leader change in between
				time.Sleep(200 * time.Millisecond)
				s.kill(s.cluster.AwaitLeader(-1))
			}
			<-held.Context().Done()
			stopped := time.Now()
			next := <-granted
			var lost *client.LostError
			if !errors.As(context.Cause(held.Context()), &lost) || lost.Reason != client.LossUnrenewed {
				t.Errorf("cause %v", context.Cause(held.Context()))
			}
			if !stopped.Before(next) {
				t.Errorf("seed %d: the next began %v before the holder stopped", seed, stopped.Sub(next))
			}
			if gap := next.Sub(stopped); gap > 4*time.Second {
				t.Errorf("seed %d: nobody held the lock for %v", seed, gap)
			}
		})
	}
}

// Sixty-four waiters are granted in the order of their arrival, across leaders that are killed, and one whose session died is passed over at once.
func TestFirstComeFirstServedAcrossLeaderKills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServed(t)
		defer s.stop()
		c := s.client()
		defer closeClient(t, c)
		session := s.session(c, 10*time.Second)
		first, err := session.Lock(t.Context(), "job")
		if err != nil {
			t.Fatal(err)
		}
		mortal := s.client()
		dies := s.session(mortal, 2*time.Second)
		var waiters sync.WaitGroup
		var mu sync.Mutex
		var order []int
		const count, dead = 64, 20
		granted, released := map[int]time.Time{}, map[int]time.Time{}
		for i := range count {
			waits := session
			if i == dead {
				waits = dies
			}
			waiters.Go(func() {
				held, err := waits.Lock(t.Context(), "job")
				if i == dead {
					if err == nil {
						t.Error("a dead session was granted the lock")
					}
					return
				}
				if err != nil {
					t.Errorf("waiter %d: %v", i, err)
					return
				}
				mu.Lock()
				order = append(order, i)
				granted[i] = time.Now()
				mu.Unlock()
				time.Sleep(50 * time.Millisecond)
				mu.Lock()
				released[i] = time.Now()
				mu.Unlock()
				if err := held.Release(t.Context()); err != nil {
					t.Errorf("waiter %d: %v", i, err)
				}
			})
			awaitQueue(t, c, "job", i+1)
		}
		closeClient(t, mortal) // without closing its session: a process that dies
		died := time.Now()
		time.Sleep(1500 * time.Millisecond)
		awaitQueue(t, c, "job", count-1)
		if waited := time.Since(died); waited > 3*time.Second {
			t.Errorf("the waiter of a dead session stood in the queue for %v, with a TTL of 2 s", waited)
		}
		if err := first.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			time.Sleep(700 * time.Millisecond)
			leader := s.cluster.AwaitLeader(-1)
			s.kill(leader)
			time.Sleep(1500 * time.Millisecond)
			s.restart(leader)
			s.cluster.AwaitReady(leader)
		}
		waiters.Wait()
		if !slices.IsSorted(order) || len(order) != count-1 {
			t.Errorf("granted in the order %v", order)
		}
		// The turn comes between the first two kills, in which there is no election to wait for.
		if gap := granted[dead+1].Sub(released[dead-1]); gap > 200*time.Millisecond {
			t.Errorf("the waiter behind the dead one was granted the lock %v after the one before it had released it", gap)
		}
	})
}

// A session that an operator ended keeps its locks until its holders have stopped; when all of them have, the next one need not wait until its time is over.
func TestAKilledSessionGivesItsLocksBackWhenItsHoldersHaveStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServed(t)
		defer s.stop()
		c, other := s.client(), s.client()
		defer closeClient(t, c)
		defer closeClient(t, other)
		session, next := s.session(c, 10*time.Second), s.session(other, 10*time.Second)
		first, err := session.Lock(t.Context(), "job")
		if err != nil {
			t.Fatal(err)
		}
		second, err := session.Lock(t.Context(), "another job")
		if err != nil {
			t.Fatal(err)
		}
		granted := make(chan time.Time, 1)
		go func() {
			held, err := next.Lock(t.Context(), "job")
			granted <- time.Now()
			if err != nil || held.Token() <= first.Token() {
				t.Errorf("the next one got %v, %v", held, err)
			}
		}()
		awaitQueue(t, other, "job", 1)
		if _, err := other.KillSession(t.Context(), session.ID(), "it is stuck", false); err != nil {
			t.Fatal(err)
		}
		<-first.Context().Done()
		if err := first.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if len(granted) > 0 {
			t.Error("the next one began while another lock of the killed session was worked under")
		}
		stopped := time.Now()
		if err := second.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if waited := (<-granted).Sub(stopped); waited > time.Second {
			t.Errorf("after all work had stopped the next one waited %v", waited)
		}
	})
}

// A killed session stands for its whole TTL, an early end notwithstanding, so it is closed however long its holder took to stop.
func TestAKilledSessionWithAnEarlyEndGivesItsLocksBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServed(t)
		defer s.stop()
		c, other := s.client(), s.client()
		defer closeClient(t, c)
		defer closeClient(t, other)
		session, err := c.OpenSession(t.Context(), client.SessionOptions{TTL: time.Minute, EarlyEnd: 3 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		held, err := session.Lock(t.Context(), "job")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.KillSession(t.Context(), session.ID(), "it is stuck", false); err != nil {
			t.Fatal(err)
		}
		<-held.Context().Done()
		time.Sleep(5 * time.Second) // the work takes longer to stop than the session agreed to
		stopped := time.Now()
		if err := held.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		next, err := s.session(other, 10*time.Second).Lock(t.Context(), "job")
		if err != nil || next.Token() <= held.Token() {
			t.Fatalf("the next one got %v, %v", next, err)
		}
		if waited := time.Since(stopped); waited > time.Second {
			t.Errorf("after all work had stopped the next one waited %v", waited)
		}
	})
}

// awaitQueue waits until so many wait for a lock.
func awaitQueue(t *testing.T, c *client.Client, name string, want int) {
	t.Helper()
	for range 1000 {
		info, err := c.Info(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Queued == want {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%d never waited for %q", want, name)
}

// An acquire whose answer is lost is asked again and gives the token that it had been granted, also when the leader that granted it dies in between; an old release that arrives again does nothing.
func TestRetriesHaveOneEffect(t *testing.T) {
	for _, failover := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := startServed(t)
			defer s.stop()
			lossy := newWay(s.dial)
			c := s.clientWith(func(o *client.Options) { o.Dialer = lossy.Dial })
			defer closeClient(t, c)
			observer := s.client()
			defer closeClient(t, observer)
			session := s.session(c, 10*time.Second)
			var granted uint64
			trouble := func() {
				if info, err := observer.Info(t.Context(), "job"); err != nil {
					t.Error(err)
				} else {
					granted = info.Token
				}
				if failover {
					leader := s.cluster.AwaitLeader(-1)
					s.kill(leader)
					s.cluster.AwaitLeader(leader)
					s.restart(leader)
				}
			}
			for _, take := range []func(context.Context, string, ...client.LockOption) (*client.Held, error){session.TryLock, session.Lock} {
				lossy.loseAnswer("LOCK.ACQUIRE", trouble)
				held, err := take(t.Context(), "job")
				if err != nil || granted == 0 || held.Token() != granted {
					t.Fatalf("failover %v: got %v, %v; the lost answer granted %d", failover, held, err, granted)
				}
				lossy.loseAnswer("LOCK.RELEASE", func() {
					if failover {
						leader := s.cluster.AwaitLeader(-1)
						s.kill(leader)
						s.cluster.AwaitLeader(leader)
						s.restart(leader)
					}
				})
				if err := held.Release(t.Context()); err != nil {
					t.Fatal(err)
				}
				again, err := session.TryLock(t.Context(), "job")
				if err != nil || again.Token() <= held.Token() {
					t.Fatalf("failover %v: after the release: %v, %v", failover, again, err)
				}
				s.replay(t, lossy.losses()[len(lossy.losses())-1])
				if err := again.Check(t.Context()); err != nil {
					t.Errorf("failover %v: the old release ended the new hold: %v", failover, err)
				}
				if err := again.Release(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if past, err := c.History(t.Context(), "job", 0); err != nil || len(past) != 4 {
				t.Errorf("failover %v: %d holds in the history (%v), want 4", failover, len(past), err)
			}
		})
	}
}

// replay sends the bytes of a release once more, over a connection of its own.
func (s *served) replay(t *testing.T, request []byte) {
	t.Helper()
	begin := bytes.Index(request, []byte("LOCK.RELEASE"))
	begin = bytes.LastIndexByte(request[:begin], '*')
	for _, endpoint := range []string{"0", "1", "2"} {
		conn, err := s.dial(t.Context(), endpoint)
		if err != nil {
			continue
		}
		defer conn.Close()
		go func() { _, _ = conn.Write(request[begin:]) }()
		answer, err := wire.NewReplies(conn, wire.ReplyLimits{}).Read()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(answer.Text), "OK") && !strings.Contains(string(answer.Text), "STALE") {
			t.Errorf("the old release was answered %q", answer.Text)
		}
		return
	}
	t.Fatal("no node serves")
}

// Every mode, with real nodes, and what the cluster tells of them.
func TestHandlesAgainstACluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServed(t)
		defer s.stop()
		c := s.client()
		defer closeClient(t, c)
		session := s.session(c, 10*time.Second)
		other := s.session(c, 10*time.Second)

		var conflict *client.ConflictError
		slots := session.Semaphore("slots", 3)
		if _, err := slots.Acquire(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if _, err := other.Semaphore("slots", 4).TryAcquire(t.Context(), 1); !errors.As(err, &conflict) || conflict.Limit != 3 {
			t.Errorf("another limit: %v", err)
		}
		owner := client.Owner("worker-1")
		if _, err := session.RWLock("table", owner).RLock(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := session.RWLock("table", owner, client.Reentrant()).TryLock(t.Context()); !errors.As(err, &conflict) {
			t.Errorf("an upgrade: %v", err)
		}

		// Two owners, each holding what the other wants.
		one, two := client.Owner("one"), client.Owner("two")
		if _, err := session.Lock(t.Context(), "a", one); err != nil {
			t.Fatal(err)
		}
		b, err := other.Lock(t.Context(), "b", two)
		if err != nil {
			t.Fatal(err)
		}
		waits := make(chan error, 1)
		go func() {
			_, err := session.Lock(t.Context(), "b", one)
			waits <- err
		}()
		awaitQueue(t, c, "b", 1)
		var deadlock *client.DeadlockError
		if _, err := other.Lock(t.Context(), "a", two); !errors.As(err, &deadlock) || len(deadlock.Cycle) != 2 || deadlock.Cycle[0].Owner != "two" {
			t.Errorf("a deadlock: %v", err)
		}
		if err := b.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-waits; err != nil {
			t.Errorf("the other owner: %v", err)
		}

		for _, bad := range []string{"", strings.Repeat("x", 513), "coordd:x"} {
			var refused *client.ServerError
			if _, err := session.TryLock(t.Context(), bad); !errors.As(err, &refused) || !client.Definite(err) {
				t.Errorf("the name %.20q: %v", bad, err)
			}
		}
		for _, permits := range []int{0, -1, 4} {
			if _, err := slots.TryAcquire(t.Context(), permits); err == nil || !client.Definite(err) {
				t.Errorf("%d permits: %v", permits, err)
			}
		}
	})
}

// A forced unlock, against real nodes: the holder is told at once, by a push, and the next one begins when its work has stopped.
func TestS05_ForcedAgainstACluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startServed(t)
		defer s.stop()
		c := s.client()
		defer closeClient(t, c)
		operator := s.client()
		defer closeClient(t, operator)
		session, other := s.session(c, 10*time.Second), s.session(operator, 10*time.Second)
		time.Sleep(5 * time.Second) // a keepalive tells the node where the session is
		var stopped atomic.Int64
		worked := make(chan error, 1)
		begun := make(chan struct{})
		go func() {
			worked <- session.Do(t.Context(), "job", func(ctx context.Context, _ uint64) error {
				close(begun)
				<-ctx.Done()
				time.Sleep(time.Second)
				stopped.Store(time.Now().UnixNano())
				return nil
			})
		}()
		select {
		case <-begun:
		case err := <-worked:
			t.Fatal(err)
		}
		forced := time.Now()
		if done, err := operator.ForceUnlock(t.Context(), "job", client.Force{Reason: "a test"}); err != nil || done.Ended != 1 {
			t.Fatalf("%+v, %v", done, err)
		}
		if _, err := other.Lock(t.Context(), "job"); err != nil {
			t.Fatal(err)
		}
		if before := time.Until(time.Unix(0, stopped.Load())); stopped.Load() == 0 || before > 0 {
			t.Errorf("the next began before the work had stopped")
		}
		if took := time.Since(forced); took > 2*time.Second {
			t.Errorf("the next waited for %v", took)
		}
		var lost *client.LostError
		if err := <-worked; !errors.As(err, &lost) || lost.Reason != client.LossForced || lost.Why != "a test" {
			t.Errorf("the work ended with %v", err)
		}
	})
}
