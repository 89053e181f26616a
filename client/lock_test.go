package client

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

func TestLockExcludesAndTokensRise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		session := openSession(t, c, 10*time.Second)
		first, err := session.TryLock(t.Context(), "job")
		if err != nil {
			t.Fatal(err)
		}
		_, err = session.TryLock(t.Context(), "job")
		var held *HeldError
		if !errors.As(err, &held) || !Definite(err) {
			t.Fatalf("got %v, want a HeldError", err)
		}
		if *held != (HeldError{Name: "job", Holder: "session 1-0", Token: first.Token(), Remaining: 1500 * time.Millisecond}) {
			t.Errorf("got %+v", *held)
		}
		if err := first.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if cause := context.Cause(first.Context()); !errors.Is(cause, ErrReleased) || first.Remaining() != 0 {
			t.Errorf("released lock: cause %v, %v remain", cause, first.Remaining())
		}
		second, err := session.TryLock(t.Context(), "job")
		if err != nil || second.Token() <= first.Token() {
			t.Errorf("got %v, %v; want a token above %d", second, err, first.Token())
		}
	})
}

// Keepalives must get through while many acquires wait.
func TestS29_WaitsDoNotHoldBackKeepalives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		session := openSession(t, c, 3*time.Second)
		first, err := session.Lock(t.Context(), "job")
		if err != nil {
			t.Fatal(err)
		}
		var waiters sync.WaitGroup
		var tokens []uint64 // appended to by whoever holds the lock
		for range 3 {
			waiters.Go(func() {
				held, err := session.Lock(t.Context(), "job")
				if err != nil {
					t.Error(err)
					return
				}
				tokens = append(tokens, held.Token())
				if err := held.Release(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(time.Minute)
		if first.Context().Err() != nil {
			t.Fatalf("the holder lost its lock: %v", context.Cause(first.Context()))
		}
		if err := first.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		waiters.Wait()
		if len(tokens) != 3 || tokens[0] <= first.Token() || !slices.IsSorted(tokens) {
			t.Errorf("tokens %v after %d", tokens, first.Token())
		}
	})
}

// A waiter that gives up holds nothing, even when its grant was already on the way.
func TestGivenUpWaitHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		session := openSession(t, c, 10*time.Second)
		cluster.script(func(_ string, arguments []string) fate {
			if arguments[0] == "LOCK.ACQUIRE" && arguments[len(arguments)-2] == "WAIT" {
				return unheard // granted, and the answer is lost
			}
			return answered
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := session.Lock(ctx, "job"); !errors.Is(err, context.DeadlineExceeded) || Definite(err) {
			t.Errorf("got %v, want DeadlineExceeded with an unknown fate", err)
		}
		synctest.Wait()
		cluster.mu.Lock()
		defer cluster.mu.Unlock()
		if len(cluster.locks) != 0 {
			t.Errorf("still held: %v", cluster.locks)
		}
	})
}

// When the answer to an acquire is lost, asking again finds the grant instead of locking its own owner out.
func TestTryFindsItsLostGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		session := openSession(t, c, 10*time.Second)
		cluster.script(firstAcquire(cutAfter))
		held, err := session.TryLock(t.Context(), "job")
		if err != nil || held.Token() != 10 {
			t.Errorf("got %v, %v; want the first grant", held, err)
		}
	})
}

// A wait whose connection broke starts anew as another owner, and what the first was granted is given back.
func TestWaitWhoseConnectionBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		session := openSession(t, c, 10*time.Second)
		cluster.script(firstAcquire(cutAfter))
		held, err := session.Lock(t.Context(), "job")
		if err != nil || held.Token() != 20 {
			t.Errorf("got %v, %v; want a second grant", held, err)
		}
	})
}

// An attempt that was given up may take effect long after another one was answered; what it takes then is given back too.
func TestLateGrantIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		session := openSession(t, c, 10*time.Second)
		cluster.script(firstAcquire(cutBefore))
		held, err := session.TryLock(t.Context(), "job")
		if err != nil {
			t.Fatal(err)
		}
		owner := cluster.locks["job"].owner
		if err := held.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		time.Sleep(time.Second)
		cluster.mu.Lock()
		cluster.locks["job"] = fakeHold{session: session.ID(), owner: owner, token: 99} // the first attempt, at last
		cluster.mu.Unlock()
		time.Sleep(lateness)
		cluster.mu.Lock()
		defer cluster.mu.Unlock()
		if len(cluster.locks) != 0 {
			t.Errorf("still held: %v", cluster.locks)
		}
	})
}

// firstAcquire gives the first acquire its fate.
func firstAcquire(first fate) func(string, []string) fate {
	done := false
	return func(_ string, arguments []string) fate {
		if arguments[0] != "LOCK.ACQUIRE" || done {
			return answered
		}
		done = true
		return first
	}
}

func TestHeldAnswers(t *testing.T) {
	for answer, want := range map[string]HeldError{
		"HELD 'job' is held by session 812-3 owner x (token 90210) for 1500 ms more; 2 waiting":     {"job", "session 812-3 owner x", 90210, 1500 * time.Millisecond},
		"HELD 'job' is held by a Redis value (token 7) without a deadline; 0 waiting":               {"job", "a Redis value", 7, 0},
		"HELD ' is held by me (token 1) for 9 ms' is held by lock 5-0 (token 2) for 3 ms more; 0 w": {"job", "lock 5-0", 2, 3 * time.Millisecond},
		"HELD 'job' is about to be granted to the first of 3 waiting":                               {"job", "another", 0, 0},
		"HELD": {"job", "another", 0, 0},
	} {
		if got := heldError("job", wire.ReplyError(answer)); *got != want {
			t.Errorf("%q: got %+v, want %+v", answer, *got, want)
		}
	}
}

func TestReleaseWhoseAnswerIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		session := openSession(t, c, 10*time.Second)
		held, err := session.TryLock(t.Context(), "job")
		if err != nil {
			t.Fatal(err)
		}
		releases := 0
		cluster.script(func(_ string, arguments []string) fate {
			if arguments[0] == "LOCK.RELEASE" {
				if releases++; releases == 1 {
					return cutAfter
				}
			}
			return answered
		})
		if err := held.Release(t.Context()); err != nil || releases != 2 {
			t.Errorf("release: %v after %d attempts", err, releases)
		}
	})
}

func TestLocksEndWithTheirSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		session := openSession(t, c, 10*time.Second)
		held, err := session.TryLock(t.Context(), "job")
		if err != nil {
			t.Fatal(err)
		}
		if err := session.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !errors.Is(context.Cause(held.Context()), ErrClosed) {
			t.Errorf("cause %v", context.Cause(held.Context()))
		}
		if err := held.Release(t.Context()); err != nil {
			t.Errorf("releasing what is gone: %v", err)
		}
	})
}

// Closing the client ends a wait that is under way.
func TestCloseEndsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		session := openSession(t, c, 10*time.Second)
		held, err := session.TryLock(t.Context(), "job")
		if err != nil {
			t.Fatal(err)
		}
		waited := make(chan error)
		go func() {
			_, err := session.Lock(t.Context(), "job")
			waited <- err
		}()
		synctest.Wait()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := <-waited; !errors.Is(err, ErrClosed) {
			t.Errorf("the wait ended with %v", err)
		}
		if !errors.Is(context.Cause(held.Context()), ErrClosed) {
			t.Errorf("the lock ended with %v", context.Cause(held.Context()))
		}
		cluster.mu.Lock()
		cluster.releaseLock("job", "10") // lets the cluster's side of the wait end
		cluster.mu.Unlock()
		cluster.serving.Wait()
	})
}
