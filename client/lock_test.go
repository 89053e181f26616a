package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// inBubble runs a test with a fake cluster and a session of ten seconds in a bubble.
func inBubble(t *testing.T, test func(t *testing.T, cluster *fakeCluster, c *Client, session *Session)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster()
		c := dialFake(t, cluster, nil)
		defer finish(t, cluster, c)
		test(t, cluster, c, openSession(t, c, 10*time.Second))
	})
}

func mustTry(t *testing.T, session *Session, name string, options ...LockOption) *Held {
	t.Helper()
	held, err := session.TryLock(t.Context(), name, options...)
	if err != nil {
		t.Fatal(err)
	}
	return held
}

func mustRelease(t *testing.T, held *Held) {
	t.Helper()
	if err := held.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// stillHeld checks what the cluster holds.
func stillHeld(t *testing.T, cluster *fakeCluster, names ...string) {
	t.Helper()
	synctest.Wait()
	cluster.mu.Lock()
	defer cluster.mu.Unlock()
	if held := cluster.locks.held(); !slices.Equal(held, names) {
		t.Errorf("the cluster holds %v, want %v", held, names)
	}
	if queued := cluster.locks.queued(); queued != 0 {
		t.Errorf("%d still wait", queued)
	}
}

func TestLockExcludesAndTokensRise(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		first := mustTry(t, session, "job")
		_, err := session.TryLock(t.Context(), "job")
		var held *HeldError
		if !errors.As(err, &held) || !Definite(err) {
			t.Fatalf("got %v, want a HeldError", err)
		}
		held.Owner = ""
		want := HeldError{Name: "job", Mode: ModeExclusive, Holder: "session " + session.ID(), Session: session.ID(), ID: first.ID(), Token: first.Token(), Remaining: 10 * time.Second}
		if *held != want {
			t.Errorf("got %+v, want %+v", *held, want)
		}
		mustRelease(t, first)
		if cause := context.Cause(first.Context()); !errors.Is(cause, ErrReleased) || first.Remaining() != 0 || first.State() != StateReleased {
			t.Errorf("released lock: cause %v, %v remain, %v", cause, first.Remaining(), first.State())
		}
		if second := mustTry(t, session, "job"); second.Token() <= first.Token() {
			t.Errorf("token %d after %d", second.Token(), first.Token())
		}
	})
}

// Keepalives get through while many acquires wait, on the same connection.
func TestS29_WaitsShareTheConnectionWithKeepalives(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, _ *Session) {
		session := openSession(t, c, 3*time.Second)
		first, err := session.Lock(t.Context(), "job")
		if err != nil {
			t.Fatal(err)
		}
		var waiters sync.WaitGroup
		var tokens []uint64 // appended to by whoever holds the lock
		for range 300 {
			waiters.Go(func() {
				held, err := session.Lock(t.Context(), "job")
				if err != nil {
					t.Error(err)
					return
				}
				tokens = append(tokens, held.Token())
				mustRelease(t, held)
			})
		}
		time.Sleep(time.Minute)
		if first.Context().Err() != nil {
			t.Fatalf("the holder lost its lock: %v", context.Cause(first.Context()))
		}
		mustRelease(t, first)
		waiters.Wait()
		if len(tokens) != 300 || tokens[0] <= first.Token() || !slices.IsSorted(tokens) {
			t.Errorf("tokens %v after %d", tokens, first.Token())
		}
		if opened := cluster.connections(); len(opened) != 1 {
			t.Errorf("connections to %v, want one", opened)
		}
	})
}

// A wait goes on over the next connection when its node dies, in the place that it had.
func TestAWaitKeepsItsPlaceWhenItsNodeDies(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		first := mustTry(t, session, "job")
		order := make(chan int, 3)
		var waiters sync.WaitGroup
		for i := range 3 {
			waiters.Go(func() {
				held, err := session.Lock(t.Context(), "job")
				if err != nil {
					t.Error(err)
					return
				}
				order <- i
				mustRelease(t, held)
			})
			synctest.Wait()
		}
		for _, endpoint := range []string{"a", "b"} {
			cluster.cut(endpoint)
			time.Sleep(time.Second)
		}
		mustRelease(t, first)
		waiters.Wait()
		close(order)
		if got := slices.Collect(drained(order)); !slices.Equal(got, []int{0, 1, 2}) {
			t.Errorf("granted in the order %v", got)
		}
		if acquires := cluster.commands("LOCK.ACQUIRE"); acquires != 4 {
			t.Errorf("%d acquires, want one each", acquires)
		}
	})
}

func drained[T any](from <-chan T) func(func(T) bool) {
	return func(yield func(T) bool) {
		for one := range from {
			if !yield(one) {
				return
			}
		}
	}
}

