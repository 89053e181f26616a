package client

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

// Goroutines that share a mutex exclude each other, as with sync.Mutex, also within one session.
func TestS12_GoroutinesThatShareAHandleExcludeEachOther(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		mutex := session.Mutex("job", Metadata("nightly"))
		first, err := mutex.Lock(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var held *HeldError
		if _, err := mutex.TryLock(t.Context()); !errors.As(err, &held) {
			t.Errorf("got %v", err)
		}
		mustRelease(t, first)
		if second, err := mutex.TryLock(t.Context()); err != nil {
			t.Error(err)
		} else {
			mustRelease(t, second)
		}
		cluster.mu.Lock()
		defer cluster.mu.Unlock()
		for _, words := range cluster.words {
			if words[0] == "LOCK.ACQUIRE" && optionOf(words, "META") != "nightly" {
				t.Errorf("acquired with %v", words)
			}
		}
	})
}

// A reentrant handle counts, and the lock is free after as many releases.
func TestReentrantHandle(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		mutex := session.Mutex("job", Reentrant())
		outer, err := mutex.Lock(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		inner, err := mutex.Lock(t.Context())
		if err != nil || inner.Token() != outer.Token() || inner.ID() != outer.ID() {
			t.Fatalf("got %v, %v", inner, err)
		}
		if _, err := session.TryLock(t.Context(), "job"); err == nil {
			t.Error("another owner took it")
		}
		mustRelease(t, inner)
		if inner.State() != StateReleased || outer.State() != StateHeld {
			t.Errorf("after the inner release: %v and %v", inner.State(), outer.State())
		}
		stillHeld(t, cluster, "job")
		mustRelease(t, inner) // twice is once
		stillHeld(t, cluster, "job")
		mustRelease(t, outer)
		stillHeld(t, cluster)
		session.mu.Lock()
		defer session.mu.Unlock()
		if len(session.holds.of) != 0 {
			t.Errorf("%d holds are still known", len(session.holds.of))
		}
	})
}

// A loss ends every handle of a reentrant hold, and is acknowledged with the last release.
func TestS05_AReentrantHoldIsLostAsAWhole(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		mutex := session.Mutex("job", Reentrant())
		outer, _ := mutex.Lock(t.Context())
		inner, _ := mutex.Lock(t.Context())
		if _, err := c.ForceUnlock(t.Context(), "job", Force{Reason: "a test"}); err != nil {
			t.Fatal(err)
		}
		<-inner.Context().Done()
		mustRelease(t, inner)
		blocked := func() int {
			cluster.mu.Lock()
			defer cluster.mu.Unlock()
			return len(cluster.locks.blocked)
		}
		if outer.State() != StateLost || blocked() != 1 {
			t.Errorf("%v; %d unacknowledged", outer.State(), blocked())
		}
		mustRelease(t, outer)
		if blocked() != 0 {
			t.Error("not acknowledged after the last release")
		}
	})
}

// An owner that the program named and that is not reentrant is refused a second hold, instead of being handed the first one again.
func TestANamedOwnerHoldsOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		first := mustTry(t, session, "job", Owner("worker-7"))
		var held *HeldError
		if _, err := session.Lock(t.Context(), "job", Owner("worker-7")); !errors.As(err, &held) || held.Owner != "worker-7" {
			t.Errorf("got %v", err)
		}
		other := mustTry(t, session, "other", Owner("worker-7"))
		mustRelease(t, first)
		mustRelease(t, mustTry(t, session, "job", Owner("worker-7")))
		mustRelease(t, other)
	})
}

func TestReadersAndWriters(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		lock := session.RWLock("table")
		one, err := lock.RLock(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		two, err := lock.TryRLock(t.Context())
		if err != nil || two.Token() != one.Token() || two.ID() == one.ID() || two.Mode() != ModeShared {
			t.Fatalf("got %v, %v", two, err)
		}
		if _, err := lock.TryLock(t.Context()); err == nil {
			t.Error("a writer beside readers")
		}
		written := make(chan *Held)
		go func() {
			held, err := lock.Lock(t.Context())
			if err != nil {
				t.Error(err)
			}
			written <- held
		}()
		synctest.Wait()
		if _, err := lock.TryRLock(t.Context()); err == nil {
			t.Error("a reader overtook a waiting writer")
		}
		mustRelease(t, one)
		mustRelease(t, two)
		writer := <-written
		if writer.Token() <= one.Token() || writer.Mode() != ModeExclusive {
			t.Errorf("token %d, %s", writer.Token(), writer.Mode())
		}
		mustRelease(t, writer)
	})
}