// A grant that is pushed while nobody is connected is found by asking.
func TestAGrantWhilstTheConnectionIsDownIsFound(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		cluster.mu.Lock()
		other := &fakeSession{id: "other", ttl: 1 << 40, deadline: 1 << 40, memory: map[int64]func() []byte{}}
		cluster.sessions["other"] = other
		cluster.locks.acquire(nil, other, []string{"LOCK.ACQUIRE", "job", "OWNER", "x"})
		cluster.mu.Unlock()
		granted := make(chan *Held)
		go func() {
			held, err := session.Lock(t.Context(), "job")
			if err != nil {
				t.Error(err)
			}
			granted <- held
		}()
		synctest.Wait()
		cluster.mu.Lock()
		for _, endpoint := range []string{"a", "b", "c"} {
			cluster.refused[endpoint] = true
		}
		cluster.mu.Unlock()
		cluster.cut("a")
		synctest.Wait()
		cluster.mu.Lock()
		cluster.locks.endSession(other, "closed")
		clear(cluster.refused)
		cluster.mu.Unlock()
		if held := <-granted; held == nil || held.Remaining() == 0 {
			t.Errorf("got %v", held)
		}
	})
}

// A waiter that gives up holds nothing, even when its grant was already on the way.
func TestS23_AGivenUpWaitHoldsNothing(t *testing.T) {
	for _, lost := range []fate{unheard, answered} {
		inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
			if lost == answered {
				defer mustRelease(t, mustTry(t, session, "job")) // so that it waits
			}
			cluster.script(func(_ string, words []string) fate {
				if words[0] == "LOCK.ACQUIRE" && hasOption(words, "ASYNC") {
					return lost
				}
				return answered
			})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := session.Lock(ctx, "job"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want DeadlineExceeded", err)
			}
			if lost == unheard {
				stillHeld(t, cluster)
			} else {
				stillHeld(t, cluster, "job")
			}
		})
	}
}

// A cancel is repeated until it is answered, whatever happens to the connections.
func TestS23_ACancelIsRepeatedUntilItIsAnswered(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		first := mustTry(t, session, "job")
		refusals := 0
		cluster.script(func(_ string, words []string) fate {
			if words[0] == "LOCK.CANCEL" && refusals < 8 {
				refusals++
				return []fate{cutBefore, loading}[refusals%2]
			}
			return answered
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, err := session.Lock(ctx, "job")
			done <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		time.Sleep(15 * time.Second)
		mustRelease(t, first)
		stillHeld(t, cluster)
		if refusals != 8 {
			t.Errorf("%d cancels went unanswered", refusals)
		}
	})
}

// When the answer to an acquire is lost, asking again under the same number finds the same grant.
func TestARetriedAcquireFindsItsGrant(t *testing.T) {
	for _, wait := range []bool{false, true} {
		inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
			lost := 0
			cluster.script(func(_ string, words []string) fate {
				if words[0] == "LOCK.ACQUIRE" && lost < 3 {
					lost++
					return cutAfter
				}
				return answered
			})
			take := session.TryLock
			if wait {
				take = session.Lock
			}
			held, err := take(t.Context(), "job")
			if err != nil {
				t.Fatal(err)
			}
			cluster.mu.Lock()
			if grants := len(cluster.locks.order); grants != 1 || uint64(cluster.locks.order[0].token) != held.Token() {
				t.Errorf("%d acquires ran; token %d", grants, held.Token())
			}
			cluster.mu.Unlock()
			mustRelease(t, held)
			stillHeld(t, cluster)
		})
	}
}

// An acquire whose fate stays unknown is withdrawn by its number, so that it never holds anything, even if it runs only later.
func TestAnAcquireOfUnknownFateNeverHolds(t *testing.T) {
	for _, ran := range []fate{ignored, unheard} {
		inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
			var request []string
			cluster.script(func(_ string, words []string) fate {
				if words[0] == "LOCK.ACQUIRE" {
					request = words
					return ran
				}
				return answered
			})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := session.TryLock(ctx, "job"); err == nil || Definite(err) {
				t.Errorf("got %v, want an error that is not definite", err)
			}
			stillHeld(t, cluster)
			cluster.mu.Lock()
			cluster.inSession(nil, request) // the request, late
			cluster.mu.Unlock()
			stillHeld(t, cluster)
		})
	}
}

// A release whose answer is lost is sent again; a copy of it that arrives after the lock was taken anew does nothing.
func TestAReplayedReleaseDoesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		var release []string
		releases := 0
		cluster.script(func(_ string, words []string) fate {
			if words[0] == "LOCK.RELEASE" {
				release = words
				if releases++; releases == 1 {
					return cutAfter
				}
			}
			return answered
		})
		mustRelease(t, mustTry(t, session, "job"))
		if releases != 2 {
			t.Errorf("%d releases", releases)
		}
		second := mustTry(t, session, "job")
		cluster.mu.Lock()
		cluster.inSession(nil, release)
		cluster.mu.Unlock()
		stillHeld(t, cluster, "job")
		mustRelease(t, second)
	})
}