func TestPermits(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		slots := session.Semaphore("slots", 3)
		two, err := slots.Acquire(t.Context(), 2)
		if err != nil || two.Permits() != 2 || two.Mode() != ModeSemaphore {
			t.Fatalf("got %v, %v", two, err)
		}
		if _, err := slots.TryAcquire(t.Context(), 2); err == nil {
			t.Error("four permits of three")
		}
		one, err := slots.TryAcquire(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		mustRelease(t, two)
		mustRelease(t, one)
		stillHeld(t, cluster)
	})
}

func TestMultiLocks(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		both := session.MultiLock([]string{"a", "b"})
		first, err := both.Lock(t.Context())
		if err != nil || first.Name() != "a" || len(first.Names()) != 2 || first.Mode() != ModeMulti {
			t.Fatalf("got %v, %v", first, err)
		}
		if _, err := session.TryLock(t.Context(), "b"); err == nil {
			t.Error("one of the set was free")
		}
		if _, err := both.TryLock(t.Context()); err == nil {
			t.Error("the set was free")
		}
		mustRelease(t, first)
		stillHeld(t, cluster)
		if _, err := session.MultiLock(nil).Lock(t.Context()); err == nil {
			t.Error("a set of no locks")
		}
	})
}

// Do runs the function with the token and a context that ends with either, and gives the lock back whatever happens.
func TestDo(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		type key struct{}
		outer := context.WithValue(t.Context(), key{}, "value")
		failure := errors.New("of the work")
		err := session.Do(outer, "job", func(ctx context.Context, token uint64) error {
			if token == 0 || ctx.Value(key{}) != "value" || ctx.Err() != nil {
				t.Errorf("token %d, context %v", token, ctx)
			}
			return failure
		})
		if err != failure {
			t.Errorf("got %v, want the function's own error", err)
		}
		stillHeld(t, cluster)

		func() {
			defer func() { _ = recover() }()
			_ = session.Do(t.Context(), "job", func(context.Context, uint64) error { panic("no") })
		}()
		stillHeld(t, cluster)

		ctx, cancel := context.WithCancel(t.Context())
		if err := session.Do(ctx, "job", func(ctx context.Context, _ uint64) error {
			cancel()
			<-ctx.Done()
			return context.Cause(ctx)
		}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		stillHeld(t, cluster)
	})
}

// Work that ignores the loss of its lock, and says that all went well, is told otherwise.
func TestDoTellsOfALossThatTheWorkIgnored(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		err := session.Do(t.Context(), "job", func(ctx context.Context, _ uint64) error {
			if _, err := c.ForceUnlock(t.Context(), "job", Force{Reason: "a test"}); err != nil {
				t.Error(err)
			}
			<-ctx.Done()
			return nil
		})
		if !errors.Is(err, ErrLost) {
			t.Errorf("got %v", err)
		}
	})
}

func TestForcingNeedsAReason(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		if _, err := c.ForceUnlock(t.Context(), "job", Force{}); err == nil {
			t.Error("no reason was asked for")
		}
		if _, err := c.KillSession(t.Context(), session.ID(), "", true); err == nil {
			t.Error("no reason was asked for")
		}
		if cluster.commands("LOCK.FORCE") != 0 {
			t.Error("the cluster was asked")
		}
	})
}

// A lease counts from when its acquire was sent, ends here before the cluster ends it, and can be renewed until then.
func TestLeases(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		lease, err := c.TryLease(t.Context(), "job", 11*time.Second, AtLeast(time.Second))
		if err != nil || lease.Remaining() != 9*time.Second-DefaultMargin {
			t.Fatalf("got %v, %v", lease, err)
		}
		var held *HeldError
		if _, err := c.TryLease(t.Context(), "job", time.Second); !errors.As(err, &held) || held.Token != lease.Token() {
			t.Errorf("got %v", err)
		}
		time.Sleep(5 * time.Second)
		if err := lease.Renew(t.Context(), 0); err != nil || lease.Remaining() != 9*time.Second-DefaultMargin {
			t.Errorf("renewed: %v, %v remain", err, lease.Remaining())
		}
		if err := lease.Renew(t.Context(), 1100*time.Millisecond); err != nil || lease.Remaining().Round(time.Millisecond) != 900*time.Millisecond-DefaultMargin {
			t.Errorf("renewed for less: %v, %v remain", err, lease.Remaining())
		}
		begin := time.Now()
		<-lease.Context().Done()
		if took := time.Since(begin); took.Round(time.Millisecond) != 900*time.Millisecond-DefaultMargin || !errors.Is(context.Cause(lease.Context()), ErrLost) {
			t.Errorf("ended after %v: %v", took, context.Cause(lease.Context()))
		}
		if err := lease.Renew(t.Context(), time.Minute); !errors.Is(err, ErrLost) {
			t.Errorf("a lease that is over was renewed: %v", err)
		}
		if err := lease.Release(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		again, err := c.TryLease(t.Context(), "job", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Release(t.Context()); err != nil || !errors.Is(context.Cause(again.Context()), ErrReleased) {
			t.Errorf("%v, %v", err, context.Cause(again.Context()))
		}
		stillHeld(t, cluster)
	})
}

// A lease that was waited for counts only from its first renew: when it was granted cannot be known here.
func TestS04_AWaitedLeaseCountsFromItsFirstRenew(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		first := mustTry(t, session, "job")
		time.AfterFunc(time.Hour, func() { mustRelease(t, first) })
		begin := time.Now()
		lease, err := c.Lease(t.Context(), "job", 11*time.Second)
		if err != nil || time.Since(begin) != time.Hour || lease.Remaining() != 9*time.Second-DefaultMargin {
			t.Fatalf("after %v: %v, %v", time.Since(begin), lease, err)
		}
		if cluster.commands("LOCK.RENEW") != 1 {
			t.Error("it was not renewed")
		}
		if err := lease.Release(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A lease whose renew finds it gone is not handed out.
func TestAWaitedLeaseThatIsOverIsNotHandedOut(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		cluster.answer("LOCK.RENEW", func([]string) []byte { return wire.AppendError(nil, `NOTHELD it is over {"reason":"expired"}`) })
		if _, err := c.Lease(t.Context(), "job", time.Second); !errors.Is(err, ErrLost) {
			t.Errorf("got %v", err)
		}
		time.Sleep(2 * time.Second)
	})
}

// The answer to a try that is lost is not asked for again: a lease has no owner by which the cluster would know it.
func TestALeaseIsAskedForOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		cluster.script(func(_ string, words []string) fate {
			if words[0] == "LOCK.ACQUIRE" {
				return cutAfter
			}
			return answered
		})
		if _, err := c.TryLease(t.Context(), "job", time.Second); err == nil || Definite(err) {
			t.Errorf("got %v", err)
		}
		if asked := cluster.commands("LOCK.ACQUIRE"); asked != 1 {
			t.Errorf("asked %d times", asked)
		}
	})
}

// When the leader advertises an endpoint, the client goes there, and its waits with it.
func TestFollowLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		var leader atomic.Value
		leader.Store("b")
		cluster.answer("COORDD.STATUS", func([]string) []byte {
			return wire.AppendBulk(nil, `{"role":"follower","members":[{"leader":false,"redis_address":"a"},{"leader":true,"redis_address":"`+leader.Load().(string)+`"}]}`)
		})
		c := dialFake(t, cluster, func(o *Options) { o.FollowLeader = true })
		defer finish(t, cluster, c)
		session := openSession(t, c, 10*time.Second)
		first := mustTry(t, session, "job")
		second := make(chan error)
		go func() {
			held, err := session.Lock(t.Context(), "job")
			if err == nil {
				err = held.Release(t.Context())
			}
			second <- err
		}()
		time.Sleep(2 * followPause)
		if last := lastOf(cluster.connections()); last != "b" {
			t.Errorf("connected to %s, want the leader", last)
		}
		leader.Store("elsewhere") // nobody may be sent to an address that the program does not know
		time.Sleep(2 * followPause)
		if last := lastOf(cluster.connections()); last != "b" {
			t.Errorf("connected to %s", last)
		}
		mustRelease(t, first)
		if err := <-second; err != nil {
			t.Error(err)
		}
		if acquires := cluster.commands("LOCK.ACQUIRE"); acquires != 2 {
			t.Errorf("%d acquires", acquires)
		}
	})
}

func lastOf(all []string) string { return all[len(all)-1] }