// The low-water mark follows the requests that are done with, and never passes one that may be sent again.
func TestNumbersAndTheirMark(t *testing.T) {
	var n numbers
	first, second, third := n.begin(), n.begin(), n.begin()
	second.done()
	if low := n.begin().low; low != 0 {
		t.Errorf("the mark is %d while the first is under way", low)
	}
	first.done()
	first.done()
	if fifth := n.begin(); fifth.low != 2 || fifth.number != 5 {
		t.Errorf("number %d, mark %d", fifth.number, fifth.low)
	}
	third.done()
	if low := n.begin().low; low != 3 {
		t.Errorf("the mark is %d, want 3", low)
	}
	if got := first.options(); !slices.Equal(got, []string{"REQUEST", "1"}) {
		t.Errorf("options %v", got)
	}
}

// A wait that lasts does not hold the mark back, or the window of remembered answers would fill up.
func TestALongWaitDoesNotHoldTheMarkBack(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		first := mustTry(t, session, "job")
		waited := make(chan error)
		go func() {
			held, err := session.Lock(t.Context(), "job")
			if err == nil {
				err = held.Release(t.Context())
			}
			waited <- err
		}()
		synctest.Wait()
		for i := range 100 {
			mustRelease(t, mustTry(t, session, fmt.Sprint("other ", i)))
		}
		cluster.mu.Lock()
		if kept := len(cluster.sessions[session.ID()].memory); kept > 3 {
			t.Errorf("the cluster keeps %d answers", kept)
		}
		cluster.mu.Unlock()
		mustRelease(t, first)
		if err := <-waited; err != nil {
			t.Error(err)
		}
	})
}

func TestLocksEndWithTheirSession(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		held := mustTry(t, session, "job")
		if err := session.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !errors.Is(context.Cause(held.Context()), ErrClosed) || held.State() != StateReleased {
			t.Errorf("cause %v, %v", context.Cause(held.Context()), held.State())
		}
		if err := held.Release(t.Context()); err != nil {
			t.Errorf("releasing what is gone: %v", err)
		}
		if _, err := session.TryLock(t.Context(), "job"); !errors.Is(err, ErrClosed) {
			t.Errorf("a closed session took a lock: %v", err)
		}
		stillHeld(t, cluster)
	})
}

// Closing the client, or the session, ends a wait that is under way.
func TestCloseEndsWaits(t *testing.T) {
	for _, closeSession := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			cluster := newFakeCluster()
			c := dialFake(t, cluster, nil)
			session := openSession(t, c, 10*time.Second)
			held := mustTry(t, session, "job")
			waited := make(chan error)
			go func() {
				_, err := session.Lock(t.Context(), "job")
				waited <- err
			}()
			synctest.Wait()
			if closeSession {
				if err := session.Close(t.Context()); err != nil {
					t.Error(err)
				}
			} else if err := c.Close(); err != nil {
				t.Error(err)
			}
			if err := <-waited; !errors.Is(err, ErrClosed) {
				t.Errorf("the wait ended with %v", err)
			}
			if !errors.Is(context.Cause(held.Context()), ErrClosed) {
				t.Errorf("the lock ended with %v", context.Cause(held.Context()))
			}
			finish(t, cluster, c)
		})
	}
}

// A wait without end on a cluster that is gone ends with its session, and says so.
func TestAWaitOnADeadClusterEndsWithTheSession(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		defer mustRelease(t, mustTry(t, session, "job"))
		cluster.script(func(string, []string) fate { return cutBefore })
		begin := time.Now()
		_, err := session.Lock(t.Context(), "job")
		if err == nil || time.Since(begin) > 10*time.Second {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
	})
}

// A release that cannot be sent goes on in the background: otherwise the session would hold the lock for as long as it lives.
func TestAReleaseGoesOnInTheBackground(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		held := mustTry(t, session, "job")
		cluster.script(func(_ string, words []string) fate {
			if words[0] == "LOCK.RELEASE" {
				return loading
			}
			return answered
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := held.Release(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		cluster.script(nil)
		mustRelease(t, held)
		stillHeld(t, cluster)
	})
}

// A try whose wait is over is told so by the cluster, or by the context, whichever comes first.
func TestAWaitEndsWithItsContext(t *testing.T) {
	inBubble(t, func(t *testing.T, cluster *fakeCluster, c *Client, session *Session) {
		defer mustRelease(t, mustTry(t, session, "job"))
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		begin := time.Now()
		if _, err := session.Lock(ctx, "job"); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 1500*time.Millisecond {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
		cluster.mu.Lock()
		defer cluster.mu.Unlock()
		for _, words := range cluster.words {
			if wait := optionOf(words, "WAIT"); wait != "" && wait != strconv.Itoa(1500) {
				t.Errorf("the cluster was asked to wait %s ms", wait)
			}
		}
	})
}
